//! Whether what errors and panics say leaves the process with the rest: they may quote what a task was given.

/// The field of a line of the log that has such words: of what is said through `tracing`, nothing else quotes a task.
pub(crate) const WORDS: &str = "said";

/// What `observers.content` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// They are told in full.
    Shown,
    /// It is told that they happened, and of which kind they are.
    Hidden,
}

impl Content {
    /// What the configuration asks for.
    pub(crate) fn of(config: &aimass_config::ObserversConfig) -> Self {
        match config.content {
            true => Self::Shown,
            false => Self::Hidden,
        }
    }
}
