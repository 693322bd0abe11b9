//! Answers when nothing happens: alone, again, in company, beside a second runtime.

use std::time::Duration;

use aimass_runtime::{Clock, TaskError, TaskOptions};
use serde_json::Value;

use crate::case::{Answer, Case, Finding, Work, failed};
use crate::checks::Notes;
use crate::compare::short;
use crate::conformance::{Conformance, Example};
use crate::stage::Stage;

/// Asks all examples once, and keeps what they answer; gives also how long the longest took.
pub(crate) async fn learn(
    suite: &Conformance,
    stage: &Stage,
    notes: &mut Notes,
) -> (Vec<Case>, Duration) {
    let (mut cases, mut longest) = (Vec::new(), Duration::ZERO);
    let specs = stage.runtime.skills();
    let clock = Clock::start();
    for example in &suite.examples {
        let began = clock.now();
        let mut learnt = None;
        let asking = async {
            let answer = stage.ask(example).await;
            learnt = Some(answer.map_err(|error| failed(error.to_string()))?);
            Ok(())
        };
        notes
            .check("answers its example", &example.skill, asking)
            .await;
        longest = longest.max(clock.now().since(began));
        let spec = specs.iter().find(|spec| spec.name == example.skill);
        if let (Some(expected), Some(spec)) = (learnt, spec) {
            cases.push(Case {
                example: example.clone(),
                spec: spec.clone(),
                work: stage.work(&example.skill),
                expected,
                tolerance: suite.tolerance,
            });
        }
    }
    (cases, longest)
}

pub(crate) async fn again(stage: &Stage, case: &Case) -> Finding {
    case.same("asked again", &stage.ask(&case.example).await)
}

/// Whatever it sends is what its spec says that it sends: callers outside the process know nothing else of its items.
pub(crate) async fn items(stage: &Stage, case: &Case) -> Finding {
    let sent = stage.item_types(&case.example).await;
    let sent = sent.map_err(|error| failed(error.to_string()))?;
    match (&case.spec.item, case.spec.item_type()) {
        (None, _) => sent.first().map_or(Ok(()), |found| {
            Err(failed(format!(
                "expected no items, since its spec names none, got some of the type {found}; add `.sends::<Self>()` to the spec"
            )))
        }),
        (Some(_), Some(declared)) => {
            let other = sent.iter().find(|found| **found != declared);
            other.map_or(Ok(()), |found| {
                Err(failed(format!(
                    "expected items of the type {declared}, as its spec says, got some of the type {found}"
                )))
            })
        }
        // A schema that was written by hand names no type.
        (Some(_), None) => Ok(()),
    }
}

/// Four of the same, which wait together while the worker stands still, so that they share batches.
pub(crate) async fn company(stage: &Stage, case: &Case) -> Finding {
    let mut started = Vec::new();
    let mut releaser = None;
    if case.work == Work::Model {
        let (held, holder) = stage.hold(&case.example).await?;
        started.push(held);
        releaser = Some(holder);
    }
    for _ in 0..4 {
        let one = stage.start(&case.example, TaskOptions::default());
        started.push(one.map_err(|error| failed(error.to_string()))?);
    }
    drop(releaser);
    // Taken from the last to the first: an answer must not depend on who is waited for.
    for one in started.into_iter().rev() {
        case.same("asked together with others", &one.answer().await)?;
    }
    Ok(())
}

/// Bad input is refused by a typed error that blames it, and costs no worker.
pub(crate) async fn refused(stage: &Stage, skill: &str, input: &Value) -> Finding {
    let example = Example {
        skill: skill.to_owned(),
        input: input.clone(),
        chunks: Vec::new(),
    };
    match stage.ask(&example).await {
        Err(TaskError::Rejected { .. } | TaskError::InvalidInput { .. }) => Ok(()),
        Err(error) => Err(failed(format!(
            "expected that the input is refused, got: {error}"
        ))),
        Ok(Answer { output, .. }) => Err(failed(format!(
            "expected that the input is refused, got the answer {}",
            short(&output)
        ))),
    }
}

/// Two runtimes in one process share nothing.
pub(crate) async fn siblings(suite: &Conformance, stage: &Stage, cases: &[Case]) -> Finding {
    let other = Stage::set(suite, None, |_| {}).await;
    let other = other.map_err(|error| failed(format!("a second runtime: {error}")))?;
    for case in cases {
        let (here, there) = tokio::join!(stage.ask(&case.example), other.ask(&case.example));
        case.same("beside another runtime", &here)?;
        case.same("in the other runtime", &there)?;
    }
    other.runtime.shutdown().await;
    Ok(())
}
