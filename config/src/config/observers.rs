//! What the observers write, and where to.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::form::{Bytes, Form, OrNone, Plain, Span};

/// The settings of the observers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObserversConfig {
    /// The file that the JSON Lines recorder appends to; `None` records nothing.
    #[serde(with = "OrNone::<Plain>")]
    pub json_lines: Option<PathBuf>,
    /// Whether the content of tasks and facts is part of telemetry.
    pub content: bool,
    /// The form of the program's logs.
    pub log: LogForm,
    /// The least grave of what is logged.
    pub log_level: LogLevel,
    /// The collector of traces, metrics and logs.
    pub otlp: OtlpConfig,
    /// Which traces are kept.
    pub traces: TracesConfig,
    /// Where Prometheus finds the metrics, such as `127.0.0.1:9464`; `None` serves none.
    #[serde(with = "OrNone::<Plain>")]
    pub metrics: Option<String>,
}

/// The form of the program's logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogForm {
    /// Lines for people, on standard error.
    #[default]
    Terminal,
    /// One JSON object a line, on standard error.
    Json,
    /// None at all.
    None,
}

/// How grave a line of the log is, the gravest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something is lost or broken.
    Error,
    /// Something should be looked at.
    #[default]
    Warn,
    /// What happens.
    Info,
    /// What happens, in detail.
    Debug,
    /// Everything.
    Trace,
}

/// How a collector that speaks the OpenTelemetry protocol is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpConfig {
    /// Its address, without a path; `None` exports nothing.
    #[serde(with = "OrNone::<Plain>")]
    pub endpoint: Option<String>,
    /// What is spoken with it.
    pub protocol: OtlpProtocol,
    /// Headers of each request, `name: value`: the place for tokens.
    pub headers: Vec<String>,
    /// A file of PEM certificates to trust instead of the built-in ones.
    #[serde(with = "OrNone::<Plain>")]
    pub certificate: Option<PathBuf>,
    /// How long one request may take.
    #[serde(with = "Span")]
    pub timeout: Duration,
    /// Memory for what waits to be sent, in bytes, for traces, metrics and logs each; beyond it the oldest is dropped and counted.
    #[serde(with = "Bytes")]
    pub queue_bytes: u64,
    /// How often metrics are sent; `None` sends none.
    #[serde(with = "OrNone::<Span>")]
    pub metrics_interval: Option<Duration>,
    /// Whether the program's logs are sent too, beside the form that they have here.
    pub logs: bool,
    /// The service that asks the team from outside: the embedder.
    pub service_name: String,
}

/// A form of the OpenTelemetry protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtlpProtocol {
    /// gRPC, usually on port 4317.
    Grpc,
    /// Protobuf over HTTP, usually on port 4318.
    Http,
}

/// Which traces are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TracesConfig {
    /// The share of traces that are kept whatever they hold, from 0 to 1.
    pub ratio: f64,
    /// A trace with a task that takes longer is kept too, like one with an error or a second attempt; `None` keeps none for that.
    #[serde(with = "OrNone::<Span>")]
    pub slow: Option<Duration>,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: OtlpProtocol::Grpc,
            headers: Vec::new(),
            certificate: None,
            timeout: Duration::from_secs(10),
            queue_bytes: 16 << 20,
            metrics_interval: Some(Duration::from_secs(60)),
            logs: false,
            service_name: "aimass".to_owned(),
        }
    }
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self {
            ratio: 1.0,
            slow: None,
        }
    }
}
