//! Tasks that end before they are done, and the end of the runtime.

use std::time::Duration;

use aimass_runtime::{InjectionPoint, TaskError, TaskOptions};

use crate::case::{Case, Finding, Work, failed};
use crate::checks::{model_cases, needs_worker};
use crate::report::Verdict;
use crate::stage::{Ended, Stage};

/// Flows that may end before they are dropped.
const QUICK_FLOWS: usize = 100;

/// Nobody waits any more: the task is cancelled, its job takes no further step, and the next one is not harmed.
///
/// The first two are the kernel's doing, whatever the agent is. An agent fails by what an abandoned job leaves behind.
pub(crate) async fn cancel(stage: &Stage, case: &Case) -> Finding {
    let before = match case.work {
        Work::Model => {
            let before = stage.ended(case.skill()).await;
            drop_between_steps(stage, case).await?;
            stage.idle().await;
            before
        }
        Work::Flow => drop_flow(stage, case).await?,
    };
    let cancelled = stage.ended(case.skill()).await.cancelled - before.cancelled;
    if cancelled != 1 {
        return Err(failed(format!(
            "expected that the one that was dropped is told as cancelled, got {cancelled} that are"
        )));
    }
    case.same(
        "after another was cancelled",
        &stage.ask(&case.example).await,
    )
}

/// Nobody can make a flow stand still: one that ends before it is dropped says nothing, and the next one is tried. Gives what had ended before the one that counts.
async fn drop_flow(stage: &Stage, case: &Case) -> Result<Ended, Verdict> {
    let mut before = stage.ended(case.skill()).await;
    for _ in 0..QUICK_FLOWS {
        let started = stage.start(&case.example, TaskOptions::default());
        drop(started.map_err(|error| failed(error.to_string()))?);
        stage.idle().await;
        let after = stage.ended(case.skill()).await;
        if after.done == before.done {
            break;
        }
        before = after;
    }
    Ok(before)
}

/// On a stage with room for one, so that the next one begins a job of its own.
async fn drop_between_steps(stage: &Stage, case: &Case) -> Finding {
    let (held, releaser) = stage.hold(&case.example).await?;
    let taken = stage.injector.steps();
    drop(held);
    releaser.release();
    let (next, releaser) = stage
        .hold_before(InjectionPoint::Begin, &case.example)
        .await?;
    let further = stage.injector.steps() - taken;
    releaser.release();
    case.same("begun after another was cancelled", &next.answer().await)?;
    if further > 0 {
        return Err(failed(format!(
            "expected that it ends between two steps, got {further} steps after it was cancelled"
        )));
    }
    Ok(())
}

/// The deadline passes while the worker stands still: the caller is answered at once.
///
/// That is the kernel's doing. An agent fails by an answer that depends on how long it took.
pub(crate) async fn deadline(stage: &Stage, case: &Case) -> Finding {
    needs_worker(case)?;
    let (held, releaser) = stage.hold(&case.example).await?;
    let options = TaskOptions {
        deadline: Some(Duration::from_millis(20)),
        ..TaskOptions::default()
    };
    let started = stage.start(&case.example, options);
    let answer = started
        .map_err(|error| failed(error.to_string()))?
        .answer()
        .await;
    case.error("that its deadline passes", &answer, |error| {
        matches!(error, TaskError::DeadlineExceeded { .. })
    })?;
    releaser.release();
    case.same("after another's deadline", &held.answer().await)
}

/// What was accepted is answered; what comes later is refused.
///
/// The refusal is the kernel's doing. An agent fails by other answers than before, or by a thread that does not end.
pub(crate) async fn shutdown(stage: &Stage, cases: &[Case]) -> Finding {
    let Some(case) = model_cases(cases).next() else {
        stage.runtime.shutdown().await;
        return Ok(());
    };
    let (held, releaser) = stage.hold(&case.example).await?;
    let waiting = stage.start(&case.example, TaskOptions::default());
    let waiting = waiting.map_err(|error| failed(error.to_string()))?;
    let limit = Duration::from_secs(3600);
    let drained = async {
        let answers = async {
            releaser.release();
            tokio::join!(held.answer(), waiting.answer())
        };
        tokio::join!(stage.runtime.shutdown_within(limit), answers)
    };
    let (report, (running, waiting)) = drained.await;
    case.same("running when the shutdown began", &running)?;
    case.same("waiting when the shutdown began", &waiting)?;
    if report.cut_off > 0 || report.left_behind {
        return Err(failed(format!(
            "expected that nothing is cut off or left behind, got {report:?}"
        )));
    }
    let late = stage.ask(&case.example).await;
    case.error("a refusal after the shutdown", &late, |error| {
        matches!(error, TaskError::ShuttingDown { .. })
    })
}
