//! Opening what a user names.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::Kind;

/// Nobody is waited for, and no terminal becomes ours. What is read of a plain file comes as it would otherwise.
pub(super) const AT_ONCE: i32 = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits() as i32;
/// Links that lead to links; the kernel follows no more.
const MAX_LINKS: u32 = 40;

/// Why a path gave no plain file.
#[derive(Debug, thiserror::Error)]
pub enum NotAFile {
    /// The system's answer.
    #[error("{0}")]
    Refused(#[from] io::Error),
    /// It leads to something else.
    #[error("expected a file, got {0}")]
    Special(Kind),
}

impl From<NotAFile> for io::Error {
    fn from(error: NotAFile) -> Self {
        match error {
            NotAFile::Refused(error) => error,
            special @ NotAFile::Special(_) => {
                Self::new(io::ErrorKind::InvalidInput, special.to_string())
            }
        }
    }
}

/// Opens the plain file that a path leads to, and returns what is known of it.
///
/// It never waits: merely opening a pipe would take as long as somebody needs to open its other end, and a device may never end. What the path leads to is
/// looked at before it is opened, since opening does something to some devices, and again when it is open, since the name may lead elsewhere by then.
///
/// # Errors
/// [`NotAFile::Special`] where the path leads to a folder, a pipe, a socket or a device.
pub fn open(path: &Path) -> Result<(File, Metadata), NotAFile> {
    plain(&fs::metadata(path)?)?;
    let file = open_at_once(path)?;
    let metadata = file.metadata()?;
    plain(&metadata)?;
    Ok((file, metadata))
}

/// Opens whatever a path leads to, for reading. Neither this nor reading it waits for anybody: where there is nothing to read yet, that is an error.
///
/// # Errors
/// The system's answer.
pub fn open_at_once(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(AT_ONCE)
        .open(path)
}

fn plain(metadata: &Metadata) -> Result<(), NotAFile> {
    match Kind::from(metadata.file_type()) {
        Kind::Plain => Ok(()),
        other => Err(NotAFile::Special(other)),
    }
}

/// Whether a path names what this process itself has open, as `/dev/stdin` does, and the `/dev/fd/63` that a shell makes of `<(...)`.
///
/// In every other process, such as a node, the same name means something else.
#[must_use]
pub fn is_own_descriptor(path: &Path) -> bool {
    let Ok(mut path) = std::path::absolute(path) else {
        return false;
    };
    for _ in 0..MAX_LINKS {
        let Some(folder) = path.parent() else {
            return false;
        };
        if lists_own_descriptors(folder) {
            return true;
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return false,
        }
    }
    false
}

fn lists_own_descriptors(folder: &Path) -> bool {
    // Linux has them in /proc, where `/dev/fd` leads too; others have them in `/dev/fd` itself.
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    fs::canonicalize(folder).is_ok_and(|folder| {
        folder == Path::new("/dev/fd") || (folder.ends_with("fd") && folder.starts_with(own))
    })
}
