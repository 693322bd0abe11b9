//! Vectors on disk: what the passages of a text came to, so that the next process need not embed
//! them again.
//!
//! One file for each text and model, named by a hash of both, so nothing in it can be out of date.
//! Files are written beside their place and renamed into it; one that is damaged counts as missing.
//! The folder is a cache: whatever goes wrong with it costs time only.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that all files together may have; beyond, those that were not used for the longest time
/// go.
const MAX_BYTES: u64 = 1 << 30;
/// Part of that which one text may have; larger ones are embedded again.
const MAX_TEXT_SHARE: u64 = 8;
/// What a file begins with. Another form of file, or another way of cutting passages, has another
/// number.
const MAGIC: &[u8; 8] = b"aimvec\x00\x01";
/// The magic, how many vectors there are, and how long each is.
const HEADER: usize = 16;
/// A hash of all before it.
const SEAL: usize = blake3::OUT_LEN;

/// Vectors that are kept from process to process.
#[derive(Debug)]
pub(super) struct VectorStore {
    folder: PathBuf,
    max_bytes: u64,
    /// Bytes in the folder, once they were counted; others may have added to them since.
    bytes: Option<u64>,
}

/// A text under a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VectorKey(blake3::Hash);

impl VectorKey {
    /// The key of a text under that version of a model.
    pub(super) fn new(version: &str, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(version.len() as u64).to_le_bytes());
        hasher.update(version.as_bytes());
        hasher.update(text.as_bytes());
        Self(hasher.finalize())
    }
}

impl VectorStore {
    /// The store in that folder, which is made with the first file.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            max_bytes: MAX_BYTES,
            bytes: None,
        }
    }

    /// The `count` vectors of a text; none when they are not there whole.
    pub(super) fn get(&self, key: VectorKey, count: usize) -> Option<Vec<Vec<f32>>> {
        let file = File::open(self.place(key)).ok()?;
        let length = file.metadata().ok()?.len();
        if length > self.largest() {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        (&file).take(self.largest()).read_to_end(&mut bytes).ok()?;
        let vectors = decode(&bytes).filter(|vectors| vectors.len() == count)?;
        // Those that are used stay; where this is not allowed, the oldest go.
        let _ = file.set_modified(SystemTime::now());
        Some(vectors)
    }

    /// Keeps the vectors of a text. All have the same length.
    pub(super) fn put(&mut self, key: VectorKey, vectors: &[&[f32]]) {
        let bytes = encode(vectors);
        let length = bytes.len() as u64;
        if length > self.largest() {
            return;
        }
        self.make_room(length);
        if let Err(error) = self.write(key, &bytes) {
            let folder = self.folder.display();
            tracing::debug!(%folder, %error, "vectors of passages were not kept");
            return;
        }
        self.bytes = self.bytes.map(|total| total + length);
    }

    fn write(&self, key: VectorKey, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(self.place(key))?;
        Ok(())
    }

    /// Removes the least recently used files when `length` bytes more would be too many.
    fn make_room(&mut self, length: u64) {
        let known = self.bytes.unwrap_or_else(|| total(&files(&self.folder)));
        if known + length <= self.max_bytes {
            self.bytes = Some(known);
            return;
        }
        let mut files = files(&self.folder);
        files.sort_by_key(|(modified, ..)| *modified);
        let mut left = total(&files);
        for (_, path, bytes) in files {
            // A quarter at once, so that the folder is not looked through for each file.
            if left + length <= self.max_bytes / 4 * 3 {
                break;
            }
            if fs::remove_file(path).is_ok() {
                left -= bytes;
            }
        }
        self.bytes = Some(left);
    }

    fn place(&self, key: VectorKey) -> PathBuf {
        self.folder.join(key.0.to_hex().as_str())
    }

    fn largest(&self) -> u64 {
        self.max_bytes / MAX_TEXT_SHARE
    }
}

/// The files of a folder: when each was used last, where it is, how many bytes it has.
fn files(folder: &Path) -> Vec<(SystemTime, PathBuf, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let of_entry = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((metadata.modified().ok()?, entry.path(), metadata.len()))
    };
    entries
        .filter_map(Result::ok)
        .filter_map(of_entry)
        .collect()
}

fn total(files: &[(SystemTime, PathBuf, u64)]) -> u64 {
    files.iter().map(|(_, _, bytes)| bytes).sum()
}

fn encode(vectors: &[&[f32]]) -> Vec<u8> {
    let dimension = vectors.first().map_or(0, |vector| vector.len());
    let mut bytes = Vec::with_capacity(HEADER + 4 * dimension * vectors.len() + SEAL);
    bytes.extend(MAGIC);
    bytes.extend((vectors.len() as u32).to_le_bytes());
    bytes.extend((dimension as u32).to_le_bytes());
    for value in vectors.iter().copied().flatten() {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(blake3::hash(&bytes).as_bytes());
    bytes
}

/// None unless it is a whole file of ours.
fn decode(bytes: &[u8]) -> Option<Vec<Vec<f32>>> {
    let (content, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
    if blake3::hash(content).as_bytes() != seal {
        return None;
    }
    let (header, values) = content.split_at_checked(HEADER)?;
    let number = |at: usize| -> Option<usize> {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (count, dimension) = (number(8)?, number(12)?);
    let expected = count.checked_mul(dimension)?.checked_mul(4)?;
    if header.get(..8)? != MAGIC || values.len() != expected || dimension == 0 {
        return None;
    }
    let values = values.as_chunks::<4>().0.iter();
    let values: Vec<f32> = values.map(|quad| f32::from_le_bytes(*quad)).collect();
    Some(
        values
            .chunks_exact(dimension)
            .map(<[f32]>::to_vec)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(count: usize) -> Vec<Vec<f32>> {
        (0..count).map(|at| vec![at as f32, 0.5, -1.0]).collect()
    }

    fn put(store: &mut VectorStore, key: VectorKey, vectors: &[Vec<f32>]) {
        store.put(key, &vectors.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn vectors_come_back_for_the_same_text_and_model_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = VectorStore::new(folder.path().join("vectors"));
        let key = VectorKey::new("one", "a text");
        assert_eq!(store.get(key, 3), None);
        put(&mut store, key, &vectors(3));
        let again = VectorStore::new(folder.path().join("vectors"));
        assert_eq!(again.get(key, 3), Some(vectors(3)));
        assert_eq!(again.get(key, 4), None, "it was cut otherwise");
        assert_eq!(again.get(VectorKey::new("two", "a text"), 3), None);
        assert_eq!(again.get(VectorKey::new("on", "ea text"), 3), None);
    }

    #[test]
    fn damaged_files_count_as_missing_wherever_they_are_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = VectorStore::new(folder.path().to_owned());
        let key = VectorKey::new("one", "a text");
        put(&mut store, key, &vectors(2));
        let whole = fs::read(store.place(key)).unwrap();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1;
            fs::write(store.place(key), &spoilt).unwrap();
            assert_eq!(store.get(key, 2), None, "byte {at}");
            fs::write(store.place(key), &whole[..at]).unwrap();
            assert_eq!(store.get(key, 2), None, "{at} bytes");
        }
        // A seal over a lie: more vectors than there are bytes.
        let mut lie = whole[..whole.len() - SEAL].to_vec();
        lie[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        lie.extend(*blake3::hash(&lie).as_bytes());
        fs::write(store.place(key), &lie).unwrap();
        assert_eq!(store.get(key, 2), None);
        put(&mut store, key, &vectors(2));
        assert_eq!(store.get(key, 2), Some(vectors(2)));
    }

    #[test]
    fn the_folder_stays_bounded_and_what_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = VectorStore::new(folder.path().to_owned());
        store.max_bytes = 20_000;
        let key = |number: usize| VectorKey::new("one", &number.to_string());
        for number in 0..100 {
            put(&mut store, key(number), &vectors(50));
            // The first one is used all the time, and is older than all others by the clock of
            // files.
            let used = File::open(store.place(key(0))).unwrap();
            let later = SystemTime::now() + std::time::Duration::from_secs(60);
            used.set_modified(later).unwrap();
            assert!(total(&files(folder.path())) <= 20_000);
        }
        assert_eq!(store.get(key(0), 50), Some(vectors(50)));
        assert_eq!(store.get(key(1), 50), None);
        put(&mut store, key(1000), &vectors(1000));
        assert_eq!(store.get(key(1000), 1000), None, "too large for the store");
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_time_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let mut store = VectorStore::new(file.join("vectors"));
        let key = VectorKey::new("one", "a text");
        put(&mut store, key, &vectors(1));
        assert_eq!(store.get(key, 1), None);
    }
}
