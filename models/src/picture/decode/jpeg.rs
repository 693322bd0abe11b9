//! JPEG, by `zune-jpeg`.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// The longest side that a header can say.
const LONGEST: usize = 65_535;

pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let refused = |error: zune_jpeg::errors::DecodeErrors| encoded.damaged(&error);
    // What is odd and does no harm is overlooked, as all programs do; a picture that breaks off is
    // not, though the decoder would fill the rest with grey.
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(LONGEST)
        .set_max_height(LONGEST)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(encoded.bytes), options);
    decoder.decode_headers().map_err(refused)?;
    let info = decoder.info();
    let info = info.ok_or_else(|| encoded.damaged("no size"))?;
    encoded.check(info.width, info.height)?;
    if !has_end(encoded.bytes) {
        return Err(faults::broken_off(encoded.path));
    }
    let exif = decoder.exif().map(Vec::as_slice).unwrap_or_default();
    let orientation = Orientation::from_exif(exif);
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    if is_grey {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let read = decoder.decode().map_err(refused)?;
    let rgb = match is_grey {
        true => samples::grey(&read),
        false => read,
    };
    Ok(Decoded {
        pixels: Pixels::new(u32::from(info.width), u32::from(info.height), rgb)?,
        orientation,
        frames: 1,
    })
}

/// Whether the marker that ends a picture is there. Segments are passed over by their lengths, so
/// that the end of a small picture within them is not taken for it.
fn has_end(bytes: &[u8]) -> bool {
    const FILL: u8 = 0xff;
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut at = 2;
    loop {
        let Some(found) = marker(bytes, at) else {
            return false;
        };
        let (kind, behind) = found;
        at = behind;
        match kind {
            END => return true,
            // Markers without a segment: restarts, and one that nobody uses.
            0x01 | 0xd0..=0xd8 | FILL => continue,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else {
            return false;
        };
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
        if kind == SCAN {
            at = scan_end(bytes, at);
        }
    }
}

/// The first marker from a place on, and what follows it. What lies before it is overlooked.
fn marker(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let found = bytes.get(from..)?.windows(2);
    let at = found
        .into_iter()
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))?;
    Some((bytes[from + at + 1], from + at + 2))
}

/// Where the coded data of a scan end: at a marker that is no restart.
fn scan_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let is_end = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7);
    let end = rest.windows(2).position(is_end);
    end.map_or(bytes.len(), |end| from + end)
}
