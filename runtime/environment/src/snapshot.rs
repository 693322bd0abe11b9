//! Snapshots: a consistent view of everything, as it was after one commit.

use std::collections::VecDeque;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::EnvironmentError;
use crate::fact::Fact;
use crate::ids::{EpisodeId, Namespace, Revision, TaskId};
use crate::records::{DeadLetterRecord, EpisodeStatus, SettledRecord, TaskRecord};
use crate::tables::{
    Table, decode, episode_key, in_episode, name_key, number, revision_key, task_key,
};

type Bytes = &'static [u8];

/// Which facts somebody wants. What is left out is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FactFilter {
    /// Only of this tenant.
    pub namespace: Option<Namespace>,
    /// Only of kinds of this name, in any version.
    pub kind: Option<String>,
    /// Only with a key that begins like this.
    pub key_prefix: Option<String>,
    /// Only of this episode.
    pub episode: Option<EpisodeId>,
    /// Only from this revision on.
    pub from: Option<Revision>,
    /// Only up to this revision, inclusive.
    pub to: Option<Revision>,
    /// Whether facts count in whose place there is another.
    pub superseded: Superseded,
}

/// Whether facts count in whose place there is another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Superseded {
    /// They do not: a snapshot gives the newest only. A watch and a subscription give each fact as it comes, whatever comes later.
    #[default]
    LeftOut,
    /// They do.
    Included,
}

impl FactFilter {
    /// Whether the fact is one of those.
    pub fn matches(&self, fact: &Fact) -> bool {
        let key_fits = |prefix: &String| {
            fact.key
                .as_ref()
                .is_some_and(|key| key.starts_with(prefix.as_str()))
        };
        self.namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == fact.namespace)
            && self
                .kind
                .as_ref()
                .is_none_or(|kind| kind == fact.kind.name())
            && self.key_prefix.as_ref().is_none_or(key_fits)
            && self
                .episode
                .is_none_or(|episode| fact.episode == Some(episode))
            && self.from.is_none_or(|from| fact.revision >= from)
            && self.to.is_none_or(|to| fact.revision <= to)
    }
}

/// A view of the environment that later commits do not change. Keep it for a short time: what it shows cannot be freed.
pub struct Snapshot {
    transaction: ReadTransaction,
}

impl Snapshot {
    pub(crate) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    /// The revision of the last fact; 0 when there has been none.
    ///
    /// # Errors
    /// [`EnvironmentError::Store`] when the store cannot be read; so for all of these methods.
    pub fn head(&self) -> Result<Revision, EnvironmentError> {
        Ok(Revision(self.number(Table::Meta, b"head")?))
    }

    /// The first revision from which the log is complete.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn oldest(&self) -> Result<Revision, EnvironmentError> {
        Ok(Revision(self.number(Table::Meta, b"oldest")?.max(1)))
    }

    /// How many facts there are.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn len(&self) -> Result<u64, EnvironmentError> {
        self.table(Table::Facts)?.len().map_err(unreadable)
    }

    /// How many settled tasks and dead letters there are.
    pub(crate) fn settled_len(&self) -> Result<u64, EnvironmentError> {
        self.table(Table::SettledOrder)?.len().map_err(unreadable)
    }

    /// When the last task was settled, in milliseconds since the Unix epoch; zero when none was.
    pub(crate) fn last_settled_ms(&self) -> Result<u64, EnvironmentError> {
        let settled = self.table(Table::SettledOrder)?;
        let last = settled.last().map_err(unreadable)?;
        Ok(last.map_or(0, |(key, _)| number(&key.value()[..8])))
    }

    /// Whether there is no fact.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn is_empty(&self) -> Result<bool, EnvironmentError> {
        Ok(self.len()? == 0)
    }

    /// The latest fact of a key.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn get(&self, namespace: &Namespace, key: &str) -> Result<Option<Fact>, EnvironmentError> {
        let from = name_key(namespace, key, Revision(0));
        let to = name_key(namespace, key, Revision(u64::MAX));
        let last = self
            .table(Table::Keys)?
            .range::<&[u8]>(&from[..]..=&to[..])
            .map_err(unreadable)?
            .next_back()
            .transpose()
            .map_err(unreadable)?;
        match last {
            Some((name, _)) => self.fact(Revision(number(name.value()))),
            None => Ok(None),
        }
    }

    /// The fact of that revision; none when there is none, or none any more.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn fact(&self, revision: Revision) -> Result<Option<Fact>, EnvironmentError> {
        self.record(Table::Facts, &revision_key(revision))
    }

    /// The fact in whose place this one was, and so on: the one that counts. Returns `revision` itself when nothing has taken its place.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn newest(&self, revision: Revision) -> Result<Revision, EnvironmentError> {
        let table = self.superseded()?;
        let mut newest = revision;
        while let Some(by) = by(&table, newest)? {
            newest = by;
        }
        Ok(newest)
    }

    /// Whether the task has written a fact after that revision.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn has_fact_of(&self, task: TaskId, after: Revision) -> Result<bool, EnvironmentError> {
        let filter = FactFilter {
            from: Some(Revision(after.0 + 1)),
            superseded: Superseded::Included,
            ..FactFilter::default()
        };
        for fact in self.facts(filter)? {
            if fact?.provenance.task == Some(task) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is a fact of that revision. Its value is not read.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn contains(&self, revision: Revision) -> Result<bool, EnvironmentError> {
        let found = self.table(Table::Facts)?.get(&revision_key(revision)[..]);
        Ok(found.map_err(unreadable)?.is_some())
    }

    /// The facts that fit, in the order of their revisions, read one by one.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn facts(&self, filter: FactFilter) -> Result<Facts, EnvironmentError> {
        let from = revision_key(filter.from.unwrap_or_default());
        let to = revision_key(filter.to.unwrap_or(Revision(u64::MAX)));
        let facts = self.table(Table::Facts)?;
        let range = match filter.episode {
            Some(episode) => self
                .table(Table::EpisodeFacts)?
                .range::<&[u8]>(&in_episode(episode, &from)[..]..=&in_episode(episode, &to)[..]),
            None => facts.range::<&[u8]>(&from[..]..=&to[..]),
        };
        let superseded = match filter.superseded {
            Superseded::LeftOut => self.superseded()?,
            Superseded::Included => None,
        };
        Ok(Facts {
            range: range.map_err(unreadable)?,
            facts,
            superseded,
            filter,
        })
    }

    /// Accepted tasks that are not settled.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn unsettled(&self) -> Result<Vec<TaskRecord>, EnvironmentError> {
        self.records(Table::Tasks)
    }

    /// Shows each accepted task that is not settled, one by one.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn each_unsettled(&self, mut show: impl FnMut(TaskRecord)) -> Result<(), EnvironmentError> {
        for entry in self.table(Table::Tasks)?.iter().map_err(unreadable)? {
            show(decode(entry.map_err(unreadable)?.1.value())?);
        }
        Ok(())
    }

    /// An accepted task that is not settled.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn task(&self, task: TaskId) -> Result<Option<TaskRecord>, EnvironmentError> {
        self.record(Table::Tasks, &task_key(task))
    }

    /// How a task ended; none when it has not, or when that is past retention.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn settled(&self, task: TaskId) -> Result<Option<SettledRecord>, EnvironmentError> {
        self.record(Table::Settled, &task_key(task))
    }

    /// An episode.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn episode(&self, id: EpisodeId) -> Result<Option<EpisodeStatus>, EnvironmentError> {
        self.record(Table::Episodes, &episode_key(id))
    }

    /// All episodes, in no particular order.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn episodes(&self) -> Result<Vec<EpisodeStatus>, EnvironmentError> {
        self.records(Table::Episodes)
    }

    /// All dead letters, in no particular order.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn dead_letters(&self) -> Result<Vec<DeadLetterRecord>, EnvironmentError> {
        self.records(Table::DeadLetters)
    }

    /// The dead letter of a task.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn dead_letter(&self, task: TaskId) -> Result<Option<DeadLetterRecord>, EnvironmentError> {
        self.record(Table::DeadLetters, &task_key(task))
    }

    /// How far a named reader has come; 0 when it has not begun.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn cursor(&self, name: &str) -> Result<Revision, EnvironmentError> {
        Ok(Revision(self.number(Table::Cursors, name.as_bytes())?))
    }

    /// Facts after `cursor` that fit, and how far was read: a page of bounded size.
    pub(crate) fn page(
        &self,
        cursor: Revision,
        filter: &FactFilter,
    ) -> Result<(VecDeque<Fact>, Revision), EnvironmentError> {
        const FACTS: usize = 128;
        const READ: u64 = 4096;
        const BYTES: usize = 1 << 20;
        let mut page = VecDeque::new();
        let mut bytes = 0;
        let mut reached = cursor;
        let from = revision_key(Revision(cursor.0.saturating_add(1)));
        let table = self.table(Table::Facts)?;
        let range = table.range::<&[u8]>(&from[..]..).map_err(unreadable)?;
        for (read, entry) in (0..READ).zip(range) {
            let (key, value) = entry.map_err(unreadable)?;
            let fact: Fact = decode(value.value())?;
            reached = Revision(number(key.value()));
            if filter.matches(&fact) {
                bytes += value.value().len();
                page.push_back(fact);
            }
            if page.len() >= FACTS || bytes >= BYTES || read + 1 == READ {
                return Ok((page, reached));
            }
        }
        Ok((page, reached.max(self.head()?)))
    }

    /// The table of superseded facts; none in a store of an earlier version that nothing was written to since.
    fn superseded(&self) -> Result<Option<ReadOnlyTable<Bytes, Bytes>>, EnvironmentError> {
        match self.transaction.open_table(Table::Superseded.definition()) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(EnvironmentError::store("read", error)),
        }
    }

    fn table(&self, table: Table) -> Result<ReadOnlyTable<Bytes, Bytes>, EnvironmentError> {
        self.transaction
            .open_table(table.definition())
            .map_err(|error| EnvironmentError::store("read", error))
    }

    fn number(&self, table: Table, key: &[u8]) -> Result<u64, EnvironmentError> {
        let found = self.table(table)?.get(key).map_err(unreadable)?;
        Ok(found.map_or(0, |value| number(value.value())))
    }

    fn record<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, EnvironmentError> {
        let found = self.table(table)?.get(key).map_err(unreadable)?;
        found.map(|value| decode(value.value())).transpose()
    }

    fn records<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, EnvironmentError> {
        self.table(table)?
            .iter()
            .map_err(unreadable)?
            .map(|entry| decode(entry.map_err(unreadable)?.1.value()))
            .collect()
    }
}

/// Facts that fit a filter, in the order of their revisions.
pub struct Facts {
    range: redb::Range<'static, Bytes, Bytes>,
    facts: ReadOnlyTable<Bytes, Bytes>,
    /// Those to leave out, if any.
    superseded: Option<ReadOnlyTable<Bytes, Bytes>>,
    filter: FactFilter,
}

impl Facts {
    fn read(&mut self) -> Result<Option<Fact>, EnvironmentError> {
        for entry in self.range.by_ref() {
            let (key, value) = entry.map_err(unreadable)?;
            let fact: Fact = match self.filter.episode {
                None => decode(value.value())?,
                Some(_) => {
                    let revision = number(key.value()).to_be_bytes();
                    match self.facts.get(&revision[..]).map_err(unreadable)? {
                        Some(value) => decode(value.value())?,
                        None => continue,
                    }
                }
            };
            if self.filter.matches(&fact) && by(&self.superseded, fact.revision)?.is_none() {
                return Ok(Some(fact));
            }
        }
        Ok(None)
    }
}

/// What has taken the place of a fact.
fn by(
    superseded: &Option<ReadOnlyTable<Bytes, Bytes>>,
    revision: Revision,
) -> Result<Option<Revision>, EnvironmentError> {
    let Some(table) = superseded else {
        return Ok(None);
    };
    let found = table.get(&revision_key(revision)[..]).map_err(unreadable)?;
    Ok(found.map(|by| Revision(number(by.value()))))
}

impl Iterator for Facts {
    type Item = Result<Fact, EnvironmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn unreadable(error: redb::StorageError) -> EnvironmentError {
    EnvironmentError::store("read", error)
}
