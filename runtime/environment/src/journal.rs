//! The journal: what was committed since the tables were last forced to the disk.
//!
//! The engine of the tables writes nothing before it forces everything to the disk, and forcing it for each commit is slow. So
//! each commit is first appended here as one record, which the operating system holds from then on (so it survives the
//! process) and which is forced to the disk as the fsync policy says. A checkpoint makes the tables durable and begins
//! the journal from its start again, over its old bytes, which spares the file system the bookkeeping of a growing file.
//!
//! A record is `magic, sequence, synced, length, payload, hash`. Sequences are contiguous, which tells new records from the old
//! ones beneath. `synced` is the last sequence that was known to be on the disk when the record was written: a
//! record that is missing although a later one vouches for it means damage, not lost power.

use std::io;

use redb::StorageBackend;

use crate::media::MediaFile;

const MAGIC: &[u8; 8] = b"AiMaJnl1";
const HEADER: usize = 8 + 8 + 8 + 4;
const HASH: usize = 16;

/// The journal's open file, and where its next record goes.
#[derive(Debug)]
pub(crate) struct Journal {
    file: MediaFile,
    length: u64,
    end: u64,
    synced: u64,
    appended: u64,
    /// What was appended could not be forced to the disk.
    has_failed: bool,
}

struct Record {
    sequence: u64,
    synced: u64,
    payload: Vec<u8>,
}

/// Why the journal could not be read.
#[derive(Debug)]
pub(crate) enum ReplayError<E> {
    Io(io::Error),
    Damaged(String),
    Apply(E),
}

impl Journal {
    /// Reads the records after `applied`, in order, and leaves the journal ready for the next one.
    pub(crate) fn replay<E>(
        file: MediaFile,
        applied: u64,
        mut apply: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Self, ReplayError<E>> {
        let length = file.len().map_err(ReplayError::Io)?;
        let mut last = None;
        let mut end = 0;
        while let Some(record) = read_record(&file, end, length).map_err(ReplayError::Io)? {
            let expected = last.map_or(record.sequence, |last: u64| last + 1);
            if record.sequence != expected {
                break;
            }
            if record.sequence > applied {
                if last.is_none() && record.sequence != applied + 1 {
                    return Err(ReplayError::Damaged(format!(
                        "the tables end at commit {applied}, the journal begins at commit {}",
                        record.sequence
                    )));
                }
                apply(record.sequence, &record.payload).map_err(ReplayError::Apply)?;
            }
            last = Some(record.sequence);
            end += (HEADER + record.payload.len() + HASH) as u64;
        }
        let last = last.unwrap_or(applied).max(applied);
        if let Some(later_synced) =
            find_later_synced(&file, end, length, last).map_err(ReplayError::Io)?
        {
            return Err(ReplayError::Damaged(format!(
                "commit {} is missing from the journal, although commit {later_synced} is there",
                last + 1
            )));
        }
        Ok(Self {
            file,
            length,
            end,
            synced: 0,
            appended: last,
            has_failed: false,
        })
    }

    /// How many bytes the records take.
    pub(crate) fn bytes(&self) -> u64 {
        self.end
    }

    /// Hands one record to the operating system. After an error the journal is as it was.
    pub(crate) fn append(&mut self, sequence: u64, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len())
            .map_err(|_| io::Error::other("a commit of more than 4 GiB"))?;
        let mut record = Vec::with_capacity(HEADER + payload.len() + HASH);
        record.extend_from_slice(MAGIC);
        record.extend_from_slice(&sequence.to_le_bytes());
        record.extend_from_slice(&self.synced.to_le_bytes());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(payload);
        let hash = blake3::hash(&record);
        record.extend_from_slice(&hash.as_bytes()[..HASH]);
        let end = self.end + record.len() as u64;
        if end > self.length {
            self.file.set_len(end)?;
            self.length = end;
        }
        self.file.write(self.end, &record)?;
        self.end = end;
        self.appended = sequence;
        Ok(())
    }

    /// Whether something was appended that is not known to be on the disk.
    pub(crate) fn is_dirty(&self) -> bool {
        self.synced < self.appended
    }

    /// Forces what was appended to the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file
            .sync_data()
            .inspect_err(|_| self.has_failed = true)?;
        self.synced = self.appended;
        Ok(())
    }

    /// Whether what was appended could not be forced to the disk. Another try may pass over it, since the operating system takes it for
    /// written: only the tables can be forced in its place.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Takes the last record back, whose bytes begin at `end`.
    pub(crate) fn truncate_last(&mut self, end: u64) -> io::Result<()> {
        self.end = end;
        self.appended -= 1;
        self.file.write(end, &[0; MAGIC.len()])?;
        self.file.sync_data()
    }

    /// Begins from the start again, once the tables hold everything durably.
    pub(crate) fn rewind(&mut self) {
        self.end = 0;
        self.synced = self.appended;
        self.has_failed = false;
    }

    /// Begins from the start again, and gives the old bytes back to the disk.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.rewind();
        self.file.set_len(0)?;
        self.length = 0;
        self.file.sync_data()
    }
}

fn read_record(file: &MediaFile, at: u64, length: u64) -> io::Result<Option<Record>> {
    let room = length.saturating_sub(at);
    if room < (HEADER + HASH) as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER];
    file.read(at, &mut header)?;
    if &header[..8] != MAGIC {
        return Ok(None);
    }
    let number = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&header[from..from + 8]);
        u64::from_le_bytes(bytes)
    };
    let payload = u32::from_le_bytes([header[24], header[25], header[26], header[27]]) as usize;
    // The length is checked against the file before anything is allocated for it.
    if (HEADER + payload + HASH) as u64 > room {
        return Ok(None);
    }
    let mut rest = vec![0; payload + HASH];
    file.read(at + HEADER as u64, &mut rest)?;
    let hash = rest.split_off(payload);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&header).update(&rest);
    if hasher.finalize().as_bytes()[..HASH] != hash[..] {
        return Ok(None);
    }
    Ok(Some(Record {
        sequence: number(8),
        synced: number(16),
        payload: rest,
    }))
}

/// A record anywhere behind `from` that says that the record after `last` was on the disk.
fn find_later_synced(
    file: &MediaFile,
    from: u64,
    length: u64,
    last: u64,
) -> io::Result<Option<u64>> {
    const WINDOW: u64 = 64 << 10;
    let mut start = from;
    while start + (HEADER + HASH) as u64 <= length {
        let mut window = vec![0; WINDOW.min(length - start) as usize];
        file.read(start, &mut window)?;
        for at in 0..window.len().saturating_sub(MAGIC.len() - 1) {
            if !window[at..].starts_with(MAGIC) {
                continue;
            }
            let record = read_record(file, start + at as u64, length)?;
            if let Some(record) = record
                && record.sequence > last
                && record.synced > last
            {
                return Ok(Some(record.sequence));
            }
        }
        start += (window.len() - (MAGIC.len() - 1)) as u64;
    }
    Ok(None)
}
