//! Tar archives, as npm, Debian and Python's source distributions have them: ustar, with the long names of GNU and of pax.
//!
//! A reader of our own: that of the crate `tar` takes a long name into memory whatever its length.

use std::io::{self, Read};

use super::{Kind, Members, read_up_to};
use crate::ModelError;

const BLOCK: usize = 512;
/// Bytes of a long name, or of what pax says of one member.
const MAX_EXTENSION: u64 = 1 << 16;
/// Members that an archive may have.
const MAX_MEMBERS: usize = 1_000_000;

/// What stands before a member.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

/// What pax or GNU say of the member that comes next.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Takes the members out, and ends with the last one that is wanted.
pub(super) fn take(mut archive: impl Read, wanted: &mut Members) -> Result<(), ModelError> {
    let mut extension = Extension::default();
    for _ in 0..MAX_MEMBERS {
        if wanted.missing.is_empty() {
            return Ok(());
        }
        let header = header(&mut archive).map_err(|error| wanted.unreadable(error))?;
        let Some(mut header) = header else {
            return Ok(());
        };
        if matches!(header.kind, b'L' | b'x') {
            let said = text(&mut archive, header.size).map_err(|error| wanted.unreadable(error))?;
            match header.kind {
                b'L' => extension.name = Some(until_zero(&said).to_vec()),
                _ => extension.read(&said),
            }
            continue;
        }
        let Extension { name, size } = std::mem::take(&mut extension);
        header.name = name.unwrap_or(header.name);
        header.size = size.unwrap_or(header.size);
        let name = String::from_utf8_lossy(&header.name);
        let name = name.strip_prefix("./").unwrap_or(&name);
        let kind = match header.kind {
            b'0' | 0 | b'7' => Kind::Plain,
            _ => Kind::Other,
        };
        let mut content = archive.by_ref().take(header.size);
        wanted.take(name, kind, header.size, &mut content)?;
        let left = content.limit();
        skip(&mut archive, left, header.size).map_err(|error| wanted.unreadable(error))?;
    }
    Err(wanted.malformed(&format!("more than {MAX_MEMBERS} members")))
}

/// The next header; none at the end.
fn header(archive: &mut impl Read) -> io::Result<Option<Header>> {
    let mut block = [0; BLOCK];
    match read_up_to(archive, &mut block)? {
        // Some writers leave out the blocks of zeros at the end.
        0 => return Ok(None),
        BLOCK => {}
        length => {
            return Err(io::Error::other(format!(
                "it ends in a header, after {length} bytes"
            )));
        }
    }
    if block == [0; BLOCK] {
        return Ok(None);
    }
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    if number(&block[148..156]) != Some(sum - own + 8 * u64::from(b' ')) {
        return Err(io::Error::other("a header whose sum is wrong"));
    }
    let size = number(&block[124..136]);
    let size = size.ok_or_else(|| io::Error::other("a header without a size"))?;
    let mut name = until_zero(&block[..100]).to_vec();
    let prefix = until_zero(&block[345..500]);
    if block[257..].starts_with(b"ustar\0") && !prefix.is_empty() {
        name = [prefix, b"/", &name].concat();
    }
    Ok(Some(Header {
        name,
        size,
        kind: block[156],
    }))
}

/// A number in octal digits, or of 64 bits where it is too large for them.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
        return (high.iter().all(|byte| *byte == 0)).then(|| {
            low.iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        });
    }
    let digits = std::str::from_utf8(until_zero(field)).ok()?.trim();
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(digits, 8).ok()
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What is said of the next member.
fn text(archive: &mut impl Read, size: u64) -> io::Result<Vec<u8>> {
    if size > MAX_EXTENSION {
        return Err(io::Error::other(format!("a name of {size} bytes")));
    }
    let mut said = Vec::new();
    let mut content = archive.by_ref().take(size);
    content.read_to_end(&mut said)?;
    let left = content.limit();
    skip(archive, left, size)?;
    Ok(said)
}

/// Goes over what is left of a member, up to the next block.
fn skip(archive: &mut impl Read, left: u64, size: u64) -> io::Result<()> {
    let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    let expected = left.saturating_add(padding);
    match io::copy(&mut archive.by_ref().take(expected), &mut io::sink())? {
        skipped if skipped == expected => Ok(()),
        _ => Err(io::Error::other("it ends in a member")),
    }
}

impl Extension {
    /// Reads `LENGTH KEY=VALUE` lines. What cannot be read says nothing.
    fn read(&mut self, said: &[u8]) {
        let mut rest = said;
        while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
            let length = std::str::from_utf8(&rest[..space]).ok();
            let length = length.and_then(|length| length.parse::<usize>().ok());
            let Some(line) = length.and_then(|length| rest.get(space + 1..length)) else {
                return;
            };
            rest = &rest[space + 1 + line.len()..];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if let Some(name) = line.strip_prefix(b"path=") {
                self.name = Some(name.to_vec());
            }
            if let Some(size) = line.strip_prefix(b"size=") {
                let size = std::str::from_utf8(size).ok();
                self.size = size.and_then(|size| size.parse().ok());
            }
        }
    }
}
