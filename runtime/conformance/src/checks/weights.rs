//! Models that are renewed and unloaded.

use crate::case::{Case, Finding};
use crate::checks::needs_worker;
use crate::stage::Stage;

/// A new version comes while a task is under way: that one ends with the old one, the next one begins with the new one.
pub(crate) async fn renewed(stage: &Stage, case: &Case) -> Finding {
    needs_worker(case)?;
    let (held, releaser) = stage.hold(&case.example).await?;
    stage.runtime.renew_models(&stage.agent);
    releaser.release();
    case.same("under way when its model changed", &held.answer().await)?;
    case.same("with its new model", &stage.ask(&case.example).await)
}

/// Idle models give their memory back, and are read again when they are needed.
pub(crate) async fn unloaded(stage: &Stage, cases: &[Case]) -> Finding {
    stage.idle().await;
    stage.runtime.unload_models(&stage.agent);
    for case in cases {
        let answer = stage.ask(&case.example).await;
        case.same("after its model was unloaded", &answer)?;
    }
    Ok(())
}
