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
    let colors = decoder.colortype().map_err(refused)?;
    let tag = decoder.find_tag_unsigned::<u16>(Tag::Orientation);
    let orientation = tag.ok().flatten().and_then(Orientation::from_tag);
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(refused)?;
    let other = |what: &str| faults::other_kind(encoded.path, format!("{colors:?}{what}"));
    if layout.planes > 1 {
        return Err(other(" in planes"));
    }
    let read = match read {
        DecodingResult::U8(read) => read,
        DecodingResult::U16(read) => samples::higher(&read),
        _ => return Err(other(" in numbers of more than 16 bits")),
    };
    let rgb = match colors {
        ColorType::Gray(bits @ (1 | 2 | 4)) => {
            samples::grey(&unpacked(&read, width as usize, bits))
        }
        ColorType::Gray(8 | 16) => samples::grey(&read),
        ColorType::GrayA(8 | 16) => samples::grey_alpha(&read),
        ColorType::RGB(8 | 16) => read,
        ColorType::RGBA(8 | 16) => samples::rgba(&read),
        ColorType::CMYK(8 | 16) => samples::cmyk(&read),
        _ => return Err(other("")),
    };
    Ok(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        orientation: orientation.unwrap_or_default(),
        frames: count_pages(&mut decoder),
    })
}

/// Rows of grey values of a few bits, each row from a whole byte on, over the whole range.
fn unpacked(packed: &[u8], row: usize, bits: u8) -> Vec<u8> {
    let most = (1_u8 << bits) - 1;
    let bits = usize::from(bits);
    let value = move |packed: &[u8], place: usize| {
        let first = place * bits;
        (packed[first / 8] >> (8 - bits - first % 8) & most) * (255 / most)
    };
    let rows = packed.chunks_exact((row * bits).div_ceil(8));
    rows.flat_map(|packed| (0..row).map(move |place| value(packed, place)))
        .collect()
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
        TiffError::UnsupportedError(kind) => faults::other_kind(encoded.path, kind.to_string()),
        error => encoded.damaged(error),
    }
}
