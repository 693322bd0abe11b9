//! The span of a whole episode: kept with the episode, so that whoever sees its end can tell observers, in this process or the next.

use aimass_environment::{EpisodeStatus, Provenance, SpanId, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::observer::EpisodeFinished;
use crate::task::TraceContext;

/// Where an episode's span lies.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Root {
    inputs: usize,
    trace: TraceId,
    span: SpanId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<SpanId>,
    sampled: bool,
    begun_ns: u64,
}

impl Root {
    pub(crate) fn new(parent: Option<TraceContext>, inputs: usize, begun_ns: u64) -> Self {
        Self {
            inputs,
            trace: parent.map_or_else(TraceId::random, |parent| parent.trace),
            span: SpanId::random(),
            parent: parent.map(|parent| parent.span),
            sampled: parent.is_none_or(|parent| parent.sampled),
            begun_ns,
        }
    }

    /// Of the facts that are the episode's input.
    pub(crate) fn provenance(&self) -> Provenance {
        Provenance {
            trace: Some(self.trace),
            span: Some(self.span),
            ..Provenance::default()
        }
    }

    /// As it is kept with the episode.
    pub(crate) fn about(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Where the span of an episode lies; nowhere when somebody else began it, with an `about` of their own.
    pub(crate) fn place(status: &EpisodeStatus) -> Option<TraceContext> {
        let root = Self::deserialize(&status.record.about).ok()?;
        Some(TraceContext {
            trace: root.trace,
            span: root.span,
            sampled: root.sampled,
        })
    }

    /// What observers are told at the episode's end; none when somebody else began it, with an `about` of their own.
    pub(crate) fn finished(
        status: &EpisodeStatus,
        failures: u64,
        finished_ns: u64,
    ) -> Option<EpisodeFinished> {
        let root = Self::deserialize(&status.record.about).ok()?;
        Some(EpisodeFinished {
            episode: status.record.id,
            namespace: status.record.namespace.clone(),
            trace: root.trace,
            span: root.span,
            parent: root.parent,
            sampled: root.sampled,
            begun_ns: root.begun_ns,
            finished_ns,
            facts: status.facts,
            failures,
        })
    }
}
