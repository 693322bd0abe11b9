//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill.

pub mod generation;
mod given;
mod in_order;
mod passages;
pub mod speech;
mod stored;
pub mod text;

pub use stored::{Stored, StoredWeights};
