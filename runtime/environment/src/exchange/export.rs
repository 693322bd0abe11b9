//! The writing side of an exchange.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Line, PIECE, Piece, to_hex, unwritable};
use crate::environment::Environment;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact};
use crate::ids::EpisodeId;
use crate::snapshot::Snapshot;
use crate::tables::encode;

/// An export under way: which blobs and episodes it has written already.
pub(super) struct Export<'a, W> {
    pub(super) environment: &'a Environment,
    pub(super) snapshot: Snapshot,
    pub(super) into: W,
    pub(super) blobs: HashSet<BlobHash>,
    pub(super) episodes: HashSet<EpisodeId>,
}

impl<W: Write> Export<'_, W> {
    pub(super) fn fact(&mut self, fact: Fact) -> Result<(), EnvironmentError> {
        if let Some(episode) = fact.episode
            && self.episodes.insert(episode)
            && let Some(mut status) = self.snapshot.episode(episode)?
        {
            // Its tasks stay here, so whoever imports it waits for none of them.
            (status.outstanding, status.pending_reactions, status.done) = (0, 0, true);
            self.line(&Line::Episode(status))?;
        }
        for hash in &fact.blobs {
            if self.blobs.insert(*hash) {
                self.blob(*hash)?;
            }
        }
        self.line(&Line::Fact(Box::new(fact)))
    }

    fn blob(&mut self, hash: BlobHash) -> Result<(), EnvironmentError> {
        let mut reader = self.environment.open_blob(hash)?;
        let mut at = 0;
        loop {
            let mut bytes = Vec::with_capacity(PIECE);
            let read = reader
                .by_ref()
                .take(PIECE as u64)
                .read_to_end(&mut bytes)
                .map_err(unreadable_blob)?;
            let last = read < PIECE;
            self.line(&Line::Blob(Piece {
                hash,
                at,
                bytes: to_hex(&bytes),
                last,
            }))?;
            at += read as u64;
            if last {
                return Ok(());
            }
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), EnvironmentError> {
        let mut text = encode(line)?;
        text.push(b'\n');
        self.into.write_all(&text).map_err(unwritable)
    }
}

/// A damaged blob says so itself.
fn unreadable_blob(error: io::Error) -> EnvironmentError {
    let other = |error| EnvironmentError::files("read", Path::new("a blob"), error);
    error.downcast::<EnvironmentError>().unwrap_or_else(other)
}
