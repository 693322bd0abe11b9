//! Who asks skills on a flow's behalf: the runtime, which those below it know by this alone.

use std::sync::Arc;

use serde_json::Value;

use crate::core::ticket::Ticket;
use crate::error::TaskError;
use crate::payload::Payload;
use crate::skill::context::BoxFuture;
use crate::skill::operation::Operation;
use crate::skill::views::Views;

/// Whoever can ask skills on a flow's behalf.
pub(crate) trait TaskSubmitter: Send + Sync {
    /// Asks `skill` as a part of the work of `agent` on `parent`.
    fn ask_within<'a>(
        &'a self,
        agent: &'a Arc<str>,
        parent: &'a Ticket,
        skill: &'a str,
        input: Payload,
    ) -> BoxFuture<'a, Result<Payload, TaskError>>;

    /// The name of the first skill that does this.
    fn skill_for(&self, operation: Operation) -> Option<String>;

    /// What the team shows of facts.
    fn views(&self) -> Views;

    /// Reads the input of `skill` from JSON.
    fn decode(&self, skill: &str, input: Value) -> Result<Payload, TaskError>;
}
