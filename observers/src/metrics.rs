//! Metrics: rates, errors and durations by agent and skill, and how full and how healthy the agents are, for Prometheus and by OTLP.
//!
//! They are counted once, and shown in both forms. (The usual crate for Prometheus lets nobody read its histograms, so they would have to be
//! counted a second time for OTLP.)

mod counted;
pub(crate) mod described;
mod open_metrics;
pub(crate) mod series;
mod server;
mod state;

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use aimass_config::TracesConfig;
use aimass_runtime::{Observer, Record, TaskFinished, WeakRuntime};
use parking_lot::Mutex;

use crate::traces::SpanLosses;
use crate::traces::sampling::Rule;
use counted::Counted;
pub use described::table as documentation;
use series::{Families, Seen};
pub use server::MetricsServer;

/// Counts and measures what the runtime tells. Cloning it shares it: give one clone to the runtime and serve the other.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    counted: Mutex<Counted>,
    kept: Rule,
    /// When the counts began, in nanoseconds since the Unix epoch.
    since_ns: u64,
    runtime: OnceLock<WeakRuntime>,
    losses: OnceLock<SpanLosses>,
}

impl Metrics {
    /// Metrics of one runtime, with nothing counted so far. Histograms show traces as exemplars, those that `traces` keeps.
    pub fn new(traces: &TracesConfig) -> Self {
        let shared = Shared {
            counted: Mutex::default(),
            kept: Rule::new(traces),
            since_ns: now_ns(),
            runtime: OnceLock::new(),
            losses: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// All metrics, with the state of the runtime at this moment, in the text form of OpenMetrics 1.0.
    pub fn text(&self) -> String {
        open_metrics::text(self.collect())
    }

    /// Counts, too, what an exporter of traces could not deliver.
    pub(crate) fn count_losses(&self, losses: SpanLosses) {
        // There is one exporter; a second one would have nothing to add.
        let _ = self.shared.losses.set(losses);
    }

    /// All metrics at this moment.
    pub(crate) fn collect(&self) -> Families {
        let mut families = Families::new();
        let shared = &self.shared;
        shared.counted.lock().collect(&mut families);
        if let Some(runtime) = shared.runtime.get().and_then(WeakRuntime::upgrade) {
            state::collect(&runtime, &mut families);
        }
        if let Some(losses) = shared.losses.get() {
            families.number(described::DROPPED_SPANS, Vec::new(), losses.spans());
        }
        families
    }

    /// When the counts began, in nanoseconds since the Unix epoch.
    pub(crate) fn since_ns(&self) -> u64 {
        self.shared.since_ns
    }

    /// Where the task's values were seen, if its trace is kept.
    fn seen(&self, task: &TaskFinished) -> Option<Seen> {
        self.shared.kept.keeps(task).then_some(Seen {
            trace: task.trace,
            span: task.span,
            at_ns: task.settled_ns,
        })
    }
}

impl Observer for Metrics {
    fn begin(&mut self, runtime: &WeakRuntime) {
        // Of two runtimes, the first one is looked at; what both tell is counted.
        let _ = self.shared.runtime.set(runtime.clone());
    }

    fn observe(&mut self, record: &Record) {
        match record {
            Record::Task(task) => {
                let seen = self.seen(task);
                self.shared.counted.lock().task(task, seen);
            }
            Record::Note(note) => self.shared.counted.lock().note(note),
            Record::Worker(worker) => self.shared.counted.lock().changed(worker),
            _ => {}
        }
    }
}

/// This moment, in nanoseconds since the Unix epoch.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
