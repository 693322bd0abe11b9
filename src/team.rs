//! The team: every agent that this build has.

use aimass_config::Config;
use aimass_runtime::{Runtime, RuntimeBuilder, RuntimeError};

/// A runtime of this configuration with every agent that this build has and the configuration enables. Add your own agents, a durable
/// environment or observers before you start it.
pub fn builder(config: Config) -> RuntimeBuilder {
    Runtime::builder(config)
}

/// Starts the team in an environment that ends with the process.
///
/// # Errors
/// As [`RuntimeBuilder::start`].
pub async fn start(config: Config) -> Result<Runtime, RuntimeError> {
    builder(config).start().await
}
