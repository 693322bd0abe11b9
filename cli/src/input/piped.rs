//! What comes through a pipe: standard input, and what a shell's `<(...)` stands for. No other process can read it, so this one does.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aimass_config::files::is_own_descriptor;
use aimass_locale::text;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The most bytes that are kept as a file: a day of sound as a compact disc has it.
const MOST: u64 = 16 << 30;

/// How the names of what is kept begin: of standard input, and of any other pipe.
const PREFIXES: [&str; 2] = ["standard-input-", "pipe-"];
/// What is as old was left by a process that was cut off.
const OLD: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Something that this process alone can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piped {
    /// Standard input, by the name `-`.
    Dash,
    /// Standard input, by the name that systems give it.
    Input,
    /// What was open when the process started.
    Descriptor(PathBuf),
}

impl Piped {
    /// What that name stands for, if it is something of this kind.
    pub(crate) fn of(name: &OsStr) -> Option<Self> {
        match name.to_str() {
            Some("-") => Some(Self::Dash),
            Some("/dev/stdin") => Some(Self::Input),
            _ => {
                let path = Path::new(name);
                is_own_descriptor(path).then(|| Self::Descriptor(path.to_owned()))
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Dash | Self::Input => "standard input",
            Self::Descriptor(path) => path.to_str().unwrap_or_default(),
        }
    }

    /// Opens it. Reading it takes as long as whoever writes it takes.
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, Failure> {
        Ok(match self {
            Self::Dash | Self::Input => Box::new(io::stdin().lock()),
            Self::Descriptor(path) => {
                Box::new(File::open(path).map_err(|error| self.unreadable(&error))?)
            }
        })
    }

    /// Reads all of it into a file in that folder, which is gone with the value. It blocks.
    pub(crate) fn keep_in(&self, folder: &Path) -> Result<NamedTempFile, Failure> {
        let cannot_keep = |error: &io::Error| {
            let (name, folder) = (self.name(), folder.display());
            Failure::unavailable(text!(
                "cannot keep {name} in {folder}: {error}",
                "无法把 {name} 保存到 {folder}：{error}"
            ))
        };
        let prefix = match self {
            Self::Dash | Self::Input => PREFIXES[0],
            Self::Descriptor(_) => PREFIXES[1],
        };
        remove_left_over(folder);
        let file = tempfile::Builder::new().prefix(prefix).tempfile_in(folder);
        let mut file = file.map_err(|error| cannot_keep(&error))?;
        let mut from = self.open()?.take(MOST + 1);
        let mut piece = vec![0; 64 << 10];
        loop {
            match from.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    let written = file.write_all(&piece[..read]);
                    written.map_err(|error| cannot_keep(&error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        if from.limit() == 0 {
            let name = self.name();
            return Err(Failure::bad_input(text!(
                "{name} has more than {MOST} bytes; put it into a file",
                "{name} 超过 {MOST} 字节；请放入文件"
            )));
        }
        Ok(file)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        super::cannot_read(&self.name(), error)
    }
}

/// Removes what nobody asks about any more. What cannot be removed costs room only.
fn remove_left_over(folder: &Path) {
    let is_left_over = |entry: &DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && age > Some(OLD)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(is_left_over) {
        let _ = fs::remove_file(entry.path());
    }
}
