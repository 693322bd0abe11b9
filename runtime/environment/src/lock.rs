//! The lock on a store's folder: one process owns a store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::EnvironmentError;
use crate::lock_file::LockFile;

/// Locks a store's folder for as long as the store is open.
pub(crate) fn acquire(dir: &Path) -> Result<LockFile, EnvironmentError> {
    let path = dir.join("lock");
    let failed = |error| EnvironmentError::files("lock", &path, error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    let mut lock = match LockFile::acquire(file) {
        Ok(lock) => lock,
        Err((mut file, TryLockError::WouldBlock)) => {
            return Err(EnvironmentError::InUse {
                dir: dir.to_owned(),
                pid: owner(&mut file),
            });
        }
        Err((_, TryLockError::Error(error))) => return Err(failed(error)),
    };
    let file = lock.file();
    // The number only helps to find the owner; a full disk must not keep anybody from reading.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()));
    Ok(lock)
}

fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
