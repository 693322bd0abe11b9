//! What a call costs: an empty skill with typed events on, beside a bare ractor call and a bare channel, and as agents grow in number.
//!
//! `cargo bench -p aimass-runtime --bench calls` prints one line for each figure; words after `--` choose parts: `flight`, `sequential`, `growing`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Observer, Record, Runtime, Skill, SkillSpec,
    StepContext, TaskOptions, WorkerGroup,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::time::Instant;

const IN_FLIGHT: u64 = 64;
const ROUNDS: usize = 5;
const CALLS: u64 = 200_000;

/// An agent with an empty skill; its number is part of its name.
struct Empty(String);

/// The skill that does nothing.
struct Nothing(String);

impl Agent for Empty {
    fn name(&self) -> &str {
        &self.0
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let skill = Nothing(format!("{}.nothing", self.name()));
        Ok(definition.group(WorkerGroup::new("nothing", Fresh(|| ())).skill(skill)))
    }
}

impl Skill for Nothing {
    const NAME: &'static str = "agent0.nothing";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        let mut spec = SkillSpec::of::<Self>("Does nothing");
        spec.name.clone_from(&self.0);
        spec
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

/// The same skill as a type, of one of the seven agents that are asked by type however many there are.
struct Chosen<const AT: usize>;

/// How many agents are asked by type.
const CHOSEN: usize = 7;

impl<const AT: usize> Skill for Chosen<AT> {
    const NAME: &'static str = [
        "chosen0.nothing",
        "chosen1.nothing",
        "chosen2.nothing",
        "chosen3.nothing",
        "chosen4.nothing",
        "chosen5.nothing",
        "chosen6.nothing",
    ][AT];
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Does nothing")
    }
}

/// Counts the records that reach it.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Observer for Count {
    fn observe(&mut self, record: &Record) {
        if matches!(record, Record::Task(_)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn name(agent: usize) -> String {
    format!("agent{agent}")
}

/// The names of agents; seven among them, evenly spread, are those that are asked by type.
fn names(agents: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..agents).map(name).collect();
    // One agent alone is the one that the other parts ask.
    let apart = agents / CHOSEN;
    for at in (0..CHOSEN).filter(|_| apart > 0) {
        names[at * apart] = format!("chosen{at}");
    }
    names
}

async fn start(agents: usize, count: &Count) -> Runtime {
    let mut config = Config::default();
    config.runtime.event_capacity = 1 << 20;
    let mut builder = Runtime::builder(config).observer(count.clone());
    for name in names(agents) {
        builder = builder.agent(Empty(name));
    }
    builder.start().await.unwrap()
}

fn main() {
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(async {
        if wanted("flight") {
            in_flight().await;
        }
        if wanted("sequential") {
            sequential().await;
            sequential_ractor().await;
            sequential_channel().await;
        }
        if wanted("growing") {
            for agents in [7, 70, 700, 7000] {
                growing(agents).await;
            }
        }
    });
}

/// Calls a second with 64 in flight, every record delivered.
async fn in_flight() {
    let count = Count::default();
    let runtime = start(1, &count).await;
    let mut rates = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..ROUNDS {
        resident.push(resident_bytes() >> 10);
        let began = Instant::now();
        let callers: Vec<_> = (0..IN_FLIGHT)
            .map(|caller| {
                let runtime = runtime.clone();
                tokio::spawn(async move {
                    for call in 0..CALLS / IN_FLIGHT {
                        let input = caller * CALLS + call;
                        let output = runtime.ask::<Nothing>(input).await;
                        assert_eq!(output.unwrap(), input);
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        rates.push((CALLS / IN_FLIGHT * IN_FLIGHT) as f64 / began.elapsed().as_secs_f64());
    }
    runtime.flush_observers().await;
    let report = runtime.shutdown().await;
    let records = count.0.load(Ordering::Relaxed);
    let calls = CALLS / IN_FLIGHT * IN_FLIGHT * ROUNDS as u64;
    assert_eq!(
        (records, report.dropped_events),
        (calls, 0),
        "every call left its record"
    );
    resident.push(resident_bytes() >> 10);
    println!(
        "resident before each of {ROUNDS} times {CALLS} calls, and after them: {resident:?} KiB"
    );
    rates.sort_by(f64::total_cmp);
    println!(
        "64 in flight, events on: {:.0} calls/s (median of {ROUNDS}; {:.0} to {:.0})",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1]
    );
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[times.len() * share / 100];
    println!(
        "{what}, one after the other: p50 {:?}, p99 {:?}",
        at(50),
        at(99)
    );
}

async fn sequential() {
    let count = Count::default();
    let runtime = start(1, &count).await;
    let mut times = Vec::new();
    for call in 0..50_000 {
        let began = Instant::now();
        runtime.ask::<Nothing>(call).await.unwrap();
        times.push(began.elapsed());
    }
    runtime.shutdown().await;
    percentiles("a skill", times);
}

struct Bare;

impl Actor for Bare {
    type Msg = (u64, RpcReplyPort<u64>);
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        (number, reply): Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(reply.send(number)?)
    }
}

async fn sequential_ractor() {
    let (actor, handle) = Actor::spawn(None, Bare, ()).await.unwrap();
    let mut times = Vec::new();
    for call in 0..50_000_u64 {
        let began = Instant::now();
        let called = actor.call(|reply| (call, reply), None).await.unwrap();
        assert!(called.is_success());
        times.push(began.elapsed());
    }
    actor.stop(None);
    handle.await.unwrap();
    percentiles("a bare ractor call", times);
}

async fn sequential_channel() {
    let (calls, called) = flume::bounded::<(u64, tokio::sync::oneshot::Sender<u64>)>(64);
    let thread = std::thread::spawn(move || {
        while let Ok((number, reply)) = called.recv() {
            let _ = reply.send(number);
        }
    });
    let mut times = Vec::new();
    for call in 0..50_000 {
        let began = Instant::now();
        let (reply, answer) = tokio::sync::oneshot::channel();
        calls.send_async((call, reply)).await.unwrap();
        answer.await.unwrap();
        times.push(began.elapsed());
    }
    drop(calls);
    thread.join().unwrap();
    percentiles("a bare channel to a thread", times);
}

/// Calls a second by type, of seven agents among all of them.
async fn by_type(runtime: &Runtime) -> f64 {
    async fn call<const AT: usize>(runtime: Runtime, calls: u64) {
        for call in 0..calls {
            let output = runtime.ask::<Chosen<AT>>(call).await;
            assert_eq!(output.unwrap(), call);
        }
    }
    let calls = CALLS / IN_FLIGHT;
    let began = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..IN_FLIGHT as usize {
        let runtime = runtime.clone();
        match caller % CHOSEN {
            0 => callers.spawn(call::<0>(runtime, calls)),
            1 => callers.spawn(call::<1>(runtime, calls)),
            2 => callers.spawn(call::<2>(runtime, calls)),
            3 => callers.spawn(call::<3>(runtime, calls)),
            4 => callers.spawn(call::<4>(runtime, calls)),
            5 => callers.spawn(call::<5>(runtime, calls)),
            _ => callers.spawn(call::<6>(runtime, calls)),
        };
    }
    callers.join_all().await;
    (calls * IN_FLIGHT) as f64 / began.elapsed().as_secs_f64()
}

/// Start time, memory and calls a second as agents grow in number; each agent is called by name, in JSON, and seven of them by type.
async fn growing(agents: usize) {
    let count = Count::default();
    let before = resident_bytes();
    let began = Instant::now();
    let runtime = start(agents, &count).await;
    let started = began.elapsed();
    let memory = resident_bytes().saturating_sub(before) / agents as u64;
    let names = Arc::new(names(agents));
    let round = |calls: u64| {
        let callers: Vec<_> = (0..IN_FLIGHT)
            .map(|caller| {
                let (runtime, names) = (runtime.clone(), names.clone());
                tokio::spawn(async move {
                    for call in (caller..calls).step_by(IN_FLIGHT as usize) {
                        let name = format!("{}.nothing", names[call as usize % agents]);
                        let options = TaskOptions::default();
                        runtime.ask_json(&name, call.into(), options).await.unwrap();
                    }
                })
            })
            .collect();
        async move {
            for caller in callers {
                caller.await.unwrap();
            }
        }
    };
    round(agents as u64).await;
    let loaded = resident_bytes().saturating_sub(before) / agents as u64;
    let began = Instant::now();
    let calls = CALLS / 4;
    round(calls).await;
    let rate = calls as f64 / began.elapsed().as_secs_f64();
    let mut typed = Vec::new();
    for _ in 0..ROUNDS {
        typed.push(by_type(&runtime).await);
    }
    typed.sort_by(f64::total_cmp);
    let (least, median, most) = (typed[0], typed[ROUNDS / 2], typed[ROUNDS - 1]);
    println!(
        "{agents} agents: {median:.0} calls/s by type, of seven of them (median of {ROUNDS}; {least:.0} to {most:.0})"
    );
    println!(
        "{agents} agents: start {started:?}, {memory} bytes each at rest, {loaded} with their workers, {rate:.0} calls/s by name"
    );
    runtime.shutdown().await;
}

/// What the process has of its own: memory that is there, and what of it was swapped out.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |field: &str| {
        let line = status.lines().find(|line| line.starts_with(field));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|number| number.parse::<u64>().ok())
    };
    let parts = ["RssAnon:", "VmSwap:"];
    parts.into_iter().filter_map(of).sum::<u64>() << 10
}
