//! All checks, and the order in which they are made.

mod answers;
mod definition;
mod ending;
mod faults;
mod limits;
mod replay;
mod streams;
mod views;
mod weights;

use std::future::Future;
use std::time::Duration;

use aimass_runtime::RuntimeError;

use crate::case::{Case, Finding, Work, failed, skipped};
use crate::conformance::Conformance;
use crate::report::{Check, ConformanceReport, Verdict};
use crate::stage::Stage;

/// Made of models on a stage with room for one, of flows beside their own models.
const CANCEL: &str = "is cancelled between steps";

/// Runs all checks.
pub(crate) async fn run(suite: Conformance) -> ConformanceReport {
    let mut notes = Notes {
        checks: Vec::new(),
        patience: suite.patience,
    };
    if let Err(error) = checked(&suite, &mut notes).await {
        let name = (suite.make)().name().to_owned();
        let verdict = failed(format!("the runtime does not start: {error}"));
        notes.put("it starts", &name, verdict);
    }
    ConformanceReport {
        checks: notes.checks,
    }
}

async fn checked(suite: &Conformance, notes: &mut Notes) -> Result<(), RuntimeError> {
    let stage = Stage::set(suite, None, |_| {}).await?;
    definition::check(suite, &stage, notes);
    let (cases, longest) = answers::learn(suite, &stage, notes).await;
    for (skill, input) in &suite.refused {
        let found = answers::refused(&stage, skill, input);
        notes.check("refuses bad input", skill, found).await;
    }
    for case in &cases {
        case_on(&stage, case, notes).await;
    }
    for case in cases.iter().filter(|case| case.spec.continues) {
        let found = streams::in_the_next_process(suite, case);
        let name = "its stream goes on in the next process";
        notes.check(name, case.skill(), found).await;
    }
    let siblings = answers::siblings(suite, &stage, &cases);
    notes
        .check("two runtimes side by side", &stage.agent, siblings)
        .await;
    let unloaded = weights::unloaded(&stage, &cases);
    notes
        .check(
            "answers after its models were unloaded",
            &stage.agent,
            unloaded,
        )
        .await;
    notes
        .check(
            "shuts down and loses nothing",
            &stage.agent,
            ending::shutdown(&stage, &cases),
        )
        .await;
    let narrow = Stage::set(suite, None, |agent| {
        (agent.capacity, agent.max_batch) = (1, 1);
    })
    .await?;
    for case in model_cases(&cases) {
        let full = limits::overload(&narrow, case);
        notes
            .check("refuses when it is full", case.skill(), full)
            .await;
        let cancelled = ending::cancel(&narrow, case);
        notes.check(CANCEL, case.skill(), cancelled).await;
    }
    let watched = Stage::set(suite, None, |agent| {
        agent.step_limit = (longest * 5).max(Duration::from_millis(300));
        agent.grace = Duration::from_millis(100);
        agent.max_abandoned = 2;
    })
    .await?;
    for case in model_cases(&cases) {
        let found = faults::hang(&watched, case);
        notes
            .check("a hang costs one task", case.skill(), found)
            .await;
    }
    for case in model_cases(&cases) {
        let found = replay::killed(suite, case);
        notes
            .check("goes on after its process is gone", case.skill(), found)
            .await;
    }
    Ok(())
}

/// The checks of one example on one runtime.
async fn case_on(stage: &Stage, case: &Case, notes: &mut Notes) {
    let skill = case.skill();
    notes
        .check("answers the same again", skill, answers::again(stage, case))
        .await;
    notes
        .check(
            "sends what its spec says",
            skill,
            answers::items(stage, case),
        )
        .await;
    notes
        .check(
            "answers the same in company",
            skill,
            answers::company(stage, case),
        )
        .await;
    notes
        .check(
            "a panic before it begins",
            skill,
            faults::early_panic(stage, case),
        )
        .await;
    notes
        .check(
            "a panic in the middle",
            skill,
            faults::late_panic(stage, case),
        )
        .await;
    notes
        .check("a panic at the end", skill, faults::last_panic(stage, case))
        .await;
    let shown = views::shown(stage, case).err().unwrap_or(Verdict::Passed);
    notes.put("is shown in both languages", skill, shown);
    if case.spec.continues {
        let found = streams::after_a_death(stage, case);
        let name = "its stream goes on after a death";
        notes.check(name, skill, found).await;
    }
    if case.work == Work::Flow {
        notes
            .check(CANCEL, skill, ending::cancel(stage, case))
            .await;
    }
    notes
        .check("meets its deadline", skill, ending::deadline(stage, case))
        .await;
    notes
        .check(
            "takes a new version of its model",
            skill,
            weights::renewed(stage, case),
        )
        .await;
}

/// Checks that reach into a worker do not apply to flows, which have none.
fn model_cases(cases: &[Case]) -> impl Iterator<Item = &Case> {
    cases.iter().filter(|case| case.work == Work::Model)
}

/// For checks that reach into a worker.
fn needs_worker(case: &Case) -> Finding {
    match case.work {
        Work::Model => Ok(()),
        Work::Flow => Err(skipped("a flow has no worker of its own")),
    }
}

/// Collects verdicts.
struct Notes {
    checks: Vec<Check>,
    patience: Duration,
}

impl Notes {
    async fn check(&mut self, name: &'static str, of: &str, check: impl Future<Output = Finding>) {
        let verdict = match tokio::time::timeout(self.patience, check).await {
            Ok(Ok(())) => Verdict::Passed,
            Ok(Err(verdict)) => verdict,
            Err(_) => failed(format!("nothing came of it within {:?}", self.patience)),
        };
        self.put(name, of, verdict);
    }

    fn put(&mut self, name: &'static str, of: &str, verdict: Verdict) {
        self.checks.push(Check {
            name,
            of: of.to_owned(),
            verdict,
        });
    }
}
