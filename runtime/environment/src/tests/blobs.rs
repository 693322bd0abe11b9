//! Blobs whose files are not what was put.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::*;

/// An environment in a folder, and a blob of several pieces that a fact refers to.
struct Kept {
    dir: tempfile::TempDir,
    environment: Environment,
    hash: BlobHash,
    content: Vec<u8>,
}

impl Kept {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let environment = open(dir.path());
        let content: Vec<u8> = (0..100_000u32)
            .map(|at| at.wrapping_mul(at) as u8)
            .collect();
        let hash = environment.put_blob(&content[..]).unwrap().hash;
        let mut fact = draft(1);
        fact.blobs = vec![hash];
        environment.commit(saying([fact])).await.unwrap();
        Self {
            dir,
            environment,
            hash,
            content,
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("blobs").join(self.hash.to_string())
    }

    /// All of it, from that byte on.
    fn read_from(&self, at: u64) -> std::io::Result<Vec<u8>> {
        let mut reader = self.environment.open_blob(self.hash).unwrap();
        reader.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Neither a reader nor an export takes the blob for whole, and both say which one it is and what to do.
    #[track_caller]
    fn assert_damaged(&self) {
        let error = self.read_from(0).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        let exported = self
            .environment
            .export(FactFilter::default(), std::io::sink());
        let exported = exported.unwrap_err();
        assert!(matches!(exported, EnvironmentError::DamagedBlob { hash } if hash == self.hash));
        for said in [error.to_string(), exported.to_string()] {
            assert!(said.contains(&self.hash.to_string()), "{said}");
            assert!(said.contains("put its content again"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_blob_with_one_flipped_bit_is_not_taken_for_whole() {
    let kept = Kept::new().await;
    for at in [0, 50_000, 99_999] {
        let mut spoilt = kept.content.clone();
        spoilt[at] ^= 1;
        std::fs::write(kept.file(), &spoilt).unwrap();
        kept.assert_damaged();
    }
    // Putting it again is all that it takes.
    kept.environment.put_blob(&kept.content[..]).unwrap();
    assert_eq!(kept.read_from(0).unwrap(), kept.content);
}

#[tokio::test]
async fn a_truncated_a_grown_and_an_empty_blob_are_not_taken_for_whole() {
    let kept = Kept::new().await;
    for length in [99_999, 64 << 10, 1, 0] {
        std::fs::write(kept.file(), &kept.content[..length]).unwrap();
        kept.assert_damaged();
    }
    std::fs::write(kept.file(), [&kept.content[..], b"more"].concat()).unwrap();
    kept.assert_damaged();
}

#[tokio::test]
async fn the_last_bytes_of_a_damaged_blob_do_not_come() {
    let kept = Kept::new().await;
    let mut spoilt = kept.content.clone();
    spoilt[0] ^= 1;
    std::fs::write(kept.file(), &spoilt).unwrap();
    let mut reader = kept.environment.open_blob(kept.hash).unwrap();
    // Who knows how long it is does not read on to see its end.
    let mut all = vec![0; kept.content.len()];
    assert!(reader.read_exact(&mut all).is_err());
    assert!(reader.read(&mut all).is_err(), "it stays damaged");
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_said_so() {
    let kept = Kept::new().await;
    std::fs::remove_file(kept.file()).unwrap();
    let missing = kept.environment.open_blob(kept.hash).unwrap_err();
    assert!(matches!(missing, EnvironmentError::UnknownBlob { .. }));
    let said = missing.to_string();
    assert!(said.contains(&kept.hash.to_string()), "{said}");
    let exported = kept
        .environment
        .export(FactFilter::default(), std::io::sink());
    assert!(matches!(
        exported,
        Err(EnvironmentError::UnknownBlob { .. })
    ));
}

#[tokio::test]
async fn whoever_looks_at_the_beginning_first_is_told_all_the_same() {
    let kept = Kept::new().await;
    let mut reader = kept.environment.open_blob(kept.hash).unwrap();
    let mut head = [0; 10];
    reader.read_exact(&mut head).unwrap();
    assert_eq!(reader.stream_position().unwrap(), 10);
    reader.rewind().unwrap();
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(all, kept.content);
    let mut spoilt = kept.content.clone();
    spoilt[70_000] ^= 1;
    std::fs::write(kept.file(), &spoilt).unwrap();
    let mut reader = kept.environment.open_blob(kept.hash).unwrap();
    reader.read_exact(&mut head).unwrap();
    reader.rewind().unwrap();
    assert!(reader.read_to_end(&mut all).is_err());
    // A part is a part.
    assert_eq!(kept.read_from(70_001).unwrap(), kept.content[70_001..]);
}
