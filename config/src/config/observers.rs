//! What the observers write.

use std::path::PathBuf;

/// The settings of the observers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObserversConfig {
    /// The file that the JSON Lines recorder appends to; `None` records nothing.
    pub json_lines: Option<PathBuf>,
    /// Whether the content of tasks and facts is part of telemetry.
    pub content: bool,
}
