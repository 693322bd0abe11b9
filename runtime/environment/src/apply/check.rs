//! What must hold before a transaction may write anything.

use std::collections::HashSet;

use super::Episodes;
use crate::blobs::Blobs;
use crate::error::EnvironmentError;
use crate::fact::Fact;
use crate::ids::{Namespace, Revision, TaskId};
use crate::records::{EpisodeStatus, Transaction};
use crate::tables::{Batch, Table, decode, episode_key, name_key, number, revision_key, task_key};

pub(super) fn load_episodes(
    batch: &Batch<'_>,
    transaction: &Transaction,
    now_ms: u64,
) -> Result<Episodes, EnvironmentError> {
    let mut episodes = Episodes::new();
    for record in &transaction.begins {
        let status = match batch.get(Table::Episodes, &episode_key(record.id))? {
            Some(bytes) => decode(&bytes)?,
            None => {
                let mut record = record.clone();
                record.at_ms = now_ms;
                EpisodeStatus::begun(record)
            }
        };
        episodes.insert(record.id, status);
    }
    let named = transaction
        .episode
        .into_iter()
        .chain(transaction.finishes.iter().copied())
        .chain(transaction.accepted.iter().filter_map(|task| task.episode));
    for episode in named {
        if episodes.contains_key(&episode) {
            continue;
        }
        let bytes = batch
            .get(Table::Episodes, &episode_key(episode))?
            .ok_or(EnvironmentError::UnknownEpisode { episode })?;
        episodes.insert(episode, decode(&bytes)?);
    }
    Ok(episodes)
}

pub(super) fn check_conditions(
    batch: &Batch<'_>,
    transaction: &Transaction,
) -> Result<(), EnvironmentError> {
    for condition in &transaction.conditions {
        let found = latest(batch, &transaction.namespace, &condition.key)?;
        if found != condition.expected {
            return Err(EnvironmentError::Conflict {
                key: condition.key.clone(),
                expected: condition.expected,
                found,
            });
        }
    }
    Ok(())
}

/// The revision of the latest fact of a key.
pub(crate) fn latest(
    batch: &Batch<'_>,
    namespace: &Namespace,
    key: &str,
) -> Result<Option<Revision>, EnvironmentError> {
    let from = name_key(namespace, key, Revision(0));
    let to = name_key(namespace, key, Revision(u64::MAX));
    let found = batch.last_key(Table::Keys, &from, &to)?;
    Ok(found.map(|key| Revision(number(key))))
}

pub(super) fn check_blobs(
    batch: &Batch<'_>,
    blobs: &Blobs,
    transaction: &Transaction,
) -> Result<(), EnvironmentError> {
    for hash in transaction.facts.iter().flat_map(|(draft, _)| &draft.blobs) {
        if !batch.has(Table::Blobs, &hash.0)? && !blobs.contains(*hash) {
            return Err(EnvironmentError::UnknownBlob { hash: *hash });
        }
    }
    Ok(())
}

/// A fact is superseded once, by one of its own kind: who wants to correct a correction supersedes that.
pub(super) fn check_superseded(
    batch: &Batch<'_>,
    transaction: &Transaction,
) -> Result<(), EnvironmentError> {
    let mut seen = HashSet::new();
    for (draft, _) in &transaction.facts {
        let Some(revision) = draft.supersedes else {
            continue;
        };
        let key = revision_key(revision);
        let fact = batch.get(Table::Facts, &key)?;
        let fact: Option<Fact> = fact.map(|fact| decode(&fact)).transpose()?;
        let fits = |fact: &Fact| {
            fact.namespace == transaction.namespace && fact.kind.name() == draft.kind.name()
        };
        if !fact.as_ref().is_some_and(fits) {
            let kind = draft.kind.clone();
            return Err(EnvironmentError::NothingToSupersede { revision, kind });
        }
        if let Some(by) = batch.get(Table::Superseded, &key)? {
            let by = Revision(number(&by[..]));
            return Err(EnvironmentError::Superseded { revision, by });
        }
        if !seen.insert(revision) {
            let by = revision;
            return Err(EnvironmentError::Superseded { revision, by });
        }
    }
    Ok(())
}

/// The tasks that were neither accepted nor settled before.
pub(super) fn fresh_tasks(
    batch: &Batch<'_>,
    transaction: &Transaction,
) -> Result<HashSet<TaskId>, EnvironmentError> {
    let mut fresh = HashSet::new();
    for task in &transaction.accepted {
        let key = task_key(task.id);
        if !batch.has(Table::Tasks, &key)? && !batch.has(Table::Settled, &key)? {
            fresh.insert(task.id);
        }
    }
    Ok(fresh)
}

pub(super) fn check_tasks(
    batch: &Batch<'_>,
    transaction: &Transaction,
    fresh: &HashSet<TaskId>,
) -> Result<(), EnvironmentError> {
    let accepted = |task: TaskId| -> Result<(), EnvironmentError> {
        if fresh.contains(&task) || batch.has(Table::Tasks, &task_key(task))? {
            return Ok(());
        }
        match batch.has(Table::Settled, &task_key(task))? {
            true => Err(EnvironmentError::AlreadySettled { task }),
            false => Err(EnvironmentError::UnknownTask { task }),
        }
    };
    for begins in &transaction.attempts {
        accepted(begins.task)?;
    }
    let mut seen = HashSet::new();
    for settled in &transaction.settled {
        accepted(settled.task)?;
        if !seen.insert(settled.task) {
            return Err(EnvironmentError::AlreadySettled { task: settled.task });
        }
    }
    for (task, _) in &transaction.redriven {
        let written_now = transaction
            .dead_letters
            .iter()
            .any(|letter| letter.task.id == *task);
        if !written_now && !batch.has(Table::DeadLetters, &task_key(*task))? {
            return Err(EnvironmentError::UnknownDeadLetter { task: *task });
        }
    }
    Ok(())
}
