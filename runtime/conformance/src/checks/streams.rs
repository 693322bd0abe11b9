//! Streams that go on: after a death in their middle, and in the next process.

use std::collections::BTreeSet;

use aimass_runtime::{
    Environment, EnvironmentOptions, Harm, InjectionPoint, JsonReceived, TaskError, TaskOptions,
};

use crate::case::{Answer, Case, Finding, failed};
use crate::conformance::Conformance;
use crate::report::Verdict;
use crate::stage::{Stage, collect};

/// An attempt that dies after it has sent an item costs the caller nothing: the same items come,
/// each once.
pub(crate) async fn after_a_death(stage: &Stage, case: &Case) -> Finding {
    let items = case.expected.items.len() as u64;
    // Behind the first item, in the middle, and before the last one.
    let places = [1, items / 2, items.saturating_sub(1)];
    let places: BTreeSet<u64> = places.into_iter().filter(|at| *at > 0).collect();
    for item in places {
        let point = InjectionPoint::Step(item);
        stage.injector.plant(case.skill(), point, Harm::Panic);
        let answer = stage.ask(&case.example).await;
        stage.injector.release();
        case.same("after a panic between two items", &answer)?;
    }
    Ok(())
}

/// A caller who has the first item gets the others, once the process is gone and another one has
/// taken its place.
pub(crate) async fn in_the_next_process(suite: &Conformance, case: &Case) -> Finding {
    let trouble = |error: &dyn std::fmt::Display| failed(error.to_string());
    let options = EnvironmentOptions::from(&suite.config.environment);
    let environment = Environment::in_memory(options).map_err(|error| trouble(&error))?;
    let stage = async || -> Result<Stage, Verdict> {
        let stage = Stage::set(suite, Some(environment.clone()), |_| {}).await;
        stage.map_err(|error| failed(error.to_string()))
    };

    let first = stage().await?;
    let (skill, input) = (case.skill(), case.example.input.clone());
    let options = TaskOptions::default();
    let stream = first.runtime.stream_json_durable(skill, input, options);
    let mut stream = stream.await.map_err(|error| trouble(&error))?;
    let (task, begun) = (stream.task(), stream.next().await);
    let mut taken = Vec::new();
    if let Some(Ok(JsonReceived::Item(item))) = begun {
        taken.push(item);
    }
    drop(stream);
    first.leave().wake().await;

    let second = stage().await?;
    let position = taken.len() as u64;
    let rest = second.runtime.resume_stream_json(task, position).await;
    let rest = rest.map_err(|error| trouble(&error))?;
    let answer: Result<Answer, TaskError> = collect(rest).await;
    let answer = answer.map(|mut rest| {
        taken.append(&mut rest.items);
        rest.items = taken;
        rest
    });
    second.runtime.shutdown().await;
    case.same("resumed in the next process", &answer)
}
