//! Exporters that an embedder plugs in: the SDK's own in-memory one held against our records, and those that wait, fail and panic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aimass_observers::{QueuedSpanExporter, Tracing};
use aimass_runtime::{Episode, FactDraft, Record, Recorder, SpanId, TaskFinished};
use opentelemetry::trace::{self, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, SpanExporter};
use serde_json::json;

use crate::collector::{Collector, Manner};
use crate::team::{self, Hear, Sound, Think, kind};

/// Exporters in memory, by the names of the services that they were made for.
type Exporters = Arc<Mutex<BTreeMap<String, InMemorySpanExporter>>>;

fn service(resource: &Resource) -> String {
    let name = resource.get(&Key::from_static_str("service.name"));
    name.unwrap().to_string()
}

fn id(span: SpanId) -> trace::SpanId {
    trace::SpanId::from(span.to_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_in_memory_holds_what_our_records_say() {
    let exporters = Exporters::default();
    let mut config = team::config("http://127.0.0.1:1");
    config.observers.content = true;
    let made = exporters.clone();
    let tracing = Tracing::with_exporter(&config.observers, move |resource| {
        let exporter = InMemorySpanExporter::default();
        let name = service(resource);
        let before = made.lock().unwrap().insert(name, exporter.clone());
        assert!(before.is_none(), "one exporter for each service");
        exporter
    });
    let tracing = tracing.unwrap();
    let (losses, recorder) = (tracing.losses(), Recorder::default());
    let builder = team::builder(&config).observer(recorder.clone());
    let runtime = builder.observer(tracing).start().await.unwrap();
    let sound = |text: &str| FactDraft::new(kind("sound"), json!({ "text": text }));
    let episode = Episode::new().fact(sound("rain")).fact(sound("panic"));
    runtime.run(episode).await.unwrap();
    runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    runtime
        .ask::<Think>(Sound::new("secret"))
        .await
        .unwrap_err();
    runtime.flush_observers().await;

    let exporters = exporters.lock().unwrap().clone();
    let names: Vec<_> = exporters.keys().map(String::as_str).collect();
    assert_eq!(names, ["aimass.ear", "aimass.mind", "desk"]);
    let exported = exporters.iter().flat_map(|(service, exporter)| {
        let spans = exporter.get_finished_spans().unwrap().into_iter();
        spans.map(move |span| (span.span_context.span_id(), (service.clone(), span)))
    });
    let exported: BTreeMap<_, _> = exported.map(|(id, span)| (id.to_bytes(), span)).collect();
    let tasks = recorder.tasks();
    let callers = tasks.iter().filter(|task| task.caller.is_some());
    assert_eq!(exported.len(), tasks.len() + callers.count() + 1);
    for task in &tasks {
        let (service, span) = &exported[&id(task.span).to_bytes()];
        assert_eq!(*service, format!("aimass.{}", task.agent));
        agree(span, task);
        let Some(caller) = &task.caller else { continue };
        let (_, span) = &exported[&id(caller.span).to_bytes()];
        assert_eq!(span.name, format!("ask {}", task.skill));
        assert_eq!(span.span_kind, SpanKind::Client);
        let above = task.parent.map_or(trace::SpanId::INVALID, id);
        assert_eq!(span.parent_span_id, above);
    }
    let retried = tasks.iter().find(|task| task.runs > 1).unwrap();
    let (_, span) = &exported[&id(retried.span).to_bytes()];
    let events: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    assert!(events.contains(&"worker.panicked"), "{events:?}");
    let records = recorder.records();
    let root = records.iter().find_map(|record| match record {
        Record::Episode(episode) => Some(episode),
        _ => None,
    });
    let (service, span) = &exported[&id(root.unwrap().span).to_bytes()];
    assert_eq!((service.as_str(), &*span.name), ("desk", "episode"));
    assert_eq!(losses.spans(), 0);
    runtime.shutdown().await;
}

fn agree(span: &SpanData, task: &TaskFinished) {
    assert_eq!(span.name, &*task.skill);
    let ids = &span.span_context;
    assert_eq!(ids.trace_id().to_string(), task.trace.to_string());
    assert!(ids.is_sampled());
    let caller = task.caller.as_ref().map(|caller| caller.span);
    assert_eq!(span.parent_span_id, id(caller.or(task.parent).unwrap()));
    let at = |ns| UNIX_EPOCH + Duration::from_nanos(ns);
    assert_eq!(span.start_time, at(task.accepted_ns));
    assert_eq!(span.end_time, at(task.settled_ns));
    let kind = match caller {
        Some(_) => SpanKind::Server,
        None => SpanKind::Consumer,
    };
    assert_eq!(span.span_kind, kind);
    let value = |name: &str| {
        let mut found = span.attributes.iter();
        let found = found.find(|attribute| attribute.key.as_str() == name);
        found.map(|attribute| attribute.value.clone())
    };
    let text = |text: &str| Some(Value::from(text.to_owned()));
    assert_eq!(value("gen_ai.agent.name"), text(&task.agent));
    assert_eq!(value("aimass.task.id"), text(&task.task.to_string()));
    assert_eq!(value("aimass.runs"), Some(Value::I64(task.runs.into())));
    let tokens = i64::try_from(task.usage.input_tokens).unwrap();
    let tokens = (tokens > 0).then_some(Value::I64(tokens));
    assert_eq!(value("gen_ai.usage.input_tokens"), tokens);
    match &task.outcome {
        aimass_runtime::TaskOutcome::Done => assert_eq!(span.status, Status::Unset),
        aimass_runtime::TaskOutcome::Error { error, message } => {
            assert_eq!(span.status, Status::error(message.clone()));
            assert_eq!(value("error.type"), text(error));
        }
    }
    let stages = span
        .events
        .iter()
        .map(|event| (&*event.name, event.timestamp));
    let stages: BTreeMap<_, _> = stages.collect();
    assert_eq!(stages.get("task.started"), task.started_ns.map(at).as_ref());
    let leader = task.place.as_ref().and_then(|place| place.batch_leader);
    let linked = span.links.iter().map(|link| link.span_context.span_id());
    assert_eq!(
        linked.collect::<Vec<_>>(),
        Vec::from_iter(leader.map(|leader| id(leader.span)))
    );
}

/// An exporter that waits until it may go on, then fails, panics, and at last takes what it is given.
#[derive(Debug, Clone, Default)]
struct Troubled(Arc<Trouble>);

#[derive(Debug, Default)]
struct Trouble {
    may_go_on: Mutex<bool>,
    changed: Condvar,
    calls: AtomicUsize,
    taken: AtomicUsize,
    shut_down: Mutex<bool>,
    ended: Condvar,
}

impl SpanExporter for Troubled {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut may = self.0.may_go_on.lock().unwrap();
        while !*may {
            may = self.0.changed.wait(may).unwrap();
        }
        drop(may);
        match self.0.calls.fetch_add(1, Ordering::SeqCst) {
            0 => Err(OTelSdkError::InternalFailure("not today".to_owned())),
            1 => panic!("too many spans"),
            _ => {
                self.0.taken.fetch_add(batch.len(), Ordering::SeqCst);
                Ok(())
            }
        }
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        *self.0.shut_down.lock().unwrap() = true;
        self.0.ended.notify_all();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_in_trouble_costs_the_agents_nothing_and_what_it_lost_is_counted() {
    let mut config = team::config("http://127.0.0.1:1");
    config.defaults.max_wait = Duration::ZERO;
    let troubled = Troubled::default();
    let exporter = troubled.clone();
    let tracing = Tracing::with_exporter(&config.observers, move |_| exporter.clone());
    let tracing = tracing.unwrap();
    let (losses, recorder) = (tracing.losses(), Recorder::default());
    let builder = team::builder(&config).observer(recorder.clone());
    let runtime = builder.observer(tracing).start().await.unwrap();
    for _ in 0..1000 {
        let sound = Sound::new("rain");
        runtime.ask::<Hear>(sound).await.unwrap();
    }
    assert_eq!(troubled.0.calls.load(Ordering::SeqCst), 0, "it still waits");
    *troubled.0.may_go_on.lock().unwrap() = true;
    troubled.0.changed.notify_all();
    runtime.flush_observers().await;
    let taken = troubled.0.taken.load(Ordering::SeqCst) as u64;
    assert_eq!(recorder.tasks().len(), 1000, "no record was dropped for it");
    assert!(taken > 0 && losses.spans() > 0);
    assert_eq!(taken + losses.spans(), 2000);
    runtime.shutdown().await;
    let ended = tokio::task::spawn_blocking(move || {
        let shut_down = troubled.0.shut_down.lock().unwrap();
        let ended = troubled.0.ended.wait_while(shut_down, |shut| !*shut);
        drop(ended.unwrap());
    });
    ended.await.unwrap();
}

/// Our transport as the exporter of an SDK that is not ours.
#[test]
fn the_sdk_exports_through_our_transport() {
    let collector = Collector::start(Manner::Takes);
    let mut config = team::config(&collector.endpoint).observers.otlp;
    config.protocol = aimass_config::OtlpProtocol::Http;
    let exporter = QueuedSpanExporter::otlp(&config).unwrap().unwrap();
    let losses = exporter.losses();
    let resource = Resource::builder_empty().with_service_name("embedder");
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer("embedder");
    for _ in 0..3 {
        drop(tracer.start("a request"));
    }
    provider.shutdown().unwrap();
    drop((tracer, provider));
    let first = collector.heard.recv().unwrap();
    let crate::collector::Sent::Traces(traces) = first.sent else {
        panic!("expected traces");
    };
    let resource = traces.resource_spans[0].resource.as_ref().unwrap();
    let name = crate::collector::value_of(&resource.attributes, "service.name");
    assert_eq!(name.as_deref(), Some("embedder"));
    assert_eq!(traces.resource_spans[0].scope_spans[0].spans.len(), 3);
    assert_eq!(losses.spans(), 0);
}
