//! What the user wrote, and what the program means by it.
//!
//! One TOML file in which everything is optional, and environment variables `AIMASS_SECTION__KEY` that come before it.
//! The way of a value: `document` reads the text into a tree with places, `variables` writes over it, `check` holds it
//! against the table in `keys`, and what passed is read into [`Config`] by serde. So a key is declared twice: in the table, and as a field.
//!
//! What one agent alone knows is kept as it was written, and read by the agent: [`Settings`].
//!
//! What else a user names is opened and written alike everywhere because the rules for it are here as well: [`files`].

mod check;
mod config;
mod document;
mod error;
mod file;
pub mod files;
mod form;
mod keys;
mod names;
mod nesting;
mod rule;
mod settings;
mod template;
mod units;
mod variables;

pub use config::Config;
pub use config::agent::AgentConfig;
pub use config::environment::{EnvironmentConfig, Fsync, Retention};
pub use config::models::{ModelsConfig, PackageIndexesConfig};
pub use config::observers::{
    LogForm, LogLevel, ObserversConfig, OtlpConfig, OtlpProtocol, TracesConfig,
};
pub use config::reaction::ReactionConfig;
pub use config::runtime::{RuntimeConfig, Strategy, SupervisionConfig};
pub use error::{ConfigError, Instead, Named, Place, Problem};
pub use names::{KnownNames, Places};
pub use settings::{AgentSettings, Settings, SettingsRead, byte_size};
pub use variables::{ProcessVariables, Variables};
