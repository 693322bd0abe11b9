//! The tables of the store, and how their keys are made so that their order is the order they are read in.

use std::borrow::Borrow;

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::EnvironmentError;
use crate::ids::{EpisodeId, Namespace, Revision, TaskId};

type Bytes = &'static [u8];

/// One table. The discriminant is its number in the journal, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// Name -> number: the last commit, the last revision, the first complete revision.
    Meta = 0,
    /// Revision -> fact.
    Facts = 1,
    /// Namespace, key, revision -> nothing.
    Keys = 2,
    /// Episode, revision -> nothing.
    EpisodeFacts = 3,
    /// Revision -> episode: facts that wait for their reactions.
    Pending = 4,
    /// Task -> record: accepted and not settled.
    Tasks = 5,
    /// Task -> record.
    Settled = 6,
    /// Time, task -> nothing: the settled ones and the dead letters, the oldest first.
    SettledOrder = 7,
    /// Episode, task -> nothing.
    EpisodeTasks = 8,
    /// Episode -> status.
    Episodes = 9,
    /// Name -> revision.
    Cursors = 10,
    /// Task -> record.
    DeadLetters = 11,
    /// Hash -> how many facts refer to the blob.
    Blobs = 12,
    /// Revision -> revision: a fact, and the one in its place.
    Superseded = 13,
}

impl Table {
    pub(crate) const ALL: [Self; 14] = [
        Self::Meta,
        Self::Facts,
        Self::Keys,
        Self::EpisodeFacts,
        Self::Pending,
        Self::Tasks,
        Self::Settled,
        Self::SettledOrder,
        Self::EpisodeTasks,
        Self::Episodes,
        Self::Cursors,
        Self::DeadLetters,
        Self::Blobs,
        Self::Superseded,
    ];

    pub(crate) fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(match self {
            Self::Meta => "meta",
            Self::Facts => "facts",
            Self::Keys => "keys",
            Self::EpisodeFacts => "episode_facts",
            Self::Pending => "pending",
            Self::Tasks => "tasks",
            Self::Settled => "settled",
            Self::SettledOrder => "settled_order",
            Self::EpisodeTasks => "episode_tasks",
            Self::Episodes => "episodes",
            Self::Cursors => "cursors",
            Self::DeadLetters => "dead_letters",
            Self::Blobs => "blobs",
            Self::Superseded => "superseded",
        })
    }
}

/// What one commit changes: the tables of an open write transaction, and the journal's record of it.
pub(crate) struct Batch<'t> {
    tables: Vec<redb::Table<'t, Bytes, Bytes>>,
    changes: Vec<u8>,
}

impl<'t> Batch<'t> {
    pub(crate) fn begin(transaction: &'t WriteTransaction) -> Result<Self, EnvironmentError> {
        let tables = Table::ALL
            .iter()
            .map(|table| transaction.open_table(table.definition()))
            .collect::<Result<_, _>>()
            .map_err(|error| EnvironmentError::store("open its tables", error))?;
        Ok(Self {
            tables,
            changes: Vec::new(),
        })
    }

    /// The changes so far, as [`Self::replay`] takes them.
    pub(crate) fn changes(&self) -> &[u8] {
        &self.changes
    }

    pub(crate) fn get(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let found = self.tables[table as usize]
            .get(key)
            .map_err(|error| EnvironmentError::store("read", error))?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    pub(crate) fn has(&self, table: Table, key: &[u8]) -> Result<bool, EnvironmentError> {
        let found = self.tables[table as usize]
            .get(key)
            .map_err(|error| EnvironmentError::store("read", error))?;
        Ok(found.is_some())
    }

    pub(crate) fn len(&self, table: Table) -> Result<u64, EnvironmentError> {
        use redb::ReadableTableMetadata;
        self.tables[table as usize]
            .len()
            .map_err(|error| EnvironmentError::store("read", error))
    }

    /// The keys from `from` to `to` inclusive, at most `limit`, in order.
    pub(crate) fn keys(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, EnvironmentError> {
        self.tables[table as usize]
            .range::<&[u8]>(from..=to)
            .map_err(|error| EnvironmentError::store("read", error))?
            .take(limit)
            .map(|entry| {
                let (key, _) = entry.map_err(|error| EnvironmentError::store("read", error))?;
                Ok(key.value().to_vec())
            })
            .collect()
    }

    /// The last key from `from` to `to` inclusive.
    pub(crate) fn last_key(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let found = self.tables[table as usize]
            .range::<&[u8]>(from..=to)
            .map_err(|error| EnvironmentError::store("read", error))?
            .next_back()
            .transpose()
            .map_err(|error| EnvironmentError::store("read", error))?;
        Ok(found.map(|(key, _)| key.value().to_vec()))
    }

    pub(crate) fn put(
        &mut self,
        table: Table,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), EnvironmentError> {
        self.note(table, 1, key, value);
        self.insert(table, key, value)
    }

    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), EnvironmentError> {
        self.note(table, 0, key, &[]);
        self.delete(table, key)
    }

    /// Does again what a record of the journal says.
    pub(crate) fn replay(&mut self, mut changes: &[u8]) -> Result<(), EnvironmentError> {
        while !changes.is_empty() {
            let (table, put, key, value) =
                next_change(&mut changes).ok_or_else(|| EnvironmentError::Corrupt {
                    dir: Default::default(),
                    found: "a commit in the journal that cannot be read".to_owned(),
                })?;
            match put {
                true => self.insert(table, key, value)?,
                false => self.delete(table, key)?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), EnvironmentError> {
        self.tables[table as usize]
            .insert(key, value)
            .map_err(|error| EnvironmentError::store("write", error))?;
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), EnvironmentError> {
        self.tables[table as usize]
            .remove(key)
            .map_err(|error| EnvironmentError::store("write", error))?;
        Ok(())
    }

    fn note(&mut self, table: Table, put: u8, key: &[u8], value: &[u8]) {
        self.changes.extend_from_slice(&[table as u8, put]);
        // Keys and values are bounded far below 4 GiB where they come in.
        self.changes
            .extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.changes
            .extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.changes.extend_from_slice(key);
        self.changes.extend_from_slice(value);
    }
}

fn next_change<'a>(changes: &mut &'a [u8]) -> Option<(Table, bool, &'a [u8], &'a [u8])> {
    let (head, rest) = changes.split_at_checked(10)?;
    let number = |at: usize| -> usize {
        u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
    };
    let (key, rest) = rest.split_at_checked(number(2))?;
    let (value, rest) = rest.split_at_checked(number(6))?;
    *changes = rest;
    Some((
        *Table::ALL.get(usize::from(head[0]))?,
        head[1] == 1,
        key,
        value,
    ))
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, EnvironmentError> {
    serde_json::to_vec(record).map_err(|error| EnvironmentError::Store {
        operation: "write a record as JSON",
        message: error.to_string(),
    })
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EnvironmentError> {
    serde_json::from_slice(bytes).map_err(|error| EnvironmentError::Corrupt {
        dir: Default::default(),
        found: format!("a record that is not what it should be: {error}"),
    })
}

pub(crate) fn number(bytes: impl Borrow<[u8]>) -> u64 {
    let bytes = bytes.borrow();
    let mut last = [0; 8];
    last.copy_from_slice(&bytes[bytes.len() - 8..]);
    u64::from_be_bytes(last)
}

pub(crate) fn revision_key(revision: Revision) -> [u8; 8] {
    revision.0.to_be_bytes()
}

pub(crate) fn task_key(task: TaskId) -> [u8; 16] {
    task.to_u128().to_be_bytes()
}

pub(crate) fn episode_key(episode: EpisodeId) -> [u8; 16] {
    episode.to_u128().to_be_bytes()
}

/// A key that begins with the episode: of one of its facts or tasks.
pub(crate) fn in_episode(episode: EpisodeId, rest: &[u8]) -> Vec<u8> {
    [&episode_key(episode), rest].concat()
}

/// The key of a fact's name. Neither namespace nor key holds a NUL.
pub(crate) fn name_key(namespace: &Namespace, key: &str, revision: Revision) -> Vec<u8> {
    [
        namespace.0.as_bytes(),
        &[0],
        key.as_bytes(),
        &[0],
        &revision_key(revision),
    ]
    .concat()
}

pub(crate) fn settled_key(at_ms: u64, task: TaskId) -> Vec<u8> {
    [&at_ms.to_be_bytes()[..], &task_key(task)].concat()
}
