//! Where the bytes of a store live: a folder, or memory. Tests put a disk there that loses power.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::StorageBackend;
use redb::backends::{FileBackend, InMemoryBackend};

/// The two files of a store. Opening one again shows what was written to it before.
pub(crate) trait Media: fmt::Debug + Send + Sync {
    /// The file of the tables.
    fn tables(&self) -> io::Result<MediaFile>;
    /// The file of the journal; none where nothing can outlive the process anyway.
    fn journal(&self) -> io::Result<Option<MediaFile>>;
    /// How many bytes may still be written; none when that is not limited.
    fn free_bytes(&self) -> io::Result<Option<u64>>;
}

/// One open file. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct MediaFile(pub(crate) Arc<dyn StorageBackend>);

impl StorageBackend for MediaFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

/// A folder on a disk.
#[derive(Debug)]
pub(crate) struct DirMedia(pub(crate) PathBuf);

impl DirMedia {
    fn open(&self, name: &str) -> io::Result<MediaFile> {
        let file: File = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.0.join(name))?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(MediaFile(Arc::new(backend)))
    }
}

impl Media for DirMedia {
    fn tables(&self) -> io::Result<MediaFile> {
        self.open("tables.redb")
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        self.open("journal").map(Some)
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        let space = rustix::fs::statvfs(&self.0)?;
        Ok(Some(space.f_bavail.saturating_mul(space.f_frsize)))
    }
}

/// Makes sure that power loss does not take the names of the files in `dir`.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and its names are the file system's own business.
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// Memory: for tests, and for runtimes that keep nothing.
#[derive(Debug)]
pub(crate) struct MemoryMedia(MediaFile);

impl MemoryMedia {
    pub(crate) fn new() -> Self {
        Self(MediaFile(Arc::new(InMemoryBackend::new())))
    }
}

impl Media for MemoryMedia {
    fn tables(&self) -> io::Result<MediaFile> {
        Ok(self.0.clone())
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        Ok(None)
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}
