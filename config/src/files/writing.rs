//! Writing what a user names.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tempfile::NamedTempFile;

use super::Kind;
use super::reading::{AT_ONCE, is_own_descriptor};

/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;
/// Links that lead to nothing yet; the kernel follows no more.
const MAX_LINKS: u32 = 40;

/// Why a path cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CannotWrite {
    /// The system's answer.
    #[error("{0}")]
    Refused(#[from] io::Error),
    /// It leads to what nobody writes a document to.
    #[error("expected a file, got {0}")]
    Special(Kind),
    /// It leads to a pipe.
    #[error("expected a file, got a pipe from which nobody reads")]
    NobodyReads,
}

/// A document on its way into what a user named.
///
/// A plain file is replaced once the document is whole: until then, and where that does not come, it stays as it was. The new one has its mode, and links
/// go on leading to it. What cannot be replaced without becoming something else is written in place: a file with other names or of another owner, a pipe, a
/// device, and what the process itself has open.
#[derive(Debug)]
pub struct OutputFile(Way);

#[derive(Debug)]
enum Way {
    Replace {
        draft: NamedTempFile,
        target: PathBuf,
    },
    InPlace {
        file: File,
        old: Old,
    },
}

/// What is there already of a file that is written in place.
#[derive(Debug, PartialEq, Eq)]
enum Old {
    /// It goes with the first byte of the new.
    Goes,
    Stays,
}

impl OutputFile {
    /// Makes sure that a document can be written there. Whatever is there stays until something is written.
    ///
    /// # Errors
    /// [`CannotWrite`], where the path leads to a folder, a socket, a disk or a pipe without a reader, or to what this user may not write.
    pub fn prepare(path: &Path) -> Result<Self, CannotWrite> {
        let path = std::path::absolute(path)?;
        if is_own_descriptor(&path) {
            // What was written to it by others, standard output above all, is there already.
            let file = open_blocking(OpenOptions::new().append(true), &path)?;
            return Ok(Self(Way::InPlace {
                file,
                old: Old::Stays,
            }));
        }
        let target = followed(&path)?;
        let old = match fs::metadata(&target) {
            Ok(old) => old,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let draft = draft_beside(&target)?;
                return Ok(Self(Way::Replace { draft, target }));
            }
            Err(error) => return Err(error.into()),
        };
        match Kind::from(old.file_type()) {
            Kind::Plain => Self::over(target, &old),
            Kind::Pipe | Kind::Device => {
                let file = open_blocking(OpenOptions::new().write(true), &target)?;
                Ok(Self(Way::InPlace {
                    file,
                    old: Old::Stays,
                }))
            }
            special => Err(CannotWrite::Special(special)),
        }
    }

    /// Whether the path leads to a plain file or to nothing yet, so that any process can write it as well as this one.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match &self.0 {
            Way::Replace { .. } => true,
            Way::InPlace { old, .. } => *old == Old::Goes,
        }
    }

    fn over(target: PathBuf, old: &Metadata) -> Result<Self, CannotWrite> {
        // A file that may not be written is not replaced either.
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(AT_ONCE)
            .open(&target)?;
        if old.nlink() > 1 {
            return Ok(Self::in_place(file));
        }
        match draft_beside(&target) {
            Ok(draft) if same_owner(&draft, old)? => {
                let mode = Permissions::from_mode(old.mode() & PERMISSIONS);
                draft.as_file().set_permissions(mode)?;
                Ok(Self(Way::Replace { draft, target }))
            }
            Ok(_) => Ok(Self::in_place(file)),
            // It may be written, and its folder not.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Self::in_place(file)),
            Err(error) => Err(error.into()),
        }
    }

    fn in_place(file: File) -> Self {
        Self(Way::InPlace {
            file,
            old: Old::Goes,
        })
    }

    /// Ends the document: now it is there.
    ///
    /// # Errors
    /// The system's answer.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.let_the_old_go()?;
        let Way::Replace { draft, target } = self.0 else {
            return Ok(());
        };
        match fs::symlink_metadata(&target) {
            Ok(now) if !now.is_file() => {
                return Err(io::Error::other(
                    "meanwhile it has become something else than a file",
                ));
            }
            _ => {}
        }
        draft.persist(target).map_err(|error| error.error)?;
        Ok(())
    }

    fn let_the_old_go(&mut self) -> io::Result<()> {
        if let Way::InPlace { file, old } = &mut self.0
            && *old == Old::Goes
        {
            file.set_len(0)?;
            *old = Old::Stays;
        }
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.let_the_old_go()?;
        match &mut self.0 {
            Way::Replace { draft, .. } => draft.write(bytes),
            Way::InPlace { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Way::Replace { draft, .. } => draft.flush(),
            Way::InPlace { file, .. } => file.flush(),
        }
    }
}

/// Opens a file to append to, which is made when it is missing. Neither this nor writing waits for anybody: a pipe that is full or has no reader is an error.
///
/// # Errors
/// The system's answer.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .custom_flags(AT_ONCE)
        .open(path)
}

/// Opens without waiting for a reader; then writing waits for it.
fn open_blocking(options: &mut OpenOptions, path: &Path) -> Result<File, CannotWrite> {
    let file = options.custom_flags(AT_ONCE).open(path).map_err(|error| {
        match error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
            true => CannotWrite::NobodyReads,
            false => error.into(),
        }
    })?;
    // The name may have come to lead elsewhere.
    match Kind::from(file.metadata()?.file_type()) {
        Kind::Plain | Kind::Pipe | Kind::Device => {}
        special => return Err(CannotWrite::Special(special)),
    }
    let flags = fcntl_getfl(&file).map_err(io::Error::from)?;
    fcntl_setfl(&file, flags.difference(OFlags::NONBLOCK)).map_err(io::Error::from)?;
    Ok(file)
}

/// Where a path leads, through links; to nothing yet, perhaps.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found,
        }
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// A new file in the same folder: what the user's mask takes away is taken away from its mode.
fn draft_beside(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

fn same_owner(draft: &NamedTempFile, old: &Metadata) -> io::Result<bool> {
    let new = draft.as_file().metadata()?;
    Ok((new.uid(), new.gid()) == (old.uid(), old.gid()))
}
