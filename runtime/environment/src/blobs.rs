//! Blobs: large content in files that are named by their hash, beside the store or in memory.

mod reader;
mod upload;
mod uploads;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tempfile::TempDir;

use crate::error::EnvironmentError;
use crate::fact::BlobHash;
pub use reader::BlobReader;
pub(crate) use upload::Upload;
pub use uploads::BlobPart;
pub(crate) use uploads::Uploads;

/// A blob that no fact refers to yet is left alone for this long, in case its fact is still on the way.
const YOUNG: Duration = Duration::from_secs(3600);
const CHUNK: usize = 64 << 10;

/// The blobs of one environment.
#[derive(Debug)]
pub(crate) struct Blobs {
    place: Place,
    /// Files of blobs in memory, made for whoever reads files only. It is there once somebody asked.
    copies: Mutex<Option<TempDir>>,
    pins: Mutex<HashMap<BlobHash, usize>>,
    uploads: AtomicU64,
}

#[derive(Debug)]
enum Place {
    Dir(PathBuf),
    Memory(Mutex<HashMap<BlobHash, Arc<[u8]>>>),
}

/// A blob that was put. While it lives, the blob is not swept, even if no fact refers to it yet.
#[derive(Debug)]
pub struct Blob {
    /// Its name.
    pub hash: BlobHash,
    /// Its length in bytes.
    pub bytes: u64,
    blobs: Arc<Blobs>,
}

impl Blobs {
    pub(crate) fn in_dir(dir: &Path) -> Result<Self, EnvironmentError> {
        let dir = dir.join("blobs");
        fs::create_dir_all(&dir).map_err(|error| EnvironmentError::files("create", &dir, error))?;
        let blobs = Self::at(Place::Dir(dir.clone()));
        // What a killed process was uploading is nobody's any more.
        for path in files(&dir)? {
            if path
                .extension()
                .is_some_and(|extension| extension == "part")
            {
                fs::remove_file(&path)
                    .map_err(|error| EnvironmentError::files("remove", &path, error))?;
            }
        }
        Ok(blobs)
    }

    pub(crate) fn in_memory() -> Self {
        Self::at(Place::Memory(Mutex::default()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            copies: Mutex::default(),
            pins: Mutex::default(),
            uploads: AtomicU64::new(0),
        }
    }

    /// Reads all of `content`, at most `limit` bytes, and keeps it under its hash.
    pub(crate) fn put(
        self: &Arc<Self>,
        mut content: impl Read,
        limit: u64,
    ) -> Result<Blob, EnvironmentError> {
        let mut upload = Upload::begin(self, limit)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match content.read(&mut chunk) {
                Ok(0) => return upload.finish(),
                Ok(count) => upload.write(&chunk[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let place = Path::new("the blob's source");
                    return Err(EnvironmentError::files("read", place, error));
                }
            }
        }
    }

    fn pin(self: &Arc<Self>, hash: BlobHash, bytes: u64) -> Blob {
        *self.pins.lock().entry(hash).or_default() += 1;
        Blob {
            hash,
            bytes,
            blobs: Arc::clone(self),
        }
    }

    pub(crate) fn contains(&self, hash: BlobHash) -> bool {
        match &self.place {
            Place::Dir(dir) => dir.join(hash.to_string()).is_file(),
            Place::Memory(kept) => kept.lock().contains_key(&hash),
        }
    }

    pub(crate) fn open(&self, hash: BlobHash) -> Result<BlobReader, EnvironmentError> {
        match &self.place {
            Place::Dir(dir) => {
                let path = dir.join(hash.to_string());
                match BlobReader::of_file(&path, hash) {
                    Ok(reader) => Ok(reader),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        Err(EnvironmentError::UnknownBlob { hash })
                    }
                    Err(error) => Err(EnvironmentError::files("open", &path, error)),
                }
            }
            Place::Memory(kept) => kept
                .lock()
                .get(&hash)
                .map(|bytes| BlobReader::of_memory(Arc::clone(bytes)))
                .ok_or(EnvironmentError::UnknownBlob { hash }),
        }
    }

    /// Returns the path of a file with the blob's content.
    pub(crate) fn path(&self, hash: BlobHash) -> Result<PathBuf, EnvironmentError> {
        if !self.contains(hash) {
            return Err(EnvironmentError::UnknownBlob { hash });
        }
        let kept = match &self.place {
            Place::Dir(dir) => return Ok(dir.join(hash.to_string())),
            Place::Memory(kept) => kept.lock().get(&hash).cloned(),
        };
        let kept = kept.ok_or(EnvironmentError::UnknownBlob { hash })?;
        let made =
            |error| EnvironmentError::files("create", Path::new("a temporary folder"), error);
        let mut copies = self.copies.lock();
        let folder = match copies.take() {
            Some(folder) => folder,
            None => TempDir::new().map_err(made)?,
        };
        let path = copies.insert(folder).path().join(hash.to_string());
        if !path.is_file() {
            fs::write(&path, &kept)
                .map_err(|error| EnvironmentError::files("write", &path, error))?;
        }
        Ok(path)
    }

    /// Deletes blobs that are neither pinned nor young nor, as `referenced` says, named by a fact. Gives how many.
    pub(crate) fn sweep(
        &self,
        now: SystemTime,
        mut referenced: impl FnMut(BlobHash) -> Result<bool, EnvironmentError>,
    ) -> Result<u64, EnvironmentError> {
        let mut swept = 0;
        match &self.place {
            Place::Dir(dir) => {
                for path in files(dir)? {
                    let name = path.file_name().and_then(|name| name.to_str());
                    let Some(hash) = name.and_then(|name| name.parse().ok()) else {
                        continue;
                    };
                    let old = fs::metadata(&path)
                        .and_then(|metadata| metadata.modified())
                        .is_ok_and(|put| now.duration_since(put).is_ok_and(|age| age > YOUNG));
                    if old && !referenced(hash)? {
                        swept += u64::from(self.remove(hash)?);
                    }
                }
            }
            Place::Memory(kept) => {
                let hashes: Vec<_> = kept.lock().keys().copied().collect();
                for hash in hashes {
                    if !referenced(hash)? {
                        swept += u64::from(self.remove(hash)?);
                    }
                }
            }
        }
        Ok(swept)
    }

    /// Deletes a blob unless it is pinned. Says whether it did.
    pub(crate) fn remove(&self, hash: BlobHash) -> Result<bool, EnvironmentError> {
        // Held throughout, so that nobody pins it in between.
        let pins = self.pins.lock();
        if pins.contains_key(&hash) {
            return Ok(false);
        }
        match &self.place {
            Place::Dir(dir) => {
                let path = dir.join(hash.to_string());
                match fs::remove_file(&path) {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                    Err(error) => Err(EnvironmentError::files("remove", &path, error)),
                }
            }
            Place::Memory(kept) => {
                if let Some(copies) = &*self.copies.lock() {
                    // It is there only if somebody asked for it.
                    let _ = fs::remove_file(copies.path().join(hash.to_string()));
                }
                Ok(kept.lock().remove(&hash).is_some())
            }
        }
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins.lock();
        if let Some(count) = pins.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.hash);
            }
        }
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, EnvironmentError> {
    fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| EnvironmentError::files("list", dir, error))
}
