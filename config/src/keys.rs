//! The table of all keys: the one list that checks, suggestions, variables and the template follow.

use crate::rule::{ANY_DURATION, Rule, SOME_DURATION};

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const PIB: u64 = 1 << 50;

/// A key of a table.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// One line that says what the key does.
    pub(crate) about: &'static str,
}

/// What stands behind a key.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// One value.
    Value(Rule),
    /// One value that its table cannot do without.
    Required(Rule),
    /// A table with these keys: `[name]`.
    Table(&'static [Key]),
    /// Tables by a name that the user chooses, each with these keys: `[name.CHOSEN]`.
    Named(&'static [Key]),
    /// A list of tables with these keys: `[[name]]`.
    List(&'static [Key]),
    /// A table whose keys only the agent knows.
    Settings,
    /// A value that belongs into the settings of the agents that know the key. It stood here before there were settings.
    Moved,
}

/// The keys of the file, in the order of the template.
pub(crate) const KEYS: &[Key] = &[
    table("runtime", "The runtime's own limits.", RUNTIME),
    table(
        "environment",
        "The shared, durable environment.",
        ENVIRONMENT,
    ),
    table(
        "defaults",
        "What holds for each agent that has no value of its own.",
        AGENT,
    ),
    Key {
        name: "agents",
        shape: Shape::Named(ONE_AGENT),
        about: "One agent's own values, with the keys of `defaults`, and `settings` of its own.",
    },
    Key {
        name: "reactions",
        shape: Shape::List(REACTION),
        about: "A rule of your own: when a fact of this kind appears, ask this skill.",
    },
    table("models", "Where models come from.", MODELS),
    table("observers", "What the observers write.", OBSERVERS),
];

const RUNTIME: &[Key] = &[
    value(
        "shutdown_limit",
        ANY_DURATION,
        "How long a shutdown may take: accepted work is drained, and the rest is cut off the agents' grace before the end.",
    ),
    value(
        "default_deadline",
        Rule::OrNone(&SOME_DURATION),
        "The deadline of a task that brings none.",
    ),
    value(
        "memory_budget",
        Rule::OrNone(&Rule::Size {
            least: KIB,
            most: PIB,
        }),
        "Memory for loaded models.",
    ),
    value(
        "event_capacity",
        count(1, 1 << 24),
        "Events that wait for the observers; beyond it they are dropped and counted.",
    ),
    table(
        "supervision",
        "When and how agents are started again.",
        SUPERVISION,
    ),
];

const SUPERVISION: &[Key] = &[
    value(
        "strategy",
        Rule::Choice(&["one_for_one", "one_for_all", "rest_for_one"]),
        "Which agents restart together.",
    ),
    value(
        "max_restarts",
        count(0, 1_000_000),
        "Restarts within `window`; one more escalates.",
    ),
    value(
        "window",
        SOME_DURATION,
        "The span of time in which restarts are counted.",
    ),
    value(
        "backoff_initial",
        ANY_DURATION,
        "The wait before the first restart; it doubles with each one that follows.",
    ),
    value(
        "backoff_max",
        ANY_DURATION,
        "The longest wait before a restart; at least `backoff_initial`.",
    ),
];

const ENVIRONMENT: &[Key] = &[
    value(
        "fsync",
        Rule::Fsync,
        "When the log is flushed to the disk: what a loss of power may take.",
    ),
    value(
        "namespace",
        Rule::Name,
        "The namespace (tenant) of work that names none.",
    ),
    value(
        "max_fact_bytes",
        Rule::Size {
            least: KIB,
            most: GIB,
        },
        "The largest fact.",
    ),
    value(
        "max_blob_bytes",
        Rule::Size {
            least: KIB,
            most: 16 * TIB,
        },
        "The largest blob.",
    ),
    value(
        "max_reaction_depth",
        count(1, 1024),
        "How long a chain of reactions may be, each set off by the one before.",
    ),
    value(
        "max_reactions_per_episode",
        count(0, 1_000_000_000),
        "Reactions that one episode may fire.",
    ),
    table("retention", "What a compaction keeps.", RETENTION),
];

const RETENTION: &[Key] = &[
    value(
        "max_facts",
        Rule::OrNone(&Rule::Count {
            least: 1,
            most: i64::MAX,
        }),
        "Facts that are kept.",
    ),
    value(
        "max_age",
        Rule::OrNone(&SOME_DURATION),
        "How long a fact is kept.",
    ),
];

const AGENT: &[Key] = &[
    value(
        "enabled",
        Rule::Switch,
        "Whether the agent is started at all.",
    ),
    value(
        "placement",
        Rule::Placement,
        "The device that is wished for, then its fallbacks in order.",
    ),
    value(
        "replicas",
        count(1, 1024),
        "Workers that hold the agent's model side by side.",
    ),
    value(
        "capacity",
        count(1, 1_000_000_000),
        "Accepted tasks that are not settled yet; one more is refused.",
    ),
    value(
        "capacity_bytes",
        Rule::Size {
            least: KIB,
            most: PIB,
        },
        "Input of the accepted tasks that are not settled yet; more is refused.",
    ),
    value(
        "max_attempts",
        count(1, 1000),
        "Attempts before a task is dead-lettered.",
    ),
    value("max_batch", count(1, 65_536), "Tasks in one batch."),
    value(
        "max_wait",
        ANY_DURATION,
        "How long a free worker waits for a batch to fill; zero takes what is queued.",
    ),
    value(
        "step_limit",
        SOME_DURATION,
        "How long one step may take before its worker counts as hung.",
    ),
    value(
        "load_limit",
        SOME_DURATION,
        "How long a worker may read and build its model before the watchdog calls it hung.",
    ),
    value(
        "grace",
        ANY_DURATION,
        "How long a cancelled worker may take to stop before its thread is abandoned.",
    ),
    value(
        "max_abandoned",
        count(0, 1024),
        "Abandoned threads that are borne before the agent has failed.",
    ),
    value(
        "idle_unload",
        Rule::OrNone(&SOME_DURATION),
        "Unload the model after this time without work.",
    ),
    value(
        "lazy",
        Rule::Switch,
        "Whether the first task loads the model rather than the start.",
    ),
    value(
        "model",
        Rule::OrNone(&Rule::Text),
        "The model's name in the catalogue; \"none\" leaves the choice to the agent.",
    ),
    moved("context"),
    moved("cache_bytes"),
    moved("precision"),
];

const SETTINGS: Key = Key {
    name: "settings",
    shape: Shape::Settings,
    about: "What only this agent knows.",
};

/// The keys of one agent: those of all, and what it alone knows.
const ONE_AGENT: &[Key] = &{
    let mut keys = [SETTINGS; AGENT.len() + 1];
    let mut at = 0;
    while at < AGENT.len() {
        keys[at] = AGENT[at];
        at += 1;
    }
    keys
};

const REACTION: &[Key] = &[
    required("name", Rule::Name, "The rule's name, unique in the file."),
    required("kind", Rule::FactKind, "The kind of fact that sets it off."),
    required("skill", Rule::Skill, "The skill that is asked."),
    value(
        "enabled",
        Rule::Switch,
        "Whether the rule is in force; `true` if left out.",
    ),
];

const MODELS: &[Key] = &[
    value(
        "offline",
        Rule::Switch,
        "Whether fetching is refused, so that only the cache is used.",
    ),
    value(
        "hub_endpoint",
        Rule::Address,
        "The address of the model hub.",
    ),
    value(
        "hub_token_variable",
        Rule::VariableName,
        "The environment variable that holds the hub's token.",
    ),
    value(
        "catalogues",
        Rule::Paths,
        "Catalogue files beside the built-in one; relative paths start at the current folder.",
    ),
    table(
        "package_indexes",
        "Where packages are fetched straight over HTTP; else pip, npm or mvn fetch them.",
        PACKAGE_INDEXES,
    ),
];

const PACKAGE_INDEXES: &[Key] = &[
    value(
        "pypi",
        INDEX,
        "A Python package index; else that of `PIP_INDEX_URL`, `UV_DEFAULT_INDEX`, `UV_INDEX_URL` or pip.conf.",
    ),
    value(
        "npm",
        INDEX,
        "A registry of npm; else that of `NPM_CONFIG_REGISTRY` or .npmrc.",
    ),
    value("maven", INDEX, "A Maven repository."),
];

/// The address of a package index.
const INDEX: Rule = Rule::OrNone(&Rule::OpenAddress);

const OBSERVERS: &[Key] = &[
    value(
        "json_lines",
        Rule::OrNone(&Rule::Text),
        "The file that the JSON Lines recorder appends to.",
    ),
    value(
        "content",
        Rule::Switch,
        "Whether the content of tasks and facts is part of telemetry.",
    ),
    value(
        "log",
        Rule::Choice(&["terminal", "json", "none"]),
        "The form of the program's logs, on standard error.",
    ),
    value(
        "log_level",
        Rule::Choice(&["error", "warn", "info", "debug", "trace"]),
        "The least grave of what is logged.",
    ),
    value(
        "metrics",
        Rule::OrNone(&Rule::Socket),
        "The address where a node serves its metrics to Prometheus.",
    ),
    table(
        "otlp",
        "The collector that traces, metrics and logs go to, by the OpenTelemetry protocol.",
        OTLP,
    ),
    table("traces", "Which traces are kept.", TRACES),
];

const OTLP: &[Key] = &[
    value(
        "endpoint",
        Rule::OrNone(&Rule::Address),
        "The collector's address, without a path.",
    ),
    value(
        "protocol",
        Rule::Choice(&["grpc", "http"]),
        "What is spoken with it: gRPC (usually port 4317) or protobuf over HTTP (usually port 4318).",
    ),
    value(
        "headers",
        Rule::Headers,
        "Headers of each request: the place for tokens.",
    ),
    value(
        "certificate",
        Rule::OrNone(&Rule::Text),
        "A file of PEM certificates to trust instead of the built-in ones.",
    ),
    value("timeout", SOME_DURATION, "How long one request may take."),
    value(
        "queue_bytes",
        Rule::Size {
            least: 64 * KIB,
            most: TIB,
        },
        "Memory for what waits to be sent, for traces, metrics and logs each; beyond it the oldest is dropped and counted.",
    ),
    value(
        "metrics_interval",
        Rule::OrNone(&SOME_DURATION),
        "How often metrics are sent.",
    ),
    value(
        "logs",
        Rule::Switch,
        "Whether the program's logs are sent too, beside the form that they have here.",
    ),
    value(
        "service_name",
        Rule::Name,
        "The service that asks the team from outside.",
    ),
];

const TRACES: &[Key] = &[
    value(
        "ratio",
        Rule::Ratio,
        "The share of traces that are kept whatever they hold.",
    ),
    value(
        "slow",
        Rule::OrNone(&SOME_DURATION),
        "A trace with a task that takes longer is kept too, like one with an error or a second attempt.",
    ),
];

const fn value(name: &'static str, rule: Rule, about: &'static str) -> Key {
    Key {
        name,
        shape: Shape::Value(rule),
        about,
    }
}

const fn required(name: &'static str, rule: Rule, about: &'static str) -> Key {
    Key {
        name,
        shape: Shape::Required(rule),
        about,
    }
}

const fn moved(name: &'static str) -> Key {
    Key {
        name,
        shape: Shape::Moved,
        about: "A setting of single agents.",
    }
}

const fn table(name: &'static str, about: &'static str, keys: &'static [Key]) -> Key {
    Key {
        name,
        shape: Shape::Table(keys),
        about,
    }
}

const fn count(least: i64, most: i64) -> Rule {
    Rule::Count { least, most }
}

#[cfg(test)]
mod tests;
