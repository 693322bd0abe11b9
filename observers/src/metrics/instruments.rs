//! All metrics, with their names, units and labels.

use std::fmt::Write;
use std::sync::atomic::AtomicU64;

use aimass_runtime::{AgentState, Runtime};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// Upper bounds of durations in seconds: three to a decade, from a hundred microseconds to half an hour.
const DURATIONS: [f64; 22] = [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0,
    50.0, 100.0, 200.0, 500.0, 1800.0,
];
/// Upper bounds of the sizes of batches.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByAgent {
    pub(super) agent: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BySkill {
    pub(super) agent: String,
    pub(super) skill: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByOutcome {
    pub(super) agent: String,
    pub(super) skill: String,
    pub(super) outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByTrouble {
    pub(super) agent: String,
    pub(super) trouble: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByState {
    agent: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByModel {
    agent: String,
    group: String,
    device: String,
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TraceLabel {
    pub(super) trace_id: String,
}

type Durations = Family<BySkill, Histogram, fn() -> Histogram>;
type TracedDurations = Family<
    ByOutcome,
    HistogramWithExemplars<TraceLabel>,
    fn() -> HistogramWithExemplars<TraceLabel>,
>;

/// What a metric is called, and what it says.
#[derive(Clone, Copy)]
struct Described {
    name: &'static str,
    kind: &'static str,
    unit: Option<&'static str>,
    about: &'static str,
}

const fn described(
    name: &'static str,
    kind: &'static str,
    unit: Option<&'static str>,
    about: &'static str,
) -> Described {
    Described {
        name,
        kind,
        unit,
        about,
    }
}

const TASK_DURATION: Described = described(
    "task_duration",
    "histogram",
    Some("seconds"),
    "From acceptance to answer, by outcome: `done`, or the kind of the error",
);
const TASK_QUEUE_DURATION: Described = described(
    "task_queue_duration",
    "histogram",
    Some("seconds"),
    "From acceptance to the beginning of the last run",
);
const TASK_MODEL_DURATION: Described = described(
    "task_model_duration",
    "histogram",
    Some("seconds"),
    "Time in the steps of the last run, in which a batch shares",
);
const STREAM_FIRST_ITEM_DURATION: Described = described(
    "stream_first_item_duration",
    "histogram",
    Some("seconds"),
    "From acceptance to the first item of a stream",
);
const BATCH_SIZE: Described = described(
    "batch_size",
    "histogram",
    None,
    "Tasks that a batch began with",
);
const TASK_RETRIES: Described = described(
    "task_retries",
    "counter",
    None,
    "Attempts that will be repeated",
);
const DEAD_LETTERS: Described = described(
    "dead_letters",
    "counter",
    None,
    "Tasks that were given up and kept",
);
const WORKER_TROUBLES: Described = described(
    "worker_troubles",
    "counter",
    None,
    "Ends of workers that nobody asked for: `panicked`, `hung`, `abandoned`, `load_failed`, `taken_down`, `fell_back`",
);
const AGENT_WAITING_TASKS: Described = described(
    "agent_waiting_tasks",
    "gauge",
    None,
    "Accepted tasks that wait for a worker",
);
const AGENT_TASKS: Described = described(
    "agent_tasks",
    "gauge",
    None,
    "Accepted tasks that are not settled",
);
const AGENT_INPUT: Described = described(
    "agent_input",
    "gauge",
    Some("bytes"),
    "Inputs of the accepted tasks",
);
const AGENT_FAILED: Described = described(
    "agent_failed",
    "gauge",
    None,
    "1 for an agent that was given up",
);
const AGENT_ABANDONED_THREADS: Described = described(
    "agent_abandoned_threads",
    "gauge",
    None,
    "Threads that hung, were given up and have not ended",
);
const AGENT_WORKERS: Described = described(
    "agent_workers",
    "gauge",
    None,
    "Workers that hold models, by what they do",
);
const MODEL_MEMORY: Described = described(
    "model_memory",
    "gauge",
    Some("bytes"),
    "Weights in memory, by model",
);
const DROPPED_RECORDS: Described = described(
    "dropped_records",
    "counter",
    None,
    "Records that did not reach the observers",
);
const DROPPED_SPANS: Described = described(
    "dropped_spans",
    "counter",
    None,
    "Spans that did not reach the collector",
);

/// All metrics, in the order of the documentation.
const METRICS: [Described; 17] = [
    TASK_DURATION,
    TASK_QUEUE_DURATION,
    TASK_MODEL_DURATION,
    STREAM_FIRST_ITEM_DURATION,
    BATCH_SIZE,
    TASK_RETRIES,
    DEAD_LETTERS,
    WORKER_TROUBLES,
    AGENT_WAITING_TASKS,
    AGENT_TASKS,
    AGENT_INPUT,
    AGENT_FAILED,
    AGENT_ABANDONED_THREADS,
    AGENT_WORKERS,
    MODEL_MEMORY,
    DROPPED_RECORDS,
    DROPPED_SPANS,
];

/// Every metric that there is.
pub(super) struct Instruments {
    pub(super) task_duration: TracedDurations,
    pub(super) queue_duration: Durations,
    pub(super) model_duration: Durations,
    pub(super) first_item_duration: Durations,
    pub(super) batch_size: Durations,
    pub(super) retries: Family<ByAgent, Counter>,
    pub(super) dead_letters: Family<ByAgent, Counter>,
    pub(super) troubles: Family<ByTrouble, Counter>,
    state: States,
    registry: Registry,
}

/// What is looked at when somebody asks.
#[derive(Default)]
struct States {
    waiting: Family<ByAgent, Gauge>,
    tasks: Family<ByAgent, Gauge>,
    bytes: Family<ByAgent, Gauge>,
    failed: Family<ByAgent, Gauge>,
    abandoned: Family<ByAgent, Gauge>,
    workers: Family<ByState, Gauge>,
    model_memory: Family<ByModel, Gauge>,
    dropped_records: Counter<u64, AtomicU64>,
    dropped_spans: Counter<u64, AtomicU64>,
}

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

fn traced_durations() -> HistogramWithExemplars<TraceLabel> {
    HistogramWithExemplars::new(DURATIONS.into_iter())
}

fn sizes() -> Histogram {
    Histogram::new(SIZES)
}

impl Instruments {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("aimass");
        let task_duration = TracedDurations::new_with_constructor(traced_durations);
        let queue_duration = Durations::new_with_constructor(durations);
        let model_duration = Durations::new_with_constructor(durations);
        let first_item_duration = Durations::new_with_constructor(durations);
        let batch_size = Durations::new_with_constructor(sizes);
        let retries = Family::<ByAgent, Counter>::default();
        let dead_letters = Family::<ByAgent, Counter>::default();
        let troubles = Family::<ByTrouble, Counter>::default();
        let state = States::default();
        register(&mut registry, TASK_DURATION, task_duration.clone());
        register(&mut registry, TASK_QUEUE_DURATION, queue_duration.clone());
        register(&mut registry, TASK_MODEL_DURATION, model_duration.clone());
        register(
            &mut registry,
            STREAM_FIRST_ITEM_DURATION,
            first_item_duration.clone(),
        );
        register(&mut registry, BATCH_SIZE, batch_size.clone());
        register(&mut registry, TASK_RETRIES, retries.clone());
        register(&mut registry, DEAD_LETTERS, dead_letters.clone());
        register(&mut registry, WORKER_TROUBLES, troubles.clone());
        register(&mut registry, AGENT_WAITING_TASKS, state.waiting.clone());
        register(&mut registry, AGENT_TASKS, state.tasks.clone());
        register(&mut registry, AGENT_INPUT, state.bytes.clone());
        register(&mut registry, AGENT_FAILED, state.failed.clone());
        register(
            &mut registry,
            AGENT_ABANDONED_THREADS,
            state.abandoned.clone(),
        );
        register(&mut registry, AGENT_WORKERS, state.workers.clone());
        register(&mut registry, MODEL_MEMORY, state.model_memory.clone());
        register(
            &mut registry,
            DROPPED_RECORDS,
            state.dropped_records.clone(),
        );
        register(&mut registry, DROPPED_SPANS, state.dropped_spans.clone());
        Self {
            task_duration,
            queue_duration,
            model_duration,
            first_item_duration,
            batch_size,
            retries,
            dead_letters,
            troubles,
            state,
            registry,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }

    pub(super) fn look_at(&self, runtime: &Runtime, lost_spans: u64) {
        let state = &self.state;
        // What has gone since must not be shown any more.
        state.workers.clear();
        state.model_memory.clear();
        runtime
            .agents()
            .iter()
            .for_each(|agent| self.look_at_agent(agent));
        raise(&state.dropped_records, runtime.dropped_events());
        raise(&state.dropped_spans, lost_spans);
    }

    fn look_at_agent(&self, agent: &AgentState) {
        let state = &self.state;
        let by_agent = ByAgent {
            agent: agent.name.clone(),
        };
        let set = |family: &Family<ByAgent, Gauge>, value: u64| {
            family.get_or_create(&by_agent).set(gauge(value));
        };
        set(&state.waiting, agent.waiting);
        set(&state.tasks, agent.tasks);
        set(&state.bytes, agent.bytes);
        set(&state.failed, u64::from(agent.failed.is_some()));
        set(&state.abandoned, u64::from(agent.abandoned));
        for worker in &agent.workers {
            let by_state = ByState {
                agent: agent.name.clone(),
                state: worker.state.to_owned(),
            };
            state.workers.get_or_create(&by_state).inc();
            if !matches!(worker.state, "idle" | "busy" | "leaving") {
                continue;
            }
            let by_model = ByModel {
                agent: agent.name.clone(),
                group: worker.group.clone(),
                device: worker.device.to_string(),
                model: worker.model.to_string(),
            };
            let memory = state.model_memory.get_or_create(&by_model);
            memory.set(gauge(worker.model_bytes));
        }
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Brings a counter to a value that was counted elsewhere.
fn raise(counter: &Counter<u64, AtomicU64>, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn register(registry: &mut Registry, described: Described, metric: impl Metric) {
    let Described { name, about, .. } = described;
    match described.unit {
        None => registry.register(name, about, metric),
        Some(unit) => {
            registry.register_with_unit(name, about, Unit::Other(unit.to_owned()), metric)
        }
    }
}

/// All metrics as a table in Markdown, made of the list by which they are registered.
pub fn table() -> String {
    let mut page = String::from("| metric | type | meaning |\n|---|---|---|\n");
    for Described {
        name,
        kind,
        unit,
        about,
    } in METRICS
    {
        let unit = unit.map_or_else(String::new, |unit| format!("_{unit}"));
        let total = if kind == "counter" { "_total" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `aimass_{name}{unit}{total}` | {kind} | {about} |");
    }
    page
}
