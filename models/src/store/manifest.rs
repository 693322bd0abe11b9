//! Manifests: what an artefact consists of.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::file_error;
use crate::{ModelError, files};

const NAME: &str = "manifest.json";
const LIMIT: u64 = 1 << 20;

/// What an artefact consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The artefact.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// The version of this crate that put it together.
    pub made_by: String,
    /// Its files.
    pub files: Vec<ManifestFile>,
}

/// One file of an artefact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path inside the artefact's folder.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its checksum, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of a folder's files.
    pub(super) fn of(folder: &Path, name: &str, source: &str) -> Result<Self, ModelError> {
        let mut paths = Vec::new();
        list(folder, Path::new(""), &mut paths)?;
        paths.sort();
        let file = |path: PathBuf| {
            let whole = folder.join(&path);
            let bytes = fs::metadata(&whole)
                .map_err(file_error("read", &whole))?
                .len();
            Ok(ManifestFile {
                path,
                bytes,
                sha256: sha256_of(&whole)?,
            })
        };
        Ok(Self {
            name: name.to_owned(),
            source: source.to_owned(),
            made_by: format!("aimass-models {}", env!("CARGO_PKG_VERSION")),
            files: paths
                .into_iter()
                .map(file)
                .collect::<Result<_, ModelError>>()?,
        })
    }

    pub(super) fn read(folder: &Path, name: &str) -> Result<Self, ModelError> {
        let path = folder.join(NAME);
        let bytes = files::read(&path, LIMIT)?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(&path, name, &error.to_string()))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(NAME);
        let write = || {
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            fs::write(&path, text)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(file_error("write", &path))
    }

    /// Compares sizes: cheap enough for every start.
    pub(super) fn check_sizes(&self, folder: &Path, name: &str) -> Result<(), ModelError> {
        for file in &self.files {
            let path = folder.join(&file.path);
            let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            if bytes != file.bytes {
                return Err(damaged(
                    &path,
                    name,
                    &format!("{bytes} bytes instead of {}", file.bytes),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn check_hashes(&self, folder: &Path, name: &str) -> Result<(), ModelError> {
        for file in &self.files {
            let path = folder.join(&file.path);
            if sha256_of(&path)? != file.sha256 {
                return Err(damaged(&path, name, "another content than was fetched"));
            }
        }
        Ok(())
    }
}

/// The checksum of a file, in hexadecimal.
pub(crate) fn sha256_of(path: &Path) -> Result<String, ModelError> {
    let hash = || {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(hasher.finalize());
            }
            hasher.update(&buffer[..read]);
        }
    };
    let hash = hash().map_err(|error: io::Error| file_error("read", path)(error))?;
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn list(folder: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> Result<(), ModelError> {
    let at = folder.join(below);
    for entry in fs::read_dir(&at).map_err(file_error("list", &at))? {
        let entry = entry.map_err(file_error("list", &at))?;
        let path = below.join(entry.file_name());
        if entry.file_type().map_err(file_error("read", &at))?.is_dir() {
            list(folder, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn damaged(path: &Path, name: &str, found: &str) -> ModelError {
    ModelError::Format {
        path: path.to_owned(),
        expected: format!("an unchanged file of the model `{name}`"),
        found: found.to_owned(),
        advice: format!("type `aimass models rm {name}`, then `aimass models pull {name}`"),
    }
}
