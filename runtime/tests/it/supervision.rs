//! Supervision among agents: who restarts when one of them does, and what that costs their tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_config::{Config, Strategy};
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Record, Skill, SkillSpec, StepContext,
    TaskError, WorkerChange, WorkerGroup,
};

use crate::desk::runs_in;
use crate::probe::{Hold, Order};
use crate::stage::Stage;

/// `fragile.lose`: the device is lost, as many times as are left.
#[derive(Clone)]
struct Lose(Arc<AtomicU32>);

impl Lose {
    fn times(times: u32) -> Self {
        Self(Arc::new(AtomicU32::new(times)))
    }

    fn try_it(&self, input: &str) -> Result<String, Fault> {
        let left = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        match left {
            Ok(_) => Err(Fault::device_lost("the device is lost")),
            Err(_) => Ok(input.to_owned()),
        }
    }
}

impl Skill for Lose {
    const NAME: &'static str = "fragile.lose";
    type Input = String;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Loses its device")
    }
}

impl BatchSkill for Lose {
    type Model = ();

    fn run(
        &self,
        _: &mut (),
        inputs: &[Arc<String>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<String, Fault>> {
        inputs.iter().map(|input| self.try_it(input)).collect()
    }
}

/// An agent of that name; one of them can lose its device.
struct Named(&'static str, Option<Lose>);

impl Agent for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let mut group = WorkerGroup::new("model", Fresh(|| ()));
        if let Some(lose) = &self.1 {
            group = group.skill(lose.clone());
        }
        Ok(definition.group(group))
    }
}

/// The probe, then `fragile`, then `late`; all of them hold their models from the start.
async fn three(strategy: Strategy) -> Stage {
    team(Lose::times(1), |config| {
        config.runtime.supervision.strategy = strategy;
    })
    .await
}

async fn team(lose: Lose, change: impl FnOnce(&mut Config)) -> Stage {
    let fragile = Named("fragile", Some(lose.clone()));
    let stage = Stage::set(|setting| {
        setting.probe.lazy = false;
        for name in ["fragile", "late"] {
            setting.config.agent_mut(name).lazy = false;
        }
        change(&mut setting.config);
        setting.agents.push(Box::new(fragile));
        setting.agents.push(Box::new(Named("late", None)));
    })
    .await;
    all_idle(&stage).await;
    stage
}

/// The agents that were taken down by another's restart, each once.
async fn taken_down(stage: &Stage) -> Vec<String> {
    stage.runtime.flush_observers().await;
    let mut agents: Vec<String> = stage
        .recorder
        .records()
        .into_iter()
        .filter_map(|record| match record {
            Record::Worker(worker) if matches!(worker.change, WorkerChange::TakenDown { .. }) => {
                Some(worker.agent.to_string())
            }
            _ => None,
        })
        .collect();
    agents.sort();
    agents.dedup();
    agents
}

/// Returns once all workers have built their models.
async fn all_idle(stage: &Stage) {
    let idle = |stage: &Stage| {
        let agents = stage.runtime.agents();
        agents
            .iter()
            .flat_map(|agent| &agent.workers)
            .all(|worker| worker.state == "idle")
    };
    while !idle(stage) {
        tokio::task::yield_now().await;
    }
}

async fn lose(stage: &Stage) -> Result<String, TaskError> {
    stage.runtime.ask::<Lose>("found".to_owned()).await
}

#[tokio::test]
async fn one_for_one_leaves_the_other_agents_alone() {
    let stage = three(Strategy::OneForOne).await;
    assert_eq!(lose(&stage).await.unwrap(), "found");
    assert!(taken_down(&stage).await.is_empty());
    stage.close().await;
}

#[tokio::test]
async fn rest_for_one_restarts_those_that_were_added_after_it() {
    let stage = three(Strategy::RestForOne).await;
    assert_eq!(lose(&stage).await.unwrap(), "found");
    assert_eq!(taken_down(&stage).await, ["late"]);
    stage.close().await;
}

#[tokio::test]
async fn one_for_all_restarts_everybody_and_loses_nobodys_work() {
    let stage = three(Strategy::OneForAll).await;
    let running = stage.asked(Order::answer(1).hold(Hold::Stepping));
    stage.desk.began(1).await;
    let queued = stage.asked(Order::answer(2)).accepted(&stage).await;
    assert_eq!(lose(&stage).await.unwrap(), "found");
    stage.desk.until(|log| runs_in(log, 1) > 1).await;
    stage.desk.open(1);
    running.answer().await.unwrap();
    queued.answer().await.unwrap();
    assert_eq!(taken_down(&stage).await, ["late", "probe"]);
    stage.close().await;
}

#[tokio::test]
async fn an_agent_that_used_up_its_restarts_escalates_and_the_others_go_on() {
    let stage = team(Lose::times(100), |config| {
        config.runtime.supervision.strategy = Strategy::OneForAll;
        config.runtime.supervision.max_restarts = 1;
    })
    .await;
    let given_up = lose(&stage).await.unwrap_err();
    assert!(
        matches!(given_up, TaskError::AgentFailed { .. }),
        "{given_up}"
    );
    let (agent, message) = stage.runtime.failure().await;
    assert_eq!(agent, "fragile");
    assert!(message.contains("the device is lost"), "{message}");
    let refused = lose(&stage).await.unwrap_err();
    assert!(
        matches!(refused, TaskError::AgentFailed { .. }),
        "{refused}"
    );
    stage.asked(Order::answer(3)).answer().await.unwrap();
    stage.close().await;
}
