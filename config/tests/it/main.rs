//! Black-box tests of the configuration.
#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test may fail by a panic, and reads as `check(input, expect![..])`"
)]

mod bad_input;
mod files;
mod named_files;
mod names;
mod problems;
mod round_trip;
mod settings;
mod variables;

use std::collections::BTreeMap;

use aimass_config::{Config, ConfigError};

/// Parses a text without any variables.
fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "aimass.toml", &BTreeMap::new())
}
