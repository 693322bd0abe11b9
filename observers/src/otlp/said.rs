//! Logs by the OpenTelemetry protocol: what is said through `tracing`, with the trace and the span of the task in which it was said.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aimass_config::ObserversConfig;
use aimass_runtime::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse, logs_service_client::LogsServiceClient,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::client::OtlpError;
use super::exporter::{Exporter, Standing, THREAD};
use super::patience;
use super::signal::Signal;
use crate::content::{Content, WORDS};
use crate::identity::{Identity, span_bytes, trace_bytes};
use crate::metrics::now_ns;
use crate::queue::Queue;

/// How long the end waits for the collector.
const FLUSH: Duration = Duration::from_secs(2);
/// Bytes of a text that are kept.
const TEXT: usize = 8 << 10;
/// Attributes of a record that are kept.
const ATTRIBUTES: usize = 64;

/// Records of logs.
pub(crate) struct Logs {
    content: Content,
    queue: Arc<Queue<Said>>,
    standing: Arc<Standing>,
    endpoint: String,
    patience: Duration,
}

/// One record, the module that said it, and the agent on whose behalf it did.
pub(super) struct Said {
    agent: Option<Arc<str>>,
    target: String,
    record: LogRecord,
}

impl Logs {
    /// An exporter to the collector that the configuration names; none when it names none, or logs are not asked for.
    pub(crate) fn start(config: &ObserversConfig) -> Result<Option<Self>, OtlpError> {
        let otlp = &config.otlp;
        let Some(endpoint) = otlp.endpoint.as_ref().filter(|_| otlp.logs) else {
            return Ok(None);
        };
        let standing = Arc::new(Standing::default());
        let queue = Exporter::<Self>::start(endpoint, otlp, standing.clone(), None)?;
        Ok(Some(Self {
            content: Content::of(config),
            queue,
            standing,
            endpoint: endpoint.clone(),
            patience: patience(otlp, FLUSH),
        }))
    }

    /// What hands over the records of this process.
    pub(crate) fn layer(&self) -> OtlpLayer {
        OtlpLayer {
            content: self.content,
            queue: self.queue.clone(),
        }
    }

    /// Returns when everything was sent that was said so far, or an attempt has failed, or it took too long.
    #[expect(
        clippy::disallowed_methods,
        reason = "logs end outside any runtime and its clock"
    )]
    pub(crate) fn flush(&self) {
        self.queue.ask_flush();
        if !self.queue.flushed(Instant::now() + self.patience) {
            self.standing
                .report_silent::<Self>(&self.endpoint, self.patience);
        }
    }

    /// How many records were dropped for want of room, or refused.
    pub(crate) fn lost(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.flush();
        self.queue.close();
    }
}

impl Signal for Logs {
    type Item = Said;
    type Request = ExportLogsServiceRequest;
    type Answer = ExportLogsServiceResponse;

    const ITEMS: &'static str = "records of logs";
    const PATH: &'static str = "v1/logs";
    const BATCH: usize = 512;
    const OPTIONAL: bool = false;

    fn bytes(said: &Said) -> u64 {
        (said.target.len() + said.record.encoded_len()) as u64
    }

    fn request(identity: &Identity, batch: Vec<Said>) -> ExportLogsServiceRequest {
        let said = batch
            .into_iter()
            .map(|said| (said.agent, (said.target, said.record)));
        let resource_logs = identity.by_service(said).map(|(resource, said)| {
            let mut targets: HashMap<String, Vec<LogRecord>> = HashMap::new();
            for (target, record) in said {
                targets.entry(target).or_default().push(record);
            }
            let scope = |(name, log_records)| ScopeLogs {
                scope: Some(InstrumentationScope {
                    name,
                    ..InstrumentationScope::default()
                }),
                log_records,
                ..ScopeLogs::default()
            };
            ResourceLogs {
                resource: Some(resource),
                scope_logs: targets.into_iter().map(scope).collect(),
                ..ResourceLogs::default()
            }
        });
        ExportLogsServiceRequest {
            resource_logs: resource_logs.collect(),
        }
    }

    async fn export(
        channel: Channel,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        LogsServiceClient::new(channel).export(request).await
    }

    fn refused(answer: ExportLogsServiceResponse) -> Option<(i64, String)> {
        let partial = answer.partial_success?;
        Some((partial.rejected_log_records, partial.error_message))
    }
}

/// Hands over what is said through `tracing`. What the exporters' own threads say stays on this machine: it would never end.
pub(crate) struct OtlpLayer {
    content: Content,
    queue: Arc<Queue<Said>>,
}

/// The task that a span of `tracing` stands for.
#[derive(Debug, Clone, Default)]
struct Task {
    agent: Option<Arc<str>>,
    trace: Option<TraceId>,
    span: Option<SpanId>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for OtlpLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut task = Task::default();
        attributes.record(&mut task);
        if let Some(span) = context.span(id).filter(|_| task.trace.is_some()) {
            span.extensions_mut().insert(task);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if std::thread::current().name() == Some(THREAD) {
            return;
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let mut tasks = spans.filter_map(|span| span.extensions().get::<Task>().cloned());
        let task = tasks.next().unwrap_or_default();
        let mut fields = Fields::of(self.content);
        event.record(&mut fields);
        let (at_ns, level) = (now_ns(), *event.metadata().level());
        let record = LogRecord {
            time_unix_nano: at_ns,
            observed_time_unix_nano: at_ns,
            severity_number: severity(level) as i32,
            severity_text: level.to_string(),
            body: Some(AnyValue {
                value: Some(Value::StringValue(fields.message)),
            }),
            attributes: fields.attributes,
            dropped_attributes_count: fields.dropped,
            trace_id: task.trace.map(trace_bytes).unwrap_or_default(),
            span_id: task.span.map(span_bytes).unwrap_or_default(),
            ..LogRecord::default()
        };
        self.queue.push([Said {
            agent: task.agent,
            target: event.metadata().target().to_owned(),
            record,
        }]);
    }
}

fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        Level::TRACE => SeverityNumber::Trace,
    }
}

impl Visit for Task {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "trace_id" => self.trace = bounded(value).parse().ok(),
            "span_id" => self.span = bounded(value).parse().ok(),
            // A skill is named after its agent.
            "skill" => self.agent = bounded(value).split('.').next().map(Into::into),
            _ => {}
        }
    }
}

/// What a record says.
struct Fields {
    content: Content,
    message: String,
    attributes: Vec<KeyValue>,
    dropped: u32,
}

impl Fields {
    fn of(content: Content) -> Self {
        Self {
            content,
            message: String::new(),
            attributes: Vec::new(),
            dropped: 0,
        }
    }

    fn add(&mut self, field: &Field, value: Value) {
        if self.content == Content::Hidden && field.name() == WORDS {
            return;
        }
        if self.attributes.len() == ATTRIBUTES {
            self.dropped += 1;
            return;
        }
        self.attributes.push(KeyValue {
            key: field.name().to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Value::DoubleValue(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            // The protocol has no larger numbers.
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::BoolValue(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = bounded(value);
        match field.name() {
            "message" => self.message = text,
            _ => self.add(field, Value::StringValue(text)),
        }
    }
}

/// Text that ends where it would grow too long.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = TEXT - self.0.len();
        let fits = more.floor_char_boundary(room.min(more.len()));
        self.0.push_str(&more[..fits]);
        if fits == more.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

fn bounded(value: &dyn fmt::Debug) -> String {
    let mut text = Bounded(String::new());
    // It fails where it is cut off.
    let _ = write!(text, "{value:?}");
    text.0
}
