//! The store: tables in an engine that forces everything to the disk at once, behind a journal that makes single commits durable.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use redb::{Database, Durability, ReadTransaction, ReadableDatabase};

use crate::error::EnvironmentError;
use crate::journal::{Journal, ReplayError};
use crate::media::Media;
use aimass_config::Fsync;

use crate::options::EnvironmentOptions;
use crate::tables::{Batch, Table, number};

/// The journal is checkpointed when it has grown to this size.
const CHECKPOINT_BYTES: u64 = 16 << 20;
/// What must stay free on the disk, so that a checkpoint finds room for the pages it writes anew.
const RESERVED_BYTES: u64 = 32 << 20;
/// The tables grow by more than what is put into them.
const GROWTH: u64 = 4;

/// The side of the store that readers share.
#[derive(Debug)]
pub(crate) struct Tables {
    dir: PathBuf,
    /// The open tables, or why there are none.
    database: RwLock<Result<Database, EnvironmentError>>,
}

impl Tables {
    /// A view of the last commit, which later commits do not change.
    pub(crate) fn read(&self) -> Result<ReadTransaction, EnvironmentError> {
        let database = self.database.read();
        database
            .as_ref()
            .map_err(EnvironmentError::clone)?
            .begin_read()
            .map_err(|error| EnvironmentError::store("read", error).in_dir(&self.dir))
    }

    fn force(&self) -> Result<(), EnvironmentError> {
        let database = self.database.read();
        let database = database.as_ref().map_err(EnvironmentError::clone)?;
        begin(database, Durability::Immediate)?
            .commit()
            .map_err(|error| EnvironmentError::store("force its tables to the disk", error))
    }
}

/// The side of the store that its one writer owns.
#[derive(Debug)]
pub(crate) struct Store {
    media: Box<dyn Media>,
    tables: Arc<Tables>,
    journal: Option<Journal>,
    fsync: Fsync,
    cache_bytes: usize,
    sequence: u64,
    since_checkpoint: u64,
    /// An operation on the files failed, so what is in memory may differ from them.
    poisoned: bool,
}

impl Store {
    pub(crate) fn open(
        media: Box<dyn Media>,
        dir: PathBuf,
        options: &EnvironmentOptions,
    ) -> Result<Self, EnvironmentError> {
        let mut store = Self {
            media,
            tables: Arc::new(Tables {
                dir,
                database: RwLock::new(Err(EnvironmentError::Closed)),
            }),
            journal: None,
            fsync: options.fsync,
            cache_bytes: options.cache_bytes,
            sequence: 0,
            since_checkpoint: 0,
            poisoned: false,
        };
        store.load()?;
        Ok(store)
    }

    pub(crate) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.tables)
    }

    /// Does `work` on the tables and commits it; after an error nothing of it has happened.
    pub(crate) fn write<T>(
        &mut self,
        bytes: u64,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, EnvironmentError>,
    ) -> Result<T, EnvironmentError> {
        self.mend()?;
        self.ensure_room(bytes)?;
        self.try_write(work)
            .map_err(|error| error.in_dir(&self.tables.dir))
    }

    fn try_write<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, EnvironmentError>,
    ) -> Result<T, EnvironmentError> {
        let tables = Arc::clone(&self.tables);
        let failed = |operation, error| EnvironmentError::files(operation, &tables.dir, error);
        let database = tables.database.read();
        let database = database.as_ref().map_err(EnvironmentError::clone)?;
        let transaction = begin(database, Durability::None)?;
        let mut batch = Batch::begin(&transaction)?;
        let result = work(&mut batch).inspect_err(|error| {
            self.poisoned |= !error.is_refusal();
        })?;
        if batch.changes().is_empty() {
            return Ok(result);
        }
        let sequence = self.sequence + 1;
        batch.put(Table::Meta, b"commit", &sequence.to_be_bytes())?;
        let changes = batch.changes().len() as u64;
        let before = self.journal.as_ref().map_or(0, Journal::bytes);
        if let Some(journal) = &mut self.journal {
            journal
                .append(sequence, batch.changes())
                .map_err(|error| failed("append to the journal", error))?;
        }
        drop(batch);
        let forced = force(&mut self.journal, self.fsync)
            .map_err(|error| failed("force the journal to the disk", error));
        let committed = forced.and_then(|()| {
            transaction
                .commit()
                .map_err(|error| EnvironmentError::store("commit", error))
        });
        if let Err(error) = committed {
            self.poisoned = true;
            if let Some(journal) = &mut self.journal {
                // If this fails as well, the commit may be found after a restart, though it was not acknowledged.
                let _ = journal.truncate_last(before);
            }
            return Err(error);
        }
        self.sequence = sequence;
        self.since_checkpoint += changes;
        Ok(result)
    }

    /// Makes good what an earlier failure left behind.
    fn mend(&mut self) -> Result<(), EnvironmentError> {
        if self.poisoned {
            return self.load();
        }
        match &self.journal {
            Some(journal) if journal.has_failed() => self.checkpoint(),
            _ => Ok(()),
        }
    }

    /// Whether something acknowledged is not known to be on the disk, or an earlier failure has left something behind.
    pub(crate) fn is_dirty(&self) -> bool {
        self.poisoned || self.journal.as_ref().is_some_and(Journal::is_dirty)
    }

    /// Forces what was acknowledged to the disk, if it is not there already.
    pub(crate) fn sync(&mut self) -> Result<(), EnvironmentError> {
        self.mend()?;
        match &mut self.journal {
            Some(journal) if journal.is_dirty() => journal.sync(),
            _ => Ok(()),
        }
        .map_err(|error| self.media_error("force the journal to the disk", error))
    }

    /// A checkpoint if the journal has grown long enough. When it fails, all is still safe in the journal, and the next
    /// write loads the store anew.
    pub(crate) fn checkpoint_when_due(&mut self) {
        if self.since_checkpoint > CHECKPOINT_BYTES
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!(%error, "a checkpoint failed");
        }
    }

    /// Makes the tables durable, so that the journal may begin anew.
    pub(crate) fn checkpoint(&mut self) -> Result<(), EnvironmentError> {
        self.tables.force().inspect_err(|_| self.poisoned = true)?;
        self.since_checkpoint = 0;
        if let Some(journal) = &mut self.journal {
            journal.rewind();
        }
        Ok(())
    }

    /// A checkpoint that leaves nothing of the old bytes in the journal.
    pub(crate) fn checkpoint_and_clear(&mut self) -> Result<(), EnvironmentError> {
        self.checkpoint()?;
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        journal
            .clear()
            .map_err(|error| self.media_error("clear the journal", error))
    }

    /// Lets the files go. Readers are told that the environment is closed.
    pub(crate) fn close(&mut self) {
        self.journal = None;
        *self.tables.database.write() = Err(EnvironmentError::Closed);
    }

    /// Reads the files anew. What is in memory only is the truth itself, and stays.
    pub(crate) fn reload(&mut self) -> Result<(), EnvironmentError> {
        match self.journal {
            Some(_) => self.load(),
            None => Ok(()),
        }
    }

    /// Reads the files, which are the truth, and brings the tables up to the end of the journal.
    fn load(&mut self) -> Result<(), EnvironmentError> {
        let tables = Arc::clone(&self.tables);
        let mut place = tables.database.write();
        // The old tables go first: two may not be open at once.
        self.journal = None;
        *place = Err(EnvironmentError::Closed);
        *place = self
            .load_tables()
            .map_err(|error| error.in_dir(&tables.dir));
        let loaded = place.as_ref().map(drop).map_err(EnvironmentError::clone);
        drop(place);
        loaded?;
        self.checkpoint()?;
        self.poisoned = false;
        Ok(())
    }

    fn load_tables(&mut self) -> Result<Database, EnvironmentError> {
        let file = self
            .media
            .tables()
            .map_err(|error| self.media_error("open the tables", error))?;
        let database = Database::builder()
            .set_cache_size(self.cache_bytes)
            .set_check_integrity_on_open(true)
            .create_with_backend(file)
            .map_err(damaged_or)?;
        let journal = self
            .media
            .journal()
            .map_err(|error| self.media_error("open the journal", error))?;
        (self.sequence, self.journal) = catch_up(&database, journal)?;
        Ok(database)
    }

    fn ensure_room(&self, bytes: u64) -> Result<(), EnvironmentError> {
        let free = self
            .media
            .free_bytes()
            .map_err(|error| self.media_error("ask for the free space of", error))?;
        let needed = bytes.saturating_mul(GROWTH).saturating_add(RESERVED_BYTES);
        match free {
            Some(free) if free < needed => Err(EnvironmentError::DiskFull { needed, free }),
            _ => Ok(()),
        }
    }

    fn media_error(&self, operation: &'static str, error: std::io::Error) -> EnvironmentError {
        EnvironmentError::files(operation, &self.tables.dir, error)
    }
}

fn begin(
    database: &Database,
    durability: Durability,
) -> Result<redb::WriteTransaction, EnvironmentError> {
    let mut transaction = database
        .begin_write()
        .map_err(|error| EnvironmentError::store("begin a commit", error))?;
    transaction
        .set_durability(durability)
        .map_err(|error| EnvironmentError::store("begin a commit", error))?;
    Ok(transaction)
}

fn force(journal: &mut Option<Journal>, fsync: Fsync) -> std::io::Result<()> {
    match (journal, fsync) {
        (Some(journal), Fsync::Always) => journal.sync(),
        _ => Ok(()),
    }
}

/// Replays the journal into the tables. Gives the last commit, and the journal ready for the next one.
fn catch_up(
    database: &Database,
    file: Option<crate::media::MediaFile>,
) -> Result<(u64, Option<Journal>), EnvironmentError> {
    let transaction = begin(database, Durability::None)?;
    let mut batch = Batch::begin(&transaction)?;
    let mut sequence = batch.get(Table::Meta, b"commit")?.map_or(0, number);
    let journal = match file {
        None => None,
        Some(file) => Some(
            Journal::replay(file, sequence, |at, changes| {
                sequence = at;
                batch.replay(changes)
            })
            .map_err(replay_error)?,
        ),
    };
    drop(batch);
    transaction
        .commit()
        .map_err(|error| EnvironmentError::store("bring its tables up to the journal", error))?;
    Ok((sequence, journal))
}

fn replay_error(error: ReplayError<EnvironmentError>) -> EnvironmentError {
    match error {
        ReplayError::Apply(error) => error,
        ReplayError::Damaged(found) => EnvironmentError::Corrupt {
            dir: PathBuf::new(),
            found,
        },
        ReplayError::Io(error) => {
            EnvironmentError::store("read its journal", redb::Error::Io(error))
        }
    }
}

/// What the engine says about a file that it did not write is damage, whatever it calls it.
fn damaged_or(error: redb::DatabaseError) -> EnvironmentError {
    use redb::{DatabaseError, StorageError};
    match error {
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != std::io::ErrorKind::InvalidData
                && error.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            EnvironmentError::store("open its tables", redb::Error::Io(error))
        }
        error => EnvironmentError::Corrupt {
            dir: PathBuf::new(),
            found: error.to_string(),
        },
    }
}
