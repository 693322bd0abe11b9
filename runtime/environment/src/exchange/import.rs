//! The reading side of an exchange: once to check, once to append.

use std::collections::HashMap;

use super::{Imported, Line, Piece, from_hex, refused};
use crate::blobs::{Blob, Upload};
use crate::environment::Environment;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact};
use crate::ids::Revision;
use crate::queue::block_on;
use crate::records::EpisodeStatus;
use crate::writer::Command;

/// Facts are imported in groups of this many.
const GROUP: usize = 256;

/// The first reading: is every line what it should be?
#[derive(Default)]
pub(super) struct Check {
    open: Option<(BlobHash, blake3::Hasher, u64)>,
    lines: u64,
}

impl Check {
    pub(super) fn line(&mut self, number: u64, line: Line) -> Result<(), EnvironmentError> {
        self.lines = number;
        let Line::Blob(piece) = line else {
            return match &self.open {
                Some((hash, ..)) => Err(refused(number, format!("the blob {hash} has no end"))),
                None => Ok(()),
            };
        };
        let bytes = from_hex(&piece.bytes)
            .ok_or_else(|| refused(number, "expected hexadecimal digits".to_owned()))?;
        let fresh = || (piece.hash, blake3::Hasher::new(), 0);
        let (hash, mut hasher, at) = self.open.take().unwrap_or_else(fresh);
        if hash != piece.hash || at != piece.at {
            let message = format!("expected byte {at} of the blob {hash}, got another piece");
            return Err(refused(number, message));
        }
        hasher.update(&bytes);
        if !piece.last {
            self.open = Some((hash, hasher, at + bytes.len() as u64));
        } else if hasher.finalize().as_bytes() != &hash.0 {
            return Err(refused(
                number,
                format!("the blob {hash} holds other bytes than its name says"),
            ));
        }
        Ok(())
    }

    pub(super) fn end(&self) -> Result<(), EnvironmentError> {
        match &self.open {
            Some((hash, ..)) => Err(refused(self.lines, format!("the blob {hash} has no end"))),
            None => Ok(()),
        }
    }
}

/// The second reading: everything is appended.
pub(super) struct Import<'a> {
    environment: &'a Environment,
    episodes: Vec<EpisodeStatus>,
    facts: Vec<Fact>,
    /// Blobs whose facts have not come yet, held so that they are not swept.
    blobs: Vec<Blob>,
    open: Option<Upload>,
    renumbered: HashMap<Revision, Revision>,
    pub(super) imported: Imported,
}

impl<'a> Import<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            episodes: Vec::new(),
            facts: Vec::new(),
            blobs: Vec::new(),
            open: None,
            renumbered: HashMap::new(),
            imported: Imported::default(),
        }
    }

    pub(super) fn line(&mut self, number: u64, line: Line) -> Result<(), EnvironmentError> {
        match line {
            Line::Episode(status) => self.episodes.push(status),
            Line::Fact(fact) => {
                let named = [fact.provenance.cause, fact.supersedes];
                if self
                    .facts
                    .iter()
                    .any(|earlier| named.contains(&Some(earlier.revision)))
                {
                    // What it names needs its new number first.
                    self.flush()?;
                }
                self.facts.push(*fact);
            }
            Line::Blob(piece) => self.piece(number, &piece)?,
        }
        if self.facts.len() >= GROUP {
            self.flush()?;
        }
        Ok(())
    }

    fn piece(&mut self, number: u64, piece: &Piece) -> Result<(), EnvironmentError> {
        let bytes = from_hex(&piece.bytes)
            .ok_or_else(|| refused(number, "expected hexadecimal digits".to_owned()))?;
        let mut upload = match self.open.take() {
            Some(upload) => upload,
            None => {
                let shared = &self.environment.shared;
                Upload::begin(&shared.blobs, shared.options.max_blob_bytes)?
            }
        };
        upload.write(&bytes)?;
        if piece.last {
            self.blobs.push(upload.finish()?);
            self.imported.blobs += 1;
        } else {
            self.open = Some(upload);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), EnvironmentError> {
        let mut facts = std::mem::take(&mut self.facts);
        let before: Vec<Revision> = facts.iter().map(|fact| fact.revision).collect();
        for fact in &mut facts {
            // A cause that was not exported means nothing here.
            let cause = fact.provenance.cause;
            let renumbered = |revision| self.renumbered.get(&revision).copied();
            fact.provenance.cause = cause.and_then(renumbered);
            fact.supersedes = fact.supersedes.and_then(renumbered);
        }
        let episodes = std::mem::take(&mut self.episodes);
        let import = self.environment.ask(|reply| Command::Import {
            episodes,
            facts,
            reply,
        });
        let after = block_on(import)?;
        self.imported.facts += after.len() as u64;
        self.renumbered.extend(before.into_iter().zip(after));
        // Facts refer to them now, all but those that an interrupted export left without one.
        self.blobs.clear();
        Ok(())
    }
}
