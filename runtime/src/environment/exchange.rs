//! Export and import as JSON Lines: each line is an episode, a piece of a blob, or a fact, and blobs come before the facts
//! that name them.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::blobs::{Blob, Upload};
use super::error::EnvironmentError;
use super::queue::block_on;
use super::records::EpisodeStatus;
use super::snapshot::{FactFilter, Snapshot};
use super::writer::Command;
use crate::fact::{BlobHash, Fact};
use crate::ids::{EpisodeId, Revision};

/// A piece of a blob is this long before it is spelled in hexadecimal digits.
const PIECE: usize = 32 << 10;
/// Facts are imported in groups of this many.
const GROUP: usize = 256;
/// A line may be longer than the largest fact by this much: its provenance, its blobs, and JSON's own signs.
const LINE_OVERHEAD: u64 = 64 << 10;

/// What an import brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many facts.
    pub facts: u64,
    /// How many blobs.
    pub blobs: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Episode(EpisodeStatus),
    Blob(Piece),
    Fact(Fact),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    hash: BlobHash,
    /// Where in the blob the piece begins.
    at: u64,
    /// The bytes as hexadecimal digits.
    bytes: String,
    /// Whether the blob ends with this piece.
    last: bool,
}

impl Environment {
    /// Writes the facts that fit as JSON Lines, with their episodes and blobs. Gives how many facts. Blocks.
    ///
    /// # Errors
    /// [`EnvironmentError::Files`] when `into` cannot be written; [`EnvironmentError::Store`], [`EnvironmentError::UnknownBlob`].
    pub fn export(&self, filter: FactFilter, into: impl Write) -> Result<u64, EnvironmentError> {
        let mut export = Export {
            environment: self,
            snapshot: self.snapshot()?,
            into,
            blobs: Default::default(),
            episodes: Default::default(),
        };
        let mut count = 0;
        for fact in export.snapshot.facts(filter)? {
            export.fact(fact?)?;
            count += 1;
        }
        export.into.flush().map_err(unwritable)?;
        Ok(count)
    }

    /// Appends what [`Self::export`] wrote, at new revisions in the same order; a cause that was exported too is renumbered. Its
    /// facts are history: they do not count as waiting for reactions, and its episodes are done. All lines are checked
    /// before anything is appended, which is why `from` is read twice. Blocks.
    ///
    /// # Errors
    /// [`EnvironmentError::Import`] with the line that cannot be understood; as [`Self::commit`].
    pub fn import(&self, mut from: impl BufRead + Seek) -> Result<Imported, EnvironmentError> {
        let start = from.stream_position().map_err(unreadable)?;
        let mut check = Check::default();
        self.read_lines(&mut from, |number, line| check.line(number, line))?;
        check.end()?;
        from.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let mut import = Import::new(self);
        self.read_lines(&mut from, |number, line| import.line(number, line))?;
        import.flush()?;
        Ok(import.imported)
    }

    fn read_lines(
        &self,
        from: &mut impl BufRead,
        mut each: impl FnMut(u64, Line) -> Result<(), EnvironmentError>,
    ) -> Result<(), EnvironmentError> {
        let limit = self.shared.options.max_fact_bytes.max(2 * PIECE as u64) + LINE_OVERHEAD;
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            let read = from
                .by_ref()
                .take(limit + 1)
                .read_until(b'\n', &mut bytes)
                .map_err(unreadable)?;
            if read == 0 {
                break;
            }
            if read as u64 > limit {
                let message = format!("expected a line of at most {limit} bytes");
                return Err(refused(number, message));
            }
            let line = serde_json::from_slice(&bytes)
                .map_err(|error| refused(number, format!("expected an exported line: {error}")))?;
            each(number, line)?;
        }
        Ok(())
    }
}

struct Export<'a, W> {
    environment: &'a Environment,
    snapshot: Snapshot,
    into: W,
    blobs: HashSet<BlobHash>,
    episodes: HashSet<EpisodeId>,
}

impl<W: Write> Export<'_, W> {
    fn fact(&mut self, fact: Fact) -> Result<(), EnvironmentError> {
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
        self.line(&Line::Fact(fact))
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
                .map_err(unreadable)?;
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
        let mut text = super::tables::encode(line)?;
        text.push(b'\n');
        self.into.write_all(&text).map_err(unwritable)
    }
}

/// The first reading: is every line what it should be?
#[derive(Default)]
struct Check {
    open: Option<(BlobHash, blake3::Hasher, u64)>,
    lines: u64,
}

impl Check {
    fn line(&mut self, number: u64, line: Line) -> Result<(), EnvironmentError> {
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

    fn end(&self) -> Result<(), EnvironmentError> {
        match &self.open {
            Some((hash, ..)) => Err(refused(self.lines, format!("the blob {hash} has no end"))),
            None => Ok(()),
        }
    }
}

/// The second reading: everything is appended.
struct Import<'a> {
    environment: &'a Environment,
    episodes: Vec<EpisodeStatus>,
    facts: Vec<Fact>,
    /// Blobs whose facts have not come yet, held so that they are not swept.
    blobs: Vec<Blob>,
    open: Option<Upload>,
    renumbered: HashMap<Revision, Revision>,
    imported: Imported,
}

impl<'a> Import<'a> {
    fn new(environment: &'a Environment) -> Self {
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

    fn line(&mut self, number: u64, line: Line) -> Result<(), EnvironmentError> {
        match line {
            Line::Episode(status) => self.episodes.push(status),
            Line::Fact(fact) => {
                let cause = fact.provenance.cause;
                if self
                    .facts
                    .iter()
                    .any(|earlier| Some(earlier.revision) == cause)
                {
                    // The cause needs its new number first.
                    self.flush()?;
                }
                self.facts.push(fact);
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

    fn flush(&mut self) -> Result<(), EnvironmentError> {
        let mut facts = std::mem::take(&mut self.facts);
        let before: Vec<Revision> = facts.iter().map(|fact| fact.revision).collect();
        for fact in &mut facts {
            // A cause that was not exported means nothing here.
            let cause = fact.provenance.cause;
            fact.provenance.cause = cause.and_then(|cause| self.renumbered.get(&cause).copied());
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

fn refused(line: u64, message: String) -> EnvironmentError {
    EnvironmentError::Import { line, message }
}

fn unreadable(error: std::io::Error) -> EnvironmentError {
    EnvironmentError::files("read", Path::new("the import"), error)
}

fn unwritable(error: std::io::Error) -> EnvironmentError {
    EnvironmentError::files("write", Path::new("the export"), error)
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: u8| char::from(character).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8))
        .collect()
}
