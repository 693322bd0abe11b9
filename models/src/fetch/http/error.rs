//! Why an answer did not come, and whether to ask again.

use std::io;

use ureq::http::StatusCode;

use super::Address;
use crate::ModelError;

/// Why an answer did not come.
#[derive(Debug)]
pub(crate) enum HttpError {
    /// What came instead, in words.
    Refused(String),
    /// A status that says no.
    Status(StatusCode),
    /// Something came, and is not what was announced.
    Changed { expected: String, found: String },
    /// This machine's fault.
    Here(ModelError),
}

/// Whether it may go better the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hope {
    Again,
    Lost,
}

/// How one attempt failed.
pub(super) struct Failure {
    pub(super) error: HttpError,
    pub(super) hope: Hope,
}

/// Who was asked, for the words of an error.
pub(crate) struct Server {
    /// What was attempted.
    pub(crate) operation: &'static str,
    /// What to do where it wants to know who asks.
    pub(crate) login: String,
    /// What to do where it cannot be reached, or does not have the file.
    pub(crate) advice: String,
}

impl HttpError {
    /// The error of this crate.
    pub(crate) fn told(self, address: &Address, server: &Server) -> ModelError {
        let unavailable = |found: String, advice: &str| ModelError::Unavailable {
            operation: server.operation,
            expected: format!("`{address}`"),
            found,
            advice: advice.to_owned(),
        };
        match self {
            Self::Here(error) => error,
            Self::Refused(found) => unavailable(found, &server.advice),
            Self::Status(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                unavailable(format!("status {status}"), &server.login)
            }
            Self::Status(status) => unavailable(format!("status {status}"), &server.advice),
            Self::Changed { expected, found } => ModelError::Format {
                path: address.to_string().into(),
                expected,
                found,
                advice: "it was changed on its way or at its source: do not use it".to_owned(),
            },
        }
    }
}

impl Failure {
    pub(super) fn lost(found: String) -> Self {
        Self {
            error: HttpError::Refused(found),
            hope: Hope::Lost,
        }
    }

    pub(super) fn again(found: String) -> Self {
        Self {
            error: HttpError::Refused(found),
            hope: Hope::Again,
        }
    }

    pub(super) fn changed(expected: String, found: String) -> Self {
        Self {
            error: HttpError::Changed { expected, found },
            hope: Hope::Lost,
        }
    }

    pub(super) fn here(error: ModelError) -> Self {
        Self {
            error: HttpError::Here(error),
            hope: Hope::Lost,
        }
    }

    pub(super) fn broken_off(came: u64, error: &io::Error) -> Self {
        Self::again(format!(
            "it broke off after {came} bytes: {error}; pull again to go on"
        ))
    }

    pub(super) fn of_status(status: StatusCode) -> Self {
        let passes = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
        Self {
            error: HttpError::Status(status),
            hope: match status.is_server_error() || passes.contains(&status) {
                true => Hope::Again,
                false => Hope::Lost,
            },
        }
    }

    pub(super) fn of_ureq(error: &ureq::Error) -> Self {
        let said = error.to_string();
        if said.contains("UnknownIssuer") {
            return Self::lost(format!(
                "{said}; if an authority of your own stands behind it, name its certificate in `SSL_CERT_FILE`"
            ));
        }
        match error {
            // What TLS complains of is invalid data, and stays so.
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::lost(said)
            }
            ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::BodyStalled => Self::again(said),
            _ => Self::lost(said),
        }
    }
}
