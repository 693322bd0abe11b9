//! AI Mass: a runtime for teams of learning models.
//!
#![doc = include_str!("../README.md")]

mod folders;
mod settings;
mod team;

pub use aimass_agents::{
    AGENTS, AgentManifest, KnownSetting, KnownSettings, ModelSlot, generation, speech, text,
};
pub use aimass_config::{Config, ConfigError};
pub use aimass_locale::Locale;
pub use aimass_models as models;
pub use aimass_observers as observers;
pub use aimass_runtime::*;
pub use folders::{cache_folder, home_folder};
pub use settings::{in_force, template};
pub use team::{StartError, builder, check, metered_builder, model_store, start, views};

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
