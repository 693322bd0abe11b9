//! The text agent beside its bare network: what a call adds, what batches save, and how soon a panic is forgotten. With the real MiniLM.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p aimass-agents --bench text`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../../models/tests/it/cache.rs"]
mod cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aimass_agents::text::{Embed, TextAgent, TextInput};
use aimass_config::Config;
use aimass_models::{SentenceEncoder, SentenceEncoderWeights, Silent, Store, device};
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, DeviceName, Fault, ModelSource, ModelVersion, Runtime,
    Skill, SkillSpec, StepContext, WorkerGroup,
};

const TEXT: &str = "The parcel came two weeks late and the cup inside was broken.";
const ROUNDS: usize = 200;
const TOGETHER: usize = 32;

fn main() {
    let store = cache::store();
    let folder = store.pull("minilm", &mut Silent).unwrap();
    let encoder = || {
        let weights = SentenceEncoderWeights::load(&folder, &device::open("cpu").unwrap());
        SentenceEncoder::new(Arc::new(weights.unwrap()))
    };
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(async {
        overhead(&encoder(), store.clone()).await;
        batches(store).await;
        panics(encoder()).await;
    });
}

/// One text after the other: the agent, and the network itself.
async fn overhead(encoder: &SentenceEncoder, store: Store) {
    let runtime = start(TextAgent::new(store, None)).await;
    let (mut asked, mut direct) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        runtime.ask::<Embed>(input()).await.unwrap();
        asked.push(began.elapsed());
        let began = Instant::now();
        let tokens = encoder.tokenize(TEXT).unwrap();
        encoder.encode(&[tokens]).unwrap();
        direct.push(began.elapsed());
    }
    runtime.shutdown().await;
    let (asked, direct) = (median(asked), median(direct));
    println!(
        "one text: through the agent {asked:?}, the network itself {direct:?}, {:+.1} % (median of {ROUNDS})",
        (asked.as_secs_f64() / direct.as_secs_f64() - 1.0) * 100.0
    );
}

/// 32 callers at once, with batches and without.
async fn batches(store: Store) {
    let mut rates = Vec::new();
    for max_batch in [1, TOGETHER as u32] {
        let config = with_batches("text", max_batch);
        let builder = Runtime::builder(config).agent(TextAgent::new(store.clone(), None));
        let runtime = builder.start().await.unwrap();
        runtime.ask::<Embed>(input()).await.unwrap();
        let mut times = Vec::new();
        for _ in 0..ROUNDS / 10 {
            let began = Instant::now();
            let callers: Vec<_> = (0..TOGETHER)
                .map(|_| {
                    let runtime = runtime.clone();
                    tokio::spawn(async move { runtime.ask::<Embed>(input()).await.unwrap() })
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
            }
            times.push(began.elapsed());
        }
        runtime.shutdown().await;
        rates.push(TOGETHER as f64 / median(times).as_secs_f64());
    }
    println!(
        "{TOGETHER} callers: {:.0} texts/s one by one, {:.0} in batches, ratio {:.2}",
        rates[0],
        rates[1],
        rates[1] / rates[0]
    );
}

/// A task whose first run panics: from the panic to its answer by the rebuilt worker.
async fn panics(encoder: SentenceEncoder) {
    let fuse = Fuse::default();
    let fragile = Fragile {
        encoder: Arc::new(encoder),
        fuse: fuse.clone(),
    };
    let runtime = start(fragile).await;
    let ask = || runtime.ask::<FragileEmbed>(TEXT.to_owned());
    std::panic::set_hook(Box::new(|_| {}));
    let (mut calm, mut shaken) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS / 4 {
        let began = Instant::now();
        ask().await.unwrap();
        calm.push(began.elapsed());
        fuse.0.store(true, Ordering::SeqCst);
        let began = Instant::now();
        ask().await.unwrap();
        shaken.push(began.elapsed());
    }
    runtime.shutdown().await;
    println!(
        "panic to the answer: {:?}, an answer without a panic {:?} (median of {}); nothing lost",
        median(shaken),
        median(calm),
        ROUNDS / 4
    );
}

fn input() -> TextInput {
    TextInput::text(TEXT)
}

fn with_batches(agent: &str, max_batch: u32) -> Config {
    let mut config = Config::default();
    config.agent_mut(agent).max_batch = max_batch;
    config
}

async fn start(agent: impl Agent) -> Runtime {
    let config = with_batches(agent.name(), 1);
    let builder = Runtime::builder(config).agent(agent);
    builder.start().await.unwrap()
}

/// Lit, it panics the next run.
#[derive(Clone, Default)]
struct Fuse(Arc<AtomicBool>);

/// MiniLM behind a fuse.
#[derive(Clone)]
struct Fragile {
    encoder: Arc<SentenceEncoder>,
    fuse: Fuse,
}

impl Agent for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("encoder", self.clone());
        Ok(definition.group(group.skill(FragileEmbed(self.fuse.clone()))))
    }
}

impl ModelSource for Fragile {
    type Weights = Arc<SentenceEncoder>;
    type Model = Arc<SentenceEncoder>;

    fn version(&self) -> ModelVersion {
        ModelVersion::new(self.encoder.version())
    }

    fn load(&self, _: &DeviceName) -> Result<Self::Weights, Fault> {
        Ok(self.encoder.clone())
    }

    fn build(&self, weights: &Arc<Self::Weights>, _: &DeviceName) -> Result<Self::Model, Fault> {
        Ok((**weights).clone())
    }
}

struct FragileEmbed(Fuse);

impl Skill for FragileEmbed {
    const NAME: &'static str = "fragile.embed";
    type Input = String;
    type Output = Vec<f32>;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Embeds a text, and panics when its fuse is lit")
    }
}

impl BatchSkill for FragileEmbed {
    type Model = Arc<SentenceEncoder>;

    fn run(
        &self,
        encoder: &mut Arc<SentenceEncoder>,
        texts: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Vec<f32>, Fault>> {
        assert!(!self.0.0.swap(false, Ordering::SeqCst), "the fuse is lit");
        let embed = |text: &Arc<String>| {
            let tokens = encoder.tokenize(text).unwrap();
            Ok(encoder.encode(&[tokens]).unwrap().remove(0))
        };
        texts.iter().map(embed).collect()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
