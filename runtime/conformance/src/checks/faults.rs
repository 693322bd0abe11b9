//! Panics and hangs on a worker's own thread.

use aimass_runtime::{Effect, Harm, InjectionPoint, TaskError};

use crate::case::{Case, Finding, failed, skipped};
use crate::checks::needs_worker;
use crate::report::Verdict;
use crate::stage::Stage;

pub(crate) async fn early_panic(stage: &Stage, case: &Case) -> Finding {
    panic_at(stage, case, InjectionPoint::Begin).await
}

pub(crate) async fn last_panic(stage: &Stage, case: &Case) -> Finding {
    panic_at(stage, case, InjectionPoint::Finish).await
}

/// A panic before the last of its steps, when there are several.
pub(crate) async fn late_panic(stage: &Stage, case: &Case) -> Finding {
    needs_worker(case)?;
    let before = stage.injector.steps();
    case.same("counting its steps", &stage.ask(&case.example).await)?;
    let mut last = (stage.injector.steps() - before).saturating_sub(1);
    loop {
        match panic_at(stage, case, InjectionPoint::Step(last)).await {
            // How many steps a stream takes depends on when its chunks come: this time it ended sooner.
            Err(Verdict::Skipped(_)) if last > 0 => last /= 2,
            finding => return finding,
        }
    }
}

/// The task must be answered as if nothing had happened; one that may happen once only must not run again.
async fn panic_at(stage: &Stage, case: &Case, point: InjectionPoint) -> Finding {
    needs_worker(case)?;
    let injections = stage.injector.injections();
    stage.injector.plant(case.skill(), point, Harm::Panic);
    let answer = stage.ask(&case.example).await;
    stage.injector.release();
    if stage.injector.injections() == injections {
        case.same("without a panic", &answer)?;
        return Err(skipped("its job never comes to that call"));
    }
    if case.spec.effect == Effect::Once {
        let expected = "that it is given up, since it may happen once only";
        case.error(expected, &answer, |error| {
            matches!(
                error,
                TaskError::DeadLettered { .. } | TaskError::Interrupted { .. }
            )
        })?;
    } else if let Err(TaskError::Interrupted { delivered, .. }) = &answer
        && !case.spec.continues
    {
        if case.expected.items.is_empty() {
            return Err(failed(format!(
                "it was interrupted after {delivered} items and sends none"
            )));
        }
    } else {
        case.same("after a panic", &answer)?;
    }
    case.same("on the rebuilt worker", &stage.ask(&case.example).await)
}

/// A step that never ends: its task is given up, the next one is served by a new worker, and the old thread does no harm when it wakes.
pub(crate) async fn hang(stage: &Stage, case: &Case) -> Finding {
    case.same("before the hang", &stage.ask(&case.example).await)?;
    let (held, releaser) = stage.hold(&case.example).await?;
    let answer = held.answer().await;
    case.error("that the hanging task is given up", &answer, |error| {
        matches!(error, TaskError::DeadLettered { .. })
    })?;
    case.same(
        "while the old thread hangs",
        &stage.ask(&case.example).await,
    )?;
    releaser.release();
    case.same("after it woke", &stage.ask(&case.example).await)
}
