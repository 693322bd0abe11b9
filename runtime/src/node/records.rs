//! What an environment alone can answer: requests for facts and dead letters. No agent is started for them.

use std::fmt::Display;
use std::io::{BufReader, BufWriter, Error};
use std::path::Path;

use aimass_config::files::{OutputFile, open};
use aimass_environment::{BlobPart, Environment, EnvironmentError, FactFilter, TaskId};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, ItemSender, Request, Transport, blobs};
use crate::error::TaskError;
use crate::fault::FaultKind;

impl Transport for Environment {
    fn call(&self, request: Request) -> Call {
        let environment = self.clone();
        Call::new(|items| async move { answer(environment, request, items).await })
    }
}

pub(crate) async fn answer(
    environment: Environment,
    request: Request,
    items: ItemSender,
) -> Result<Value, TaskError> {
    match request {
        Request::PutBlob {
            upload,
            position,
            is_last,
            bytes,
        } => {
            let part = BlobPart {
                upload,
                position,
                is_last,
                bytes,
            };
            blobs::put_part(environment, part).await
        }
        Request::ReadBlob {
            hash,
            position,
            length,
        } => blobs::read(environment, hash, position, length, items).await,
        Request::Forget { episode } => {
            let forgotten = environment.forget(episode).await?;
            Ok(json!({"facts": forgotten.facts, "blobs": forgotten.blobs}))
        }
        Request::RemoveDeadLetter { task } => {
            found(environment.snapshot()?.dead_letter(task)?, || {
                no_letter(task)
            })?;
            environment.remove_dead_letter(task).await?;
            Ok(Value::Null)
        }
        other => {
            // Reading the store blocks, and a reader that does not take its items may hold this up for long.
            blocking(move || read(&environment, other, &items)).await?
        }
    }
}

/// Does what blocks where it harms nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TaskError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| refused(FaultKind::Bug, error.to_string()))
}

fn read(
    environment: &Environment,
    request: Request,
    items: &ItemSender,
) -> Result<Value, TaskError> {
    match request {
        Request::Facts { filter } => send_all(environment.snapshot()?.facts(filter)?, items),
        Request::Fact { revision } => found(environment.snapshot()?.fact(revision)?, || {
            format!(
                "there is no fact of revision {revision}, or no longer; `facts ls` has those that are there"
            )
        }),
        Request::Export { filter, into } => export(environment, filter, &into),
        Request::Import { from } => import(environment, &from),
        Request::DeadLetters => {
            let mut letters = environment.snapshot()?.dead_letters()?;
            letters.sort_by_key(|letter| letter.at_ms);
            send_all(letters.into_iter().map(Ok), items)
        }
        Request::DeadLetter { task } => found(environment.snapshot()?.dead_letter(task)?, || {
            no_letter(task)
        }),
        _ => Err(refused(
            FaultKind::Unavailable,
            "this needs a runtime, and only its environment is here".to_owned(),
        )),
    }
}

fn send_all<T: Serialize>(
    all: impl Iterator<Item = Result<T, EnvironmentError>>,
    items: &ItemSender,
) -> Result<Value, TaskError> {
    let mut count = 0_u64;
    for one in all {
        // Nobody listens any more: what is left need not be read.
        if items.blocking_send(as_json(&one?)?).is_err() {
            break;
        }
        count += 1;
    }
    Ok(json!(count))
}

fn found<T: Serialize>(
    found: Option<T>,
    missing: impl FnOnce() -> String,
) -> Result<Value, TaskError> {
    match found {
        Some(found) => as_json(&found),
        None => Err(refused(FaultKind::Rejected, missing())),
    }
}

fn no_letter(task: TaskId) -> String {
    format!("there is no dead letter of task {task}; `dead-letters ls` has those that are there")
}

fn export(environment: &Environment, filter: FactFilter, into: &Path) -> Result<Value, TaskError> {
    let unwritten = |error: &dyn Display| unusable("write", into, error);
    let file = OutputFile::prepare(into).map_err(|error| unwritten(&error))?;
    if !file.is_plain() {
        // It might wait for whoever reads it, and hold up whoever closes the environment.
        return Err(unwritten(
            &"expected a file; export to standard output, and lead that there",
        ));
    }
    let mut file = BufWriter::new(file);
    let facts = environment.export(filter, &mut file)?;
    let file = file
        .into_inner()
        .map_err(|error| Error::from(error).to_string());
    let ended = file.and_then(|file| file.finish().map_err(|error| error.to_string()));
    ended.map_err(|error| unwritten(&error))?;
    Ok(json!({"facts": facts}))
}

fn import(environment: &Environment, from: &Path) -> Result<Value, TaskError> {
    let (file, _) = open(from).map_err(|error| unusable("read", from, &error))?;
    let imported = environment.import(BufReader::new(file))?;
    Ok(json!({"facts": imported.facts, "blobs": imported.blobs}))
}

pub(super) fn as_json<T: Serialize>(value: &T) -> Result<Value, TaskError> {
    serde_json::to_value(value).map_err(|error| refused(FaultKind::Bug, error.to_string()))
}

fn unusable(operation: &str, path: &Path, error: &dyn Display) -> TaskError {
    let message = format!("cannot {operation} {}: {error}", path.display());
    refused(FaultKind::Rejected, message)
}

pub(super) fn refused(kind: FaultKind, message: String) -> TaskError {
    TaskError::Refused { kind, message }
}

impl From<EnvironmentError> for TaskError {
    fn from(error: EnvironmentError) -> Self {
        let kind = match error {
            EnvironmentError::InUse { .. }
            | EnvironmentError::Files { .. }
            | EnvironmentError::Corrupt { .. }
            | EnvironmentError::DamagedBlob { .. }
            | EnvironmentError::DiskFull { .. }
            | EnvironmentError::Store { .. }
            | EnvironmentError::TooManyUploads { .. }
            | EnvironmentError::Closed => FaultKind::Unavailable,
            _ => FaultKind::Rejected,
        };
        refused(kind, error.to_string())
    }
}
