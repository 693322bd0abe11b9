//! The old form: pickles one after the other, then the storages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::pickle::{self, Made, Storage, Value};
use super::tensors::{self, Stored};

/// What the first pickle holds, as an instruction with its number.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
/// What the second holds.
const VERSION: i64 = 1001;

pub(super) fn tensors(file: &mut File, length: u64) -> Result<BTreeMap<String, Stored>, String> {
    let mut from = BufReader::new(file);
    let mut first = [0; MAGIC.len() + 3];
    let is_ours = from.read_exact(&mut first).is_ok() && &first[2..first.len() - 1] == MAGIC;
    if !is_ours {
        return Err("another beginning".to_owned());
    }
    let version = pickle::run(&mut from)?;
    match version.value(version.root) {
        Value::Int(VERSION) => {}
        other => return Err(format!("the version {other:?} instead of {VERSION}")),
    }
    if is_big_endian(&pickle::run(&mut from)?) {
        return Err("numbers whose first byte is the highest".to_owned());
    }
    let named = tensors::named(&pickle::run(&mut from)?)?;
    let keys = keys(&pickle::run(&mut from)?)?;
    let mut claimed: BTreeMap<&str, &Storage> = BTreeMap::new();
    for parts in named.values() {
        let storage = &parts.storage;
        let before = claimed.insert(&storage.key, storage);
        if before.is_some_and(|before| before != storage) {
            return Err(format!(
                "the storage `{}` as two different ones",
                storage.key
            ));
        }
    }
    let starts = starts(&mut from, length, &keys, &claimed)?;
    tensors::placed(named.clone(), |storage| {
        let start = starts.get(&storage.key).copied();
        start.ok_or_else(|| format!("the storage `{}`, which is not there", storage.key))
    })
}

/// Where each storage begins: behind its number of elements.
fn starts(
    from: &mut BufReader<&mut File>,
    length: u64,
    keys: &[String],
    claimed: &BTreeMap<&str, &Storage>,
) -> Result<BTreeMap<String, u64>, String> {
    let mut starts = BTreeMap::new();
    let mut at = from.stream_position().map_err(|error| error.to_string())?;
    for key in keys {
        let storage = claimed.get(&**key);
        let storage = storage.ok_or_else(|| format!("the storage `{key}` of no tensor"))?;
        let mut elements = [0; 8];
        from.read_exact(&mut elements)
            .map_err(|_| format!("an end before the storage `{key}`"))?;
        let elements = u64::from_le_bytes(elements);
        if elements != storage.elements {
            return Err(format!(
                "the storage `{key}` with {elements} elements instead of {}",
                storage.elements
            ));
        }
        at += 8;
        let end = tensors::storage_bytes(storage).and_then(|bytes| at.checked_add(bytes));
        let end = end.filter(|end| *end <= length);
        let end = end.ok_or_else(|| format!("an end in the storage `{key}`"))?;
        if starts.insert(key.clone(), at).is_some() {
            return Err(format!("the storage `{key}` twice"));
        }
        from.seek(SeekFrom::Start(end))
            .map_err(|error| error.to_string())?;
        at = end;
    }
    Ok(starts)
}

/// The keys of the storages, in their order.
fn keys(made: &Made) -> Result<Vec<String>, String> {
    let Value::List(keys) = made.value(made.root) else {
        return Err("no list of storages".to_owned());
    };
    let key = |place: &usize| match made.value(*place) {
        Value::Text(key) => Ok(key.clone()),
        _ => Err("a storage without a name".to_owned()),
    };
    keys.iter().map(key).collect()
}

fn is_big_endian(made: &Made) -> bool {
    let Value::Dict(entries) = made.value(made.root) else {
        return false;
    };
    entries.iter().any(|(key, value)| {
        let is_order = matches!(made.value(*key), Value::Text(key) if key == "little_endian");
        is_order && matches!(made.value(*value), Value::Bool(false))
    })
}
