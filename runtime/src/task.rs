//! Tasks: what a caller may say about one besides its input.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{EpisodeId, Namespace, SpanId, TraceId};

/// How urgent a task is. A class is served more often, never exclusively: background work does not starve.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Learning, rebuilding, prefetching.
    Background,
    /// Whatever nobody has classed otherwise.
    #[default]
    Normal,
    /// Somebody waits at a screen or on the line.
    Interactive,
}

impl Priority {
    /// All classes, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Normal, Self::Background];

    /// How many turns of a round a class gets while all have work.
    pub fn weight(self) -> u32 {
        match self {
            Self::Interactive => 16,
            Self::Normal => 4,
            Self::Background => 1,
        }
    }
}

/// What a caller may say about a task besides its input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskOptions {
    /// How urgent it is.
    pub priority: Priority,
    /// How long the caller waits; none for the configured default.
    pub deadline: Option<Duration>,
    /// The tenant.
    pub namespace: Namespace,
    /// The episode that it belongs to; its settlement and facts are durable then.
    pub episode: Option<EpisodeId>,
    /// The caller's span, which becomes the parent of the task's.
    pub trace: Option<TraceContext>,
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
