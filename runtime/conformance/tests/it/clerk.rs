//! An agent with a skill of each kind, sound or with one flaw.

mod dictate;
mod ponder;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, BatchKey, BatchSkill, Chunk, ClientStreaming, DeviceName,
    Effect, FactView, Fault, FlowContext, FlowSkill, ModelSkill, ModelSource, ModelVersion, Panel,
    ServerStreaming, Skill, SkillSpec, Step, StepContext, WorkerGroup, text,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use dictate::Dictate;
use ponder::Ponder;

/// What is wrong with the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// The members of a batch get each other's answers.
    MixesUpBatches,
    /// What a lost attempt left behind changes the next one.
    RemembersPanics,
    PanicsOnBadInput,
    /// Something of one runtime is seen in another.
    SharesState,
    /// No two answers are the same.
    Wanders,
    /// A model that was read a second time never answers.
    CannotBeRenewed,
    /// What it answers depends on how often its model was read.
    ForgetsWhenUnloaded,
    /// A job that is abandoned leaves its model changed.
    LeavesAMark,
    /// It counts how many calls wait, and answers accordingly.
    LooksAround,
    /// Its workers share a lock, which a thread that hangs never gives back.
    SharesALock,
    /// Its input is not written down as it was read.
    LosesInput,
    /// It sends items of another type than its spec says.
    SendsOthers,
    /// It sends items, and its spec says nothing of them.
    HidesItems,
    /// One of its skills has an older name that is the name of another.
    HasAnAliasTwice,
    /// A skill says that it sends the items of another one.
    SendsForAnother,
    /// A stream that goes on begins anew after a death, though it asks for what was delivered.
    DictatesAnew,
    /// What a stream that goes on sends depends on how often the agent was started.
    DictatesByStart,
    /// A view panics at what its skill gives.
    ViewPanics,
    /// The line of a view, and a heading of its panel, are in one language.
    LineInOneLanguage,
    HeadingInOneLanguage,
}

/// The agent `clerk`.
#[derive(Clone)]
pub(super) struct Clerk {
    flaw: Flaw,
    /// What a sound agent would not have: something that outlives its models.
    count: Arc<AtomicU32>,
    loads: Arc<AtomicU32>,
    locked: Arc<AtomicBool>,
    /// Calls of `clerk.file` that it has seen come and has not answered.
    waiting: Arc<AtomicU32>,
}

impl Clerk {
    pub(super) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            count: Arc::default(),
            loads: Arc::default(),
            locked: Arc::default(),
            waiting: Arc::default(),
        }
    }
}

impl Agent for Clerk {
    fn name(&self) -> &str {
        "clerk"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        if matches!(self.flaw, Flaw::SharesState | Flaw::DictatesByStart) {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
        let group = WorkerGroup::new("desk", self.clone())
            .skill(File(self.clone()))
            .skill(Count(self.clone()))
            .skill(Add)
            .skill(Post)
            .skill(Ponder);
        let group = match self.flaw {
            Flaw::LosesInput => group.skill(Stamp),
            _ => group,
        };
        let flaw = self.flaw;
        Ok(definition
            .group(group)
            .flow(Round)
            .flow(Dictate(self.clone()))
            .view::<File>(move |filed, name| view(flaw, filed, name)))
    }
}

/// What people are shown of what was filed.
fn view(flaw: Flaw, filed: &str, name: &str) -> FactView {
    assert!(flaw != Flaw::ViewPanics, "the view of the clerk");
    let line = match flaw {
        Flaw::LineInOneLanguage => format!("the clerk says: {filed}").into(),
        _ => text!("the clerk says: {filed}", "办事员说：{filed}"),
    };
    let heading = match flaw {
        Flaw::HeadingInOneLanguage => "drawer".into(),
        _ => text!("drawer", "抽屉"),
    };
    FactView::new(line)
        .statement(filed.into())
        .panel(Panel::Table {
            columns: vec![heading],
            rows: vec![vec![name.to_owned()]],
        })
}

impl ModelSource for Clerk {
    type Weights = ();
    type Model = Desk;

    fn version(&self) -> ModelVersion {
        ModelVersion::new("one")
    }

    fn load(&self, _: &DeviceName) -> Result<(), Fault> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn build(&self, _: &Arc<()>, _: &DeviceName) -> Result<Desk, Fault> {
        let loads = self.loads.load(Ordering::SeqCst);
        Ok(Desk {
            stuck: self.flaw == Flaw::CannotBeRenewed && loads > 1,
            loads,
            abandoned: Arc::default(),
        })
    }
}

/// A worker's model.
pub(super) struct Desk {
    stuck: bool,
    /// How often the model had been read when this one was built.
    loads: u32,
    /// Jobs that went without having come to their end.
    abandoned: Arc<AtomicU32>,
}

/// `clerk.file`: says what it filed.
struct File(Clerk);

impl Skill for File {
    const NAME: &'static str = "clerk.file";
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Files a text")
    }
}

impl BatchSkill for File {
    type Model = Desk;

    fn batch_key(&self, _: &String) -> BatchKey {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        BatchKey::default()
    }

    fn run(
        &self,
        desk: &mut Desk,
        texts: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        let Clerk { flaw, count, .. } = &self.0;
        let number = match flaw {
            Flaw::LooksAround => {
                let own = texts.len() as u32;
                let waiting = self.0.waiting.fetch_sub(own, Ordering::SeqCst);
                waiting.saturating_sub(own)
            }
            Flaw::ForgetsWhenUnloaded => desk.loads,
            Flaw::Wanders => count.fetch_add(1, Ordering::SeqCst),
            Flaw::SharesState => count.load(Ordering::SeqCst),
            _ => 0,
        };
        let file = |(at, text): (usize, &Arc<String>)| {
            if text.is_empty() {
                assert!(*flaw != Flaw::PanicsOnBadInput, "an empty text");
                return Err(Fault::rejected("expected a text, got an empty one"));
            }
            let slip = if *flaw == Flaw::MixesUpBatches { at } else { 0 };
            Ok(format!("filed {text} in {}", slip as u32 + number))
        };
        texts.iter().enumerate().map(file).collect()
    }
}

/// `clerk.count`: sends the numbers up to its input, one a step.
pub(super) struct Count(pub(super) Clerk);

/// A job of `clerk.count`: of each member, up to where it counts, and where it is.
pub(super) struct Counting {
    members: Vec<(u32, Option<u32>)>,
    abandoned: Arc<AtomicU32>,
    _lock: Option<Lock>,
}

impl Drop for Counting {
    fn drop(&mut self) {
        if self.members.iter().any(|(_, next)| next.is_some()) {
            self.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The lock that a flawed agent's workers share, until it is dropped.
struct Lock(Arc<AtomicBool>);

impl Lock {
    fn take(locked: &Arc<AtomicBool>) -> Result<Self, Fault> {
        match locked.swap(true, Ordering::SeqCst) {
            true => Err(Fault::bug("another worker has the lock")),
            false => Ok(Self(locked.clone())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Skill for Count {
    const NAME: &'static str = "clerk.count";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        let spec = SkillSpec::of::<Self>("Counts aloud");
        match self.0.flaw {
            Flaw::HidesItems => spec,
            Flaw::SendsForAnother => spec.sends::<Dictate>(),
            Flaw::HasAnAliasTwice => spec.sends::<Self>().alias("clerk.add"),
            _ => spec.sends::<Self>().alias("clerk.number"),
        }
    }
}

impl ServerStreaming for Count {
    type Item = u32;
}

impl ModelSkill for Count {
    type Model = Desk;
    type Job = Counting;

    fn begin(
        &self,
        desk: &mut Desk,
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let Clerk {
            flaw,
            count,
            locked,
            ..
        } = &self.0;
        let start = match flaw {
            // Counted up here, and down again at the end: a panic between the two leaves it.
            Flaw::RemembersPanics => count.fetch_add(1, Ordering::SeqCst),
            Flaw::LeavesAMark => desk.abandoned.load(Ordering::SeqCst),
            _ => 0,
        };
        let lock = (*flaw == Flaw::SharesALock).then(|| Lock::take(locked));
        Ok(Counting {
            members: inputs.iter().map(|input| (**input, Some(start))).collect(),
            abandoned: desk.abandoned.clone(),
            _lock: lock.transpose()?,
        })
    }

    fn step(
        &self,
        desk: &mut Desk,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        if desk.stuck {
            std::thread::yield_now();
            return Ok(Step::Continue);
        }
        let mut settled = Vec::new();
        for (member, (end, next)) in job.members.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            match *next {
                Some(at) if at < *end && context.has_room(member) => {
                    *next = Some(at + 1);
                    match self.0.flaw {
                        Flaw::SendsOthers => context.emit(member, u64::from(at))?,
                        _ => context.emit(member, at)?,
                    }
                }
                Some(at) if at >= *end => {
                    *next = None;
                    settled.push((member, Ok(at)));
                }
                _ => {}
            }
        }
        let is_over = job.members.iter().all(|(_, next)| next.is_none());
        if self.0.flaw == Flaw::RemembersPanics && is_over {
            self.0.count.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(match settled.is_empty() {
            true => Step::Continue,
            false => Step::Settled(settled),
        })
    }
}

/// `clerk.add`: adds up chunks in silence.
struct Add;

impl Skill for Add {
    const NAME: &'static str = "clerk.add";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up chunks").takes::<Self>()
    }
}

impl ClientStreaming for Add {
    type Chunk = u32;
}

impl ModelSkill for Add {
    type Model = Desk;
    type Job = Vec<Option<u32>>;

    fn begin(
        &self,
        _: &mut Desk,
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        Ok(inputs.iter().map(|input| Some(**input)).collect())
    }

    fn step(
        &self,
        _: &mut Desk,
        sums: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        let (mut settled, mut moved) = (Vec::new(), false);
        for (member, sum) in sums.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Some(so_far) = *sum else { continue };
            match context.next_chunk::<u32>(member)? {
                Chunk::Pending => {}
                Chunk::Item(chunk) => {
                    *sum = Some(so_far + chunk);
                    moved = true;
                }
                Chunk::End => {
                    *sum = None;
                    settled.push((member, Ok(so_far)));
                }
            }
        }
        Ok(match (settled.is_empty(), moved) {
            (false, _) => Step::Settled(settled),
            (true, true) => Step::Continue,
            (true, false) => Step::Waiting,
        })
    }
}

/// `clerk.post`: may happen once only.
struct Post;

impl Skill for Post {
    const NAME: &'static str = "clerk.post";
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Posts a parcel").effect(Effect::Once)
    }
}

impl BatchSkill for Post {
    type Model = Desk;

    fn run(
        &self,
        _: &mut Desk,
        parcels: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        let posted = |parcel: &Arc<String>| Ok(format!("posted {parcel}"));
        parcels.iter().map(posted).collect()
    }
}

/// `clerk.stamp`: says when its letter was stamped, which is lost when the letter is written down.
struct Stamp;

/// A text with a stamp.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Letter {
    #[serde(default, skip_serializing)]
    stamped: u32,
}

impl Skill for Stamp {
    const NAME: &'static str = "clerk.stamp";
    type Input = Letter;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Reads a stamp")
    }
}

impl BatchSkill for Stamp {
    type Model = Desk;

    fn run(
        &self,
        _: &mut Desk,
        letters: &[Arc<Letter>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u32, Fault>> {
        letters.iter().map(|letter| Ok(letter.stamped)).collect()
    }
}

/// `clerk.round`: a flow that asks `clerk.file`.
struct Round;

impl Skill for Round {
    const NAME: &'static str = "clerk.round";
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Goes its round")
    }
}

impl FlowSkill for Round {
    async fn run(&self, input: Arc<String>, context: FlowContext) -> Result<String, Fault> {
        let filed = context.ask::<File>(input.to_string());
        Ok(format!("round: {}", filed.await?))
    }
}
