//! Accepting what rules ask for: a place at its agent first, then its acceptance in the environment, then its agent.
//!
//! A rule's task waits for its place where a caller would be refused. Nothing of it is written down before, and while it waits the runtime is
//! not kept alive for it.

use std::sync::{Arc, Weak};

use aimass_environment::{
    DeadLetterRecord, Environment, EnvironmentError, Repeated, SettledRecord, TaskRecord,
    Transaction,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::core::Place;
use crate::core::router::Route;
use crate::core::ticket::Ticket;
use crate::error::TaskError;
use crate::observer::Note;
use crate::reactions::host::RuleHost;

/// A task that a rule asks for.
pub(super) struct Asked {
    record: TaskRecord,
    way: Way,
}

/// Where the task goes.
enum Way {
    /// To its agent.
    Agent(Route, Arc<Ticket>),
    /// Nowhere: it has its outcome already.
    Settled(TaskError),
}

/// What became of tasks that rules asked for.
pub(super) enum Accepted {
    /// They are with their agents, or settled.
    Yes,
    /// The runtime takes nothing any more: none of them was accepted.
    Closing,
}

impl Asked {
    /// The task of that record. What cannot be read as an input of its skill is settled so.
    pub(super) fn new(host: &dyn RuleHost, record: TaskRecord) -> Self {
        match host.ticket_to_accept(&record) {
            Ok((route, ticket)) => Self {
                record,
                way: Way::Agent(route, ticket),
            },
            // Its skill panics at this input: it is kept for when that is mended.
            Err(TaskError::Bug { message, .. }) => Self::given_up(record, message),
            Err(error) => Self {
                record,
                way: Way::Settled(error),
            },
        }
    }

    /// A task that is a dead letter before it could begin.
    pub(super) fn given_up(record: TaskRecord, cause: String) -> Self {
        let error = TaskError::DeadLettered {
            skill: record.skill.clone(),
            task: record.id,
            attempts: 0,
            cause,
        };
        Self {
            record,
            way: Way::Settled(error),
        }
    }

    /// As it is kept when the store takes neither its input nor what belongs to it.
    fn without_input(self, error: &EnvironmentError) -> Self {
        let message = format!("the environment cannot keep it: {error}");
        let error = TaskError::Rejected {
            skill: self.record.skill.clone(),
            message,
        };
        let input = Value::Null;
        Self {
            record: TaskRecord {
                input,
                ..self.record
            },
            way: Way::Settled(error),
        }
    }

    fn is_closing(&self) -> bool {
        matches!(self.way, Way::Settled(TaskError::ShuttingDown { .. }))
    }
}

/// Accepts the tasks together with `transaction`, once their agents have room for them.
///
/// One place at an agent lets in all that a fact asks of it: places for several at once might never be free together.
///
/// # Errors
/// When the store cannot write; nothing has happened then.
pub(super) async fn accept(
    host: &Weak<dyn RuleHost>,
    environment: &Environment,
    transaction: Transaction,
    mut asked: Vec<Asked>,
) -> Result<Accepted, EnvironmentError> {
    let places = claim_places(&mut asked).await;
    let Some(running) = host.upgrade() else {
        return Ok(Accepted::Closing);
    };
    if asked.iter().any(Asked::is_closing) {
        return Ok(Accepted::Closing);
    }
    let spawner = running.spawner();
    drop(running);
    let (done, accepted) = oneshot::channel();
    let (host, environment) = (host.clone(), environment.clone());
    // On its own: what is accepted in the environment comes to its agent, whoever waits for it.
    spawner.task(async move {
        let accepted = commit_and_submit(&host, &environment, transaction, asked, places).await;
        // Nobody may wait any more.
        let _ = done.send(accepted);
    });
    accepted.await.unwrap_or(Ok(Accepted::Closing))
}

/// Writes down that the tasks were accepted, and hands them to their agents.
async fn commit_and_submit(
    host: &Weak<dyn RuleHost>,
    environment: &Environment,
    transaction: Transaction,
    mut asked: Vec<Asked>,
    places: Vec<Option<Place>>,
) -> Result<Accepted, EnvironmentError> {
    let commit = match environment.commit_again(with(&transaction, &asked)).await {
        Err(error) if error.is_refusal() => {
            asked = asked
                .into_iter()
                .map(|one| one.without_input(&error))
                .collect();
            environment.commit_again(with(&transaction, &asked)).await
        }
        commit => commit,
    };
    let Repeated {
        commit,
        is_repeated,
    } = commit?;
    let known = commit.known;
    let mut places = places.into_iter();
    for Asked { record, way } in asked {
        match way {
            Way::Agent(route, ticket) => {
                let place = places.next().flatten();
                // What was written the first time is known the second, and with nobody yet.
                let is_ours = || {
                    let task = environment.snapshot().and_then(|all| all.task(record.id));
                    is_repeated && task.is_ok_and(|task| task.is_some())
                };
                if !known.contains(&record.id) || is_ours() {
                    // Nobody waits for it: its settlement is a record.
                    drop(route.submit(ticket, place).detach());
                }
            }
            Way::Settled(error) => tell(host, &record, error),
        }
    }
    Ok(Accepted::Yes)
}

/// Tells observers of a task that is a dead letter before it could begin.
fn tell(host: &Weak<dyn RuleHost>, record: &TaskRecord, error: TaskError) {
    let TaskError::DeadLettered { cause, .. } = error else {
        return;
    };
    tracing::error!(task = %record.id, skill = record.skill, said = cause, "a task that a rule asked for was given up");
    if let Some(running) = host.upgrade()
        && let Ok(route) = running.router().find(&record.skill)
    {
        let now = running.clock().now();
        route
            .core
            .emit_note(record.id, now, || Note::DeadLettered { cause });
    }
}

/// A place for the first task of each agent. One that cannot have one is settled so.
async fn claim_places(asked: &mut [Asked]) -> Vec<Option<Place>> {
    let mut agents: Vec<Arc<str>> = Vec::new();
    let mut places = Vec::new();
    for one in asked {
        let Way::Agent(route, ticket) = &one.way else {
            continue;
        };
        if agents.contains(&route.core.name) {
            places.push(None);
            continue;
        }
        match route.core.place_for(ticket).await {
            Ok(place) => {
                agents.push(route.core.name.clone());
                places.push(Some(place));
            }
            Err(error) => one.way = Way::Settled(error),
        }
    }
    places
}

fn with(transaction: &Transaction, asked: &[Asked]) -> Transaction {
    let mut transaction = transaction.clone();
    for Asked { record, way } in asked {
        transaction.accepted.push(record.clone());
        let Way::Settled(error) = way else {
            continue;
        };
        let outcome = json!({ "error": error, "message": error.to_string() });
        let settled = SettledRecord::new(record.id, outcome);
        transaction.settled.push(settled);
        if let TaskError::DeadLettered { cause, .. } = error {
            let letter = DeadLetterRecord::new(record.clone(), json!(cause));
            transaction.dead_letters.push(letter);
        }
    }
    transaction
}
