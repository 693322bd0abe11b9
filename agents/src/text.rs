//! The text agent: embeddings, language, classes and search, for texts given or in files.
//!
//! ```no_run
//! # async fn example(runtime: aimass_runtime::Runtime) -> Result<(), aimass_runtime::TaskError> {
//! use aimass_agents::text::{Embed, TextInput};
//!
//! let embedding = runtime.ask::<Embed>(TextInput::text("A letter of complaint.")).await?;
//! assert_eq!(embedding.embedding.len(), 384);
//! # Ok(())
//! # }
//! ```

mod agent;
mod classify;
mod embed;
mod encoder;
mod language;
mod search;
mod search_folder;
mod vector_store;
mod view;

pub use crate::text_input::TextInput;
pub use agent::{MANIFEST, TextAgent};
pub use classify::{Classes, Classify, ClassifyInput, Labels, ScoredClass};
pub use embed::{Embed, Embedding};
pub use encoder::{EncoderSource, TextModel};
pub use language::{DetectedLanguage, Language, UNKNOWN_LANGUAGE};
pub use search::{Search, SearchInput};
pub use search_folder::{FolderSearchInput, Hit, Hits, SearchFolder};
