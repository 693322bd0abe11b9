//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill.

mod artefact;
pub mod generation;
mod given;
mod in_order;
mod passages;
pub mod speech;
pub mod text;
