//! An office and its branch: flows that ask their own agent, each other, and a door that tests hold shut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, ClientStreaming, FactKind, Fault, FlowContext, FlowSkill,
    Fresh, IdleRule, Reaction, ServerStreaming, Skill, SkillSpec, StepContext, TaskError,
    WorkerGroup,
};
use parking_lot::{Condvar, Mutex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

pub(super) fn kind(name: &str) -> FactKind {
    FactKind::new(name, 1).unwrap()
}

/// The agent `office`.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) door: Arc<Door>,
    /// The skills that react to a paper.
    pub(super) rules: Vec<&'static str>,
    /// Whether it is asked at the end of an episode.
    pub(super) counts_at_the_end: bool,
}

#[derive(Default)]
pub(super) struct Door {
    is_shut: Mutex<bool>,
    opened: Condvar,
    cured: AtomicBool,
}

impl Default for Office {
    fn default() -> Self {
        Self {
            door: Arc::default(),
            rules: vec!["office.both"],
            counts_at_the_end: false,
        }
    }
}

impl Office {
    /// From now on whoever asks `office.first` waits at the door.
    pub(super) fn shut(&self) {
        *self.door.is_shut.lock() = true;
    }

    pub(super) fn open(&self) {
        *self.door.is_shut.lock() = false;
        self.door.opened.notify_all();
    }

    /// What was poison is not any more.
    pub(super) fn cure(&self) {
        self.door.cured.store(true, Ordering::SeqCst);
    }

    pub(super) fn branch(&self) -> Branch {
        Branch
    }

    fn pass(&self, number: u64) {
        let mut is_shut = self.door.is_shut.lock();
        while *is_shut {
            self.door.opened.wait(&mut is_shut);
        }
        let cured = self.door.cured.load(Ordering::SeqCst);
        assert!(cured || number != Ask::POISON, "poison");
    }
}

/// Special things to ask for.
pub(super) struct Ask;

impl Ask {
    /// Nothing special but for its name: held while the door is shut.
    pub(super) const HELD: u64 = 1_000_000;
    /// Panics until the office is cured.
    pub(super) const POISON: u64 = 2_000_000;
}

impl Agent for Office {
    fn name(&self) -> &str {
        "office"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let door = WorkerGroup::new("door", Fresh(|| ())).skill(First(self.clone()));
        let behind = WorkerGroup::new("behind", Fresh(|| ())).skill(Second);
        let mut definition = definition
            .group(door)
            .group(behind)
            .flow(Both)
            .flow(Spread)
            .flow(Listen)
            .flow(Onwards);
        for rule in &self.rules {
            let reaction = Reaction::new(rule, kind("paper"), rule).produces(kind("answer"));
            definition = definition.reaction(reaction);
        }
        if self.counts_at_the_end {
            definition = definition.on_idle(IdleRule::new("count", "office.count"));
            definition = definition.flow(Count);
        }
        Ok(definition)
    }
}

/// The agent `branch`.
pub(super) struct Branch;

impl Agent for Branch {
    fn name(&self) -> &str {
        "branch"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("workers", Fresh(|| ())).skill(Leaf);
        Ok(definition.group(group).flow(Back))
    }
}

/// `office.first`: one more, once the door is open.
pub(super) struct First(pub(super) Office);

impl Skill for First {
    const NAME: &'static str = "office.first";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("One more")
    }

    fn input_bytes(&self, _: &u64) -> u64 {
        1000
    }
}

impl BatchSkill for First {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        let one_more = |number: &Arc<u64>| {
            self.0.pass(**number);
            Ok(**number + 1)
        };
        inputs.iter().map(one_more).collect()
    }
}

/// `office.second`: one more, behind the door.
pub(super) struct Second;

impl Skill for Second {
    const NAME: &'static str = "office.second";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("One more")
    }
}

impl BatchSkill for Second {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|number| Ok(**number + 1)).collect()
    }
}

/// `branch.leaf`: one more.
struct Leaf;

impl Skill for Leaf {
    const NAME: &'static str = "branch.leaf";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("One more")
    }
}

impl BatchSkill for Leaf {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|number| Ok(**number + 1)).collect()
    }
}

/// `office.both`: asks its own agent twice.
pub(super) struct Both;

impl Skill for Both {
    const NAME: &'static str = "office.both";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Two more")
    }
}

impl FlowSkill for Both {
    async fn run(&self, number: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let once = ask(&context, "office.first", *number).await?;
        Ok(ask(&context, "office.second", once).await?)
    }
}

async fn ask(context: &FlowContext, skill: &str, number: u64) -> Result<u64, TaskError> {
    let answer = context.ask_json(skill, number.into()).await?;
    Ok(answer.as_u64().unwrap())
}

/// `office.spread`: asks its own agent for so many at once, and sums up.
pub(super) struct Spread;

impl Skill for Spread {
    const NAME: &'static str = "office.spread";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks for many at once")
    }
}

impl FlowSkill for Spread {
    async fn run(&self, count: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let mut asks = JoinSet::new();
        for number in 0..*count {
            let context = context.clone();
            asks.spawn(async move { ask(&context, "office.first", number).await });
        }
        let mut sum = 0;
        while let Some(answered) = asks.join_next().await {
            sum += answered.map_err(|error| Fault::bug(error.to_string()))??;
        }
        Ok(sum)
    }
}

/// `office.listen`: asks its own agent for each chunk.
pub(super) struct Listen;

impl Skill for Listen {
    const NAME: &'static str = "office.listen";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("One more each").takes::<Self>()
    }
}

impl ServerStreaming for Listen {
    type Item = u64;
}

impl ClientStreaming for Listen {
    type Chunk = u64;
}

impl FlowSkill for Listen {
    async fn run(&self, received: Arc<u64>, context: FlowContext) -> Result<u64, Fault> {
        let mut received = *received;
        while let Some(number) = context.next_chunk::<u64>().await? {
            let item = ask(&context, "office.first", number).await?;
            context.emit(item).await?;
            received += 1;
        }
        Ok(received)
    }
}

/// Where a flow is to ask.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) enum There {
    /// The flow of the other agent.
    Onwards(u64),
    /// The leaf.
    Leaf(u64),
}

/// `office.there`: asks the branch.
struct Onwards;

impl Skill for Onwards {
    const NAME: &'static str = "office.there";
    type Input = There;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks the branch")
    }
}

impl FlowSkill for Onwards {
    async fn run(&self, there: Arc<There>, context: FlowContext) -> Result<u64, Fault> {
        match &*there {
            There::Onwards(number) => Ok(context.ask::<Back>(There::Leaf(*number)).await?),
            There::Leaf(number) => Ok(ask(&context, "branch.leaf", *number).await?),
        }
    }
}

/// `branch.back`: asks the office.
struct Back;

impl Skill for Back {
    const NAME: &'static str = "branch.back";
    type Input = There;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks the office")
    }
}

impl FlowSkill for Back {
    async fn run(&self, there: Arc<There>, context: FlowContext) -> Result<u64, Fault> {
        match &*there {
            There::Onwards(number) => Ok(context.ask::<Onwards>(There::Leaf(*number)).await?),
            There::Leaf(number) => Ok(ask(&context, "branch.leaf", *number).await?),
        }
    }
}

/// `office.count`: asks its own agent at the end of an episode.
struct Count;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct About {
    #[schemars(with = "String")]
    episode: aimass_runtime::EpisodeId,
}

impl Skill for Count {
    const NAME: &'static str = "office.count";
    type Input = About;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks at the end")
    }
}

impl FlowSkill for Count {
    async fn run(&self, _: Arc<About>, context: FlowContext) -> Result<u64, Fault> {
        Ok(ask(&context, "office.first", 0).await?)
    }
}
