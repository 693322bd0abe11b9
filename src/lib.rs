//! AI Mass: a runtime for teams of learning models.
//!
//! Each agent has a feature of its name, and all are on by default: `default-features = false` leaves out those that are not named.
//!
#![doc = include_str!("../README.md")]

mod agent_set;
mod folders;
mod settings;
mod team;

pub use agent_set::AgentSet;
pub use aimass_agents::*;
pub use aimass_config::{Config, ConfigError};
pub use aimass_locale::Locale;
pub use aimass_models as models;
pub use aimass_observers as observers;
pub use aimass_runtime::*;
pub use folders::{cache_dir, home_dir, socket_in, socket_path, store_dir, store_in};
pub use settings::{in_force, template};
pub use team::{StartError, check, metered_team, model_store, start, team, team_in, views};

/// The tutorial's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/tutorial.md")]
mod tutorial {}

/// The code of the how-tos, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/how-to.md")]
mod how_to {}

/// The code of the page about traces, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/tracing.md")]
mod traces {}

/// The code of the page about programs that embed, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
mod embedding {}
