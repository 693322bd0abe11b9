//! Members of archives: only those that the catalogue names, each within bounds. What kind of archive it is, its first bytes say.

mod deb;
mod tar;
mod zipped;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::ModelError;
use crate::store::file_error;

/// How much larger than packed something may be: weights hardly shrink, and JSON by a tenth to a hundredth.
const MAX_RATIO: u64 = 1000;
/// Bytes that an archive of any size may unpack to, so that the ratio does not trouble small ones.
const SMALL: u64 = 1 << 20;

/// Unpacks `files` below `folder` of an archive into `into`, of at most `room` bytes together; gives how many bytes they have.
pub(crate) fn unpack(
    archive: &Path,
    folder: &str,
    files: &[String],
    into: &Path,
    room: u64,
) -> Result<u64, ModelError> {
    let mut file = File::open(archive).map_err(file_error("open", archive))?;
    let mut first = [0; 8];
    let length = read_up_to(&mut file, &mut first)
        .and_then(|length| file.rewind().map(|()| length))
        .map_err(file_error("read", archive))?;
    let inside = |name: &String| match folder.trim_matches('/') {
        "" => name.clone(),
        folder => format!("{folder}/{name}"),
    };
    let mut wanted = Members {
        archive: archive.to_owned(),
        into: into.to_owned(),
        missing: files
            .iter()
            .map(|name| (inside(name), name.clone()))
            .collect(),
        left: room,
    };
    match &first[..length] {
        [b'P', b'K', ..] => zipped::take(file, &mut wanted)?,
        [0x1f, 0x8b, ..] => {
            let bounded = wanted.bounded(MultiGzDecoder::new(file))?;
            tar::take(bounded, &mut wanted)?;
        }
        deb::MAGIC => deb::take(file, &mut wanted)?,
        other => {
            let found = format!("a file that begins with {other:02x?}");
            return Err(wanted.malformed(&found));
        }
    }
    match wanted.missing.keys().next() {
        Some(missing) => Err(wanted.malformed(&format!("no `{missing}`"))),
        None => Ok(room - wanted.left),
    }
}

/// What a member of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A link, a folder, a device.
    Other,
}

/// The members that are still to be taken out of an archive.
struct Members {
    archive: PathBuf,
    into: PathBuf,
    /// Their names in the archive, and ours.
    missing: BTreeMap<String, String>,
    left: u64,
}

impl Members {
    /// Takes a member if it is wanted: exactly as many bytes as it claims to have.
    fn take(
        &mut self,
        inside: &str,
        kind: Kind,
        size: u64,
        content: impl Read,
    ) -> Result<(), ModelError> {
        let Some(name) = self.missing.remove(inside) else {
            return Ok(());
        };
        if kind != Kind::Plain {
            return Err(self.malformed(&format!("`{inside}` is no plain file")));
        }
        if size > self.left {
            let left = self.left;
            return Err(self.malformed(&format!(
                "`{inside}` has {size} bytes, where the catalogue's `megabytes` leave {left}"
            )));
        }
        self.left -= size;
        let path = self.into.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file_error("create", parent))?;
        }
        let mut target = File::create(&path).map_err(file_error("create", &path))?;
        // One byte more than it claims, so that a lie shows.
        let copied = io::copy(&mut content.take(size + 1), &mut target);
        let copied = copied.map_err(|error| match error.raw_os_error() {
            // The disk's fault, not the archive's.
            Some(_) => file_error("write", &path)(error),
            None => self.malformed(&format!("`{inside}`: {error}")),
        })?;
        if copied != size {
            return Err(self.malformed(&format!("`{inside}` has {copied} bytes and claims {size}")));
        }
        target.sync_all().map_err(file_error("write", &path))
    }

    /// What is unpacked, up to the size at which it is a bomb.
    fn bounded<R: Read>(&self, unpacked: R) -> Result<Bounded<R>, ModelError> {
        let metadata = fs::metadata(&self.archive).map_err(file_error("read", &self.archive))?;
        Ok(Bounded {
            left: metadata.len().saturating_mul(MAX_RATIO).max(SMALL),
            unpacked,
        })
    }

    /// The archive's fault, or the disk's.
    fn unreadable(&self, error: io::Error) -> ModelError {
        match error.raw_os_error() {
            Some(_) => file_error("read", &self.archive)(error),
            None => self.malformed(&error.to_string()),
        }
    }

    fn malformed(&self, found: &str) -> ModelError {
        ModelError::Format {
            path: self.archive.clone(),
            expected: "an archive with the model's files".to_owned(),
            found: found.to_owned(),
            advice: "fetch it again; if it stays so, do not use it".to_owned(),
        }
    }
}

/// A stream that may not become longer than what it is packed in allows.
struct Bounded<R> {
    left: u64,
    unpacked: R,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("it grows to more than {MAX_RATIO} times its size"))
        })?;
        Ok(read)
    }
}

/// Fills the buffer as far as there is something to read.
fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::tarball;
