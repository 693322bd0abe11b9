//! Reading the file, within bounds.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::ConfigError;
use crate::files::{Kind, NotAFile, is_own_descriptor, open_at_once};

/// The largest configuration, in bytes.
pub(crate) const LIMIT: u64 = 1024 * 1024;

/// The text of a file that has at most [`LIMIT`] bytes.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match Kind::from(fs::metadata(path).map_err(failed)?.file_type()) {
        Kind::Folder => {
            return Err(ConfigError::Folder {
                path: path.to_owned(),
            });
        }
        // Whoever started this process writes into it: `--config <(...)`.
        Kind::Pipe | Kind::Device if is_own_descriptor(path) => File::open(path),
        // `/dev/null` is a configuration without anything in it.
        Kind::Plain | Kind::Device => open_at_once(path),
        other => Err(io::Error::from(NotAFile::Special(other))),
    };
    let file = file.map_err(failed)?;
    let mut bytes = Vec::new();
    // The length that a file claims says nothing about a device or a file that grows, so the reading itself is bounded.
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let origin = path.display().to_string();
    if bytes.len() as u64 > LIMIT {
        return Err(too_large(&origin));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let ends = error.as_bytes()[..valid]
            .iter()
            .filter(|byte| **byte == b'\n');
        ConfigError::NotText {
            origin,
            line: 1 + ends.count(),
        }
    })
}

/// Refuses a text that is larger than [`LIMIT`].
pub(crate) fn bound(text: &str, origin: &str) -> Result<(), ConfigError> {
    if text.len() as u64 > LIMIT {
        return Err(too_large(origin));
    }
    Ok(())
}

fn too_large(origin: &str) -> ConfigError {
    ConfigError::TooLarge {
        origin: origin.to_owned(),
        limit: LIMIT,
    }
}
