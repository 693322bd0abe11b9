//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill.
//!
//! [`AGENTS`] is the only list of them: whatever needs to know which agents there are goes through it.

pub mod generation;
mod in_order;
mod manifest;
mod passages;
mod quotes;
pub mod speech;
mod stored;
mod string_or;
pub mod text;

pub use manifest::{AgentManifest, KnownSetting, KnownSettings, ModelSlot};
pub use stored::{Stored, StoredWeights};

/// The agents of this build, in the order in which they start.
pub const AGENTS: &[AgentManifest] = &[text::MANIFEST, speech::MANIFEST, generation::MANIFEST];
