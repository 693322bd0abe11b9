//! What is wrong with a recording, in one line.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::errors::Error;

use crate::ModelError;

/// Runs a call into symphonia, and turns a panic into the error that the file is damaged.
pub(in crate::audio) fn contained<T>(
    path: &Path,
    call: impl FnOnce() -> T,
) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "something that made the decoder panic".to_owned());
        damaged(
            path,
            format!("values that contradict each other ({message})"),
        )
    })
}

/// The error of a file that symphonia refuses when it is opened.
pub(in crate::audio) fn refused(path: &Path, error: &Error) -> ModelError {
    match error {
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            damaged(path, "the end of the file within its header".to_owned())
        }
        Error::Unsupported(what) if what.contains("missing moov") => damaged(
            path,
            "no index (`moov`), which mp4 files often have at their end: the file is incomplete"
                .to_owned(),
        ),
        Error::Unsupported(what) => unsupported(path, what),
        error => damaged(path, error.to_string()),
    }
}

pub(super) fn damaged(path: &Path, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "an undamaged audio file".to_owned(),
        found,
        advice: "get the file again from where it was made".to_owned(),
    }
}

pub(super) fn unsupported(path: &Path, found: &str) -> ModelError {
    let name = path.file_name().unwrap_or_default();
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "wav, aiff, flac, mp3, ogg (Vorbis, Opus, FLAC) or m4a (AAC-LC, ALAC) audio"
            .to_owned(),
        found: found.to_owned(),
        advice: format!("convert it, for instance with `ffmpeg -i {name:?} out.flac`"),
    }
}
