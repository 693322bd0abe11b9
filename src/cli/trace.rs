//! The caller's trace: the variable `TRACEPARENT`, in which pipelines and build tools hand it on.

use aimass_runtime::TraceContext;

use super::failure::say;

const VARIABLE: &str = "TRACEPARENT";

/// The span that this command is part of. One that cannot be read costs the trace, not the command.
pub(super) fn of_caller() -> Option<TraceContext> {
    let header = std::env::var(VARIABLE)
        .ok()
        .filter(|header| !header.is_empty())?;
    match header.parse() {
        Ok(trace) => Some(trace),
        Err(error) => {
            say(&format!("the variable {VARIABLE} is left out: {error}"));
            None
        }
    }
}
