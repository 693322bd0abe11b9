//! The files of a folder, for searches that go through them.

#[cfg(test)]
mod tests;

use std::fs::{self, FileType};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aimass_config::files::Kind;
use aimass_runtime::Fault;

use crate::skipped::{SkipReason, Skipped};

/// Files that one search may go through.
pub(crate) const MAX_FILES: usize = 20_000;
/// Files beyond those that are counted: walking through a whole disk would take too long.
pub(crate) const MAX_COUNTED: usize = 100_000;
/// How deep folders are followed.
pub(crate) const MAX_DEPTH: u32 = 64;

/// A file in one state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileKey {
    pub(crate) path: PathBuf,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) bytes: u64,
}

/// The plain files below a path, by name.
#[derive(Debug)]
pub(crate) struct Listed {
    /// In the order of their names.
    pub(crate) files: Vec<FileKey>,
    /// What is not among them.
    pub(crate) skipped: Skipped,
}

impl Listed {
    /// Lists the files below a path, or the file that it names. What is hidden is not meant.
    ///
    /// # Errors
    /// A fault of the path itself. What cannot be looked at below it is left out.
    pub(crate) fn below(path: &Path) -> Result<Self, Fault> {
        let mut listed = Self {
            files: Vec::new(),
            skipped: Skipped::of(path),
        };
        listed.visit(path, MAX_DEPTH)?;
        Ok(listed)
    }

    fn visit(&mut self, path: &Path, depth: u32) -> Result<(), Fault> {
        let unreadable = |error: std::io::Error| {
            Fault::rejected(format!("cannot search `{}`: {error}", path.display()))
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        match Kind::from(metadata.file_type()) {
            Kind::Plain => {
                let (modified, bytes) = (metadata.modified().ok(), metadata.len());
                self.files.push(FileKey {
                    path: path.to_owned(),
                    modified,
                    bytes,
                });
                return Ok(());
            }
            Kind::Folder => {}
            other => {
                return Err(Fault::rejected(format!(
                    "cannot search `{}`: expected a folder or a file, got {other}",
                    path.display()
                )));
            }
        }
        let entries = fs::read_dir(path).map_err(unreadable)?;
        let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                self.visit_entry(&entry.path(), entry.file_type().ok(), depth);
            }
        }
        Ok(())
    }

    fn visit_entry(&mut self, path: &Path, kind: Option<FileType>, depth: u32) {
        let kind = match kind {
            Some(kind) if kind.is_symlink() => return self.skipped.note(SkipReason::Link, path),
            Some(kind) => Kind::from(kind),
            None => return self.skipped.note(SkipReason::Unreadable, path),
        };
        let is_full = self.files.len() >= MAX_FILES;
        match kind {
            _ if self.skipped.count(SkipReason::TooMany) >= MAX_COUNTED => {}
            Kind::Folder if depth == 0 => self.skipped.note(SkipReason::TooDeep, path),
            Kind::Plain if is_full => self.skipped.note(SkipReason::TooMany, path),
            Kind::Plain | Kind::Folder => {
                if self.visit(path, depth.saturating_sub(1)).is_err() {
                    self.skipped.note(SkipReason::Unreadable, path);
                }
            }
            _ => self.skipped.note(SkipReason::Special, path),
        }
    }
}
