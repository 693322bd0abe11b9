//! Zip archives: wheels and jars.

use std::fs::File;

use zip::ZipArchive;

use super::{Kind, MAX_RATIO, Members};
use crate::ModelError;

/// Entries that an archive may have.
const MAX_ENTRIES: usize = 100_000;

pub(super) fn take(archive: File, wanted: &mut Members) -> Result<(), ModelError> {
    let zip = ZipArchive::new(archive);
    let mut zip = zip.map_err(|error| wanted.malformed(&error.to_string()))?;
    if zip.len() > MAX_ENTRIES {
        return Err(wanted.malformed(&format!("{} entries", zip.len())));
    }
    let names: Vec<String> = wanted.missing.keys().cloned().collect();
    for inside in names {
        let mut entry = zip
            .by_name(&inside)
            .map_err(|error| wanted.malformed(&format!("`{inside}`: {error}")))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size / packed.max(1) > MAX_RATIO {
            return Err(
                wanted.malformed(&format!("`{inside}` grows from {packed} to {size} bytes"))
            );
        }
        let kind = match entry.is_file() && !entry.is_symlink() {
            true => Kind::Plain,
            false => Kind::Other,
        };
        wanted.take(&inside, kind, size, &mut entry)?;
    }
    Ok(())
}
