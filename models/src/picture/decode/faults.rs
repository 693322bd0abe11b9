//! What is wrong with a picture, in one line.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use aimass_config::files::NotAFile;

use crate::ModelError;
use crate::picture::{PictureLimits, format};

/// Runs a decoder, and turns a panic into the error that the file is damaged.
pub(super) fn contained<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "something that made the decoder panic".to_owned());
        damaged(
            path,
            &format!("values that contradict each other ({message})"),
        )
    })
}

pub(in crate::picture) fn damaged(path: &Path, found: &str) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "an undamaged picture".to_owned(),
        // Decoders speak in several lines.
        found: found.split_whitespace().collect::<Vec<_>>().join(" "),
        advice: "get the file again from where it was made".to_owned(),
    }
}

/// The error of a picture in a kind of its format that is not decoded.
pub(super) fn other_kind(path: &Path, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "a picture of a kind that is decoded here".to_owned(),
        found,
        advice: "convert it to PNG or JPEG".to_owned(),
    }
}

/// The error of a picture that breaks off.
pub(super) fn broken_off(path: &Path) -> ModelError {
    damaged(path, "the end of the file within the picture")
}

/// The error of a file in none of the formats.
pub(super) fn unsupported(path: &Path, bytes: &[u8]) -> ModelError {
    let (found, advice) = match bytes.is_empty() {
        true => ("an empty file", "get the file again from where it was made"),
        false => format::other(bytes),
    };
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "a picture as PNG, JPEG, WebP, GIF, BMP or TIFF".to_owned(),
        found: found.to_owned(),
        advice: advice.to_owned(),
    }
}

pub(super) fn too_long(path: &Path, limits: PictureLimits, found: u64) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: format!("a picture of at most {} bytes", limits.max_bytes),
        found: format!("{found} bytes"),
        advice: "make it smaller".to_owned(),
    }
}

/// Opens a regular file and returns it with its length in bytes. A pipe or a device might never
/// end.
pub(super) fn open(path: &Path) -> Result<(File, u64), ModelError> {
    match aimass_config::files::open(path) {
        Ok((file, metadata)) => Ok((file, metadata.len())),
        Err(NotAFile::Refused(source)) => Err(unreadable(path, source)),
        Err(NotAFile::Special(kind)) => Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: "a regular file".to_owned(),
            found: kind.to_string(),
            advice: "name one picture".to_owned(),
        }),
    }
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> ModelError {
    let advice = match source.kind() {
        io::ErrorKind::PermissionDenied => "give this user permission to read it",
        io::ErrorKind::NotFound => "check the name",
        _ => "check the disk",
    };
    ModelError::File {
        operation: "read",
        path: path.to_path_buf(),
        source,
        advice: advice.to_owned(),
    }
}
