//! What observers cost: calls of an empty skill with nothing, with events only, with metrics, with 1 % and with all traces; and one span in
//! nanoseconds, beside one of `tracing` with `tracing-opentelemetry`.
//!
//! `cargo bench -p aimass-observers --bench overhead`
//!
//! The collector reads and throws away, on a thread of this process, so it takes its share of the same cores.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aimass_config::{Config, OtlpProtocol};
use aimass_observers::Otlp;
use aimass_observers::metrics::Metrics;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Observer, Record, Recorder, Runtime, Skill,
    SkillSpec, StepContext, WorkerGroup,
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::layer::SubscriberExt;

const ROUNDS: usize = 5;
const CALLS: usize = 50_000;
const IN_FLIGHT: usize = 64;
const SPANS: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Nothing,
    Events,
    Metrics,
    OnePercent,
    AllTraces,
    Everything,
}

const WAYS: [Way; 6] = [
    Way::Nothing,
    Way::Events,
    Way::Metrics,
    Way::OnePercent,
    Way::AllTraces,
    Way::Everything,
];

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

/// An observer that looks away.
struct LooksAway;

impl Observer for LooksAway {
    fn observe(&mut self, _: &Record) {}
}

fn main() {
    let endpoint = collector();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); WAYS.len()];
    // Interleaved, so that whatever else the machine does hits all alike.
    for _ in 0..ROUNDS {
        for (way, rates) in WAYS.iter().zip(&mut rates) {
            rates.push(runtime.block_on(rate(*way, &endpoint)));
        }
    }
    println!(
        "calls of an empty skill, {IN_FLIGHT} in flight, median and range of {ROUNDS} interleaved rounds"
    );
    let plain = median(&rates[0]);
    for (way, rates) in WAYS.iter().zip(&rates) {
        let (least, most) = (
            rates.iter().copied().fold(f64::MAX, f64::min),
            rates.iter().copied().fold(0.0, f64::max),
        );
        let rate = median(rates);
        let more = 1e9 / rate - 1e9 / plain;
        println!("  {way:?}: {rate:.0} calls/s ({least:.0}-{most:.0}), {more:+.0} ns a call");
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(runtime.block_on(our_span(&endpoint)));
        theirs.push(their_span());
    }
    println!(
        "a span with the same attributes: ours {:.0} ns, tracing with tracing-opentelemetry {:.0} ns",
        median(&ours),
        median(&theirs)
    );
}

fn config(way: Way, endpoint: &str) -> Config {
    let mut config = Config::default();
    config.observers.otlp.endpoint = Some(endpoint.to_owned());
    config.observers.otlp.protocol = OtlpProtocol::Http;
    if way == Way::OnePercent {
        config.observers.traces.ratio = 0.01;
    }
    config
}

async fn rate(way: Way, endpoint: &str) -> f64 {
    let config = config(way, endpoint);
    let observers = config.observers.clone();
    let mut builder = Runtime::builder(config).agent(Empty);
    if way == Way::Events {
        builder = builder.observer(LooksAway);
    }
    if matches!(way, Way::Metrics | Way::Everything) {
        builder = builder.observer(Metrics::new(&observers.traces));
    }
    if matches!(way, Way::OnePercent | Way::AllTraces | Way::Everything) {
        builder = builder.observer(Otlp::start(&observers).unwrap().unwrap());
    }
    let runtime = builder.start().await.unwrap();
    runtime.ask(Nothing, 0).await.unwrap();
    let began = Instant::now();
    let callers = (0..IN_FLIGHT).map(|_| {
        let runtime = runtime.clone();
        tokio::task::spawn(async move {
            for number in 0..CALLS / IN_FLIGHT {
                runtime.ask(Nothing, number as u64).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let took = began.elapsed();
    runtime.shutdown().await;
    CALLS as f64 / took.as_secs_f64()
}

/// Nanoseconds that the observer's thread takes for one span.
async fn our_span(endpoint: &str) -> f64 {
    let recorder = Recorder::default();
    let config = config(Way::AllTraces, endpoint);
    let builder = Runtime::builder(config.clone()).agent(Empty);
    let runtime = builder.observer(recorder.clone()).start().await.unwrap();
    runtime.ask(Nothing, 1).await.unwrap();
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

/// A collector that takes everything and keeps nothing.
fn collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    endpoint
}

fn serve(mut stream: TcpStream) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let line = line.trim().to_ascii_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .ok()?;
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
