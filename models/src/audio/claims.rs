//! What the head of a file claims, beside what the file bears out.

use std::io::{Read, Seek, SeekFrom};

use super::edits::{MAX_BOXES, number};

/// Whether a file has all the bytes that its head claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The head says nothing of bytes.
    Unknown,
    /// They are there.
    Complete,
    /// There should be more.
    Truncated,
}

/// The bytes of an mp3 file in which its tag is looked for.
const LOOKED_AT: u64 = 4_096;
/// Where the tag of each kind may lie behind the beginning of its frame: behind the header and what
/// follows it, whose size is by version and channels.
const PLACES: [(&[u8; 4], &[usize]); 3] = [
    (b"Xing", &[13, 21, 36]),
    (b"Info", &[13, 21, 36]),
    (b"VBRI", &[36]),
];

/// Whether an mp3 file that begins at `start` has the bytes that its tag counts.
///
/// Of a tag that counts frames alone, nobody knows whether it lies or the file broke off.
pub(super) fn of_mp3(source: &mut (impl Read + Seek), start: u64) -> Extent {
    match tagged_end(source, start) {
        Some(end)
            if source
                .seek(SeekFrom::End(0))
                .is_ok_and(|length| end <= length) =>
        {
            Extent::Complete
        }
        _ => Extent::Unknown,
    }
}

/// Where an mp3 file ends by its tag.
fn tagged_end(source: &mut (impl Read + Seek), start: u64) -> Option<u64> {
    let mut bytes = Vec::new();
    source.seek(SeekFrom::Start(start)).ok()?;
    source.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    let word = |at: usize| {
        let word = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(word.try_into().ok()?))
    };
    let (tag, frame) = bytes.windows(4).enumerate().find_map(|(tag, name)| {
        let (_, places) = PLACES.iter().find(|(known, _)| *known == name)?;
        let is_frame = |frame: &usize| {
            bytes.get(*frame) == Some(&0xff)
                && bytes.get(frame + 1).is_some_and(|byte| *byte >= 0xe0)
        };
        let mut frames = places.iter().filter_map(|place| tag.checked_sub(*place));
        Some((tag, frames.find(is_frame)?))
    })?;
    let counted = match bytes.get(tag..tag + 4)? {
        b"VBRI" => word(tag + 10)?,
        _ => {
            let says = word(tag + 4)?;
            // Frames come first, if it counts them.
            match (says & 1, says & 2) {
                (_, 0) => return None,
                (frames, _) => word(tag + 8 + 4 * frames as usize)?,
            }
        }
    };
    Some(start + frame as u64 + u64::from(counted))
}

/// Where the frames of a flac file begin: behind its tags and pictures.
pub(super) fn flac_frames(source: &mut (impl Read + Seek), start: u64) -> Option<u64> {
    let length = source.seek(SeekFrom::End(0)).ok()?;
    if number(source, start, length, 4)? != u64::from(u32::from_be_bytes(*b"fLaC")) {
        return None;
    }
    let mut at = start + 4;
    for _ in 0..MAX_BOXES {
        let block = number(source, at, length, 4)?;
        at += 4 + (block & 0xff_ffff);
        if block >> 31 == 1 {
            return Some(at);
        }
    }
    None
}
