//! A simulated disk: what was written and not forced to it may be there, missing, or torn when power is lost.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use redb::StorageBackend;

use super::*;
use crate::media::MediaFile;

const SECTOR: u64 = 512;

/// A file of the simulated disk.
#[derive(Debug, Default)]
pub(super) struct SimulatedFile {
    pub(super) state: Mutex<FileState>,
    pub(super) failing: AtomicBool,
    /// Only forcing fails.
    pub(super) failing_syncs: AtomicBool,
    pub(super) failed_syncs: AtomicU64,
}

#[derive(Debug, Default, Clone)]
pub(super) struct FileState {
    /// What programs read.
    pub(super) current: Vec<u8>,
    /// What is surely on the disk.
    pub(super) durable: Vec<u8>,
    /// What came after, piece by piece.
    pub(super) pending: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

fn change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length as usize, 0),
        Change::Write { at, bytes: new } => {
            let end = *at as usize + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at as usize..end].copy_from_slice(new);
        }
    }
}

impl SimulatedFile {
    fn check(&self) -> io::Result<()> {
        match self.failing.load(Ordering::Relaxed) {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }

    fn note(&self, new: Change) -> io::Result<()> {
        self.check()?;
        let mut state = self.state.lock();
        change(&mut state.current, &new);
        state.pending.push(new);
        Ok(())
    }

    /// The file after the power came back: of what was pending, each sector is there or not, in no order.
    fn after_power_loss(&self, random: &mut StdRng) -> Vec<u8> {
        let state = self.state.lock();
        let mut bytes = state.durable.clone();
        let kept = random.random_range(0.0..1.0);
        for pending in &state.pending {
            match pending {
                Change::Length(_) if random.random_bool(kept) => change(&mut bytes, pending),
                Change::Length(_) => {}
                Change::Write { at, bytes: new } => {
                    let mut from = *at;
                    while from < at + new.len() as u64 {
                        let to = ((from / SECTOR + 1) * SECTOR).min(at + new.len() as u64);
                        let sector = new[(from - at) as usize..(to - at) as usize].to_vec();
                        if random.random_bool(kept) {
                            change(
                                &mut bytes,
                                &Change::Write {
                                    at: from,
                                    bytes: sector,
                                },
                            );
                        }
                        from = to;
                    }
                }
            }
        }
        bytes
    }

    pub(super) fn holding(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(FileState {
                current: bytes.clone(),
                durable: bytes,
                pending: Vec::new(),
            }),
            ..Self::default()
        })
    }
}

impl StorageBackend for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock();
        let from = offset as usize;
        let found = state.current.get(from..from + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.note(Change::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        if self.failing_syncs.load(Ordering::Relaxed) {
            self.failed_syncs.fetch_add(1, Ordering::Relaxed);
            // What an operating system could not write it takes for written from then on.
            self.state.lock().pending.clear();
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let mut state = self.state.lock();
        let FileState {
            durable, pending, ..
        } = &mut *state;
        pending.drain(..).for_each(|new| change(durable, &new));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.note(Change::Write {
            at: offset,
            bytes: data.to_vec(),
        })
    }
}

/// A disk with the two files of one store.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) tables: Arc<SimulatedFile>,
    pub(super) journal: Arc<SimulatedFile>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self::holding(Vec::new(), Vec::new())
    }

    pub(super) fn holding(tables: Vec<u8>, journal: Vec<u8>) -> Self {
        Self {
            tables: SimulatedFile::holding(tables),
            journal: SimulatedFile::holding(journal),
        }
    }

    pub(super) fn open(
        &self,
        options: &EnvironmentOptions,
    ) -> Result<Environment, EnvironmentError> {
        let media = Box::new(self.clone());
        let place = PathBuf::from("simulated");
        Environment::start(media, place, Blobs::in_memory(), options.clone(), None)
    }

    pub(super) fn lose_power(&self, random: &mut StdRng) -> Self {
        let tables = self.tables.after_power_loss(random);
        Self::holding(tables, self.journal.after_power_loss(random))
    }

    /// What a killed process leaves: all that it wrote.
    pub(super) fn kill(&self) -> Self {
        let bytes = |file: &SimulatedFile| file.state.lock().current.clone();
        Self::holding(bytes(&self.tables), bytes(&self.journal))
    }
}

impl Media for Disk {
    fn tables(&self) -> io::Result<MediaFile> {
        Ok(MediaFile(Arc::clone(&self.tables) as _))
    }

    fn journal(&self) -> io::Result<Option<MediaFile>> {
        Ok(Some(MediaFile(Arc::clone(&self.journal) as _)))
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}
