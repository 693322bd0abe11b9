//! The embedder's current span as the parent of what is asked within it: the function that the documentation shows, at work.

use std::path::Path;

use aimass_runtime::{Recorder, TraceContext};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::team::{self, Sound, Think};

// The documentation shows it from here on.
/// The span of `tracing` that this is called in, as OpenTelemetry knows it.
fn current_span() -> Option<TraceContext> {
    let context = tracing::Span::current().context();
    let span = context.span().span_context().clone();
    let flags = span.trace_flags().to_u8();
    let header = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    header.parse().ok()
}
// Up to here.

#[tokio::test]
async fn what_is_asked_within_a_span_is_traced_below_it() {
    let provider = SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("embedder"));
    let subscriber = tracing_subscriber::registry().with(layer);
    let recorder = Recorder::default();
    let within = async {
        let builder = team::builder(&team::config("http://127.0.0.1:1"));
        let builder = builder
            .observer(recorder.clone())
            .current_span(current_span);
        let runtime = builder.start().await.unwrap();
        let span = tracing::info_span!("a request");
        let context = span.context();
        let ask = async { runtime.ask(Think, Sound::new("rain")).await };
        ask.instrument(span).await.unwrap();
        runtime.ask(Think, Sound::new("rain")).await.unwrap();
        runtime.shutdown().await;
        context
    };
    let context = within.with_subscriber(subscriber).await;
    let ours = context.span().span_context().clone();
    assert!(ours.is_valid());
    let tasks = recorder.tasks();
    let thoughts = tasks.iter().filter(|task| &*task.skill == "mind.think");
    let thoughts: Vec<_> = thoughts.collect();
    assert_eq!(thoughts[0].trace.to_string(), ours.trace_id().to_string());
    let parent = thoughts[0].parent.unwrap();
    assert_eq!(parent.to_string(), ours.span_id().to_string());
    assert_eq!(thoughts[1].parent, None, "outside of a span there is none");
}

#[test]
fn the_documentation_shows_this_function() {
    let source = include_str!("current_span.rs");
    let from = source
        .split("// The documentation shows it from here on.\n")
        .nth(1);
    let shown = from.unwrap().split("// Up to here.").next().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tracing.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page.contains(shown),
        "docs/tracing.md should hold:\n{shown}"
    );
}
