//! What the user wrote, and what the program means by it.

mod config;

pub use config::Config;
pub use config::agent::AgentConfig;
pub use config::environment::{EnvironmentConfig, Fsync, Retention};
pub use config::models::ModelsConfig;
pub use config::observers::ObserversConfig;
pub use config::reaction::ReactionConfig;
pub use config::runtime::{RuntimeConfig, Strategy, SupervisionConfig};
