//! An agent whose streams go on: its skills send numbers, and die or hang on the way as they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, Effect, Fault, FlowContext, FlowSkill, Fresh, ModelSkill,
    ServerStreaming, Skill, SkillSpec, Step, StepContext, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;

/// The agent `teller`. Its clones share what they have done.
#[derive(Clone, Default)]
pub(super) struct Teller {
    pub(super) desk: Desk,
    /// How many attempts have died.
    pub(super) deaths: Arc<AtomicU32>,
    /// How many items all attempts have made.
    pub(super) made: Arc<AtomicU32>,
}

/// What is to be told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Tale {
    pub(super) items: u32,
    /// An attempt dies once it has come so many items further than the last one that died.
    pub(super) dies_every: Option<u32>,
    /// How often, at most.
    pub(super) deaths: u32,
    /// How an attempt dies.
    pub(super) by_fault: bool,
    /// Every attempt dies before this item.
    pub(super) stuck_at: Option<u32>,
    /// Each attempt tells something else.
    pub(super) fickle: bool,
    /// The first attempt waits before this item until its gate is open.
    pub(super) held_at: Option<u32>,
}

/// The gate of `held_at`.
pub(super) const GATE: u32 = 7;

/// The item of a number.
pub(super) fn item(number: u32) -> String {
    format!("{number} squared is {}", u64::from(number).pow(2))
}

impl Teller {
    /// Makes an item, if the attempt comes so far.
    fn make(&self, tale: &Tale, number: u32) -> Result<String, Fault> {
        self.made.fetch_add(1, Ordering::SeqCst);
        let deaths = self.deaths.load(Ordering::SeqCst);
        if tale.held_at == Some(number) && deaths == 0 {
            self.deaths.fetch_add(1, Ordering::SeqCst);
            self.desk.pass(GATE);
        }
        let due = tale.dies_every.map(|every| (deaths + 1) * every);
        if tale.stuck_at == Some(number) || due == Some(number) && deaths < tale.deaths {
            self.deaths.fetch_add(1, Ordering::SeqCst);
            assert!(tale.by_fault, "the teller dies before item {number}");
            return Err(Fault::retryable("the teller lost the thread"));
        }
        match tale.fickle {
            true => Ok(format!("{deaths} attempts died before {number}")),
            false => Ok(item(number)),
        }
    }
}

impl Agent for Teller {
    fn name(&self) -> &str {
        "teller"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("voice", Fresh(|| ()))
            .skill(Again(self.clone()))
            .skill(Behind(self.clone()))
            .skill(Mute(self.clone()));
        Ok(definition.group(group).flow(Flowing(self.clone())))
    }
}

/// `teller.again`: a further attempt sends all items again.
pub(super) struct Again(pub(super) Teller);
/// `teller.behind`: a further attempt goes on behind what was delivered.
pub(super) struct Behind(pub(super) Teller);
/// `teller.mute`: as `teller.again`, and its stream does not go on.
pub(super) struct Mute(pub(super) Teller);
/// `teller.flow`: as `teller.behind`, without a worker.
pub(super) struct Flowing(pub(super) Teller);

/// One tale of a job, and its next item; none when it is told.
pub(super) type Told = (Arc<Tale>, Option<u32>);

fn step(
    teller: &Teller,
    told: &mut [Told],
    context: &mut StepContext<'_>,
) -> Result<Step<u32>, Fault> {
    let mut settled = Vec::new();
    for (at, (tale, next)) in told.iter_mut().enumerate() {
        let member = BatchIndex(at as u32);
        let Some(number) = *next else { continue };
        if number >= tale.items {
            *next = None;
            settled.push((member, Ok(tale.items)));
        } else if context.has_room(member) {
            let item = teller.make(tale, number)?;
            *next = Some(number + 1);
            context.emit(member, item)?;
        }
    }
    Ok(match settled.is_empty() {
        true => Step::Continue,
        false => Step::Settled(settled),
    })
}

macro_rules! tells {
    ($skill:ty, $name:literal, $spec:ident => $more:expr) => {
        impl Skill for $skill {
            const NAME: &'static str = $name;
            type Input = Tale;
            type Output = u32;

            fn spec(&self) -> SkillSpec {
                let $spec = SkillSpec::of::<Self>("Tells numbers").sends::<Self>();
                $more
            }
        }

        impl ServerStreaming for $skill {
            type Item = String;
        }
    };
}

tells!(Again, "teller.again", spec => spec.continues());
tells!(Behind, "teller.behind", spec => spec.continues());
tells!(Mute, "teller.mute", spec => spec);
tells!(Flowing, "teller.flow", spec => spec.continues());

macro_rules! on_a_worker {
    ($skill:ty, $begin:expr) => {
        impl ModelSkill for $skill {
            type Model = ();
            type Job = Vec<Told>;

            fn begin(
                &self,
                (): &mut (),
                inputs: Vec<Arc<Tale>>,
                context: &mut StepContext<'_>,
            ) -> Result<Vec<Told>, Fault> {
                let begin: fn(BatchIndex, &mut StepContext<'_>) -> Result<u32, Fault> = $begin;
                let numbered = inputs.into_iter().enumerate();
                let told = numbered.map(|(at, tale)| {
                    let next = begin(BatchIndex(at as u32), context)?;
                    Ok((tale, Some(next)))
                });
                told.collect()
            }

            fn step(
                &self,
                (): &mut (),
                told: &mut Vec<Told>,
                context: &mut StepContext<'_>,
            ) -> Result<Step<u32>, Fault> {
                step(&self.0, told, context)
            }
        }
    };
}

on_a_worker!(Again, |_, _| Ok(0));
on_a_worker!(Mute, |_, _| Ok(0));
on_a_worker!(Behind, |member, context| {
    let delivered = context.delivered::<String>(member)?;
    for (number, found) in delivered.iter().enumerate() {
        assert_eq!(**found, item(number as u32), "what was delivered");
    }
    Ok(delivered.len() as u32)
});

impl FlowSkill for Flowing {
    async fn run(&self, tale: Arc<Tale>, context: FlowContext) -> Result<u32, Fault> {
        let delivered = context.delivered::<String>()?;
        for number in delivered.len() as u32..tale.items {
            context.emit(self.0.make(&tale, number)?).await?;
        }
        Ok(tale.items)
    }
}

/// `forger.once`: says that its stream goes on, and may happen once only.
pub(super) struct Forger;

impl Agent for Forger {
    fn name(&self) -> &str {
        "forger"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.flow(Forged))
    }
}

struct Forged;

impl Skill for Forged {
    const NAME: &'static str = "forger.once";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        let spec = SkillSpec::of::<Self>("Forges").sends::<Self>();
        spec.effect(Effect::Once).continues()
    }
}

impl ServerStreaming for Forged {
    type Item = u32;
}

impl FlowSkill for Forged {
    async fn run(&self, input: Arc<u32>, _: FlowContext) -> Result<u32, Fault> {
        Ok(*input)
    }
}
