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
    /// What an operation needs cannot be had now: a network, the leave of a hub, a program.
    #[error("cannot {operation}: expected {expected}, found {found}; {advice}")]
    Unavailable {
        /// What was attempted.
        operation: &'static str,
        /// What it needs.
        expected: String,
        /// What came.
        found: String,
        /// What to do.
        advice: String,
    },
    /// No source of an artefact gave it.
    #[error(
        "cannot fetch a model: expected one of the sources of `{name}` to answer, found {}; mend one of them, or import a folder \
         with `aimass models import`",
        in_a_row(.refusals)
    )]
    NoSource {
        /// The artefact.
        name: String,
        /// What became of each source, in the order in which they were tried.
        refusals: Vec<Refusal>,
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

/// Why a source of an artefact did not give it.
#[derive(Debug)]
pub struct Refusal {
    /// The source, in words.
    pub from: String,
    /// What happened there.
    pub error: ModelError,
}

fn in_a_row(refusals: &[Refusal]) -> String {
    let said = refusals.iter();
    let said: Vec<String> = said
        .map(|refusal| format!("{}: {}", refusal.from, refusal.error))
        .collect();
    said.join("; ")
}

impl ModelError {
    /// Whether something came, and is not what it must be: trying again will not help, as it may with what could not be reached.
    #[must_use]
    pub fn is_bad_content(&self) -> bool {
        match self {
            Self::Format { .. } | Self::Input { .. } => true,
            // Somebody has to look at a source that gives something wrong, whatever became of the others.
            Self::NoSource { refusals, .. } => refusals
                .iter()
                .any(|refusal| refusal.error.is_bad_content()),
            _ => false,
        }
    }

    /// Wraps a candle error with the operation that it stopped.
    pub(crate) fn compute(operation: &'static str) -> impl FnOnce(candle_core::Error) -> Self {
        move |source| Self::Compute {
            operation,
            source: Box::new(source),
        }
    }
}
