//! Where the recording in an mp4 file begins and ends.
//!
//! An AAC encoder puts 1,024 to 2,112 samples before the recording, and fills up the last packet
//! after it. The file says so in the edit list of its track (ISO/IEC 14496-12, 8.6.6), which
//! symphonia 0.6 reads but does not apply.

use std::io::{Read, Seek, SeekFrom};

/// Longer stretches than this, in samples, are no work of an encoder. They are cuts that somebody
/// made in an editor, and are heard.
pub(super) const MAX_GAP: u64 = 8_192;

/// Boxes and tracks that are looked at, at most, so that a file of empty ones costs nothing.
pub(super) const MAX_BOXES: usize = 4_096;

/// The edit list of one track, if it has one entry.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) track: u32,
    /// Where the recording begins, in ticks of the track's clock.
    start: u64,
    /// How long it is, in ticks of the file's clock, and how many of those make a second. 0 where
    /// it is not said.
    duration: u64,
    ticks_per_second: u64,
}

/// What an edit means for the samples of its track.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    /// Samples to drop at the start.
    pub(super) delay: u64,
    /// Where the padding begins, counted from the first sample that is decoded.
    pub(super) end: Option<u64>,
}

impl Edit {
    /// The edit in samples, for a track of `rate` Hz whose ticks last `tick` seconds and that has
    /// `total` samples.
    pub(super) fn in_frames(&self, rate: u32, tick: (u64, u64), total: Option<u64>) -> Gaps {
        let scale = |ticks: u64, numerator: u64, denominator: u64| {
            let frames = u128::from(ticks) * u128::from(numerator) * u128::from(rate)
                / u128::from(denominator.max(1));
            u64::try_from(frames).unwrap_or(u64::MAX)
        };
        let delay = scale(self.start, tick.0, tick.1);
        let delay = if delay <= MAX_GAP { delay } else { 0 };
        let length = scale(self.duration, 1, self.ticks_per_second);
        let end = (length > 0).then(|| delay.saturating_add(length));
        let end =
            end.filter(|&end| total.is_some_and(|total| end <= total && total - end <= MAX_GAP));
        Gaps { delay, end }
    }
}

/// Reads the edit lists of a file, which is left where it was. What is no mp4 file, or a damaged
/// one, has none.
pub(super) fn read(source: &mut (impl Read + Seek)) -> Vec<Edit> {
    let edits = read_boxes(source).unwrap_or_default();
    match source.seek(SeekFrom::Start(0)) {
        Ok(_) => edits,
        Err(_) => Vec::new(),
    }
}

fn read_boxes(source: &mut (impl Read + Seek)) -> Option<Vec<Edit>> {
    let length = source.seek(SeekFrom::End(0)).ok()?;
    let mut boxes = Boxes::default();
    let (first, ..) = boxes.header(source, 0, length)?;
    if &first != b"ftyp" {
        return None;
    }
    let (start, end) = boxes.find(source, 0, length, b"moov")?;
    let (header, header_end) = boxes.find(source, start, end, b"mvhd")?;
    let wide = version(source, header, header_end)? == 1;
    let ticks_per_second = number(source, header + if wide { 20 } else { 12 }, header_end, 4)?;
    let mut edits = Vec::new();
    let mut at = start;
    while let Some((track, track_end)) = boxes.find(source, at, end, b"trak") {
        at = track_end;
        edits.extend(
            read_track(source, &mut boxes, track, track_end).map(|edit| Edit {
                ticks_per_second,
                ..edit
            }),
        );
    }
    Some(edits)
}

fn read_track(
    source: &mut (impl Read + Seek),
    boxes: &mut Boxes,
    start: u64,
    end: u64,
) -> Option<Edit> {
    let (header, header_end) = boxes.find(source, start, end, b"tkhd")?;
    let wide = version(source, header, header_end)? == 1;
    let track = number(source, header + if wide { 20 } else { 12 }, header_end, 4)?;
    let (list, list_end) = boxes.find(source, start, end, b"edts")?;
    let (list, list_end) = boxes.find(source, list, list_end, b"elst")?;
    let wide = version(source, list, list_end)? == 1;
    let size = if wide { 8 } else { 4 };
    if number(source, list + 4, list_end, 4)? != 1 {
        return None;
    }
    let duration = number(source, list + 8, list_end, size)?;
    let start = number(source, list + 8 + size, list_end, size)?;
    // An empty edit, written as -1, has no start.
    let none = if wide { u64::MAX } else { u64::from(u32::MAX) };
    (start != none).then_some(Edit {
        track: track as u32,
        start,
        duration,
        ticks_per_second: 0,
    })
}

/// Walks over boxes: a length, a name, and what is in it.
pub(super) struct Boxes {
    left: usize,
}

impl Default for Boxes {
    fn default() -> Self {
        Self { left: MAX_BOXES }
    }
}

impl Boxes {
    /// The contents of the first box of that name between two positions.
    pub(super) fn find(
        &mut self,
        source: &mut (impl Read + Seek),
        start: u64,
        end: u64,
        name: &[u8; 4],
    ) -> Option<(u64, u64)> {
        let mut at = start;
        loop {
            let (found, contents, next) = self.header(source, at, end)?;
            if &found == name {
                return Some((contents, next));
            }
            at = next;
        }
    }

    /// The name of the box at a position, where its contents begin and where they end.
    pub(super) fn header(
        &mut self,
        source: &mut (impl Read + Seek),
        at: u64,
        end: u64,
    ) -> Option<([u8; 4], u64, u64)> {
        self.left = self.left.checked_sub(1)?;
        let size = number(source, at, end, 4)?;
        let name = u32::try_from(number(source, at + 4, end, 4)?)
            .ok()?
            .to_be_bytes();
        let (head, size) = match size {
            // To the end of what it is in.
            0 => (8, end - at),
            1 => (16, number(source, at + 8, end, 8)?),
            size => (8, size),
        };
        let next = at.checked_add(size)?;
        (size >= head && next <= end).then_some((name, at + head, next))
    }
}

fn version(source: &mut (impl Read + Seek), at: u64, end: u64) -> Option<u64> {
    number(source, at, end, 1)
}

/// The big-endian number of `size` bytes, at most 8, at a position; `None` if it does not lie
/// before `end`.
pub(super) fn number(source: &mut (impl Read + Seek), at: u64, end: u64, size: u64) -> Option<u64> {
    if at.checked_add(size)? > end {
        return None;
    }
    let mut bytes = [0; 8];
    source.seek(SeekFrom::Start(at)).ok()?;
    source
        .read_exact(bytes.get_mut(8 - size as usize..)?)
        .ok()?;
    Some(u64::from_be_bytes(bytes))
}
