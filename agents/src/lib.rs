//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill, one feature of its name.
//!
//! [`AGENTS`] is the only list of them: whatever needs to know which agents there are goes through it.

#[cfg(feature = "generation")]
pub mod generation;
#[cfg(any(feature = "text", feature = "image"))]
mod hits;
#[cfg(feature = "image")]
pub mod image;
#[cfg(any(feature = "speech", feature = "generation"))]
mod in_order;
#[cfg(any(feature = "text", feature = "image"))]
mod listed;
mod manifest;
#[cfg(any(feature = "text", feature = "generation"))]
mod passages;
#[cfg(any(feature = "speech", feature = "generation", feature = "image"))]
mod quotes;
#[cfg(any(feature = "text", feature = "image"))]
mod skipped;
#[cfg(feature = "speech")]
pub mod speech;
mod stored;
#[cfg(any(feature = "text", feature = "generation", feature = "image"))]
mod string_or;
#[cfg(feature = "text")]
pub mod text;
#[cfg(any(feature = "text", feature = "generation"))]
mod text_input;

pub use manifest::{AgentManifest, KnownSetting, KnownSettings, ModelSlot};
pub use stored::{Stored, StoredWeights};
#[cfg(any(feature = "text", feature = "generation"))]
pub use text_input::TextInput;

/// The agents of this build, in the order in which they start.
pub const AGENTS: &[AgentManifest] = &[
    #[cfg(feature = "text")]
    text::MANIFEST,
    #[cfg(feature = "image")]
    image::MANIFEST,
    #[cfg(feature = "speech")]
    speech::MANIFEST,
    #[cfg(feature = "generation")]
    generation::MANIFEST,
];
