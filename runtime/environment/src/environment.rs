//! The environment as its users hold it: opened, written to and closed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::{broadcast, oneshot, watch};

use crate::attempts::BeginningAttempt;
use crate::attempts::Life;
use crate::blobs::{Blob, BlobPart, BlobReader, Blobs, Upload, Uploads};
use crate::clock::Clock;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact, FactDraft, Provenance};
use crate::ids::{EpisodeId, Revision, TaskId};
use crate::lock_file::LockFile;
use crate::media::{DirMedia, Media, MemoryMedia};
use crate::options::EnvironmentOptions;
use crate::queue::Queue;
use crate::records::{Commit, EpisodeRecord, EpisodeStatus, Transaction};
use crate::retention::{Compaction, Forgotten};
use crate::snapshot::Snapshot;
use crate::store::{Store, Tables};
use crate::times::{CommitTimes, Times};
use crate::wall::WallClock;
use crate::writer::{Command, EpisodeWatches, Listeners, Reply, Writer};
use crate::writer_thread::{WriterState, WriterThread};
use crate::{lock, media, queue};

/// How many facts a watch may be behind before it skips.
const WATCH_FACTS: usize = 1024;
/// How often a transaction is given to a writer that panics.
pub(crate) const COMMIT_TRIES: u32 = 3;
/// How many episodes that became idle a reader may be behind before it has to look for them itself.
const QUIET_EPISODES: usize = 256;

/// The shared state of one runtime. Cloning shares it. The last clone that goes waits for the writer and lets the store go
/// as a crash would: nothing acknowledged is lost, and [`Environment::close`] is the tidy way.
#[derive(Clone)]
pub struct Environment {
    pub(crate) shared: Arc<Shared>,
}

// The order of the fields is the order in which they go: the writer ends when its queue is gone, the lock is let go last.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) head: watch::Receiver<Revision>,
    pub(crate) facts: broadcast::WeakSender<Arc<Fact>>,
    pub(crate) idle: broadcast::WeakSender<EpisodeId>,
    pub(crate) episodes: EpisodeWatches,
    pub(crate) tables: Arc<Tables>,
    pub(crate) uploads: Uploads,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) options: EnvironmentOptions,
    pub(crate) clock: Clock,
    pub(crate) commits: Times,
    pub(crate) writer: Arc<WriterThread>,
    pub(crate) state: watch::Receiver<WriterState>,
    pub(crate) lock: Mutex<Option<LockFile>>,
}

impl Environment {
    /// Opens the store in `dir`, and makes one where there is none. What an earlier process acknowledged is there.
    ///
    /// # Errors
    /// [`EnvironmentError::InUse`] when another process owns the store, [`EnvironmentError::Corrupt`] when its files are
    /// damaged, [`EnvironmentError::Files`] when they cannot be made, read or written.
    pub fn open(dir: &Path, options: EnvironmentOptions) -> Result<Self, EnvironmentError> {
        fs::create_dir_all(dir).map_err(|error| EnvironmentError::files("create", dir, error))?;
        let lock = lock::acquire(dir)?;
        let blobs = Blobs::in_dir(dir)?;
        let media = Box::new(DirMedia(dir.to_owned()));
        let environment = Self::start(media, dir.to_owned(), blobs, options, Some(lock))?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        media::sync_dir(dir)
            .and_then(|()| parent.map_or(Ok(()), media::sync_dir))
            .map_err(|error| EnvironmentError::files("force to the disk", dir, error))?;
        Ok(environment)
    }

    /// An environment that ends with the process.
    ///
    /// # Errors
    /// [`EnvironmentError::Store`] when there is no memory for it, or no thread.
    pub fn in_memory(options: EnvironmentOptions) -> Result<Self, EnvironmentError> {
        let place = PathBuf::from("memory");
        let media = Box::new(MemoryMedia::new());
        Self::start(media, place, Blobs::in_memory(), options, None)
    }

    pub(crate) fn start(
        media: Box<dyn Media>,
        dir: PathBuf,
        blobs: Blobs,
        options: EnvironmentOptions,
        lock: Option<LockFile>,
    ) -> Result<Self, EnvironmentError> {
        Self::start_at(media, dir, blobs, options, lock, WallClock::default())
    }

    pub(crate) fn start_at(
        media: Box<dyn Media>,
        dir: PathBuf,
        blobs: Blobs,
        options: EnvironmentOptions,
        lock: Option<LockFile>,
        mut wall: WallClock,
    ) -> Result<Self, EnvironmentError> {
        let store = Store::open(media, dir, &options)?;
        let tables = store.tables();
        let before = Snapshot::new(tables.read()?);
        wall.resume(before.last_settled_ms()?);
        let blobs = Arc::new(blobs);
        let episodes = EpisodeWatches::default();
        let (head_sender, head) = watch::channel(before.head()?);
        let (fact_sender, _) = broadcast::channel(WATCH_FACTS);
        let facts = fact_sender.downgrade();
        let (idle_sender, _) = broadcast::channel(QUIET_EPISODES);
        let idle = idle_sender.downgrade();
        let listeners = Listeners {
            head: head_sender,
            facts: fact_sender,
            idle: idle_sender,
            episodes: Arc::clone(&episodes),
        };
        let (queue, commands) = Queue::new(&options);
        let writer = Writer::new(
            store,
            Arc::clone(&blobs),
            options.clone(),
            listeners,
            commands,
            wall,
        );
        let writer = WriterThread::start(writer).map_err(|error| EnvironmentError::Store {
            operation: "start its writer",
            message: error.to_string(),
        })?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue,
                head,
                facts,
                idle,
                episodes,
                tables,
                uploads: Uploads::default(),
                blobs,
                options,
                clock: Clock::start(),
                commits: Times::default(),
                state: writer.state(),
                writer,
                lock: Mutex::new(lock),
            }),
        })
    }

    /// Commits a transaction: all of it, or nothing. Waits while the queue is full. When it returns, the facts are durable as
    /// the fsync policy says, and every new snapshot shows them. Once it has been polled, dropping it does not
    /// take the transaction back.
    ///
    /// # Errors
    /// [`EnvironmentError::Conflict`], [`EnvironmentError::AlreadySettled`], [`EnvironmentError::UnknownTask`],
    /// [`EnvironmentError::UnknownEpisode`], [`EnvironmentError::UnknownBlob`], [`EnvironmentError::TooLarge`] and
    /// [`EnvironmentError::BadName`] refuse the transaction; [`EnvironmentError::DiskFull`] and [`EnvironmentError::Store`]
    /// mean that it could not be written; [`EnvironmentError::Closed`].
    pub async fn commit(&self, transaction: Transaction) -> Result<Commit, EnvironmentError> {
        let bytes = queue::check(&transaction, &self.shared.options)?;
        let asked = self.shared.clock.now();
        let panics = self.panics();
        let commit = self.until_ended(self.shared.queue.commit(transaction, bytes));
        let commit = self.with_reason(commit.await, panics).await;
        let took = self.shared.clock.now().since(asked);
        self.shared.commits.count(took);
        commit
    }

    /// Checks a fact as [`Self::commit`] would, apart from its blobs. Returns its size in bytes.
    ///
    /// # Errors
    /// [`EnvironmentError::TooLarge`], [`EnvironmentError::BadName`].
    pub fn check_fact(
        &self,
        draft: &FactDraft,
        provenance: &Provenance,
    ) -> Result<u64, EnvironmentError> {
        queue::check_fact(draft, provenance, &self.shared.options)
    }

    /// How large a transaction may be, in bytes of its JSON form.
    pub fn max_transaction_bytes(&self) -> u64 {
        self.shared.queue.max_bytes()
    }

    /// How long transactions have taken since the environment was opened, from the request to the answer: the wait for the writer, and the
    /// write until it is as durable as the fsync policy says.
    pub fn commit_times(&self) -> CommitTimes {
        self.shared.commits.read()
    }

    /// As [`Self::commit`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_blocking(&self, transaction: Transaction) -> Result<Commit, EnvironmentError> {
        queue::block_on(self.commit(transaction))
    }

    /// Begins an episode; one that was begun before stays as it is.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn begin_episode(
        &self,
        record: EpisodeRecord,
    ) -> Result<EpisodeStatus, EnvironmentError> {
        let id = record.id;
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            begins: vec![record],
            ..Transaction::default()
        };
        let commit = self.commit(transaction).await?;
        commit
            .episode(id)
            .cloned()
            .ok_or(EnvironmentError::UnknownEpisode { episode: id })
    }

    /// Counts the beginning of an attempt, durably. Given with its span, it can be told if its process dies.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn note_attempt(
        &self,
        begins: impl Into<BeginningAttempt>,
    ) -> Result<(), EnvironmentError> {
        let transaction = Transaction {
            attempts: vec![begins.into()],
            ..Transaction::default()
        };
        self.commit(transaction).await.map(drop)
    }

    /// Removes a dead letter; one that is not there is none to remove.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn remove_dead_letter(&self, task: TaskId) -> Result<(), EnvironmentError> {
        let transaction = Transaction {
            removed_letters: vec![task],
            ..Transaction::default()
        };
        self.commit(transaction).await.map(drop)
    }

    /// A runtime takes the environment to work in. Gives what became of the process that had it before.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn begin_life(&self) -> Result<Life, EnvironmentError> {
        self.ask(|reply| Command::BeginLife { reply }).await
    }

    /// A consistent view of everything that was committed.
    ///
    /// # Errors
    /// [`EnvironmentError::Closed`], [`EnvironmentError::Store`].
    pub fn snapshot(&self) -> Result<Snapshot, EnvironmentError> {
        self.shared.tables.read().map(Snapshot::new)
    }

    /// Keeps all that `content` gives, under its hash. Reads in chunks; blocks, so call it where blocking is allowed.
    ///
    /// # Errors
    /// [`EnvironmentError::TooLarge`] past the configured limit, [`EnvironmentError::Files`], [`EnvironmentError::DiskFull`].
    pub fn put_blob(&self, content: impl Read) -> Result<Blob, EnvironmentError> {
        self.shared
            .blobs
            .put(content, self.shared.options.max_blob_bytes)
    }

    /// Takes one part of a blob that comes in several. Returns the blob once its last part has
    /// come. Blocks, so call it where blocking is allowed.
    ///
    /// At most 16 uploads are open at the same time. One of which nothing has come for a minute
    /// gives way to another; what has come
    /// of it is gone then, as it is when the environment closes or a part cannot be kept.
    ///
    /// # Errors
    /// [`EnvironmentError::PartOutOfOrder`], [`EnvironmentError::TooManyUploads`], [`EnvironmentError::Closed`]; as [`Self::put_blob`].
    pub fn put_blob_part(&self, part: &BlobPart) -> Result<Option<Blob>, EnvironmentError> {
        let Shared {
            uploads,
            blobs,
            options,
            clock,
            ..
        } = &*self.shared;
        uploads.put(part, clock.now(), || {
            Upload::begin(blobs, options.max_blob_bytes)
        })
    }

    /// A blob's content. Its bytes are checked while they are read: see [`BlobReader`].
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownBlob`], [`EnvironmentError::Files`].
    pub fn open_blob(&self, hash: BlobHash) -> Result<BlobReader, EnvironmentError> {
        self.shared.blobs.open(hash)
    }

    /// Returns the path of a file with a blob's content, for whoever reads files only. It must not be changed, and is there as long as the blob is.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownBlob`]; [`EnvironmentError::Files`] when a blob in memory cannot be written to a temporary file.
    pub fn blob_path(&self, hash: BlobHash) -> Result<PathBuf, EnvironmentError> {
        self.shared.blobs.path(hash)
    }

    /// Removes what is past retention: facts, settled tasks, dead letters, and episodes of which nothing is left; and blobs that no fact
    /// refers to. A blob that was put within the last hour stays.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn compact(&self) -> Result<Compaction, EnvironmentError> {
        self.compact_at(SystemTime::now()).await
    }

    pub(crate) async fn compact_at(&self, now: SystemTime) -> Result<Compaction, EnvironmentError> {
        self.ask(|reply| Command::Compact { now, reply }).await
    }

    /// Removes an episode: its facts, tasks and dead letters, and the blobs that nobody else refers to. The journal keeps no
    /// copy; the pages of the tables are reused in time, not wiped. Facts that the reply counts are gone for new snapshots.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownEpisode`]; as [`Self::commit`]. After a failure in the middle it can be called again.
    pub async fn forget(&self, episode: EpisodeId) -> Result<Forgotten, EnvironmentError> {
        self.ask(|reply| Command::Forget { episode, reply }).await
    }

    /// Writes out what waits, makes all durable and lets the store go. Other clones are told that it is closed.
    ///
    /// # Errors
    /// [`EnvironmentError::Store`] or [`EnvironmentError::DiskFull`]: the store is let go, and the journal still holds
    /// everything that was acknowledged.
    pub async fn close(&self) -> Result<(), EnvironmentError> {
        self.shared.uploads.close();
        let mut result;
        let mut left = COMMIT_TRIES;
        loop {
            let panics = self.panics();
            result = self.ask(|reply| Command::Close { reply }).await;
            left -= 1;
            // A writer that panicked is started again, and closes then.
            let again = result.is_err() && left > 0 && self.panics() > panics;
            if !again || self.running().await.is_err() {
                break;
            }
        }
        if result.is_ok() || self.check_open().is_err() {
            // Its last act was the reply, so this does not wait for work. Only now may another process have the store.
            self.shared.writer.join();
            *self.shared.lock.lock() = None;
        }
        result
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, EnvironmentError> {
        let (reply, answer) = oneshot::channel();
        let panics = self.panics();
        let asked = async {
            self.shared.queue.send(command(reply)).await?;
            answer.await.map_err(|_| EnvironmentError::Closed)?
        };
        self.with_reason(self.until_ended(asked).await, panics)
            .await
    }

    /// The result, with the reason why the writer has not answered if it is that. It had panicked so often before it was asked.
    async fn with_reason<T>(
        &self,
        result: Result<T, EnvironmentError>,
        panics: u64,
    ) -> Result<T, EnvironmentError> {
        let Err(EnvironmentError::Closed) = result else {
            return result;
        };
        let mut state = self.shared.state.clone();
        // It has ended, or panicked, or is about to say so.
        let told = state.wait_for(|state| state.end().is_some() || state.panics > panics);
        let Ok(state) = told.await else {
            return Err(EnvironmentError::Closed);
        };
        Err(state.end().unwrap_or_else(|| {
            let why = &state.last_panic;
            EnvironmentError::Store {
                operation: "write",
                message: format!(
                    "its writer has panicked and is started again, and whether this was written is not known: {why}"
                ),
            }
        }))
    }

    /// Returns an error when nothing is written any more.
    ///
    /// # Errors
    /// Why its writer has ended.
    pub fn check_open(&self) -> Result<(), EnvironmentError> {
        self.shared.state.borrow().end().map_or(Ok(()), Err)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.disconnect();
        self.writer.join();
    }
}
