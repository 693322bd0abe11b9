//! What AI Mass shows in a browser: panels, and how they become HTML.
//!
//! An [`EpisodePage`] is one HTML file. It needs no other file, no network and, to be read, no script. Whatever comes from files is escaped by the
//! template; only our own style and script are put in as they are.

mod facts;
mod media;
mod page;
mod panel;
mod recording;
mod report;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use facts::Row;
pub use media::Media;
pub use page::{EpisodePage, PageError};
pub use timeline::{Task, Work};
