//! Export and import as JSON Lines: each line is an episode, a piece of a blob, or a fact, and blobs come before the facts
//! that name them.

mod export;
mod import;

use std::io::{BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::EnvironmentError;
use crate::fact::{BlobHash, Fact};
use crate::records::EpisodeStatus;
use crate::snapshot::{FactFilter, Superseded};
use export::Export;
use import::{Check, Import};

/// A piece of a blob is this long before it is spelled in hexadecimal digits.
const PIECE: usize = 32 << 10;
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
    Fact(Box<Fact>),
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
    /// [`EnvironmentError::Files`] when `into` cannot be written; [`EnvironmentError::Store`], [`EnvironmentError::UnknownBlob`],
    /// [`EnvironmentError::DamagedBlob`].
    pub fn export(&self, filter: FactFilter, into: impl Write) -> Result<u64, EnvironmentError> {
        let mut export = Export {
            environment: self,
            snapshot: self.snapshot()?,
            into,
            blobs: Default::default(),
            episodes: Default::default(),
        };
        let mut count = 0;
        let filter = FactFilter {
            // What is exported is history, and all of it.
            superseded: Superseded::Included,
            ..filter
        };
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
