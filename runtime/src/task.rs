//! Tasks: what a caller may say about one besides its input.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aimass_environment::{EpisodeId, Namespace, Priority, SpanId, TraceId};
use serde::{Deserialize, Serialize};

use thiserror::Error;

/// What a caller may say about a task besides its input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskOptions {
    /// How urgent it is.
    pub priority: Priority,
    /// How long the caller waits; none for the configured default.
    pub deadline: Option<Duration>,
    /// The tenant; none for the configured one.
    pub namespace: Option<Namespace>,
    /// The episode that it belongs to; its settlement and facts are durable then.
    pub episode: Option<EpisodeId>,
    /// The caller's span, which becomes the parent of the task's.
    pub trace: Option<TraceContext>,
    /// Of a durable stream that is cancelled: what it has sent can be read for a while all the same, as long as this process lives. Of those of one
    /// runtime the last 16 are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_items: bool,
}

/// A W3C trace context: which trace the work belongs to, and which span asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The parent span.
    pub span: SpanId,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

/// The text is not a `traceparent` header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "expected a W3C traceparent, `00-` 32 hexadecimal digits `-` 16 hexadecimal digits `-` 2 hexadecimal digits, got `{found}`"
)]
pub struct ParseTraceError {
    /// What was found, cut to a bounded length.
    pub found: String,
}

/// The header `traceparent` of W3C Trace Context: <https://www.w3.org/TR/trace-context/#traceparent-header>.
///
/// ```
/// use aimass_runtime::TraceContext;
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context: TraceContext = header.parse()?;
/// assert!(context.sampled);
/// assert_eq!(context.to_string(), header);
/// # Ok::<(), aimass_runtime::ParseTraceError>(())
/// ```
impl FromStr for TraceContext {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        let refused = || ParseTraceError {
            found: text.chars().take(60).collect(),
        };
        let mut parts = text.trim().splitn(5, '-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits);
            let hexadecimal = |part: &&str| {
                part.bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            };
            part.filter(hexadecimal).ok_or_else(refused)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Version ff is forbidden; later versions may append parts, the first may not.
        if version == "ff" || version == "00" && parts.next().is_some() {
            return Err(refused());
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| refused())?;
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        if zero(trace) || zero(span) {
            return Err(refused());
        }
        Ok(Self {
            trace: trace.parse().map_err(|_| refused())?,
            span: span.parse().map_err(|_| refused())?,
            sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(formatter, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_traceparent_is_refused() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{trace}-00f067aa0ba902b7"),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{trace}-00f067aa0ba902b7-1"),
            format!("00-{}-00f067aa0ba902b7-01", "ü".repeat(16)),
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
        let later = format!("01-{trace}-00f067aa0ba902b7-02-more");
        assert!(!later.parse::<TraceContext>().unwrap().sampled);
    }
}
