//! What observers cost: calls of an empty skill with nothing, with events only, with metrics, with 1 % and with all traces, and with everything;
//! and one span in nanoseconds, beside one of `tracing` with `tracing-opentelemetry`.
//!
//! `cargo bench -p aimass-observers --bench overhead`. What it said, and when: `README.md` beside this file.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "overhead/collector.rs"]
mod collector;
#[path = "overhead/ways.rs"]
mod ways;

use std::sync::Arc;
use std::time::Instant;

use aimass_observers::Otlp;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Observer, Record, Recorder, Runtime, Skill,
    SkillSpec, StepContext, WorkerGroup,
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::layer::SubscriberExt;
use ways::{Way, spread};

const ROUNDS: usize = 12;
const CALLS: usize = 100_000;
const IN_FLIGHT: usize = 64;
const SPANS: usize = 20_000;

struct Empty;

impl Agent for Empty {
    fn name(&self) -> &str {
        "empty"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("nothing", Fresh(|| ())).skill(Nothing)))
    }
}

struct Nothing;

impl Skill for Nothing {
    const NAME: &'static str = "empty.nothing";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Gives back what it was given")
    }
}

impl BatchSkill for Nothing {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let what = format!("{CALLS} calls of an empty skill, {IN_FLIGHT} in flight");
    let team = |config| Runtime::builder(config).agent(Empty);
    runtime.block_on(ways::compare(&what, ROUNDS, team, calls));
    let endpoint = collector::collector();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(runtime.block_on(our_span(&endpoint)));
        theirs.push(their_span());
    }
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs);
    let ratios: Vec<f64> = ratios.collect();
    println!(
        "a span with the same attributes, in nanoseconds: ours {}",
        spread(&ours, 0)
    );
    println!(
        "  tracing with tracing-opentelemetry {}",
        spread(&theirs, 0)
    );
    println!("  ours beside theirs x {}", spread(&ratios, 2));
}

async fn calls(runtime: &Runtime) {
    let callers = (0..IN_FLIGHT).map(|_| {
        let runtime = runtime.clone();
        tokio::task::spawn(async move {
            for number in 0..CALLS / IN_FLIGHT {
                runtime.ask::<Nothing>(number as u64).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// Nanoseconds that the observer's thread takes for one span.
async fn our_span(endpoint: &str) -> f64 {
    let recorder = Recorder::default();
    let config = Way::AllTraces.config(endpoint);
    let builder = Runtime::builder(config.clone()).agent(Empty);
    let runtime = builder.observer(recorder.clone()).start().await.unwrap();
    runtime.ask::<Nothing>(1).await.unwrap();
    runtime.shutdown().await;
    let is_task = |record: &Record| matches!(record, Record::Task(_));
    let record = recorder.records().into_iter().find(is_task).unwrap();
    let mut otlp = Otlp::start(&config.observers).unwrap().unwrap();
    let began = Instant::now();
    // Each record is the span of its caller and that of its agent.
    for _ in 0..SPANS / 2 {
        otlp.observe(&record);
    }
    let took = began.elapsed();
    otlp.flush();
    took.as_nanos() as f64 / SPANS as f64
}

/// Throws spans away.
#[derive(Debug)]
struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

/// Nanoseconds that a caller's thread takes for one span, its mean number of attributes as ours.
fn their_span() -> f64 {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Discard)
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry().with(layer);
    let took = tracing::subscriber::with_default(subscriber, || {
        let began = Instant::now();
        for number in 0..SPANS / 2 {
            let caller =
                tracing::info_span!("ask", otel.kind = "client", aimass.skill = "empty.nothing");
            let _in_caller = caller.enter();
            let agent = tracing::info_span!(
                "empty.nothing",
                otel.kind = "server",
                gen_ai.operation.name = "invoke_agent",
                gen_ai.provider.name = "aimass",
                gen_ai.agent.name = "empty",
                gen_ai.request.model = "none",
                aimass.task.id = "00000000000000000000000000000000",
                aimass.priority = "normal",
                aimass.runs = 1,
                aimass.input.bytes = 8,
                aimass.queue.time = 1e-5,
                aimass.steps = 1,
                aimass.model.time = 1e-6,
                aimass.worker.id = 0,
                aimass.worker.epoch = 1,
                aimass.batch.id = number,
                aimass.batch.size = 1,
                aimass.device = "cpu",
            );
            let _in_agent = agent.enter();
            tracing::info!("task.started");
            tracing::info!("task.finished");
        }
        began.elapsed()
    });
    provider.shutdown().unwrap();
    took.as_nanos() as f64 / SPANS as f64
}
