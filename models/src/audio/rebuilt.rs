//! A file that begins with another head than the one on disk.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use symphonia::core::io::MediaSource;

use super::riff::Sound;

/// A head, and behind it a part of a file.
pub(super) struct Rebuilt<S> {
    inner: S,
    head: Vec<u8>,
    part: Range<u64>,
    at: u64,
}

impl<S: MediaSource> Rebuilt<S> {
    pub(super) fn new(inner: S, sound: Sound) -> Self {
        Self {
            inner,
            head: sound.head,
            part: sound.samples,
            at: 0,
        }
    }

    fn length(&self) -> u64 {
        self.head.len() as u64 + (self.part.end - self.part.start)
    }
}

impl<S: MediaSource> Read for Rebuilt<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = self.head.len() as u64;
        let read = match self.at.checked_sub(head) {
            None => {
                let mut rest = self.head.get(self.at as usize..).unwrap_or_default();
                rest.read(buffer)?
            }
            Some(behind) => {
                self.inner.seek(SeekFrom::Start(self.part.start + behind))?;
                let left = self.length().saturating_sub(self.at);
                self.inner.by_ref().take(left).read(buffer)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl<S: MediaSource> Seek for Rebuilt<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

impl<S: MediaSource> MediaSource for Rebuilt<S> {
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length())
    }
}
