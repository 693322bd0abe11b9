//! The probe's skills with one answer.

use std::sync::Arc;

use aimass_runtime::{
    BatchIndex, BatchKey, BatchSkill, DeviceName, Effect, Fault, ModelSkill, Skill, SkillSpec,
    Step, StepContext,
};

use crate::desk::{Desk, Entry};
use crate::probe::{Act, Answer, Hold, Model, Order};

/// `probe.run`: does what its order says. A running job lets others join it.
pub(crate) struct Run(pub(crate) Desk);

impl Skill for Run {
    const NAME: &'static str = "probe.run";
    type Input = Order;
    type Output = Answer;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Does what its order says")
    }
}

impl Run {
    fn outcome(&self, order: &Order, model: &Model, device: DeviceName) -> Result<Answer, Fault> {
        let run = self.0.runs(order.id);
        match order.act {
            Act::Panic { times } if run <= times => panic!("order {} panics", order.id),
            Act::Falter { times } if run <= times => {
                Err(Fault::retryable(format!("order {} falters", order.id)))
            }
            Act::Reject => Err(Fault::rejected(format!(
                "order {} cannot be done",
                order.id
            ))),
            _ => Ok(Answer {
                id: order.id,
                version: model.weights.version.clone(),
                device: device.to_string(),
                run,
            }),
        }
    }

    /// Whether an order takes a further step.
    fn is_held(&self, order: &Order, member: BatchIndex, context: &StepContext<'_>) -> bool {
        match order.hold {
            Hold::Not => false,
            Hold::Blocked => {
                self.0.pass(order.id);
                false
            }
            Hold::Stepping if context.is_cancelled(member) => {
                self.0.note(Entry::SawCancel(order.id));
                false
            }
            Hold::Stepping => !self.0.is_open(order.id),
        }
    }
}

type Orders = Vec<Arc<Order>>;

fn ids(orders: &[Arc<Order>]) -> Vec<u32> {
    orders.iter().map(|order| order.id).collect()
}

impl ModelSkill for Run {
    type Model = Model;
    type Job = Orders;

    fn batch_key(&self, input: &Order) -> BatchKey {
        BatchKey(input.shape)
    }

    fn begin(
        &self,
        _: &mut Model,
        orders: Orders,
        _: &mut StepContext<'_>,
    ) -> Result<Orders, Fault> {
        self.0.note(Entry::Began(ids(&orders)));
        Ok(orders)
    }

    fn join(
        &self,
        _: &mut Model,
        job: &mut Orders,
        orders: Orders,
        _: &mut StepContext<'_>,
    ) -> Result<(), Orders> {
        self.0.note(Entry::Joined(ids(&orders)));
        job.extend(orders);
        Ok(())
    }

    fn step(
        &self,
        model: &mut Model,
        job: &mut Orders,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Answer>, Fault> {
        let members: Vec<(BatchIndex, &Arc<Order>)> = job
            .iter()
            .enumerate()
            .map(|(at, order)| (BatchIndex(at as u32), order))
            .collect();
        let held = members
            .iter()
            .filter(|(member, order)| self.is_held(order, *member, context));
        if held.count() > 0 {
            std::thread::yield_now();
            return Ok(Step::Continue);
        }
        let device = context.device();
        let outcome = |(member, order): (BatchIndex, &Arc<Order>)| {
            (member, self.outcome(order, model, device))
        };
        Ok(Step::Settled(members.into_iter().map(outcome).collect()))
    }
}

/// `probe.once`: as `probe.run`, and never done twice.
pub(crate) struct RunOnce(pub(crate) Run);

impl Skill for RunOnce {
    const NAME: &'static str = "probe.once";
    type Input = Order;
    type Output = Answer;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Does what its order says, once").effect(Effect::Once)
    }
}

impl BatchSkill for RunOnce {
    type Model = Model;

    fn run(
        &self,
        model: &mut Model,
        orders: &[Arc<Order>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<Answer, Fault>> {
        self.0.0.note(Entry::Began(ids(orders)));
        orders
            .iter()
            .map(|order| self.0.outcome(order, model, context.device()))
            .collect()
    }
}
