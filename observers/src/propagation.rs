//! Traces across the border between a program that uses OpenTelemetry and the runtime: contexts become ours and back, headers are read and written.
//!
//! A [`TraceContext`] holds what W3C Trace Context calls `traceparent`. A `tracestate` is not kept: the runtime has no use for it.

use aimass_runtime::{SpanId, TraceContext, TraceId};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{self as otel, SpanContext, TraceContextExt, TraceFlags, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Returns the span that is current where this is called, as OpenTelemetry's [`Context`] knows it; `None` outside of one.
///
/// For [`RuntimeBuilder::current_span`](aimass_runtime::RuntimeBuilder::current_span): whatever is asked within a span of the program's is then
/// traced below it. With `tracing`, a layer of `tracing-opentelemetry` makes the span that was entered the current one.
pub fn current_span() -> Option<TraceContext> {
    trace_context(&Context::current())
}

/// Returns the span of a [`Context`]; `None` when it has no valid one.
pub fn trace_context(context: &Context) -> Option<TraceContext> {
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| TraceContext {
        trace: TraceId::from_u128(u128::from_be_bytes(span.trace_id().to_bytes())),
        span: SpanId::from_u64(u64::from_be_bytes(span.span_id().to_bytes())),
        sampled: span.is_sampled(),
    })
}

/// Returns a [`Context`] whose span is this one, of another process or service.
pub fn context(trace: TraceContext) -> Context {
    let flags = match trace.sampled {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::NOT_SAMPLED,
    };
    Context::new().with_remote_span_context(SpanContext::new(
        otel::TraceId::from(trace.trace.to_u128()),
        otel::SpanId::from(trace.span.to_u64()),
        flags,
        true,
        TraceState::NONE,
    ))
}

/// Reads the header `traceparent` of a request that came; `None` when there is none, or it is none.
///
/// ```
/// use std::collections::HashMap;
///
/// use aimass_observers::propagation::{extract, inject};
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
/// let came = HashMap::from([("traceparent".to_owned(), header)]);
/// let trace = extract(&came).ok_or("no trace")?;
/// let mut goes = HashMap::new();
/// inject(trace, &mut goes);
/// assert_eq!(goes["traceparent"], came["traceparent"]);
/// # Ok::<(), &str>(())
/// ```
pub fn extract(headers: &dyn Extractor) -> Option<TraceContext> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), headers);
    trace_context(&context)
}

/// Writes the header `traceparent` into a request that goes to another service.
pub fn inject(trace: TraceContext, headers: &mut dyn Injector) {
    TraceContextPropagator::new().inject_context(&context(trace), headers);
}
