//! A runtime that is gone in the middle of a durable task, and the one that takes its place.

use aimass_runtime::{
    Delivery, Effect, Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, Harm,
    InjectionPoint, TaskError, TaskOptions,
};
use serde_json::Value;

use crate::case::{Answer, Case, Finding, failed, skipped};
use crate::conformance::Conformance;
use crate::stage::Stage;

/// The task is settled by the second runtime, once, as if nothing had happened; unless it may happen once only.
pub(crate) async fn killed(suite: &Conformance, case: &Case) -> Finding {
    if case.spec.delivery == Delivery::ClientStreaming {
        return Err(skipped("a live stream cannot outlive its process"));
    }
    let trouble = |error: &dyn std::fmt::Display| failed(error.to_string());
    let options = EnvironmentOptions::from(&suite.config.environment);
    let environment = Environment::in_memory(options).map_err(|error| trouble(&error))?;
    let episode = EpisodeId::random();
    let begun = environment.begin_episode(EpisodeRecord::new(episode)).await;
    begun.map_err(|error| trouble(&error))?;

    let first = Stage::set(suite, Some(environment.clone()), |_| {}).await;
    let first = first.map_err(|error| trouble(&error))?;
    let options = TaskOptions {
        episode: Some(episode),
        ..TaskOptions::default()
    };
    let (skill, input) = (case.skill(), case.example.input.clone());
    first
        .injector
        .plant(skill, InjectionPoint::Step(0), Harm::Hold);
    let task = first.runtime.detach_json(skill, input, options).await;
    let task = task.map_err(|error| trouble(&error))?;
    first.injector.injected(1).await;
    // The thread stands still in the middle of the task, and its runtime is gone.
    let left_behind = first.leave();

    let second = Stage::set(suite, Some(environment.clone()), |_| {}).await;
    let second = second.map_err(|error| trouble(&error))?;
    let mut status = environment
        .watch_episode(episode)
        .map_err(|error| trouble(&error))?;
    let idle = status.wait_for(|status| status.outstanding == 0).await;
    idle.map_err(|error| trouble(&error))?;
    let settled = |when: &str| -> Result<Result<Answer, TaskError>, _> {
        let record = environment
            .snapshot()
            .and_then(|snapshot| snapshot.settled(task));
        let record = record.map_err(|error| trouble(&error))?;
        let record = record.ok_or_else(|| failed(format!("{when}: it was never settled")))?;
        Ok(outcome(case, &record.outcome))
    };
    let answer = settled("after the second start")?;
    left_behind.wake().await;
    let later = settled("after the first thread woke")?;
    second.runtime.shutdown().await;
    if case.spec.effect == Effect::Once {
        return case.error("that it does not run a second time", &answer, |_| true);
    }
    case.same("after the second start", &answer)?;
    case.same("after the first thread woke", &later)
}

/// An outcome as the environment keeps it, without the items.
fn outcome(case: &Case, outcome: &Value) -> Result<Answer, TaskError> {
    match outcome.get("output") {
        Some(output) => Ok(Answer {
            items: case.expected.items.clone(),
            output: output.clone(),
        }),
        None => Err(TaskError::Bug {
            skill: case.skill().to_owned(),
            message: outcome.to_string(),
        }),
    }
}
