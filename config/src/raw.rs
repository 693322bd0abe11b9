//! The raw configuration: what the file and the variables say, and nothing else.

mod leaf;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Fsync, LogForm, LogLevel, OtlpProtocol, Strategy};
pub(crate) use leaf::{Bytes, OrNone, Span};

/// All that a user may write; what is left out is `None`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    pub(crate) runtime: RawRuntime,
    pub(crate) environment: RawEnvironment,
    pub(crate) defaults: RawAgent,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) agents: BTreeMap<String, RawAgent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reactions: Vec<RawReaction>,
    pub(crate) models: RawModels,
    pub(crate) observers: RawObservers,
}

/// `[runtime]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRuntime {
    pub(crate) shutdown_limit: Option<Span>,
    pub(crate) default_deadline: Option<OrNone<Span>>,
    pub(crate) memory_budget: Option<OrNone<Bytes>>,
    pub(crate) event_capacity: Option<usize>,
    #[serde(default)]
    pub(crate) supervision: RawSupervision,
}

/// `[runtime.supervision]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSupervision {
    pub(crate) strategy: Option<Strategy>,
    pub(crate) max_restarts: Option<u32>,
    pub(crate) window: Option<Span>,
    pub(crate) backoff_initial: Option<Span>,
    pub(crate) backoff_max: Option<Span>,
}

/// `[environment]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEnvironment {
    pub(crate) fsync: Option<Fsync>,
    pub(crate) namespace: Option<String>,
    pub(crate) max_fact_bytes: Option<Bytes>,
    pub(crate) max_blob_bytes: Option<Bytes>,
    pub(crate) max_reaction_depth: Option<u32>,
    pub(crate) max_reactions_per_episode: Option<u64>,
    #[serde(default)]
    pub(crate) retention: RawRetention,
}

/// `[environment.retention]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRetention {
    pub(crate) max_facts: Option<OrNone<u64>>,
    pub(crate) max_age: Option<OrNone<Span>>,
}

/// `[defaults]` and `[agents.NAME]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAgent {
    pub(crate) enabled: Option<bool>,
    pub(crate) placement: Option<Vec<String>>,
    pub(crate) replicas: Option<u32>,
    pub(crate) capacity: Option<u64>,
    pub(crate) capacity_bytes: Option<Bytes>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) max_batch: Option<u32>,
    pub(crate) max_wait: Option<Span>,
    pub(crate) step_limit: Option<Span>,
    pub(crate) load_limit: Option<Span>,
    pub(crate) grace: Option<Span>,
    pub(crate) max_abandoned: Option<u32>,
    pub(crate) idle_unload: Option<OrNone<Span>>,
    pub(crate) lazy: Option<bool>,
    pub(crate) model: Option<OrNone<String>>,
    pub(crate) context: Option<toml::Value>,
    pub(crate) cache_bytes: Option<toml::Value>,
    pub(crate) precision: Option<toml::Value>,
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub(crate) settings: toml::Table,
}

/// `[[reactions]]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReaction {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) skill: String,
    pub(crate) enabled: Option<bool>,
}

/// `[models]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawModels {
    pub(crate) offline: Option<bool>,
    pub(crate) hub_endpoint: Option<String>,
    pub(crate) hub_token_variable: Option<String>,
    pub(crate) catalogues: Option<Vec<PathBuf>>,
}

/// `[observers]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawObservers {
    pub(crate) json_lines: Option<OrNone<PathBuf>>,
    pub(crate) content: Option<bool>,
    pub(crate) log: Option<LogForm>,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) metrics: Option<OrNone<String>>,
    #[serde(default)]
    pub(crate) otlp: RawOtlp,
    #[serde(default)]
    pub(crate) traces: RawTraces,
}

/// `[observers.otlp]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOtlp {
    pub(crate) endpoint: Option<OrNone<String>>,
    pub(crate) protocol: Option<OtlpProtocol>,
    pub(crate) headers: Option<Vec<String>>,
    pub(crate) certificate: Option<OrNone<PathBuf>>,
    pub(crate) timeout: Option<Span>,
    pub(crate) queue_bytes: Option<Bytes>,
    pub(crate) metrics_interval: Option<OrNone<Span>>,
    pub(crate) logs: Option<bool>,
    pub(crate) service_name: Option<String>,
}

/// `[observers.traces]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTraces {
    pub(crate) ratio: Option<f64>,
    pub(crate) slow: Option<OrNone<Span>>,
}
