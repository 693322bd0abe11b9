//! The agents of AI Mass: skills on top of models. One folder an agent, one file a skill.

pub mod text;
