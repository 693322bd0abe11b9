//! Faults that tests inject: a writer that panics, and a disk on which something happens.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use crate::blobs::Blobs;
use crate::environment::Environment;
use crate::error::EnvironmentError;
use crate::media::{Media, MediaFile};
use crate::options::EnvironmentOptions;
use crate::queue;
use crate::writer::Command;

/// What happens on a troubled disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk says that it is full.
    NoSpace,
    /// Whoever writes panics.
    Panic,
}

impl Environment {
    /// An environment in memory, with a journal in which `trouble` happens the first `times` that `word` is written into it.
    ///
    /// # Errors
    /// As [`Self::in_memory`].
    pub fn troubled(
        word: &'static str,
        trouble: Trouble,
        times: u32,
    ) -> Result<Self, EnvironmentError> {
        let media = TroubledMedia {
            tables: MediaFile(Arc::new(InMemoryBackend::new())),
            journal: MediaFile(Arc::new(TroubledFile {
                file: InMemoryBackend::new(),
                word,
                trouble,
                times: AtomicU32::new(times),
            })),
        };
        let place = PathBuf::from("troubled");
        let options = EnvironmentOptions::default();
        Self::start(Box::new(media), place, Blobs::in_memory(), options, None)
    }

    /// Lets the writer's thread panic.
    pub fn inject_panic(&self) {
        let queue = self.clone();
        let _ = queue::block_on(async move { queue.shared.queue.send(Command::Panic).await });
    }
}

#[derive(Debug)]
struct TroubledMedia {
    tables: MediaFile,
    journal: MediaFile,
}

impl Media for TroubledMedia {
    fn tables(&self) -> io::Result<MediaFile> {
        Ok(self.tables.clone())
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        Ok(Some(self.journal.clone()))
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

#[derive(Debug)]
struct TroubledFile {
    file: InMemoryBackend,
    word: &'static str,
    trouble: Trouble,
    /// How often it will still happen.
    times: AtomicU32,
}

impl StorageBackend for TroubledFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let word = self.word.as_bytes();
        let is_there = data.windows(word.len()).any(|part| part == word);
        let once_less = |times: u32| times.checked_sub(1);
        let (set, read) = (Ordering::SeqCst, Ordering::SeqCst);
        if is_there && self.times.fetch_update(set, read, once_less).is_ok() {
            match self.trouble {
                Trouble::NoSpace => return Err(io::Error::from(io::ErrorKind::StorageFull)),
                Trouble::Panic => panic!("the disk is on fire"),
            }
        }
        self.file.write(offset, data)
    }
}
