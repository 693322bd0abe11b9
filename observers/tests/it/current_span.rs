//! An embedder's own spans above and around ours: what is asked within one is traced below it, and headers carry traces in and out.

use std::collections::HashMap;

use aimass_observers::Tracing;
use aimass_observers::propagation::{current_span, extract, inject, trace_context};
use aimass_runtime::{Recorder, TraceContext};
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, trace};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::team::{self, Sound, Think};

/// The embedder's SDK and ours export to the same place, as they would to one collector.
#[tokio::test(flavor = "multi_thread")]
async fn an_embedders_span_around_an_ask_is_the_parent_of_ours() {
    let exported = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exported.clone())
        .build();
    let tracer = provider.tracer("embedder");
    let config = team::config("http://127.0.0.1:1");
    let ours = exported.clone();
    let tracing = Tracing::with_exporter(&config.observers, move |_| ours.clone()).unwrap();
    let builder = team::builder(&config).observer(tracing);
    let runtime = builder.current_span(current_span).start().await.unwrap();
    let context = Context::current_with_span(tracer.start("a request"));
    let ask = async { runtime.ask::<Think>(Sound::new("rain")).await };
    ask.with_context(context.clone()).await.unwrap();
    context.span().end();
    runtime.flush_observers().await;

    let spans = exported.get_finished_spans().unwrap();
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let names = [
        "a request",
        "ask mind.think",
        "mind.think",
        "ask ear.hear",
        "ear.hear",
    ];
    let chain = names.map(of);
    assert_eq!(spans.len(), chain.len());
    assert_eq!(chain[0].parent_span_id, trace::SpanId::INVALID);
    for pair in chain.windows(2) {
        assert_eq!(pair[1].parent_span_id, pair[0].span_context.span_id());
        assert_eq!(
            pair[1].span_context.trace_id(),
            pair[0].span_context.trace_id()
        );
    }
    let kinds = chain.map(|span: &SpanData| span.span_kind.clone());
    let (client, server) = (SpanKind::Client, SpanKind::Server);
    assert_eq!(kinds[1..], [client.clone(), server.clone(), client, server]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn what_is_asked_within_a_span_of_tracing_is_traced_below_it() {
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
        let ask = async { runtime.ask::<Think>(Sound::new("rain")).await };
        ask.instrument(span).await.unwrap();
        runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
        runtime.shutdown().await;
        context
    };
    let context = within.with_subscriber(subscriber).await;
    let ours = trace_context(&context).unwrap();
    let tasks = recorder.tasks();
    let thoughts = tasks.iter().filter(|task| &*task.skill == "mind.think");
    let thoughts: Vec<_> = thoughts.collect();
    assert_eq!(thoughts[0].trace, ours.trace);
    assert_eq!(thoughts[0].parent, Some(ours.span));
    assert_eq!(thoughts[1].parent, None, "outside of a span there is none");
}

#[test]
fn headers_carry_a_trace_in_and_out() {
    let headers = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000001-0000000000000001-00",
    ];
    for header in headers {
        let came = HashMap::from([("traceparent".to_owned(), header.to_owned())]);
        let trace = extract(&came).unwrap();
        assert_eq!(trace, header.parse::<TraceContext>().unwrap());
        let mut goes = HashMap::new();
        inject(trace, &mut goes);
        assert_eq!(goes["traceparent"], header);
    }
    let none = [
        HashMap::new(),
        HashMap::from([("traceparent".to_owned(), "nonsense".to_owned())]),
    ];
    assert!(none.iter().all(|headers| extract(headers).is_none()));
    assert_eq!(current_span(), None, "no span is current here");
}
