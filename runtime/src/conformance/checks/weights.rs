//! Models that are renewed and unloaded.

use crate::agent_core::Runner;
use crate::conformance::case::{Case, Finding};
use crate::conformance::checks::needs_worker;
use crate::conformance::stage::Stage;
use crate::ledger::event::{Event, GroupId};

/// A new version comes while a task is under way: that one ends with the old one, the next one begins with the new one.
pub(super) async fn renewed(stage: &Stage, case: &Case) -> Finding {
    needs_worker(case)?;
    let (held, releaser) = stage.hold(&case.example).await?;
    for (at, group) in groups(stage) {
        if let (Some(core), Runner::Model(runner)) = (stage.core(), group) {
            runner.renew();
            core.tell(Event::Swap(at));
        }
    }
    releaser.release();
    case.same("under way when its model changed", &held.answer().await)?;
    case.same("with its new model", &stage.ask(&case.example).await)
}

/// Idle models give their memory back, and are read again when they are needed.
pub(super) async fn unloaded(stage: &Stage, cases: &[Case]) -> Finding {
    let Some(core) = stage.core() else {
        return Ok(());
    };
    stage.quiet().await;
    for (at, group) in groups(stage) {
        if matches!(group, Runner::Model(_)) {
            core.unload(at);
        }
    }
    for case in cases {
        let answer = stage.ask(&case.example).await;
        case.same("after its model was unloaded", &answer)?;
    }
    Ok(())
}

fn groups(stage: &Stage) -> Vec<(GroupId, Runner)> {
    let Some(core) = stage.core() else {
        return Vec::new();
    };
    let numbered = core.groups.iter().enumerate();
    numbered
        .map(|(at, group)| (GroupId(at as u16), group.runner.clone()))
        .collect()
}
