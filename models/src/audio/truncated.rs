//! Where an mp4 file broke off.
//!
//! A download that ended early has its index (`moov`), if that lies in front, and a part of the
//! samples (`mdat`). symphonia 0.6 passes over a box that reaches beyond the end of the file, and
//! then finds no samples at all. A length of 0, which means "to the end of the file" (ISO/IEC
//! 14496-12, 4.2), makes it read what is there.

use std::io::{Read, Seek, SeekFrom};

use super::edits::{MAX_BOXES, number};

/// The position of a box of samples that reaches beyond the end of the file, after the index. The
/// source is then at its start.
pub(super) fn find(source: &mut (impl Read + Seek)) -> Option<u64> {
    let found = walk(source);
    source.seek(SeekFrom::Start(0)).ok()?;
    found
}

fn walk(source: &mut (impl Read + Seek)) -> Option<u64> {
    let length = source.seek(SeekFrom::End(0)).ok()?;
    let (mut at, mut indexed) = (0, false);
    for _ in 0..MAX_BOXES {
        let size = match number(source, at, length, 4)? {
            1 => number(source, at + 8, length, 8)?,
            size => size,
        };
        let name = number(source, at + 4, length, 4)?;
        let is = |known: &[u8; 4]| name == u64::from(u32::from_be_bytes(*known));
        let next = at.checked_add(size)?;
        if size < 8 || (at == 0 && !is(b"ftyp")) {
            return None;
        }
        if next > length {
            return (indexed && is(b"mdat")).then_some(at);
        }
        indexed = indexed || is(b"moov");
        at = next;
    }
    None
}
