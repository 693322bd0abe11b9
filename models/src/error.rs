//! The one error type of this crate.

use std::path::PathBuf;

/// Why an operation of this crate failed. Every message says the operation, what was expected, what came, and
/// what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The operating system refused a file operation.
    #[error("cannot {operation} `{}`: {source}; {advice}", path.display())]
    File {
        /// What was attempted, such as "read".
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The answer of the operating system.
        source: std::io::Error,
        /// What to do.
        advice: String,
    },
    /// A file was read, but it does not hold what it must.
    #[error("`{}` must be {expected}, found {found}; {advice}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What the file must hold.
        expected: String,
        /// What it holds.
        found: String,
        /// What to do.
        advice: String,
    },
    /// An input of a model is not one that it can take.
    #[error("cannot {operation}: expected {expected}, found {found}; {advice}")]
    Input {
        /// What was attempted.
        operation: &'static str,
        /// What the model takes.
        expected: String,
        /// What came.
        found: String,
        /// What to do.
        advice: String,
    },
    /// A device cannot be opened.
    #[error("cannot open device `{name}`: expected {expected}, found {found}; {advice}")]
    Device {
        /// The name that was asked for.
        name: String,
        /// What would have been accepted.
        expected: String,
        /// What came.
        found: String,
        /// What to do.
        advice: String,
    },
    /// candle failed while it computed. [`crate::device::fault`] says whether the device can be used again.
    #[error("cannot {operation}: {source}")]
    Compute {
        /// What was computed.
        operation: &'static str,
        /// What candle says.
        source: Box<candle_core::Error>,
    },
}

impl ModelError {
    /// Wraps a candle error with the operation that it stopped.
    pub(crate) fn compute(operation: &'static str) -> impl FnOnce(candle_core::Error) -> Self {
        move |source| Self::Compute {
            operation,
            source: Box::new(source),
        }
    }
}
