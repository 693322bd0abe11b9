//! The bytes of a recording, with a bound on how many are read for one step.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

use super::corrections::Corrections;

/// The most bytes that a header, with its tables and pictures, or one packet may take. Both are held in memory, and a file can claim any
/// size for them. The tables of a day of AAC take 20 MB.
pub(super) const STEP_BYTES: u64 = 64 << 20;

/// What may still be read in this step. Shared between the source, which symphonia owns, and the decoder.
#[derive(Clone, Default)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// Begins a step.
    pub(super) fn renew(&self) {
        self.0.store(STEP_BYTES, Ordering::Relaxed);
    }
}

/// A source that refuses to be read beyond its allowance. Skipping costs nothing.
pub(super) struct Source<S> {
    inner: S,
    at: u64,
    allowance: Allowance,
    corrections: Corrections,
}

impl<S: MediaSource> Source<S> {
    /// A source that is not read before it was sought in.
    pub(super) fn new(inner: S, allowance: Allowance, corrections: Corrections) -> Self {
        Self {
            inner,
            at: 0,
            allowance,
            corrections,
        }
    }
}

impl<S: MediaSource> Read for Source<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.allowance.0.load(Ordering::Relaxed);
        let Some(left) = left.checked_sub(read as u64) else {
            return Err(io::Error::other(format!(
                "one header or packet takes more than {} MiB",
                STEP_BYTES >> 20
            )));
        };
        self.allowance.0.store(left, Ordering::Relaxed);
        let read_bytes = buffer.get_mut(..read).unwrap_or_default();
        self.corrections.apply(self.at, read_bytes);
        self.at += read as u64;
        Ok(read)
    }
}

impl<S: MediaSource> Seek for Source<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

impl<S: MediaSource> MediaSource for Source<S> {
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.inner.byte_len()
    }
}
