//! The names of all attributes and events of our spans, with what they mean: the one list that the code uses and the documentation prints.

use opentelemetry::{KeyValue, StringValue, Value};

use crate::conventions as semconv;

/// What an attribute or an event is called, and what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) about: &'static str,
}

const fn name(name: &'static str, unit: &'static str, about: &'static str) -> Name {
    Name { name, unit, about }
}

pub(super) const OPERATION: Name = name(
    semconv::GEN_AI_OPERATION_NAME,
    "",
    "`embeddings`, `chat`, `text_completion`, `retrieval` or `invoke_agent`, by the name of the skill",
);
pub(super) const PROVIDER: Name = name(semconv::GEN_AI_PROVIDER_NAME, "", "`aimass`");
pub(super) const AGENT: Name = name(semconv::GEN_AI_AGENT_NAME, "", "the agent");
pub(super) const MODEL: Name = name(
    semconv::GEN_AI_REQUEST_MODEL,
    "",
    "the version of the model that it ran on",
);
pub(super) const INPUT_TOKENS: Name = name(
    semconv::GEN_AI_USAGE_INPUT_TOKENS,
    "",
    "tokens that the model read in the last run, where its skill counts them",
);
pub(super) const OUTPUT_TOKENS: Name = name(
    semconv::GEN_AI_USAGE_OUTPUT_TOKENS,
    "",
    "tokens that the model wrote in the last run, where its skill counts them",
);
pub(super) const SKILL: Name = name("aimass.skill", "", "the skill");
pub(super) const TASK: Name = name("aimass.task.id", "", "the task");
pub(super) const EPISODE: Name = name("aimass.episode.id", "", "the episode that it belongs to");
pub(super) const NAMESPACE: Name = name(
    "aimass.namespace",
    "",
    "the tenant, unless it is the default one",
);
pub(super) const RULE: Name = name("aimass.reaction.rule", "", "the rule whose reaction it was");
pub(super) const CAUSE: Name = name(
    "aimass.reaction.fact",
    "",
    "the revision of the fact that it reacted to",
);
pub(super) const PRIORITY: Name = name(
    "aimass.priority",
    "",
    "`interactive`, `normal` or `background`",
);
pub(super) const RUNS: Name = name("aimass.runs", "", "how often it was given to a worker");
pub(super) const STEPS: Name = name("aimass.steps", "", "steps of the last run");
pub(super) const MODEL_TIME: Name = name(
    "aimass.model.time",
    "s",
    "time in the steps of the last run, in which a batch shares",
);
pub(super) const QUEUE_TIME: Name = name(
    "aimass.queue.time",
    "s",
    "from acceptance to the beginning of the last run",
);
pub(super) const FIRST_ITEM_TIME: Name = name(
    "aimass.stream.first_item.time",
    "s",
    "from acceptance to the first item of a stream",
);
pub(super) const ITEMS: Name = name("aimass.stream.items", "", "items that were sent");
pub(super) const INPUT_BYTES: Name = name("aimass.input.bytes", "By", "size of the input");
pub(super) const WORKER: Name = name("aimass.worker.id", "", "the worker of the last run");
pub(super) const EPOCH: Name = name("aimass.worker.epoch", "", "which incarnation of the worker");
pub(super) const DEVICE: Name = name("aimass.device", "", "its device");
pub(super) const BATCH: Name = name("aimass.batch.id", "", "the batch, counted by the agent");
pub(super) const BATCH_SIZE: Name = name(
    "aimass.batch.size",
    "",
    "tasks that the batch began with; the first one's span is linked",
);
pub(super) const REDRIVE_OF: Name = name(
    "aimass.redrive_of",
    "",
    "the dead letter whose redrive it was",
);
pub(super) const ERROR: Name = name(
    semconv::ERROR_TYPE,
    "",
    "the kind of the error, as in its JSON form",
);
pub(super) const FACTS: Name = name("aimass.episode.facts", "", "facts of the episode");
pub(super) const FAILURES: Name = name(
    "aimass.episode.failures",
    "",
    "tasks of the episode that failed",
);
pub(super) const ATTEMPTS: Name = name(
    "aimass.attempts",
    "",
    "attempts that were counted against the task",
);
pub(super) const LINK: Name = name(
    "aimass.link",
    "",
    "of a link: `batch` to the first task of the batch, `earlier_attempt` to the attempt of an earlier process, or to that of the dead letter",
);
pub(super) const MESSAGE: Name = name(
    "aimass.message",
    "",
    "what a panic or an error said; only with `observers.content`",
);

/// All attributes, in the order of the documentation.
pub(super) const ATTRIBUTES: [Name; 32] = [
    OPERATION,
    PROVIDER,
    AGENT,
    MODEL,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    SKILL,
    TASK,
    EPISODE,
    NAMESPACE,
    RULE,
    CAUSE,
    PRIORITY,
    RUNS,
    STEPS,
    MODEL_TIME,
    QUEUE_TIME,
    FIRST_ITEM_TIME,
    ITEMS,
    INPUT_BYTES,
    WORKER,
    EPOCH,
    DEVICE,
    BATCH,
    BATCH_SIZE,
    REDRIVE_OF,
    ERROR,
    FACTS,
    FAILURES,
    ATTEMPTS,
    LINK,
    MESSAGE,
];

pub(super) const STARTED: Name = name("task.started", "", "a worker began with it");
pub(super) const FIRST_ITEM: Name = name("task.first_item", "", "its first item left");
pub(super) const FINISHED: Name = name(
    "task.finished",
    "",
    "its worker was done; what follows is the write to the store",
);
pub(super) const SUSPECTED: Name = name(
    "task.suspected",
    "",
    "it was in a batch that brought a worker down, and runs alone from now on",
);
pub(super) const RETRYING: Name = name("task.retrying", "", "it will run again");
pub(super) const DEAD_LETTERED: Name = name("task.dead_lettered", "", "it was given up and kept");
pub(super) const STARTING: Name = name("worker.starting", "", "a worker of the agent starts anew");
pub(super) const READY: Name = name("worker.ready", "", "its model is built");
pub(super) const PANICKED: Name = name("worker.panicked", "", "a skill panicked on it");
pub(super) const LOAD_FAILED: Name = name(
    "worker.load_failed",
    "",
    "its model could not be read or built",
);
pub(super) const HUNG: Name = name("worker.hung", "", "a step took too long");
pub(super) const ABANDONED: Name = name(
    "worker.abandoned",
    "",
    "its thread never ended, and was given up",
);
pub(super) const TAKEN_DOWN: Name = name(
    "worker.taken_down",
    "",
    "another agent's restart took it along",
);
pub(super) const FELL_BACK: Name = name("worker.fell_back", "", "it goes to its fallback device");
pub(super) const SWAPPED: Name = name(
    "worker.swapped",
    "",
    "it came for a new version of its model",
);

/// All events of a span, in the order of the documentation. Those of workers are told in the spans of tasks that were under way meanwhile.
pub(super) const EVENTS: [Name; 15] = [
    STARTED,
    FIRST_ITEM,
    FINISHED,
    SUSPECTED,
    RETRYING,
    DEAD_LETTERED,
    STARTING,
    READY,
    PANICKED,
    LOAD_FAILED,
    HUNG,
    ABANDONED,
    TAKEN_DOWN,
    FELL_BACK,
    SWAPPED,
];

pub(super) fn text(name: Name, value: impl Into<StringValue>) -> KeyValue {
    KeyValue::new(name.name, value.into())
}

pub(super) fn number(name: Name, value: u64) -> KeyValue {
    KeyValue::new(name.name, Value::I64(value.min(i64::MAX as u64) as i64))
}

/// Nanoseconds, as seconds.
pub(super) fn seconds(name: Name, nanos: u64) -> KeyValue {
    KeyValue::new(name.name, Value::F64(nanos as f64 / 1e9))
}
