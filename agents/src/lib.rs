//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill.

pub mod generation;
mod in_order;
mod passages;
pub mod speech;
mod stored;
mod string_or;
pub mod text;

pub use stored::{Stored, StoredWeights};
