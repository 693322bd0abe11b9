//! Lock files: how one process keeps others away from what it owns.

use std::fs::{File, TryLockError};

/// A locked file. The operating system lets the lock go when the process ends, however it ends.
#[derive(Debug)]
pub struct LockFile(File);

impl LockFile {
    /// Locks the file without waiting.
    ///
    /// # Errors
    /// As [`File::try_lock`].
    pub fn acquire(file: File) -> Result<Self, (File, TryLockError)> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(error) => Err((file, error)),
        }
    }

    /// The file that is locked.
    pub fn file(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for LockFile {
    /// A process that another thread is just starting has a copy of the file until it runs its own program: closing ours would leave
    /// the lock with it for so long.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the lock goes when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = LockFile::acquire(File::create(&path).unwrap()).unwrap();
        let copy = first.0.try_clone().unwrap();
        assert!(LockFile::acquire(File::create(&path).unwrap()).is_err());
        drop(first);
        assert!(LockFile::acquire(File::create(&path).unwrap()).is_ok());
        drop(copy);
    }
}
