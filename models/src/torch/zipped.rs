//! The form since PyTorch 1.6: a zip archive with one pickle, and an entry for each storage. None is packed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};

use zip::{CompressionMethod, ZipArchive};

use super::pickle::{self, Storage};
use super::tensors::{self, Stored};

/// What ends the name of the entry with the pickle. Before it stands a folder of any name.
const PICKLE: &str = "/data.pkl";
/// Entries that an archive may have.
const MAX_ENTRIES: usize = 1 << 20;

pub(super) fn tensors(file: &mut File, length: u64) -> Result<BTreeMap<String, Stored>, String> {
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
    if zip.len() > MAX_ENTRIES {
        return Err(format!("{} entries", zip.len()));
    }
    let folder = zip
        .file_names()
        .filter_map(Result::ok)
        .find_map(|name| Some(name.strip_suffix(PICKLE)?.to_owned()));
    let folder = folder.ok_or_else(|| "an archive without `data.pkl`".to_owned())?;
    if is_big_endian(&mut zip, &folder) {
        return Err("numbers whose first byte is the highest".to_owned());
    }
    let made = {
        let entry = zip.by_name(&format!("{folder}{PICKLE}"));
        let entry = entry.map_err(|error| error.to_string())?;
        pickle::run(&mut BufReader::new(entry))?
    };
    let named = tensors::named(&made)?;
    tensors::placed(named, |storage| start(&mut zip, &folder, storage, length))
}

/// Where a storage begins in the file.
fn start(
    zip: &mut ZipArchive<BufReader<&mut File>>,
    folder: &str,
    storage: &Storage,
    length: u64,
) -> Result<u64, String> {
    let name = format!("{folder}/data/{}", storage.key);
    let entry = zip.by_name(&name);
    let entry = entry.map_err(|error| format!("`{name}`: {error}"))?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(format!("`{name}`, which is packed"));
    }
    let bytes = tensors::storage_bytes(storage).filter(|bytes| *bytes == entry.size());
    let Some(bytes) = bytes else {
        return Err(format!(
            "`{name}` with {} bytes for {} elements",
            entry.size(),
            storage.elements
        ));
    };
    let start = entry.data_start().unwrap_or(length);
    match start.checked_add(bytes).is_some_and(|end| end <= length) {
        true => Ok(start),
        false => Err(format!("an end in `{name}`")),
    }
}

fn is_big_endian(zip: &mut ZipArchive<BufReader<&mut File>>, folder: &str) -> bool {
    let Ok(entry) = zip.by_name(&format!("{folder}/byteorder")) else {
        return false;
    };
    let mut order = String::new();
    let read = entry.take(16).read_to_string(&mut order);
    read.is_ok() && order.trim() == "big"
}
