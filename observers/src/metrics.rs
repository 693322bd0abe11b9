//! Metrics: rates, errors and durations by agent and skill, and how full and how healthy the agents are, for Prometheus.

mod instruments;
mod server;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aimass_config::TracesConfig;
use aimass_runtime::{Note, Observer, Record, Runtime, TaskFinished, TaskOutcome, WorkerChange};

use crate::otlp::OtlpLosses;
use crate::otlp::sampling::Rule;
pub use instruments::table as documentation;
use instruments::{ByAgent, ByOutcome, BySkill, ByTrouble, Instruments, TraceLabel};
pub use server::MetricsServer;

/// Counts and measures what the runtime tells. Cloning it shares it: give one clone to the runtime and serve the other.
#[derive(Clone)]
pub struct Metrics {
    instruments: Arc<Instruments>,
    kept: Rule,
    losses: Option<OtlpLosses>,
}

impl Metrics {
    /// Metrics with nothing counted so far. Histograms show traces as exemplars, those that `traces` keeps.
    pub fn new(traces: &TracesConfig) -> Self {
        Self {
            instruments: Arc::new(Instruments::new()),
            kept: Rule::new(traces),
            losses: None,
        }
    }

    /// Shows, too, what an exporter of traces could not deliver.
    #[must_use]
    pub fn with_losses(mut self, losses: OtlpLosses) -> Self {
        self.losses = Some(losses);
        self
    }

    /// All metrics, with the state of `runtime` at this moment, in the text form of OpenMetrics 1.0.
    pub fn text(&self, runtime: &Runtime) -> String {
        let lost = self.losses.as_ref().map_or(0, OtlpLosses::spans);
        self.instruments.look_at(runtime, lost);
        self.instruments.text()
    }

    fn task(&self, task: &TaskFinished) {
        let all = &self.instruments;
        let (agent, skill) = (task.agent.to_string(), task.skill.to_string());
        let by_skill = BySkill {
            agent: agent.clone(),
            skill: skill.clone(),
        };
        let exemplar = self.kept.keeps(task).then(|| TraceLabel {
            trace_id: task.trace.to_string(),
        });
        let at = Some(UNIX_EPOCH + Duration::from_nanos(task.settled_ns));
        let outcome = match &task.outcome {
            TaskOutcome::Done => "done",
            TaskOutcome::Error { error, .. } => error,
        };
        let by_outcome = ByOutcome {
            agent,
            skill,
            outcome: outcome.to_owned(),
        };
        let took = seconds(task.accepted_ns, task.settled_ns);
        all.task_duration
            .get_or_create(&by_outcome)
            .observe(took, exemplar, at);
        if let Some(started) = task.started_ns {
            let waited = seconds(task.accepted_ns, started);
            all.queue_duration.get_or_create(&by_skill).observe(waited);
        }
        if task.steps > 0 {
            let worked = task.model_ns as f64 / 1e9;
            all.model_duration.get_or_create(&by_skill).observe(worked);
        }
        if let Some(first) = task.first_item_ns {
            let waited = seconds(task.accepted_ns, first);
            all.first_item_duration
                .get_or_create(&by_skill)
                .observe(waited);
        }
        // The first of a batch stands for all of it.
        if let Some(place) = task
            .place
            .as_ref()
            .filter(|place| place.batch_leader.is_none())
        {
            let size = f64::from(place.batch_size);
            all.batch_size.get_or_create(&by_skill).observe(size);
        }
    }
}

impl Observer for Metrics {
    fn observe(&mut self, record: &Record) {
        match record {
            Record::Task(task) => self.task(task),
            Record::Note(note) => {
                let by_agent = ByAgent {
                    agent: note.agent.to_string(),
                };
                match note.note {
                    Note::Retrying { .. } => {
                        self.instruments.retries.get_or_create(&by_agent).inc()
                    }
                    Note::DeadLettered { .. } => {
                        self.instruments.dead_letters.get_or_create(&by_agent).inc()
                    }
                    _ => return,
                };
            }
            Record::Worker(worker) => {
                let trouble = match worker.change {
                    WorkerChange::Panicked { .. } => "panicked",
                    WorkerChange::LoadFailed { .. } => "load_failed",
                    WorkerChange::Hung => "hung",
                    WorkerChange::Abandoned => "abandoned",
                    WorkerChange::TakenDown { .. } => "taken_down",
                    WorkerChange::FellBack => "fell_back",
                    _ => return,
                };
                let by_trouble = ByTrouble {
                    agent: worker.agent.to_string(),
                    trouble: trouble.to_owned(),
                };
                self.instruments.troubles.get_or_create(&by_trouble).inc();
            }
            _ => {}
        }
    }
}

fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}
