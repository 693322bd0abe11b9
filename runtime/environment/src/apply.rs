//! What a transaction does to the tables: everything is checked first, so a refused transaction has written nothing.

mod check;

use std::collections::{BTreeMap, HashSet};

use crate::attempts::BeginningAttempt;
use crate::blobs::Blobs;
use crate::deaths::Running;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact};
use crate::ids::{EpisodeId, Revision, TaskId};
use crate::records::{
    Commit, DeadLetterRecord, EpisodeStatus, REACTIONS_CURSOR, SettledRecord, TaskRecord,
    Transaction,
};
use crate::tables::{
    Batch, Table, decode, encode, episode_key, in_episode, name_key, number, revision_key,
    settled_key, task_key,
};
pub(crate) use check::latest;
use check::{
    check_blobs, check_conditions, check_superseded, check_tasks, fresh_tasks, load_episodes,
};

type Episodes = BTreeMap<EpisodeId, EpisodeStatus>;

/// The outcome of one transaction, and the facts that it appended.
pub(crate) struct Applied {
    pub(crate) commit: Commit,
    pub(crate) facts: Vec<Fact>,
}

/// Checks and does one transaction.
pub(crate) fn apply(
    batch: &mut Batch<'_>,
    blobs: &Blobs,
    transaction: Transaction,
    now_ms: u64,
) -> Result<Applied, EnvironmentError> {
    let episodes = load_episodes(batch, &transaction, now_ms)?;
    check_conditions(batch, &transaction)?;
    check_blobs(batch, blobs, &transaction)?;
    check_superseded(batch, &transaction)?;
    let fresh = fresh_tasks(batch, &transaction)?;
    check_tasks(batch, &transaction, &fresh)?;
    let mut writing = Writing {
        batch,
        episodes,
        now_ms,
    };
    writing.run(transaction, fresh)
}

struct Writing<'b, 't> {
    batch: &'b mut Batch<'t>,
    episodes: Episodes,
    now_ms: u64,
}

impl Writing<'_, '_> {
    fn run(
        &mut self,
        transaction: Transaction,
        mut fresh: HashSet<TaskId>,
    ) -> Result<Applied, EnvironmentError> {
        self.begin_rounds(&transaction);
        let facts = self.append(&transaction)?;
        let mut known = Vec::new();
        for task in transaction.accepted {
            match fresh.remove(&task.id) {
                true => self.accept(task)?,
                false => known.push(task.id),
            }
        }
        for begins in transaction.attempts {
            self.note_attempt(begins)?;
        }
        for (task, running) in transaction.running {
            self.change_task(task, |record| record.deaths.running = running)?;
        }
        for settled in transaction.settled {
            self.settle(settled)?;
        }
        for letter in transaction.dead_letters {
            self.write_dead_letter(letter)?;
        }
        for (task, redrive) in transaction.redriven {
            self.note_redrive(task, redrive)?;
        }
        for task in transaction.removed_letters {
            self.remove_letter(task)?;
        }
        for (name, revision) in transaction.cursors {
            self.advance(&name, revision)?;
        }
        for episode in transaction.finishes {
            if let Some(status) = self.episodes.get_mut(&episode) {
                status.done = true;
            }
        }
        for (id, status) in &self.episodes {
            self.batch
                .put(Table::Episodes, &episode_key(*id), &encode(status)?)?;
        }
        Ok(Applied {
            commit: Commit {
                revisions: facts.iter().map(|fact| fact.revision).collect(),
                known,
                episodes: std::mem::take(&mut self.episodes).into_values().collect(),
            },
            facts,
        })
    }

    /// Input from outside into an idle episode begins its next round, and so does the redrive of a reaction, whose answer is news as well. What its own
    /// tasks say does not, nor does the redrive of a idle rule.
    fn begin_rounds(&mut self, transaction: &Transaction) {
        let mut inputs = HashSet::new();
        if transaction
            .facts
            .iter()
            .any(|(_, provenance)| provenance.task.is_none())
        {
            inputs.extend(transaction.episode);
        }
        let asked = transaction
            .accepted
            .iter()
            .filter(|task| task.rule.is_none() || is_reaction_again(task));
        inputs.extend(asked.filter_map(|task| task.episode));
        for episode in inputs {
            if let Some(status) = self.episodes.get_mut(&episode)
                && status.is_idle()
            {
                status.round += 1;
                status.done = false;
            }
        }
    }

    fn append(&mut self, transaction: &Transaction) -> Result<Vec<Fact>, EnvironmentError> {
        if transaction.facts.is_empty() {
            return Ok(Vec::new());
        }
        let mut head = self.batch.get(Table::Meta, b"head")?.map_or(0, number);
        let mut facts = Vec::with_capacity(transaction.facts.len());
        for (draft, provenance) in &transaction.facts {
            head += 1;
            let fact = Fact {
                revision: Revision(head),
                namespace: transaction.namespace.clone(),
                kind: draft.kind.clone(),
                key: draft.key.clone(),
                value: draft.value.clone(),
                blobs: draft.blobs.clone(),
                supersedes: draft.supersedes,
                episode: transaction.episode,
                provenance: provenance.clone(),
                at_ms: self.now_ms,
            };
            insert_fact(self.batch, &fact)?;
            if let Some(episode) = fact.episode {
                self.batch.put(
                    Table::Pending,
                    &revision_key(fact.revision),
                    &episode_key(episode),
                )?;
            }
            facts.push(fact);
        }
        self.batch.put(Table::Meta, b"head", &head.to_be_bytes())?;
        if let Some(status) = transaction
            .episode
            .and_then(|id| self.episodes.get_mut(&id))
        {
            status.facts += facts.len() as u64;
            status.pending_reactions += facts.len() as u64;
        }
        Ok(facts)
    }

    fn accept(&mut self, mut task: TaskRecord) -> Result<(), EnvironmentError> {
        task.accepted_ms = self.now_ms;
        let key = task_key(task.id);
        self.batch.put(Table::Tasks, &key, &encode(&task)?)?;
        let Some(episode) = task.episode else {
            return Ok(());
        };
        self.batch
            .put(Table::EpisodeTasks, &in_episode(episode, &key), &[])?;
        if let Some(status) = self.episodes.get_mut(&episode) {
            status.outstanding += 1;
            let fired = task.rule.is_some() && task.redrive_of.is_none();
            status.reactions_fired += u64::from(fired);
        }
        Ok(())
    }

    fn note_attempt(&mut self, begins: BeginningAttempt) -> Result<(), EnvironmentError> {
        let now_ms = self.now_ms;
        self.change_task(begins.task, |record| {
            record.attempts += 1;
            record.begin(begins, now_ms);
            if record.deaths.running == Running::Not {
                record.deaths.running = Running::Beside;
            }
        })
    }

    fn change_task(
        &mut self,
        task: TaskId,
        change: impl FnOnce(&mut TaskRecord),
    ) -> Result<(), EnvironmentError> {
        let key = task_key(task);
        let Some(bytes) = self.batch.get(Table::Tasks, &key)? else {
            return Ok(());
        };
        let mut record: TaskRecord = decode(&bytes)?;
        change(&mut record);
        self.batch.put(Table::Tasks, &key, &encode(&record)?)
    }

    fn settle(&mut self, mut settled: SettledRecord) -> Result<(), EnvironmentError> {
        settled.at_ms = self.now_ms;
        let key = task_key(settled.task);
        if let Some(bytes) = self.batch.get(Table::Tasks, &key)? {
            let record: TaskRecord = decode(&bytes)?;
            settled.episode = record.episode;
            if let Some(episode) = record.episode {
                let status = self.episode(episode)?;
                status.outstanding = status.outstanding.saturating_sub(1);
            }
            settled.streamed = record.streams.then(|| Box::new(record));
        }
        self.batch.remove(Table::Tasks, &key)?;
        self.batch.put(Table::Settled, &key, &encode(&settled)?)?;
        self.batch.put(
            Table::SettledOrder,
            &settled_key(self.now_ms, settled.task),
            &[],
        )
    }

    /// It has its place in the order of the settled, so that retention finds it there, be its task durable or not.
    fn write_dead_letter(&mut self, mut letter: DeadLetterRecord) -> Result<(), EnvironmentError> {
        letter.at_ms = self.now_ms;
        let task = letter.task.id;
        self.batch
            .put(Table::DeadLetters, &task_key(task), &encode(&letter)?)?;
        self.batch
            .put(Table::SettledOrder, &settled_key(self.now_ms, task), &[])
    }

    fn note_redrive(&mut self, task: TaskId, redrive: TaskId) -> Result<(), EnvironmentError> {
        let key = task_key(task);
        let Some(bytes) = self.batch.get(Table::DeadLetters, &key)? else {
            return Ok(());
        };
        let mut letter: DeadLetterRecord = decode(&bytes)?;
        letter.redriven_as = Some(redrive);
        self.batch
            .put(Table::DeadLetters, &key, &encode(&letter)?)?;
        let Some(bytes) = self.batch.get(Table::Settled, &key)? else {
            return Ok(());
        };
        let mut settled: SettledRecord = decode(&bytes)?;
        settled.redriven_as = Some(redrive);
        self.batch.put(Table::Settled, &key, &encode(&settled)?)
    }

    /// Its place in the order of the settled stays while its task's settlement has the same.
    fn remove_letter(&mut self, task: TaskId) -> Result<(), EnvironmentError> {
        let key = task_key(task);
        let Some(bytes) = self.batch.get(Table::DeadLetters, &key)? else {
            return Ok(());
        };
        let letter: DeadLetterRecord = decode(&bytes)?;
        self.batch.remove(Table::DeadLetters, &key)?;
        match self.batch.has(Table::Settled, &key)? {
            true => Ok(()),
            false => {
                let order = settled_key(letter.at_ms, task);
                self.batch.remove(Table::SettledOrder, &order)
            }
        }
    }

    fn advance(&mut self, name: &str, revision: Revision) -> Result<(), EnvironmentError> {
        let before = self
            .batch
            .get(Table::Cursors, name.as_bytes())?
            .map_or(0, number);
        // Nobody has read what is not there yet: a cursor ahead of the log would pass over facts to come.
        let head = self.batch.get(Table::Meta, b"head")?.map_or(0, number);
        let revision = Revision(revision.0.min(head));
        if revision.0 <= before {
            return Ok(());
        }
        self.batch
            .put(Table::Cursors, name.as_bytes(), &revision_key(revision))?;
        if name != REACTIONS_CURSOR {
            return Ok(());
        }
        let passed = self.batch.keys(
            Table::Pending,
            &revision_key(Revision(0)),
            &revision_key(revision),
            usize::MAX,
        )?;
        for key in passed {
            if let Some(episode) = self.batch.get(Table::Pending, &key)? {
                let status = self.episode(episode_of(&episode))?;
                status.pending_reactions = status.pending_reactions.saturating_sub(1);
            }
            self.batch.remove(Table::Pending, &key)?;
        }
        Ok(())
    }

    fn episode(&mut self, id: EpisodeId) -> Result<&mut EpisodeStatus, EnvironmentError> {
        use std::collections::btree_map::Entry;
        match self.episodes.entry(id) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let bytes = self
                    .batch
                    .get(Table::Episodes, &episode_key(id))?
                    .ok_or(EnvironmentError::UnknownEpisode { episode: id })?;
                Ok(entry.insert(decode(&bytes)?))
            }
        }
    }
}

fn insert_fact(batch: &mut Batch<'_>, fact: &Fact) -> Result<(), EnvironmentError> {
    let revision = revision_key(fact.revision);
    batch.put(Table::Facts, &revision, &encode(fact)?)?;
    if let Some(key) = &fact.key {
        batch.put(
            Table::Keys,
            &name_key(&fact.namespace, key, fact.revision),
            &[],
        )?;
    }
    if let Some(episode) = fact.episode {
        batch.put(Table::EpisodeFacts, &in_episode(episode, &revision), &[])?;
    }
    if let Some(earlier) = fact.supersedes {
        batch.put(Table::Superseded, &revision_key(earlier), &revision)?;
    }
    for hash in &fact.blobs {
        change_references(batch, *hash, 1)?;
    }
    Ok(())
}

fn is_reaction_again(task: &TaskRecord) -> bool {
    task.redrive_of.is_some() && task.cause.is_some()
}

/// Appends facts of another environment at the next revisions. They are history: nothing reacts to them.
pub(crate) fn import(
    batch: &mut Batch<'_>,
    blobs: &Blobs,
    episodes: &[EpisodeStatus],
    mut facts: Vec<Fact>,
) -> Result<Applied, EnvironmentError> {
    for hash in facts.iter().flat_map(|fact| &fact.blobs) {
        if !blobs.contains(*hash) {
            return Err(EnvironmentError::UnknownBlob { hash: *hash });
        }
    }
    for status in episodes {
        let key = episode_key(status.record.id);
        if !batch.has(Table::Episodes, &key)? {
            batch.put(Table::Episodes, &key, &encode(status)?)?;
        }
    }
    let mut head = batch.get(Table::Meta, b"head")?.map_or(0, number);
    for fact in &mut facts {
        head += 1;
        fact.revision = Revision(head);
        insert_fact(batch, fact)?;
    }
    batch.put(Table::Meta, b"head", &head.to_be_bytes())?;
    let commit = Commit {
        revisions: facts.iter().map(|fact| fact.revision).collect(),
        ..Commit::default()
    };
    Ok(Applied { commit, facts })
}

/// Counts one more or one fewer fact that refers to the blob. Gives how many do.
pub(crate) fn change_references(
    batch: &mut Batch<'_>,
    hash: BlobHash,
    change: i64,
) -> Result<u64, EnvironmentError> {
    let before = batch.get(Table::Blobs, &hash.0)?.map_or(0, number);
    let after = before.saturating_add_signed(change);
    match after {
        0 => batch.remove(Table::Blobs, &hash.0)?,
        _ => batch.put(Table::Blobs, &hash.0, &after.to_be_bytes())?,
    }
    Ok(after)
}

/// The episode whose key these bytes are.
pub(crate) fn episode_of(key: &[u8]) -> EpisodeId {
    let mut bytes = [0; 16];
    let take = key.len().min(16);
    bytes[..take].copy_from_slice(&key[..take]);
    EpisodeId::from_u128(u128::from_be_bytes(bytes))
}
