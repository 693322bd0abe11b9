//! Flows: what they ask inherits from them.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use aimass_runtime::{
    Agent, AgentDefinition, Fault, FlowContext, FlowSkill, Priority, Record, Skill, SkillSpec,
    TaskError, TaskFinished, TaskOutcome, TraceContext,
};

use crate::probe::{Answer, Hold, Order, Run};
use crate::stage::Stage;

/// The agent `relay`.
struct Relay;

impl Agent for Relay {
    fn name(&self) -> &str {
        "relay"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.flow(Forward))
    }
}

/// `relay.forward`: asks the probe, and then for the order after it.
struct Forward;

/// The shape of an order that the flow passes on to itself.
const ITSELF: u64 = 7;

impl Skill for Forward {
    const NAME: &'static str = "relay.forward";
    type Input = Order;
    type Output = Answer;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Asks the probe")
    }
}

impl FlowSkill for Forward {
    async fn run(&self, input: Arc<Order>, context: FlowContext) -> Result<Answer, Fault> {
        let order = Arc::unwrap_or_clone(input);
        let next = Order::answer(order.id + 100);
        let ask = async |order| context.ask::<Run>(order).await;
        let unavailable = |error: TaskError| Fault::unavailable(error.to_string());
        if order.shape == ITSELF {
            return context.ask::<Forward>(order).await.map_err(unavailable);
        }
        let answer = ask(order).await.map_err(unavailable)?;
        ask(next).await.map_err(unavailable)?;
        Ok(answer)
    }
}

async fn stage() -> Stage {
    Stage::set(|setting| setting.agents.push(Box::new(Relay))).await
}

#[tokio::test]
async fn a_flow_is_told_by_its_tasks_and_not_by_workers_that_hold_nothing() {
    let stage = stage().await;
    stage
        .runtime
        .ask::<Forward>(Order::answer(1))
        .await
        .unwrap();
    let recorder = stage.recorder.clone();
    stage.close().await;
    let told = |agent: &str| {
        let workers = recorder.records().into_iter();
        let of = workers
            .filter(|record| matches!(record, Record::Worker(change) if &*change.agent == agent));
        of.count()
    };
    assert_eq!(told("relay"), 0);
    assert!(told("probe") > 0, "a worker with a model is told");
    assert_eq!(recorder.tasks().len(), 3);
}

#[tokio::test]
async fn what_a_flow_asks_inherits_its_trace_and_its_priority() {
    let stage = stage().await;
    let trace = TraceContext {
        trace: aimass_runtime::TraceId::random(),
        span: aimass_runtime::SpanId::random(),
        sampled: true,
    };
    let ask = stage.runtime.ask::<Forward>(Order::answer(1));
    ask.trace(trace)
        .priority(Priority::Interactive)
        .await
        .unwrap();
    let finished = stage.finished().await;
    let [probe, _, relay] = &finished[..] else {
        panic!("unexpected: {finished:?}")
    };
    assert_eq!(
        (&*probe.skill, &*relay.skill),
        ("probe.run", "relay.forward")
    );
    assert_eq!((probe.trace, relay.trace), (trace.trace, trace.trace));
    assert_eq!(
        (probe.parent, relay.parent),
        (Some(relay.span), Some(trace.span))
    );
    let side = |task: &TaskFinished| task.caller.clone().unwrap();
    assert_eq!(side(probe).agent.as_deref(), Some("relay"));
    assert_eq!(side(relay).agent, None, "asked from outside the team");
    assert_ne!(side(probe).span, probe.span);
    assert_eq!(probe.priority, Priority::Interactive);
    stage.close().await;
}

#[tokio::test]
async fn a_flow_that_asks_itself_is_refused_and_leaves_its_record() {
    let stage = stage().await;
    let order = Order::answer(1).shape(ITSELF);
    let ask = stage.runtime.ask::<Forward>(order);
    let error = ask.await.unwrap_err().to_string();
    assert!(error.contains("relay.forward -> relay.forward"), "{error}");
    let finished = stage.finished().await;
    let outcomes: Vec<&str> = finished
        .iter()
        .map(|task| match &task.outcome {
            TaskOutcome::Error { error, .. } => error.as_str(),
            TaskOutcome::Done => "done",
        })
        .collect();
    assert_eq!(outcomes, ["cycle", "unavailable"]);
    stage.close().await;
}

#[tokio::test]
async fn a_flow_past_its_deadline_ends_what_it_asked_for() {
    let stage = stage().await;
    let order = Order::answer(1).hold(Hold::Stepping);
    let ask = stage.runtime.ask::<Forward>(order);
    let error = ask.deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(error, TaskError::DeadlineExceeded { .. }),
        "{error}"
    );
    stage.ask(Order::answer(2)).await.unwrap();
    let finished = stage.finished().await;
    assert_eq!(finished.len(), 3);
    assert_eq!(
        finished
            .iter()
            .filter(|task| task.outcome == TaskOutcome::Done)
            .count(),
        1
    );
    stage.close().await;
}

#[tokio::test]
async fn dropping_the_future_of_a_flow_cancels_what_it_asked_for() {
    let stage = stage().await;
    let order = Order::answer(1).hold(Hold::Stepping);
    let flow = stage.runtime.ask::<Forward>(order);
    let flow = tokio::task::spawn(flow.into_future());
    stage.desk.began(1).await;
    flow.abort();
    assert!(flow.await.unwrap_err().is_cancelled());
    stage.ask(Order::answer(2)).await.unwrap();
    stage.close().await;
}

/// Its workers end without having come to an end of their own, and say so all the same.
#[test]
fn a_caller_is_answered_although_what_drives_its_flow_is_gone() {
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let caller = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stage = executor.block_on(stage());
    let order = Order::answer(1).hold(Hold::Stepping);
    let flow = stage.runtime.ask::<Forward>(order);
    let error = caller.block_on(async {
        let flow = tokio::task::spawn(flow.into_future());
        stage.desk.began(1).await;
        executor.shutdown_background();
        let answer = tokio::time::timeout(Duration::from_secs(60), flow);
        answer.await.unwrap().unwrap().unwrap_err()
    });
    assert!(matches!(error, TaskError::AgentFailed { .. }), "{error}");
}

#[tokio::test]
async fn g10_a_flow_under_way_is_drained_with_what_it_asks_for() {
    let stage = stage().await;
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let flow = stage.runtime.ask::<Forward>(Order::answer(1));
    let flow = tokio::task::spawn(flow.into_future());
    while stage.tasks() < 2 {
        tokio::task::yield_now().await;
    }
    let runtime = stage.runtime.clone();
    let ending = tokio::task::spawn(async move { runtime.shutdown().await });
    stage.desk.open(0);
    held.answer().await.unwrap();
    assert_eq!(flow.await.unwrap().unwrap().id, 1);
    assert_eq!(ending.await.unwrap().cut_off, 0);
}
