//! A blob on its way out: what is read from its first byte to its last is held against the hash that it is known by.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::error::EnvironmentError;
use crate::fact::BlobHash;

/// A blob's content. The bytes are read from where they lie, not held in memory.
///
/// Disks fail silently. Whoever reads a blob from its beginning to its end is told when the bytes are not those that were put: the last of
/// them do not come, but an error of the kind [`io::ErrorKind::InvalidData`], with an [`EnvironmentError::DamagedBlob`] in it. Whoever reads
/// only parts, or in another order, sees bytes that nobody has checked.
#[derive(Debug)]
pub struct BlobReader(Content);

#[derive(Debug)]
enum Content {
    File(File, Check),
    /// Nothing happens to it there.
    Memory(Cursor<Arc<[u8]>>),
}

impl BlobReader {
    pub(super) fn of_file(path: &Path, hash: BlobHash) -> io::Result<Self> {
        let file = File::open(path)?;
        let check = Check::new(hash, file.metadata()?.len());
        Ok(Self(Content::File(file, check)))
    }

    pub(super) fn of_memory(bytes: Arc<[u8]>) -> Self {
        Self(Content::Memory(Cursor::new(bytes)))
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Content::File(file, check) => {
                let count = file.read(into)?;
                check.came(&into[..count])?;
                Ok(count)
            }
            Content::Memory(bytes) => bytes.read(into),
        }
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Content::File(file, check) => {
                let at = file.seek(to)?;
                check.moved(at);
                Ok(at)
            }
            Content::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// What has come of a blob so far, without a gap from its beginning.
#[derive(Debug)]
struct Check {
    hash: BlobHash,
    length: u64,
    hasher: Box<blake3::Hasher>,
    hashed: u64,
    /// Whether what comes next follows what was hashed.
    follows: bool,
}

impl Check {
    fn new(hash: BlobHash, length: u64) -> Self {
        Self {
            hash,
            length,
            hasher: Box::default(),
            hashed: 0,
            follows: true,
        }
    }

    /// # Errors
    /// The blob is damaged, which shows with its last bytes.
    fn came(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.follows {
            return Ok(());
        }
        self.hasher.update(bytes);
        self.hashed += bytes.len() as u64;
        if self.hashed < self.length || self.hasher.finalize().as_bytes() == &self.hash.0 {
            return Ok(());
        }
        let damaged = EnvironmentError::DamagedBlob { hash: self.hash };
        Err(io::Error::new(io::ErrorKind::InvalidData, damaged))
    }

    fn moved(&mut self, at: u64) {
        if at == 0 {
            self.hasher.reset();
            self.hashed = 0;
        }
        self.follows = at == self.hashed;
    }
}
