//! A full agent.

use aimass_runtime::TaskError;

use crate::case::{Case, Finding};
use crate::stage::Stage;

/// On a stage with room for one: the second is refused at once, and the first is answered all the same.
///
/// The refusal is the kernel's doing. An agent fails by other answers than before.
pub(crate) async fn overload(stage: &Stage, case: &Case) -> Finding {
    let (held, releaser) = stage.hold(&case.example).await?;
    let second = stage.ask(&case.example).await;
    case.error("that a full agent refuses", &second, |error| {
        matches!(error, TaskError::Overloaded { .. })
    })?;
    releaser.release();
    case.same("the only one that had room", &held.answer().await)?;
    case.same("when there is room again", &stage.ask(&case.example).await)
}
