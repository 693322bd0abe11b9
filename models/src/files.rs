//! Reading small files from outside with a bound on their size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aimass_config::files::NotAFile;
use serde::de::DeserializeOwned;

use crate::ModelError;
use crate::store::file_error;

/// What to do about a model file that cannot be used; the catalogue's artefacts can always be fetched again.
pub(crate) const FETCH_AGAIN: &str =
    "fetch the artefact again with `aimass models pull NAME`, or name a complete folder";

/// Opens a regular file and returns it with its length in bytes.
///
/// A folder, a pipe or a device file is refused, because reading one may block for ever or never end.
pub(crate) fn open(path: &Path) -> Result<(File, u64), ModelError> {
    match aimass_config::files::open(path) {
        Ok((file, metadata)) => Ok((file, metadata.len())),
        Err(NotAFile::Refused(source)) => Err(unreadable(path, source)),
        Err(NotAFile::Special(kind)) => Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: "a regular file".to_owned(),
            found: kind.to_string(),
            advice: FETCH_AGAIN.to_owned(),
        }),
    }
}

/// Copies a regular file into a folder of ours.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), ModelError> {
    let (mut source, _) = open(from)?;
    let copied = File::create(to).and_then(|mut file| io::copy(&mut source, &mut file));
    copied.map(drop).map_err(file_error("copy", from))
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let (file, length) = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or(0));
    // One byte past the limit tells a file that is too long, or grows while it is read, from one that just fits.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    if bytes.len() as u64 > limit {
        return Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: format!("at most {limit} bytes"),
            found: format!("at least {} bytes", length.max(bytes.len() as u64)),
            advice: FETCH_AGAIN.to_owned(),
        });
    }
    Ok(bytes)
}

/// Reads a JSON file of at most `limit` bytes.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, ModelError> {
    let bytes = read(path, limit)?;
    serde_json::from_slice(&bytes).map_err(|error| ModelError::Format {
        path: path.to_path_buf(),
        expected: "a JSON document of the expected shape".to_owned(),
        found: error.to_string(),
        advice: FETCH_AGAIN.to_owned(),
    })
}

/// Reads a JSON file that may be absent.
pub(crate) fn read_optional_json<T: DeserializeOwned>(
    path: &Path,
    limit: u64,
) -> Result<Option<T>, ModelError> {
    match read_json(path, limit) {
        Ok(value) => Ok(Some(value)),
        Err(ModelError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The error of a file that cannot be read.
pub(crate) fn unreadable(path: &Path, source: io::Error) -> ModelError {
    let advice = match source.kind() {
        io::ErrorKind::PermissionDenied => "give this user permission to read it".to_owned(),
        _ => FETCH_AGAIN.to_owned(),
    };
    ModelError::File {
        operation: "read",
        path: path.to_path_buf(),
        source,
        advice,
    }
}
