//! How AI Mass speaks to people: in two languages, and so that what comes from outside does no harm.

mod figures;
pub mod harmless;
mod language;
mod language_names;
mod locale;
mod nearest;
mod text;

pub use figures::{clock, size, timecode};
pub use language::language_code;
pub use language_names::language_name;
pub use locale::Locale;
pub use nearest::nearest;
pub use text::Text;
