//! How long it is from a panic of a skill to the answer of the rebuilt worker.
//!
//! `cargo bench -p aimass-runtime --bench restarts` prints the median and more of 200 restarts.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Runtime, Skill, SkillSpec, StepContext,
    WorkerGroup,
};
use parking_lot::Mutex;

const RESTARTS: usize = 200;

/// When the skill panicked last.
type Panicked = Arc<Mutex<Option<Instant>>>;

struct Clumsy(Panicked);

impl Agent for Clumsy {
    fn name(&self) -> &str {
        "clumsy"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("hands", Fresh(|| ()));
        Ok(definition.group(group.skill(Drop(self.0.clone()))))
    }
}

/// Panics at each first try of an input, and answers at the second.
struct Drop(Panicked);

impl Skill for Drop {
    const NAME: &'static str = "clumsy.drop";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Panics, and then answers")
    }
}

impl BatchSkill for Drop {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        let mut panicked = self.0.lock();
        if panicked.is_none() {
            *panicked = Some(Instant::now());
            drop(panicked);
            std::panic::panic_any("as it always does");
        }
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // Printing a panic takes longer than all else.
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = Panicked::default();
    let agent = Clumsy(panicked.clone());
    let runtime = Runtime::builder(Config::default()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    let mut times: Vec<Duration> = Vec::new();
    for input in 0..RESTARTS as u64 {
        *panicked.lock() = None;
        let asked = runtime.ask::<Drop>(input).await;
        assert_eq!(asked.unwrap(), input);
        times.push(panicked.lock().unwrap().elapsed());
    }
    runtime.shutdown().await;
    times.sort();
    println!(
        "from a panic to the next answer, {RESTARTS} times: p50 {:?}, p90 {:?}, p99 {:?}",
        times[RESTARTS / 2],
        times[RESTARTS * 9 / 10],
        times[RESTARTS * 99 / 100]
    );
}
