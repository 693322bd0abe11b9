//! Unpacking wheels: only the files that the catalogue names, each within bounds.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use zip::ZipArchive;

use crate::ModelError;
use crate::store::file_error;

/// Entries that an archive may have.
const MAX_ENTRIES: usize = 100_000;
/// How much larger than packed a file may be: weights hardly shrink, and JSON by a tenth to a hundredth.
const MAX_RATIO: u64 = 1000;

/// Unpacks `files` below `folder` of an archive into `into`, of at most `room` bytes together; gives how many bytes they have.
pub(crate) fn unpack(
    archive: &Path,
    folder: &str,
    files: &[String],
    into: &Path,
    room: u64,
) -> Result<u64, ModelError> {
    let file = File::open(archive).map_err(file_error("open", archive))?;
    let mut zip = ZipArchive::new(file).map_err(|error| malformed(archive, &error.to_string()))?;
    if zip.len() > MAX_ENTRIES {
        return Err(malformed(archive, &format!("{} entries", zip.len())));
    }
    let mut left = room;
    for name in files {
        let inside = format!("{folder}/{name}");
        let mut entry = zip
            .by_name(&inside)
            .map_err(|error| malformed(archive, &format!("`{inside}`: {error}")))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size / packed.max(1) > MAX_RATIO {
            return Err(malformed(
                archive,
                &format!("`{inside}` grows from {packed} to {size} bytes"),
            ));
        }
        if size > left {
            return Err(malformed(
                archive,
                &format!(
                    "`{inside}` has {size} bytes, where the catalogue's `megabytes` leave {left}"
                ),
            ));
        }
        left -= size;
        if !entry.is_file() || entry.is_symlink() {
            return Err(malformed(archive, &format!("`{inside}` is no plain file")));
        }
        let path = into.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file_error("create", parent))?;
        }
        let mut target = File::create(&path).map_err(file_error("create", &path))?;
        // One byte more than it claims, so that a lie shows.
        let copied = io::copy(&mut (&mut entry).take(size + 1), &mut target);
        let copied = copied.map_err(|error| match error.raw_os_error() {
            // The disk's fault, not the archive's.
            Some(_) => file_error("write", &path)(error),
            None => malformed(archive, &format!("`{inside}`: {error}")),
        })?;
        if copied != size {
            return Err(malformed(
                archive,
                &format!("`{inside}` has {copied} bytes and claims {size}"),
            ));
        }
        target.sync_all().map_err(file_error("write", &path))?;
    }
    Ok(room - left)
}

fn malformed(archive: &Path, found: &str) -> ModelError {
    ModelError::Format {
        path: archive.to_owned(),
        expected: "a wheel with the model's files".to_owned(),
        found: found.to_owned(),
        advice: "fetch it again; if it stays so, do not use it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive(folder: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = folder.join("x.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap();
        path
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let folder = tempfile::tempdir().unwrap();
        let bomb = archive(folder.path(), "m/a", &vec![0; 64 << 20]);
        let error = unpack(&bomb, "m", &["a".to_owned()], folder.path(), u64::MAX).unwrap_err();
        assert!(error.to_string().contains("grows from"), "{error}");
        assert!(error.is_bad_content());
        assert!(!folder.path().join("a").exists());
    }

    #[test]
    fn files_are_refused_that_are_larger_together_than_the_catalogue_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in ["m/a", "m/b"] {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(name, options).unwrap();
            zip.write_all(&[7; 600]).unwrap();
        }
        zip.finish().unwrap();
        let files = ["a", "b"].map(str::to_owned);
        assert_eq!(
            unpack(&path, "m", &files, folder.path(), 1200).unwrap(),
            1200
        );
        let error = unpack(&path, "m", &files, folder.path(), 1199).unwrap_err();
        assert!(error.to_string().contains("`m/b` has 600 bytes"), "{error}");
        assert!(error.to_string().contains("leave 599"), "{error}");
    }

    #[test]
    fn a_truncated_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "m/a", b"hello");
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(
                unpack(&path, "m", &["a".to_owned()], folder.path(), 5).is_err(),
                "{length} bytes"
            );
        }
    }
}
