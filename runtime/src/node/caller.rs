//! Callers with an identity: whose work a request is, and what its caller may ask for. Checked here and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;

use aimass_environment::{FactFilter, Namespace};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Request, Transport};
use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::skill::SkillSpec;
use crate::skill::paths;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Whose facts and tasks the caller sees and adds to.
    pub tenant: Namespace,
    /// What the caller may ask for.
    pub rights: BTreeSet<Right>,
}

/// What a caller may ask for. Whoever has none may see which skills there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Right {
    /// Asks skills, begins episodes, and reads what came of them.
    Work,
    /// Names files of the node's machine, in inputs and episodes. Without it an input can name blobs only.
    Files,
    /// Sees what the node does for all tenants, moves facts in and out, forgets, and handles dead letters.
    Operate,
}

/// A transport for one caller: what the caller may not ask for is refused, and what is asked belongs to the caller's tenant.
///
/// The ids of tasks and episodes are random numbers of 128 bits: who names one has been told it.
#[derive(Clone)]
pub struct CallerTransport {
    transport: Arc<dyn Transport>,
    caller: Arc<Caller>,
}

impl CallerTransport {
    /// Lets `caller` use `transport`.
    pub fn new(transport: Arc<dyn Transport>, caller: Caller) -> Self {
        Self {
            transport,
            caller: Arc::new(caller),
        }
    }
}

impl Transport for CallerTransport {
    fn call(&self, request: Request) -> Call {
        let Self { transport, caller } = self.clone();
        let request = match caller.admit(request) {
            Ok(request) => request,
            Err(error) => return Call::new(move |_| async move { Err(error) }),
        };
        let named = match &request {
            Request::Ask { skill, input, .. }
            | Request::Open { skill, input, .. }
            | Request::Stream { skill, input, .. }
                if !caller.may(Right::Files) =>
            {
                Some((skill.clone(), input.clone()))
            }
            Request::Fact { .. } => None,
            _ => return transport.call(request),
        };
        Call::new(move |items| async move {
            if let Some((skill, input)) = named {
                refuse_files(&*transport, &skill, input).await?;
            }
            let is_fact = matches!(request, Request::Fact { .. });
            let mut call = transport.call(request);
            while let Some(item) = call.next_item().await {
                // A caller that no longer takes items has dropped the call, and this future with it.
                let _ = items.send(item).await;
            }
            let reply = call.reply().await?;
            match is_fact && !caller.owns(&reply) {
                true => Err(refused("there is no such fact, or no longer".to_owned())),
                false => Ok(reply),
            }
        })
    }
}

impl Caller {
    /// Whether the caller may do that.
    fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    /// Whether a fact is of the caller's tenant.
    fn owns(&self, fact: &Value) -> bool {
        fact.get("namespace").and_then(Value::as_str) == Some(&self.tenant.0)
    }

    /// The request as it may be made.
    ///
    /// # Errors
    /// Which right is missing.
    fn admit(&self, mut request: Request) -> Result<Request, TaskError> {
        let right = right_of(&request);
        if let Some(right) = right.filter(|right| !self.may(*right)) {
            let name = serde_json::to_value(right).unwrap_or_default();
            let tenant = &self.tenant.0;
            return Err(refused(format!(
                "this needs the right {name}, which the caller of tenant `{tenant}` has not; ask whoever runs the node"
            )));
        }
        match &mut request {
            Request::Ask { options, .. }
            | Request::Open { options, .. }
            | Request::Stream { options, .. } => options.namespace = Some(self.tenant.clone()),
            Request::Run {
                paths, namespace, ..
            } => {
                let is_blob = |path: &std::path::PathBuf| path.to_str().is_some_and(paths::is_blob);
                if !self.may(Right::Files) && !paths.iter().all(is_blob) {
                    return Err(no_files());
                }
                *namespace = Some(self.tenant.clone());
            }
            Request::Facts { filter } if !self.may(Right::Operate) => self.restrict(filter),
            Request::Show { namespace, .. } if !self.may(Right::Operate) => {
                *namespace = Some(self.tenant.clone());
            }
            _ => {}
        }
        Ok(request)
    }

    fn restrict(&self, filter: &mut FactFilter) {
        filter.namespace = Some(self.tenant.clone());
    }
}

/// The right that a request needs; none where nobody is kept from it.
fn right_of(request: &Request) -> Option<Right> {
    Some(match request {
        Request::Skills => return None,
        Request::Ask { .. }
        | Request::Open { .. }
        | Request::Stream { .. }
        | Request::Follow { .. }
        | Request::CancelStream { .. }
        | Request::Chunk { .. }
        | Request::End { .. }
        | Request::PutBlob { .. }
        // A hash of 256 bits: who names it has the content, or has been told.
        | Request::ReadBlob { .. }
        | Request::Run { .. }
        | Request::Facts { .. }
        | Request::Fact { .. }
        | Request::Show { .. } => Right::Work,
        Request::Resume { episode } => match episode {
            Some(_) => Right::Work,
            // The last one begun may be anybody's.
            None => Right::Operate,
        },
        Request::Agents
        | Request::Services
        | Request::Live
        | Request::Export { .. }
        | Request::Import { .. }
        | Request::Forget { .. }
        | Request::DeadLetters
        | Request::DeadLetter { .. }
        | Request::RemoveDeadLetter { .. }
        | Request::Redrive { .. } => Right::Operate,
    })
}

/// Refuses an input that names a file.
async fn refuse_files(
    transport: &dyn Transport,
    skill: &str,
    mut input: Value,
) -> Result<(), TaskError> {
    let mut specs = transport.call(Request::Skills);
    while let Some(spec) = specs.next().await {
        let Ok(spec) = serde_json::from_value::<SkillSpec>(spec) else {
            continue;
        };
        let is_it = spec.name == skill || spec.aliases.iter().any(|alias| alias == skill);
        if is_it {
            return paths::each(
                spec.input.as_value(),
                &mut input,
                &mut |path| match paths::is_blob(path) {
                    true => Ok(()),
                    false => Err(no_files()),
                },
            );
        }
    }
    // Whoever routes it says that there is no such skill.
    Ok(())
}

fn no_files() -> TaskError {
    refused(
        "expected blobs, as `blob:HASH`, got a path; the caller has not the right \"files\""
            .to_owned(),
    )
}

fn refused(message: String) -> TaskError {
    TaskError::Refused {
        kind: FaultKind::Rejected,
        message,
    }
}
