//! The memory budget: models come and go as they are needed, and never more of them are in memory than may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchSkill, Chunk, ClientStreaming, DeviceName, Fault,
    FaultInjection, ModelSkill, ModelSource, ModelVersion, Runtime, RuntimeError, ServerStreaming,
    Skill, SkillSpec, Step, StepContext, WorkerGroup,
};

use crate::desk::Desk;

const KIB: u64 = 1024;

/// What is in memory now, what was at most, and how often something was read.
#[derive(Default)]
struct Meter {
    now: AtomicU64,
    peak: AtomicU64,
    loads: AtomicU64,
}

/// Weights of so many bytes.
#[derive(Clone)]
struct Sized(u64, Arc<Meter>);

struct Weights(Sized);

impl Drop for Weights {
    fn drop(&mut self) {
        let Sized(bytes, meter) = &self.0;
        meter.now.fetch_sub(*bytes, Ordering::SeqCst);
    }
}

impl ModelSource for Sized {
    type Weights = Weights;
    type Model = Arc<Weights>;

    fn version(&self) -> ModelVersion {
        ModelVersion::new("one")
    }

    fn memory_bytes(&self) -> u64 {
        self.0
    }

    fn load(&self, _: &DeviceName) -> Result<Weights, Fault> {
        let Sized(bytes, meter) = self;
        let now = meter.now.fetch_add(*bytes, Ordering::SeqCst) + bytes;
        meter.peak.fetch_max(now, Ordering::SeqCst);
        meter.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Weights(self.clone()))
    }

    fn build(&self, weights: &Arc<Weights>, _: &DeviceName) -> Result<Arc<Weights>, Fault> {
        Ok(weights.clone())
    }
}

/// Answers with its input; `hold` waits at gate 1, `panic` panics once gate 1 is closed.
struct Echo<const AGENT: usize>(Desk);

impl<const AGENT: usize> Skill for Echo<AGENT> {
    const NAME: &'static str = ["a.echo", "b.echo", "c.echo", "d.echo"][AGENT];
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says it again")
    }
}

impl<const AGENT: usize> BatchSkill for Echo<AGENT> {
    type Model = Arc<Weights>;

    fn run(
        &self,
        _: &mut Arc<Weights>,
        inputs: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        for input in inputs {
            match input.as_str() {
                "hold" => {
                    self.0.note(crate::desk::Entry::Began(vec![1]));
                    self.0.pass(1);
                }
                "panic" if !self.0.is_open(2) => {
                    self.0.open(2);
                    panic!("as it was told to");
                }
                _ => {}
            }
        }
        inputs.iter().map(|input| Ok(input.to_string())).collect()
    }
}

struct Letter<const AGENT: usize>(Sized, Desk);

impl<const AGENT: usize> Agent for Letter<AGENT> {
    fn name(&self) -> &str {
        ["a", "b", "c", "d"][AGENT]
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("model", self.0.clone());
        Ok(definition.group(group.skill(Echo::<AGENT>(self.1.clone()))))
    }
}

struct Team {
    runtime: Runtime,
    meter: Arc<Meter>,
    desk: Desk,
}

/// Four agents of 400 KiB each, on a budget that has room for two.
async fn four() -> Team {
    let mut config = Config::default();
    config.runtime.memory_budget = Some(1000 * KIB);
    let (meter, desk) = (Arc::new(Meter::default()), Desk::default());
    let source = Sized(400 * KIB, meter.clone());
    let runtime = Runtime::builder(config)
        .agent(Letter::<0>(source.clone(), desk.clone()))
        .agent(Letter::<1>(source.clone(), desk.clone()))
        .agent(Letter::<2>(source.clone(), desk.clone()))
        .agent(Letter::<3>(source, desk.clone()))
        .start()
        .await
        .unwrap();
    Team {
        runtime,
        meter,
        desk,
    }
}

impl Team {
    async fn echo<const AGENT: usize>(&self, input: &str) {
        let ask = self.runtime.ask::<Echo<AGENT>>(input.to_owned());
        assert_eq!(ask.await.unwrap(), input);
    }

    /// Returns once the agent's worker has parked: it answers before it does.
    async fn idle(&self, agent: usize) {
        while self.runtime.agents()[agent].workers[0].state != "idle" {
            tokio::task::yield_now().await;
        }
    }

    fn loads(&self) -> u64 {
        self.meter.loads.load(Ordering::SeqCst)
    }

    async fn close(self) {
        let report = self.runtime.shutdown().await;
        assert!(!report.left_behind);
        assert!(self.meter.peak.load(Ordering::SeqCst) <= 1000 * KIB);
    }
}

#[tokio::test]
async fn the_longest_unused_model_makes_room() {
    let team = four().await;
    for _ in 0..2 {
        team.echo::<0>("x").await;
        team.idle(0).await;
        team.echo::<1>("x").await;
        team.idle(1).await;
    }
    team.echo::<0>("x").await;
    team.idle(0).await;
    assert_eq!(team.loads(), 2);
    team.echo::<2>("b, the longest unused, goes").await;
    team.echo::<0>("a is still there").await;
    assert_eq!(team.loads(), 3);
    team.echo::<1>("x").await;
    assert_eq!(team.loads(), 4);
    team.close().await;
}

#[tokio::test]
async fn what_is_in_use_stays_and_others_wait() {
    let team = Arc::new(four().await);
    let busy = |team: Arc<Team>| async move {
        tokio::join!(team.echo::<0>("hold"), team.echo::<1>("hold"));
    };
    let held = tokio::spawn(busy(team.clone()));
    team.desk.until(|log| log.len() == 2).await;
    let waits = team.clone();
    let waiting = tokio::spawn(async move { waits.echo::<2>("x").await });
    while team.runtime.agents()[2].waiting == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(team.runtime.agents()[2].workers[0].state, "starting");
    assert_eq!(team.loads(), 2);
    team.desk.open(1);
    held.await.unwrap();
    waiting.await.unwrap();
    Arc::into_inner(team).unwrap().close().await;
}

#[tokio::test]
async fn kill_each_service_whoever_waits_for_memory_is_served_after_its_owner_died() {
    for fault in [FaultInjection::Panic, FaultInjection::PanicInWork] {
        let team = Arc::new(four().await);
        let busy = |team: Arc<Team>| async move {
            tokio::join!(team.echo::<0>("hold"), team.echo::<1>("hold"));
        };
        let held = tokio::spawn(busy(team.clone()));
        team.desk.until(|log| log.len() == 2).await;
        let waits = team.clone();
        let waiting = tokio::spawn(async move { waits.echo::<2>("x").await });
        while team.runtime.agents()[2].waiting == 0 {
            tokio::task::yield_now().await;
        }
        assert!(team.runtime.inject("memory", fault).await);
        // The actor of the worker that waits dies as well: the next incarnation waits in its place.
        assert!(team.runtime.inject("c/0", FaultInjection::Panic).await);
        team.desk.open(1);
        held.await.unwrap();
        waiting.await.unwrap();
        Arc::into_inner(team).unwrap().close().await;
    }
}

#[tokio::test]
async fn a_panic_keeps_its_weights_although_others_wait_for_memory() {
    let team = four().await;
    tokio::join!(
        team.echo::<0>("panic"),
        team.echo::<1>("x"),
        team.echo::<2>("x"),
        team.echo::<3>("x"),
    );
    assert!(team.loads() >= 4);
    team.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_on_too_little_memory_is_served_to_the_last() {
    let team = Arc::new(four().await);
    let mut tasks = Vec::new();
    for round in 0..50 {
        let team = team.clone();
        tasks.push(tokio::spawn(async move {
            match round % 4 {
                0 => team.echo::<0>("x").await,
                1 => team.echo::<1>("x").await,
                2 => team.echo::<2>("x").await,
                _ => team.echo::<3>("x").await,
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(team).unwrap().close().await;
}

#[tokio::test]
async fn a_model_larger_than_the_budget_is_refused_at_the_start() {
    let mut config = Config::default();
    config.runtime.memory_budget = Some(100 * KIB);
    let source = Sized(400 * KIB, Arc::default());
    let refused = Runtime::builder(config)
        .agent(Letter::<0>(source, Desk::default()))
        .start()
        .await;
    let error = refused.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, RuntimeError::MemoryBudget { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("raise it"), "{error}");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_memory() {
    let team = Arc::new(four().await);
    let busy = team.clone();
    let held =
        tokio::spawn(async move { tokio::join!(busy.echo::<0>("hold"), busy.echo::<1>("hold")) });
    team.desk.until(|log| log.len() == 2).await;
    let runtime = team.runtime.clone();
    let waiting = tokio::spawn(async move { runtime.ask::<Echo<2>>("x".to_owned()).await });
    while team.runtime.agents()[2].waiting == 0 {
        tokio::task::yield_now().await;
    }
    let closing = team.runtime.clone();
    let limit = std::time::Duration::from_millis(20);
    let closed = tokio::spawn(async move { closing.shutdown_within(limit).await });
    waiting.await.unwrap().unwrap_err();
    team.desk.open(1);
    held.abort();
    assert!(!closed.await.unwrap().left_behind);
}

#[tokio::test]
async fn a_swap_waits_for_room_for_both_versions_and_leaves_room_for_others() {
    let team = four().await;
    team.echo::<1>("x").await;
    team.echo::<0>("x").await;
    let new = Sized(400 * KIB, team.meter.clone());
    team.runtime.swap("a", "model", new).await.unwrap();
    team.echo::<0>("the new version is there").await;
    assert_eq!(team.loads(), 3);
    team.echo::<1>("b had to go, and comes back").await;
    assert_eq!(team.loads(), 4);
    team.echo::<0>("both have room").await;
    team.echo::<1>("both have room").await;
    assert_eq!(team.loads(), 4);
    team.close().await;
}

#[tokio::test]
async fn a_version_that_has_no_room_beside_the_old_one_is_refused() {
    let team = four().await;
    team.echo::<0>("x").await;
    let new = Sized(700 * KIB, team.meter.clone());
    let fault = team.runtime.swap("a", "model", new.clone()).await;
    let fault = fault.unwrap_err();
    assert!(fault.message.contains("memory_budget"), "{fault}");
    team.echo::<0>("the old version goes on").await;
    assert_eq!(team.loads(), 1);
    // Where no old version is in memory, the new one has to fit alone.
    team.runtime.swap("b", "model", new).await.unwrap();
    team.echo::<1>("a went for it").await;
    // Read once to see that it can be used, and once to use it.
    assert_eq!(team.loads(), 3);
    team.close().await;
}

/// A live stream that waits for its next chunk uses its model, however long ago that came.
#[tokio::test]
async fn a_model_that_a_stream_waits_with_is_not_the_one_that_makes_room() {
    let mut config = Config::default();
    config.runtime.memory_budget = Some(1000 * KIB);
    let (meter, desk) = (Arc::new(Meter::default()), Desk::default());
    let source = Sized(400 * KIB, meter.clone());
    let runtime = Runtime::builder(config)
        .agent(Ear(source.clone()))
        .agent(Letter::<0>(source.clone(), desk.clone()))
        .agent(Letter::<1>(source, desk.clone()))
        .start()
        .await
        .unwrap();
    let (chunks, sums) = runtime.open::<Listen>(100).unwrap();
    chunks.send(1).await.unwrap();
    while runtime.agents()[0].workers[0].state != "idle" {
        tokio::task::yield_now().await;
    }
    let echo = |text: &str| text.to_owned();
    runtime.ask::<Echo<0>>(echo("x")).await.unwrap();
    // The stream's model was idle for the longest, and the other one has to go.
    let room = runtime.ask::<Echo<1>>(echo("x"));
    let room = tokio::time::timeout(Duration::from_secs(20), room).await;
    room.expect("an idle model makes room").unwrap();
    chunks.send(2).await.unwrap();
    drop(chunks);
    assert_eq!(sums.output().await.unwrap(), 103);
    assert!(meter.peak.load(Ordering::SeqCst) <= 1000 * KIB);
    runtime.shutdown().await;
}

/// `ear.listen`: adds up what it hears.
struct Listen;

impl Skill for Listen {
    const NAME: &'static str = "ear.listen";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up what it hears")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Listen {
    type Item = u32;
}

impl ClientStreaming for Listen {
    type Chunk = u32;
}

impl ModelSkill for Listen {
    type Model = Arc<Weights>;
    type Job = u32;

    fn begin(
        &self,
        _: &mut Arc<Weights>,
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<u32, Fault> {
        Ok(*inputs[0])
    }

    fn step(
        &self,
        _: &mut Arc<Weights>,
        sum: &mut u32,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        Ok(match context.next_chunk::<u32>(BatchIndex(0))? {
            Chunk::Pending => Step::Waiting,
            Chunk::End => Step::Settled(vec![(BatchIndex(0), Ok(*sum))]),
            Chunk::Item(chunk) => {
                *sum += chunk;
                Step::Continue
            }
        })
    }
}

struct Ear(Sized);

impl Agent for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("model", self.0.clone()).skill(Listen)))
    }
}
