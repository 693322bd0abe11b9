//! AI Mass: a runtime for teams of learning models.
//!
#![doc = include_str!("../README.md")]

mod team;

pub use aimass_config::{Config, ConfigError};
pub use aimass_runtime::*;
pub use team::{builder, start};
