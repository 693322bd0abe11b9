//! What leaves the environment: history past retention, and episodes that are to be forgotten.
//!
//! The record of an episode goes with the last of its facts and tasks: an episode that is open has one of them, or has had no input yet.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::apply::{change_references, latest};
use crate::blobs::Blobs;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact};
use crate::ids::{EpisodeId, Revision, TaskId};
use crate::options::EnvironmentOptions;
use crate::records::{SettledRecord, TaskRecord};
use crate::store::Store;
use crate::tables::{
    Batch, Table, decode, episode_key, in_episode, name_key, number, revision_key, settled_key,
    task_key,
};
use crate::wall::unix_ms;

/// How many entries one commit of a compaction looks at.
pub(crate) const PIECE: usize = 1000;

/// What a compaction removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Facts past retention.
    pub facts: u64,
    /// Settled tasks past retention.
    pub settled: u64,
    /// Dead letters past retention.
    pub dead_letters: u64,
    /// Episodes of which nothing is left.
    pub episodes: u64,
    /// Blobs that no fact refers to.
    pub blobs: u64,
}

impl Compaction {
    /// Whether it found nothing more past retention.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, other: &Self) {
        self.facts += other.facts;
        self.settled += other.settled;
        self.dead_letters += other.dead_letters;
        self.episodes += other.episodes;
        self.blobs += other.blobs;
    }
}

/// What was forgotten with an episode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many facts.
    pub facts: u64,
    /// How many blobs that nobody else refers to.
    pub blobs: u64,
    /// Tasks that were not settled: nobody waits for them any more.
    pub unsettled: Vec<TaskId>,
}

/// Removes all that is past retention, and the blobs that nobody refers to.
pub(crate) fn compact(
    store: &mut Store,
    blobs: &Blobs,
    options: &EnvironmentOptions,
    now: SystemTime,
) -> Result<Compaction, EnvironmentError> {
    let mut total = Compaction::default();
    let mut at = Some(Revision(0));
    while let Some(from) = at {
        let piece = trim_facts(store, options, now, from)?;
        total.add(&piece.removed);
        store.checkpoint_when_due();
        at = piece.next;
    }
    loop {
        let removed = trim_settled(store, options, now)?;
        total.add(&removed);
        store.checkpoint_when_due();
        if removed.is_empty() {
            break;
        }
    }
    // No blob goes before the removal of its facts is on the disk: power loss would bring back facts without their blobs.
    store.checkpoint()?;
    total.blobs = blobs.sweep(now, |hash| {
        store.write(0, |batch| batch.has(Table::Blobs, &hash.0))
    })?;
    Ok(total)
}

/// What came of looking at some facts.
pub(crate) struct Piece {
    pub(crate) removed: Compaction,
    /// How many facts were looked at.
    pub(crate) seen: u64,
    /// Where to go on; none where nothing further is past retention.
    pub(crate) next: Option<Revision>,
}

/// Removes facts past retention among the next ones from `from`.
pub(crate) fn trim_facts(
    store: &mut Store,
    options: &EnvironmentOptions,
    now: SystemTime,
    from: Revision,
) -> Result<Piece, EnvironmentError> {
    let retention = options.retention;
    let oldest_ms = retention
        .max_age
        .and_then(|age| now.checked_sub(age))
        .map_or(0, unix_ms);
    store.write(0, |batch| {
        let excess = match retention.max_facts {
            Some(max) => batch.len(Table::Facts)?.saturating_sub(max),
            None => 0,
        };
        // A fact that waits for its reactions is not history yet.
        let end = [0xff; 8];
        let pending = batch.keys(Table::Pending, &[], &end, 1)?;
        let stop = pending.first().map_or(u64::MAX, |key| number(&key[..]));
        let mut removed = Compaction::default();
        let mut touched = BTreeSet::new();
        let mut seen = 0;
        let mut next = None;
        for key in batch.keys(Table::Facts, &revision_key(from), &end, PIECE)? {
            let revision = Revision(number(&key[..]));
            let Some(fact) = batch.get(Table::Facts, &key)? else {
                continue;
            };
            let fact: Fact = decode(&fact)?;
            seen += 1;
            let past = removed.facts < excess || fact.at_ms < oldest_ms;
            if !past || revision.0 >= stop {
                next = None;
                break;
            }
            next = Some(Revision(revision.0 + 1));
            if is_latest(batch, &fact)? {
                continue;
            }
            remove_fact(batch, &fact)?;
            touched.extend(fact.episode);
            removed.facts += 1;
            note_gap(batch, revision)?;
        }
        removed.episodes = remove_empty(batch, touched)?;
        Ok(Piece {
            removed,
            seen,
            next,
        })
    })
}

/// The log is complete only after `removed`. A fact that was the latest of its key may go long after those around it have.
fn note_gap(batch: &mut Batch<'_>, removed: Revision) -> Result<(), EnvironmentError> {
    let before = batch.get(Table::Meta, b"oldest")?.map_or(0, number);
    let oldest = removed.0 + 1;
    if oldest <= before {
        return Ok(());
    }
    batch.put(Table::Meta, b"oldest", &oldest.to_be_bytes())
}

/// Removes the records of those episodes that have neither facts nor tasks any more. Gives how many.
fn remove_empty(
    batch: &mut Batch<'_>,
    touched: BTreeSet<EpisodeId>,
) -> Result<u64, EnvironmentError> {
    let mut removed = 0;
    for episode in touched {
        let from = in_episode(episode, &[]);
        let to = in_episode(episode, &[0xff; 16]);
        let any = |table| Ok(!batch.keys(table, &from, &to, 1)?.is_empty());
        if !any(Table::EpisodeFacts)? && !any(Table::EpisodeTasks)? {
            batch.remove(Table::Episodes, &episode_key(episode))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_latest(batch: &Batch<'_>, fact: &Fact) -> Result<bool, EnvironmentError> {
    match &fact.key {
        Some(key) => Ok(latest(batch, &fact.namespace, key)? == Some(fact.revision)),
        None => Ok(false),
    }
}

/// Removes a piece of the settled tasks and dead letters past retention, the oldest first.
pub(crate) fn trim_settled(
    store: &mut Store,
    options: &EnvironmentOptions,
    now: SystemTime,
) -> Result<Compaction, EnvironmentError> {
    let retention = options.retention;
    let oldest_ms = retention
        .max_age
        .and_then(|age| now.checked_sub(age))
        .map_or(0, unix_ms);
    store.write(0, |batch| {
        let excess = match retention.max_facts {
            Some(max) => batch.len(Table::SettledOrder)?.saturating_sub(max),
            None => 0,
        };
        let mut removed = Compaction::default();
        let mut touched = BTreeSet::new();
        let keys = batch.keys(Table::SettledOrder, &[], &[0xff; 24], PIECE)?;
        for (nth, key) in (0..).zip(keys) {
            let (at_ms, task) = (number(&key[..8]), &key[8..]);
            if nth >= excess && at_ms >= oldest_ms {
                break;
            }
            if let Some(settled) = batch.get(Table::Settled, task)? {
                let settled: SettledRecord = decode(&settled)?;
                if let Some(episode) = settled.episode {
                    batch.remove(Table::EpisodeTasks, &in_episode(episode, task))?;
                    touched.insert(episode);
                }
                batch.remove(Table::Settled, task)?;
                removed.settled += 1;
            }
            if batch.has(Table::DeadLetters, task)? {
                batch.remove(Table::DeadLetters, task)?;
                removed.dead_letters += 1;
            }
            batch.remove(Table::SettledOrder, &key)?;
        }
        removed.episodes = remove_empty(batch, touched)?;
        Ok(removed)
    })
}

/// Removes the fact and what points to it. Gives the blobs that no fact refers to any more.
fn remove_fact(batch: &mut Batch<'_>, fact: &Fact) -> Result<Vec<BlobHash>, EnvironmentError> {
    let revision = revision_key(fact.revision);
    batch.remove(Table::Facts, &revision)?;
    if let Some(key) = &fact.key {
        batch.remove(Table::Keys, &name_key(&fact.namespace, key, fact.revision))?;
    }
    if let Some(episode) = fact.episode {
        batch.remove(Table::EpisodeFacts, &in_episode(episode, &revision))?;
        batch.remove(Table::Pending, &revision)?;
    }
    batch.remove(Table::Superseded, &revision)?;
    // What it had taken the place of, if that is still here, counts again.
    if let Some(earlier) = fact.supersedes {
        batch.remove(Table::Superseded, &revision_key(earlier))?;
    }
    let mut unreferenced = Vec::new();
    for hash in &fact.blobs {
        if change_references(batch, *hash, -1)? == 0 {
            unreferenced.push(*hash);
        }
    }
    Ok(unreferenced)
}

/// Removes an episode with its facts, tasks, dead letters, and the blobs that nobody else refers to.
pub(crate) fn forget(
    store: &mut Store,
    blobs: &Blobs,
    episode: EpisodeId,
) -> Result<Forgotten, EnvironmentError> {
    let mut forgotten = Forgotten::default();
    let known = store.write(0, |batch| batch.has(Table::Episodes, &episode_key(episode)))?;
    if !known {
        return Err(EnvironmentError::UnknownEpisode { episode });
    }
    // Tasks go first, so that none of them appends a fact in between.
    loop {
        let (found, mut unsettled) = store.write(0, |batch| forget_tasks(batch, episode))?;
        forgotten.unsettled.append(&mut unsettled);
        if found == 0 {
            break;
        }
    }
    loop {
        let (found, unreferenced) = store.write(0, |batch| forget_facts(batch, episode))?;
        forgotten.facts += found;
        store.checkpoint_when_due();
        // As in a compaction: first the facts are gone for good, then their blobs go.
        if !unreferenced.is_empty() {
            store.sync()?;
        }
        for hash in unreferenced {
            forgotten.blobs += u64::from(blobs.remove(hash)?);
        }
        if found == 0 {
            break;
        }
    }
    store.write(0, |batch| {
        batch.remove(Table::Episodes, &episode_key(episode))
    })?;
    store.checkpoint_and_clear()?;
    Ok(forgotten)
}

fn forget_tasks(
    batch: &mut Batch<'_>,
    episode: EpisodeId,
) -> Result<(usize, Vec<TaskId>), EnvironmentError> {
    let from = in_episode(episode, &[]);
    let to = in_episode(episode, &[0xff; 16]);
    let keys = batch.keys(Table::EpisodeTasks, &from, &to, PIECE)?;
    let mut unsettled = Vec::new();
    for key in &keys {
        let task = &key[16..];
        if let Some(settled) = batch.get(Table::Settled, task)? {
            let settled: SettledRecord = decode(&settled)?;
            let order = settled_key(settled.at_ms, settled.task);
            batch.remove(Table::SettledOrder, &order)?;
            batch.remove(Table::Settled, task)?;
        }
        if let Some(record) = batch.get(Table::Tasks, task)? {
            let record: TaskRecord = decode(&record)?;
            unsettled.push(record.id);
            batch.remove(Table::Tasks, &task_key(record.id))?;
        }
        batch.remove(Table::DeadLetters, task)?;
        batch.remove(Table::EpisodeTasks, key)?;
    }
    Ok((keys.len(), unsettled))
}

fn forget_facts(
    batch: &mut Batch<'_>,
    episode: EpisodeId,
) -> Result<(u64, Vec<BlobHash>), EnvironmentError> {
    let from = in_episode(episode, &[]);
    let to = in_episode(episode, &[0xff; 8]);
    let keys = batch.keys(Table::EpisodeFacts, &from, &to, PIECE)?;
    let mut unreferenced = Vec::new();
    for key in &keys {
        match batch.get(Table::Facts, &key[16..])? {
            Some(fact) => unreferenced.append(&mut remove_fact(batch, &decode(&fact)?)?),
            None => batch.remove(Table::EpisodeFacts, key)?,
        }
    }
    Ok((keys.len() as u64, unreferenced))
}
