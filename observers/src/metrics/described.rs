//! The names of all metrics, with what they mean: the one list that the code uses and the documentation prints.
//!
//! A metric has the name that OpenTelemetry's conventions would give it. Prometheus's follows from it, as the specification of OpenTelemetry
//! translates them: underscores for dots, the unit behind the name, and `_total` behind that of a counter.

use std::fmt::Write;

use crate::conventions as semconv;

/// What a metric is called, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// In UCUM's words; what is in braces only says what is counted.
    pub(crate) unit: &'static str,
    pub(crate) about: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Histogram,
    Counter,
    Gauge,
}

const fn histogram(name: &'static str, unit: &'static str, about: &'static str) -> Described {
    let kind = Kind::Histogram;
    Described {
        name,
        kind,
        unit,
        about,
    }
}

const fn counter(name: &'static str, unit: &'static str, about: &'static str) -> Described {
    let kind = Kind::Counter;
    Described {
        name,
        kind,
        unit,
        about,
    }
}

const fn gauge(name: &'static str, unit: &'static str, about: &'static str) -> Described {
    let kind = Kind::Gauge;
    Described {
        name,
        kind,
        unit,
        about,
    }
}

pub(super) const TASK_DURATION: Described = histogram(
    "aimass.task.duration",
    "s",
    "From acceptance to answer, by outcome: `done`, or the kind of the error",
);
pub(super) const QUEUE_DURATION: Described = histogram(
    "aimass.task.queue.duration",
    "s",
    "From acceptance to the beginning of the last run",
);
pub(super) const MODEL_DURATION: Described = histogram(
    "aimass.task.model.duration",
    "s",
    "Time in the steps of the last run, in which a batch shares",
);
pub(super) const FIRST_ITEM_DURATION: Described = histogram(
    "aimass.stream.first_item.duration",
    "s",
    "From acceptance to the first item of a stream",
);
pub(super) const BATCH_SIZE: Described = histogram(
    "aimass.batch.size",
    "{task}",
    "Tasks that a batch began with",
);
pub(super) const INPUT_TOKENS: Described = counter(
    semconv::GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS,
    "{token}",
    "Tokens that models read, where their skills count them; embeddings apart",
);
pub(super) const OUTPUT_TOKENS: Described = counter(
    semconv::GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS,
    "{token}",
    "Tokens that models wrote, where their skills count them",
);
pub(super) const OPERATION_INPUT_TOKENS: Described = histogram(
    semconv::GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS,
    "{token}",
    "Tokens that a task's model read; embeddings apart",
);
pub(super) const OPERATION_OUTPUT_TOKENS: Described = histogram(
    semconv::GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS,
    "{token}",
    "Tokens that a task's model wrote",
);
pub(super) const EMBEDDING_INPUT_TOKENS: Described = histogram(
    semconv::GEN_AI_CLIENT_EMBEDDINGS_OPERATION_INPUT_TOKENS,
    "{token}",
    "Tokens that the model of an embedding read",
);
pub(super) const RETRIES: Described = counter(
    "aimass.task.retries",
    "{attempt}",
    "Attempts that will be repeated",
);
pub(super) const DEAD_LETTERS: Described = counter(
    "aimass.dead_letters",
    "{task}",
    "Tasks that were given up and kept",
);
pub(super) const TROUBLES: Described = counter(
    "aimass.worker.troubles",
    "{trouble}",
    "Ends of workers that nobody asked for: `panicked`, `hung`, `abandoned`, `load_failed`, `taken_down`, `fell_back`",
);
pub(super) const RESTARTS: Described = counter(
    "aimass.worker.restarts",
    "{restart}",
    "Starts of workers that hold models, after the first",
);
pub(super) const WAITING_TASKS: Described = gauge(
    "aimass.agent.waiting_tasks",
    "{task}",
    "Accepted tasks that wait for a worker",
);
pub(super) const TASKS: Described = gauge(
    "aimass.agent.tasks",
    "{task}",
    "Accepted tasks that are not settled",
);
pub(super) const INPUT: Described =
    gauge("aimass.agent.input", "By", "Inputs of the accepted tasks");
pub(super) const FAILED: Described = gauge(
    "aimass.agent.failed",
    "",
    "1 for an agent that was given up",
);
pub(super) const ABANDONED_THREADS: Described = gauge(
    "aimass.agent.abandoned_threads",
    "{thread}",
    "Threads that hung, were given up and have not ended",
);
pub(super) const WORKERS: Described = gauge(
    "aimass.agent.workers",
    "{worker}",
    "Workers that hold models, by what they do",
);
pub(super) const MODEL_MEMORY: Described = gauge(
    "aimass.model.memory",
    "By",
    "Weights in memory, by model: counted where the model can count them, else as declared",
);
pub(super) const SERVICE_RESTARTS: Described = counter(
    "aimass.service.restarts",
    "{restart}",
    "Restarts of a part of the runtime: a service, or the actor of an agent",
);
pub(super) const SERVICE_FAILED: Described = gauge(
    "aimass.service.failed",
    "",
    "1 for a part of the runtime that failed too often",
);
pub(super) const COMMIT_DURATION: Described = histogram(
    "aimass.store.commit.duration",
    "s",
    "From the request of a transaction to its answer, when it is as durable as `environment.fsync` says",
);
pub(super) const DROPPED_RECORDS: Described = counter(
    "aimass.dropped_records",
    "{record}",
    "Records that did not reach the observers",
);
pub(super) const DROPPED_SPANS: Described = counter(
    "aimass.dropped_spans",
    "{span}",
    "Spans that did not reach the collector",
);

/// All metrics, in the order of the documentation.
pub(super) const METRICS: [Described; 26] = [
    TASK_DURATION,
    QUEUE_DURATION,
    MODEL_DURATION,
    FIRST_ITEM_DURATION,
    BATCH_SIZE,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    OPERATION_INPUT_TOKENS,
    OPERATION_OUTPUT_TOKENS,
    EMBEDDING_INPUT_TOKENS,
    RETRIES,
    DEAD_LETTERS,
    TROUBLES,
    RESTARTS,
    WAITING_TASKS,
    TASKS,
    INPUT,
    FAILED,
    ABANDONED_THREADS,
    WORKERS,
    MODEL_MEMORY,
    SERVICE_RESTARTS,
    SERVICE_FAILED,
    COMMIT_DURATION,
    DROPPED_RECORDS,
    DROPPED_SPANS,
];

/// What the points of a metric are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Agent,
    Skill,
    Outcome,
    Trouble,
    State,
    Group,
    Device,
    Model,
    Operation,
    Provider,
    Modality,
    Service,
}

impl Label {
    const ALL: [Self; 12] = [
        Self::Agent,
        Self::Skill,
        Self::Outcome,
        Self::Trouble,
        Self::State,
        Self::Group,
        Self::Device,
        Self::Model,
        Self::Operation,
        Self::Provider,
        Self::Modality,
        Self::Service,
    ];

    /// Its name in Prometheus.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Skill => "skill",
            Self::Outcome => "outcome",
            Self::Trouble => "trouble",
            Self::State => "state",
            Self::Group => "group",
            Self::Device => "device",
            Self::Model => "model",
            Self::Operation => "operation",
            Self::Provider => "provider",
            Self::Modality => "modality",
            Self::Service => "service",
        }
    }

    /// Its name in OpenTelemetry, where the conventions have one, and the spans' attributes are called alike.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Agent => semconv::GEN_AI_AGENT_NAME,
            Self::Skill => "aimass.skill",
            Self::Outcome => semconv::ERROR_TYPE,
            Self::Trouble => "aimass.worker.trouble",
            Self::State => "aimass.worker.state",
            Self::Group => "aimass.worker.group",
            Self::Device => "aimass.device",
            Self::Model => semconv::GEN_AI_REQUEST_MODEL,
            Self::Operation => semconv::GEN_AI_OPERATION_NAME,
            Self::Provider => semconv::GEN_AI_PROVIDER_NAME,
            Self::Modality => semconv::GEN_AI_TOKEN_MODALITY,
            Self::Service => "aimass.service",
        }
    }
}

impl Described {
    /// Its name in Prometheus, without the `_total` of a counter.
    pub(super) fn prometheus(&self) -> String {
        let name = self.name.replace('.', "_");
        match self.prometheus_unit() {
            None => name,
            Some(unit) => format!("{name}_{unit}"),
        }
    }

    pub(super) fn prometheus_unit(&self) -> Option<&'static str> {
        match self.unit {
            "s" => Some("seconds"),
            "By" => Some("bytes"),
            _ => None,
        }
    }
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Histogram => "histogram",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// All metrics and their labels as tables in Markdown, made of the lists that the code uses.
pub fn table() -> String {
    let mut page = String::from(
        "| in Prometheus | by OTLP | unit | type | meaning |\n|---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let total = if metric.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        let Described {
            name,
            kind,
            unit,
            about,
        } = metric;
        let (prometheus, kind) = (metric.prometheus(), kind.word());
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{prometheus}{total}` | `{name}` | {unit} | {kind} | {about} |"
        );
    }
    page.push_str("\n| label in Prometheus | attribute by OTLP |\n|---|---|\n");
    for label in Label::ALL {
        let _ = writeln!(page, "| `{}` | `{}` |", label.name(), label.attribute());
    }
    page
}
