//! The pages of an ogg file (RFC 3533), of which each counts the samples up to its end.
//!
//! Of a stream in one page, symphonia 0.6 adds that count to what is left out at the beginning, and
//! refuses a file where the sum is too large. A negative count is such a one. It is read as so many
//! samples that nothing of the page is padding.

use std::io::{Read, Seek, SeekFrom};

use super::corrections::Corrections;
use super::edits::MAX_BOXES;

/// The head of a page up to its table of segments.
const HEAD: usize = 27;
/// Where a page says what kind it is, how many samples end with it, its checksum, and its number of
/// segments.
const KIND: usize = 5;
const COUNT: usize = 6;
const CHECKSUM: usize = 22;
const SEGMENTS: usize = 26;
/// The last page of a stream.
const IS_LAST: u8 = 4;
/// A count beyond this one is none.
const MAX_COUNT: i64 = 1 << 62;
/// What is read instead: longer than any recording.
const ENDLESS: i64 = 1 << 40;

/// Corrects the counts of last pages. What is no ogg file stays as it is. The source is then at its
/// start.
pub(super) fn correct(source: &mut (impl Read + Seek), start: u64, corrections: &mut Corrections) {
    let mut at = start;
    for _ in 0..MAX_BOXES {
        let Some(page) = read_page(source, at) else {
            break;
        };
        let length = page.len() as u64;
        if let Some(corrected) = corrected(page) {
            corrections.put(at + COUNT as u64, &corrected.count);
            corrections.put(at + CHECKSUM as u64, &corrected.checksum);
        }
        at += length;
    }
    // Whoever reads on seeks first, and is told of an error then.
    let _ = source.seek(SeekFrom::Start(0));
}

/// The page at a position, which takes 65,307 bytes at most.
fn read_page(source: &mut (impl Read + Seek), at: u64) -> Option<Vec<u8>> {
    let mut page = vec![0; HEAD];
    source.seek(SeekFrom::Start(at)).ok()?;
    source.read_exact(&mut page).ok()?;
    if !page.starts_with(b"OggS") {
        return None;
    }
    let segments = usize::from(page[SEGMENTS]);
    page.resize(HEAD + segments, 0);
    source.read_exact(&mut page[HEAD..]).ok()?;
    let body: usize = page[HEAD..].iter().copied().map(usize::from).sum();
    page.resize(HEAD + segments + body, 0);
    source.read_exact(&mut page[HEAD + segments..]).ok()?;
    Some(page)
}

/// What is read in the place of two numbers of a page.
struct Corrected {
    count: [u8; 8],
    checksum: [u8; 4],
}

/// None for a page that may stay as it is, and for one that is damaged.
fn corrected(mut page: Vec<u8>) -> Option<Corrected> {
    let segments = page.get(HEAD..HEAD + usize::from(page[SEGMENTS]))?;
    let ends_a_packet = segments.iter().any(|segment| *segment < u8::MAX);
    let count = i64::from_le_bytes(page.get(COUNT..COUNT + 8)?.try_into().ok()?);
    if page[KIND] & IS_LAST == 0 || !ends_a_packet || (0..=MAX_COUNT).contains(&count) {
        return None;
    }
    let said = page.get(CHECKSUM..CHECKSUM + 4)?.to_vec();
    page[CHECKSUM..CHECKSUM + 4].fill(0);
    if checksum(&page).to_le_bytes() != said[..] {
        return None;
    }
    let count = ENDLESS.to_le_bytes();
    page[COUNT..COUNT + 8].copy_from_slice(&count);
    Some(Corrected {
        count,
        checksum: checksum(&page).to_le_bytes(),
    })
}

/// The checksum of a page in which it is zero.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}
