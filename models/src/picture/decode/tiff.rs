//! TIFF, by the crate `tiff`.

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// Bytes of one value of a directory: the longest tables of strips are below it.
const VALUE_LIMIT: usize = 16 << 20;
/// Pages that are counted.
const MOST_PAGES: u32 = 10_000;

/// Reads the first page.
pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let refused = |error| refused(encoded, &error);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = encoded.limits.decoded_bytes();
    limits.intermediate_buffer_size = encoded.limits.decoded_bytes();
    limits.ifd_value_size = VALUE_LIMIT;
    let decoder = Decoder::new(Cursor::new(encoded.bytes)).map_err(refused)?;
    let mut decoder = decoder.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(refused)?;
    encoded.check(width, height)?;
    let colours = decoder.colortype().map_err(refused)?;
    let tag = decoder.find_tag_unsigned::<u16>(Tag::Orientation);
    let orientation = tag.ok().flatten().and_then(Orientation::from_tag);
    let palette = match colours {
        ColorType::Palette(_) => decoder.get_tag_u16_vec(Tag::ColorMap).map_err(refused)?,
        _ => Vec::new(),
    };
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(refused)?;
    if layout.planes > 1 {
        return Err(encoded.damaged("a plane for each colour, which is not decoded here"));
    }
    let (read, bits) = match read {
        DecodingResult::U8(read) => (read, colours.bit_depth()),
        DecodingResult::U16(read) => (samples::higher(&read), 8),
        _ => return Err(encoded.damaged(format!("{colours:?} in numbers of another kind"))),
    };
    let read = match bits {
        8 => read,
        1 | 2 | 4 => unpacked(&read, width as usize * samples_of(colours), bits),
        _ => return Err(encoded.damaged(format!("{colours:?}, which is not decoded here"))),
    };
    let rgb = match colours {
        ColorType::Gray(bits @ 1..8) => samples::grey(&widened(read, bits)),
        ColorType::Gray(_) => samples::grey(&read),
        ColorType::GrayA(8 | 16) => samples::grey_alpha(&read),
        ColorType::RGB(8 | 16) => read,
        ColorType::RGBA(8 | 16) => samples::rgba(&read),
        ColorType::CMYK(8 | 16) => samples::cmyk(&read),
        ColorType::Palette(bits) => coloured(&read, &palette, bits)
            .ok_or_else(|| encoded.damaged("a colour beyond the palette"))?,
        other => return Err(encoded.damaged(format!("{other:?}, which is not decoded here"))),
    };
    Ok(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        orientation: orientation.unwrap_or_default(),
        frames: count_pages(&mut decoder),
    })
}

fn samples_of(colours: ColorType) -> usize {
    usize::from(colours.num_samples())
}

/// Rows of values of a few bits, each row from a whole byte on.
fn unpacked(packed: &[u8], row: usize, bits: u8) -> Vec<u8> {
    let bits = usize::from(bits);
    let mask = (1_u8 << bits) - 1;
    let rows = packed.chunks_exact((row * bits).div_ceil(8));
    let value = |packed: &[u8], place: usize| {
        let first = place * bits;
        packed[first / 8] >> (8 - bits - first % 8) & mask
    };
    rows.flat_map(|packed| (0..row).map(move |place| value(packed, place)))
        .collect()
}

/// Grey values of a few bits over the whole range.
fn widened(values: Vec<u8>, bits: u8) -> Vec<u8> {
    let most = (1_u8 << bits) - 1;
    values
        .into_iter()
        .map(|value| value * (255 / most))
        .collect()
}

/// The colours of a palette: all reds, then all greens, then all blues, in 16 bits.
fn coloured(values: &[u8], palette: &[u16], bits: u8) -> Option<Vec<u8>> {
    let colours = 1_usize << bits;
    if bits > 8 || palette.len() != 3 * colours {
        return None;
    }
    let colour = |value: &u8| {
        let value = usize::from(*value);
        [0, 1, 2].map(|part| (palette[part * colours + value % colours] >> 8) as u8)
    };
    Some(values.iter().flat_map(colour).collect())
}

fn count_pages(decoder: &mut Decoder<Cursor<&[u8]>>) -> u32 {
    let mut pages = 1;
    while pages < MOST_PAGES && decoder.more_images() && decoder.next_image().is_ok() {
        pages += 1;
    }
    pages
}

fn refused(encoded: &Encoded, error: &TiffError) -> ModelError {
    match error {
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            faults::broken_off(encoded.path)
        }
        error => encoded.damaged(error),
    }
}
