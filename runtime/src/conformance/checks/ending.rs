//! Tasks that end before they are done, and the end of the runtime.

use std::time::Duration;

use crate::conformance::case::{Case, Finding, Work, failed};
use crate::conformance::checks::{model_cases, needs_worker};
use crate::conformance::stage::Stage;
use crate::error::TaskError;
use crate::task::TaskOptions;

/// Nobody waits any more: the task ends at its next step, and the next one is not harmed.
pub(super) async fn cancel(stage: &Stage, case: &Case) -> Finding {
    if case.work == Work::Model {
        let (held, saboteur) = stage.hold(&case.example).await?;
        drop(held);
        saboteur.release();
    } else {
        let started = stage.start(&case.example, TaskOptions::default());
        drop(started.map_err(|error| failed(error.to_string()))?);
    }
    stage.quiet().await;
    case.same(
        "after another was cancelled",
        &stage.ask(&case.example).await,
    )
}

/// The deadline passes while the worker stands still: the caller is answered at once.
pub(super) async fn deadline(stage: &Stage, case: &Case) -> Finding {
    needs_worker(case)?;
    let (held, saboteur) = stage.hold(&case.example).await?;
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
    saboteur.release();
    case.same("after another's deadline", &held.answer().await)
}

/// What was accepted is answered; what comes later is refused.
pub(super) async fn shutdown(stage: &Stage, cases: &[Case]) -> Finding {
    let Some(case) = model_cases(cases).next() else {
        stage.runtime.shutdown().await;
        return Ok(());
    };
    let (held, saboteur) = stage.hold(&case.example).await?;
    let waiting = stage.start(&case.example, TaskOptions::default());
    let waiting = waiting.map_err(|error| failed(error.to_string()))?;
    let limit = Duration::from_secs(3600);
    let drained = async {
        let answers = async {
            saboteur.release();
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
