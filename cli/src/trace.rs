//! The caller's trace: the variable `TRACEPARENT`, in which pipelines and build tools hand it on.

use aimass_locale::text;
use aimass_runtime::TraceContext;

use super::Context;
use super::said::say;

const VARIABLE: &str = "TRACEPARENT";

/// The span that this command is part of. One that cannot be read costs the trace, not the command.
pub(super) fn of_caller(context: &Context) -> Option<TraceContext> {
    let header = std::env::var(VARIABLE)
        .ok()
        .filter(|header| !header.is_empty())?;
    match header.parse() {
        Ok(trace) => Some(trace),
        Err(error) => {
            let left_out = text!(
                "the variable {VARIABLE} is left out: {error}",
                "变量 {VARIABLE} 未被采用：{error}"
            );
            say(&left_out, context.locale);
            None
        }
    }
}
