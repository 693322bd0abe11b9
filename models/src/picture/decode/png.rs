//! PNG, by `zune-png`.
//!
//! The decoder is given what makes the picture and no more: profiles and texts are packed too, and
//! a few bytes of them could stand for gigabytes.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_png::PngDecoder;

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// Bytes of what every file begins with.
const SIGNATURE: usize = 8;
/// Bytes of a chunk's length, and of its name.
const WORD: usize = 4;
/// Bytes of a chunk around what it holds: length, name, checksum.
const AROUND: usize = 3 * WORD;

/// What is looked at in a file.
#[derive(Default)]
struct Parts<'a> {
    /// The chunks that make the picture, whole.
    essential: Vec<&'a [u8]>,
    header: &'a [u8],
    exif: &'a [u8],
    frames: Option<u32>,
}

/// Reads the first picture of a file: of an animation, what programs without animations show.
pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let parts = Parts::find(encoded.bytes).ok_or_else(|| faults::broken_off(encoded.path))?;
    let side = |at: usize| word(parts.header, at);
    let sides = side(0).zip(side(WORD));
    let (width, height) = sides.ok_or_else(|| encoded.damaged("no header at its beginning"))?;
    encoded.check(width, height)?;
    let signature = &encoded.bytes[..SIGNATURE];
    let essential = [&[signature], parts.essential.as_slice()].concat().concat();
    let options = DecoderOptions::default()
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .png_set_strip_to_8bit(true)
        .png_set_confirm_crc(true)
        .inflate_set_confirm_adler(true);
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(essential), options);
    let read = decoder.decode_raw();
    let read = read.map_err(|error| encoded.damaged(&format!("{error:?}")))?;
    let rgb = match decoder.colorspace() {
        Some(ColorSpace::Luma) => samples::grey(&read),
        Some(ColorSpace::LumaA) => samples::grey_alpha(&read),
        Some(ColorSpace::RGBA) => samples::rgba(&read),
        _ => read,
    };
    Ok(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        orientation: Orientation::from_exif(parts.exif),
        frames: parts.frames.unwrap_or(1).max(1),
    })
}

impl<'a> Parts<'a> {
    /// Walks over the chunks to the last; `None` if the file breaks off before it.
    fn find(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = Self::default();
        let mut at = SIGNATURE;
        loop {
            let length = usize::try_from(word(bytes, at)?).ok()?;
            let end = at.checked_add(AROUND)?.checked_add(length)?;
            let chunk = bytes.get(at..end)?;
            let content = &chunk[2 * WORD..2 * WORD + length];
            match &chunk[WORD..2 * WORD] {
                b"IHDR" if parts.essential.is_empty() => {
                    parts.header = content;
                    parts.essential.push(chunk);
                }
                b"PLTE" | b"tRNS" | b"IDAT" => parts.essential.push(chunk),
                b"eXIf" => parts.exif = content,
                b"acTL" => parts.frames = word(content, 0),
                b"IEND" => {
                    parts.essential.push(chunk);
                    return Some(parts);
                }
                _ => {}
            }
            at = end;
        }
    }
}

/// Four bytes as a number.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(WORD)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}
