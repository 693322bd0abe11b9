//! Where the sound lies in a wav or aiff file, whatever its lengths say.
//!
//! Whoever writes to a pipe cannot go back, and leaves in front what it took for the length:
//! nothing, or as much as fits. Editors and loggers that were killed do the same, and tags are
//! often longer than they say. So no length is believed that the file itself does not bear out: the
//! sound is looked for, and symphonia is shown a file of a plain head and that sound. ffmpeg and
//! sox hear such files in the same way.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::claims::Extent;

/// Chunks that are looked at, at most.
const MAX_CHUNKS: usize = 4_096;
/// The longest description of samples that is read.
const MAX_FORMAT_BYTES: u64 = 64;
/// So far behind the description the sound is searched for where the lengths in between lead
/// nowhere.
const SEARCHED: u64 = 1 << 20;
/// Lengths by which writers say that they do not know, heads included: sox takes `0x7f000000` or
/// `0x7ffff000`, others `0x7fffffff` or `0xffffffff`, less a head or not.
const MADE_UP: [Range<u64>; 2] = [0x7f00_0000..0x8000_1000, 0xffff_0000..0x1_0000_1000];
/// Chunks that are told from samples by their names.
const NAMES: [&[u8; 4]; 17] = [
    b"data", b"fmt ", b"fact", b"LIST", b"JUNK", b"junk", b"PAD ", b"bext", b"cue ", b"smpl",
    b"inst", b"PEAK", b"id3 ", b"ID3 ", b"iXML", b"_PMX", b"afsp",
];

/// A file made of a plain head and the sound of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) head: Vec<u8>,
    /// Where the samples are in the file.
    pub(super) samples: Range<u64>,
    pub(super) extent: Extent,
}

/// The sound of a wav or aiff file that begins at `start`; none of another file, or of one in which
/// it is not to be found.
pub(super) fn find(source: &mut (impl Read + Seek), start: u64) -> Option<Sound> {
    let length = source.seek(SeekFrom::End(0)).ok()?;
    let mut file = File { source, length };
    let [first, _, form] = file.words(start)?;
    match (&first, &form) {
        (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => wav(&mut file, start),
        (b"FORM", b"AIFF" | b"AIFC") => aiff(&mut file, start),
        _ => None,
    }
}

/// A file that is read here and there.
struct File<'a, S> {
    source: &'a mut S,
    length: u64,
}

impl<S: Read + Seek> File<'_, S> {
    /// So many bytes from a position on, or as many as there are.
    fn bytes(&mut self, at: u64, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.seek(SeekFrom::Start(at)).ok()?;
        let source = self.source.by_ref();
        source.take(most).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The words of four bytes at a position.
    fn words<const N: usize>(&mut self, at: u64) -> Option<[[u8; 4]; N]> {
        let bytes = self.bytes(at, 4 * N as u64)?;
        let (words, _) = bytes.as_chunks::<4>();
        <[[u8; 4]; N]>::try_from(words).ok()
    }

    /// Whether a chunk of a known name begins at a position, and ends within the file.
    fn has_chunk(&mut self, at: u64) -> bool {
        self.words(at).is_some_and(|[name, size]| {
            let end = at + 8 + u64::from(u32::from_le_bytes(size));
            NAMES.contains(&&name) && end <= self.length
        })
    }
}

fn wav<S: Read + Seek>(file: &mut File<'_, S>, start: u64) -> Option<Sound> {
    let [_, whole] = file.words(start)?;
    let mut whole = u64::from(u32::from_le_bytes(whole));
    let mut large = None;
    let mut format: Option<(Vec<u8>, u64)> = None;
    let mut at = start + 12;
    for _ in 0..MAX_CHUNKS {
        let Some([name, size]) = file.words(at) else {
            break;
        };
        let (body, size) = (at + 8, u64::from(u32::from_le_bytes(size)));
        match (&name, &format) {
            (b"data", Some((format, _))) => {
                let size = large.unwrap_or(size);
                return Some(wav_sound(file, format, body, [size, whole + start + 8]));
            }
            (b"fmt ", None) => {
                let read = file.bytes(body, size.min(MAX_FORMAT_BYTES))?;
                format = Some((described(&read)?, body));
            }
            // The lengths of a file of more than 4 GiB.
            (b"ds64", _) => {
                let [low, high, less, more] = file.words(body)?;
                let wide = |low, high| {
                    u64::from(u32::from_le_bytes(low)) | u64::from(u32::from_le_bytes(high)) << 32
                };
                (whole, large) = (wide(low, high), Some(wide(less, more)));
            }
            _ => {}
        }
        at = body + size;
        // A part of odd length is followed by a byte that fills it up; some writers leave that out.
        if size % 2 == 1 && !file.has_chunk(at) {
            at += 1;
        }
    }
    let (format, behind) = format?;
    let (body, size) = search(file, behind)?;
    Some(wav_sound(file, &format, body, [size, whole + start + 8]))
}

/// Finds samples behind lengths that lead nowhere: the first place that looks like their beginning.
fn search<S: Read + Seek>(file: &mut File<'_, S>, behind: u64) -> Option<(u64, u64)> {
    let bytes = file.bytes(behind, SEARCHED)?;
    let places = bytes.windows(8).enumerate();
    let places = places.filter_map(|(place, eight)| {
        let size = eight.strip_prefix(b"data")?;
        let size = u64::from(u32::from_le_bytes(size.try_into().ok()?));
        Some((behind + place as u64 + 8, size))
    });
    let places: Vec<(u64, u64)> = places.collect();
    let fits = |(body, size): &&(u64, u64)| *size == 0 || body + size <= file.length;
    places.iter().find(fits).or(places.first()).copied()
}

fn wav_sound<S: Read + Seek>(
    file: &mut File<'_, S>,
    format: &[u8],
    body: u64,
    [size, whole_end]: [u64; 2],
) -> Sound {
    let is_empty = size == 0 && (body == file.length || file.has_chunk(body));
    let claimed = (size > 0 || is_empty).then_some(size);
    let (samples, extent) = bounds(file.length, body, claimed, whole_end);
    let size = u32::try_from(samples.end - samples.start).unwrap_or(u32::MAX);
    let head = [
        // The largest length is none: there is no word of how long the file is.
        &b"RIFF\xff\xff\xff\xffWAVEfmt "[..],
        &(format.len() as u32).to_le_bytes(),
        format,
        b"data",
        &size.to_le_bytes(),
    ];
    Sound {
        head: head.concat(),
        samples,
        extent,
    }
}

/// The description of samples in the length that its kind has; none of one that breaks off.
fn described(format: &[u8]) -> Option<Vec<u8>> {
    const EXTENSIBLE: u16 = 0xfffe;
    const EXTENSION: [u8; 2] = [22, 0];
    let plain = format.get(..16)?;
    let kind = format.first_chunk().copied().map(u16::from_le_bytes)?;
    Some(match (kind, format.get(18..40)) {
        (1 | 3, _) => plain.to_vec(),
        (6 | 7, _) => [plain, &[0, 0]].concat(),
        (EXTENSIBLE, Some(extension)) => [plain, &EXTENSION, extension].concat(),
        _ => format[..format.len() / 2 * 2].to_vec(),
    })
}

fn aiff<S: Read + Seek>(file: &mut File<'_, S>, start: u64) -> Option<Sound> {
    let [_, whole, form] = file.words(start)?;
    let whole_end = start + 8 + u64::from(u32::from_be_bytes(whole));
    let is_compressed = &form == b"AIFC";
    let (mut common, mut sound) = (None, None);
    let mut at = start + 12;
    for _ in 0..MAX_CHUNKS {
        let Some([name, size]) = file.words(at) else {
            break;
        };
        let (body, size) = (at + 8, u64::from(u32::from_be_bytes(size)));
        match &name {
            b"COMM" => {
                let read = file.bytes(body, if is_compressed { 22 } else { 18 })?;
                common = Some(read).filter(|read| read.len() >= 18);
            }
            b"SSND" => {
                let [offset, _] = file.words(body)?;
                let behind = body + 8 + u64::from(u32::from_be_bytes(offset));
                let from = Some(behind).filter(|behind| *behind <= file.length);
                let from = from.unwrap_or(body + 8);
                sound = Some((from, size.checked_sub(from - body)));
            }
            _ => {}
        }
        if common.is_some() && sound.is_some() {
            break;
        }
        at = body + size + size % 2;
    }
    let (mut common, (from, claimed)) = (common?, sound?);
    let there = file.length - from;
    // The description says how many frames there are: a second word on it, where the first cannot
    // be.
    let fits = |size: &u64| (1..=there).contains(size);
    let counted = || plain_bytes(&common).filter(fits);
    let claimed = claimed.filter(fits).or_else(counted).or(claimed);
    let claimed = claimed.filter(|size| *size > 0 || there == 0);
    let (mut samples, extent) = bounds(file.length, from, claimed, whole_end);
    // There are no longer ones.
    samples.end = samples
        .end
        .min(samples.start + (u64::from(u32::MAX) - MAX_FORMAT_BYTES));
    if is_compressed {
        // The name of the compression, of no letters, and a byte that fills it up.
        common.extend([0, 0]);
    }
    let length = (samples.end - samples.start) as u32;
    let size = common.len() as u32;
    let head = [
        &b"FORM"[..],
        &(4 + 8 + size + 8 + 8 + length).to_be_bytes(),
        &form,
        b"COMM",
        &size.to_be_bytes(),
        &common,
        b"SSND",
        &(8 + length).to_be_bytes(),
        &[0; 8],
    ];
    Some(Sound {
        head: head.concat(),
        samples,
        extent,
    })
}

/// The bytes of all frames, where each sample takes as many as it has bits.
fn plain_bytes(common: &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f, g, h] = *common.first_chunk::<8>()?;
    let channels = u64::from(u16::from_be_bytes([a, b]));
    let frames = u64::from(u32::from_be_bytes([c, d, e, f]));
    let bits = u64::from(u16::from_be_bytes([g, h]));
    Some(frames * channels * bits.div_ceil(8))
}

/// Where samples are that begin at a position, and whether there should be more: only when both the
/// length of the samples and that of the whole file reach beyond its end, and neither was made up.
fn bounds(length: u64, from: u64, claimed: Option<u64>, whole_end: u64) -> (Range<u64>, Extent) {
    let from = from.min(length);
    match claimed {
        Some(size) if from + size <= length => (from..from + size, Extent::Complete),
        Some(size) if whole_end > length && !is_made_up(size) && !is_made_up(whole_end) => {
            (from..length, Extent::Truncated)
        }
        _ => (from..length, Extent::Complete),
    }
}

fn is_made_up(length: u64) -> bool {
    MADE_UP.iter().any(|lengths| lengths.contains(&length))
}
