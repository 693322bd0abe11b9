//! A blob on its way in: hashed while it is written, and kept under its hash at the end.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Blob, Blobs, Place};
use crate::error::EnvironmentError;
use crate::fact::BlobHash;
use crate::media::sync_dir;

/// A blob on its way in. Dropping it takes it back.
#[derive(Debug)]
pub(crate) struct Upload {
    content: Part,
    hasher: blake3::Hasher,
    bytes: u64,
    limit: u64,
    blobs: Arc<Blobs>,
}

#[derive(Debug)]
enum Part {
    File(File, PathBuf),
    Memory(Vec<u8>),
}

impl Upload {
    /// Begins a blob of at most `limit` bytes.
    pub(crate) fn begin(blobs: &Arc<Blobs>, limit: u64) -> Result<Self, EnvironmentError> {
        let content = match &blobs.place {
            Place::Memory(_) => Part::Memory(Vec::new()),
            Place::Dir(dir) => {
                let number = blobs.uploads.fetch_add(1, Ordering::Relaxed);
                let path = dir.join(format!("{number}.part"));
                let file = File::create(&path)
                    .map_err(|error| EnvironmentError::files("create", &path, error))?;
                Part::File(file, path)
            }
        };
        Ok(Self {
            content,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            limit,
            blobs: Arc::clone(blobs),
        })
    }

    /// Returns how many bytes have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> Result<(), EnvironmentError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limit {
            return Err(EnvironmentError::TooLarge {
                what: "blob",
                limit: self.limit,
                found: self.bytes,
            });
        }
        self.hasher.update(chunk);
        match &mut self.content {
            Part::Memory(bytes) => bytes.extend_from_slice(chunk),
            Part::File(file, path) => file
                .write_all(chunk)
                .map_err(|error| EnvironmentError::files("write", path, error))?,
        }
        Ok(())
    }

    /// Keeps the blob, durably: a fact may name it at once, and then power loss must not take it.
    pub(crate) fn finish(mut self) -> Result<Blob, EnvironmentError> {
        let hash = BlobHash(*self.hasher.finalize().as_bytes());
        let blob = self.blobs.pin(hash, self.bytes);
        match (&mut self.content, &self.blobs.place) {
            (Part::File(file, part), Place::Dir(dir)) => {
                let path = dir.join(hash.to_string());
                file.sync_all()
                    .and_then(|()| fs::rename(part, &path))
                    .and_then(|()| sync_dir(dir))
                    .map_err(|error| EnvironmentError::files("keep the blob", &path, error))?;
            }
            (Part::Memory(bytes), Place::Memory(kept)) => {
                kept.lock().insert(hash, std::mem::take(bytes).into());
            }
            // An upload's content is where its blobs are: `begin` sees to that.
            (Part::File(..), Place::Memory(_)) | (Part::Memory(_), Place::Dir(_)) => {}
        }
        Ok(blob)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Part::File(_, part) = &self.content {
            // It is gone already when the blob was kept.
            let _ = fs::remove_file(part);
        }
    }
}
