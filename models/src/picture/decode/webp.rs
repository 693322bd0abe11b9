//! WebP, by `image-webp`.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// Bytes of `RIFF` and the length behind it.
const HEAD: u64 = 8;

pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let refused = |error| refused(encoded, &error);
    let claimed = encoded
        .bytes
        .get(4..8)
        .and_then(|length| length.try_into().ok());
    let claimed = claimed.map_or(0, |length| u64::from(u32::from_le_bytes(length)));
    if claimed + HEAD > encoded.bytes.len() as u64 {
        return Err(faults::broken_off(encoded.path));
    }
    let mut decoder = WebPDecoder::new(Cursor::new(encoded.bytes)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    encoded.check(width, height)?;
    decoder.set_memory_limit(encoded.limits.decoded_bytes());
    let frames = match decoder.is_animated() {
        true => decoder.num_frames(),
        false => 1,
    };
    if frames == 0 {
        return Err(encoded.damaged("an animation without frames"));
    }
    let bytes = decoder.output_buffer_size();
    let bytes = bytes.ok_or_else(|| encoded.damaged("a size beyond memory"))?;
    let mut read = vec![0; bytes];
    decoder.read_image(&mut read).map_err(refused)?;
    let rgb = match decoder.has_alpha() {
        true => samples::rgba(&read),
        false => read,
    };
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    Ok(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        orientation: Orientation::from_exif(&exif),
        frames,
    })
}

fn refused(encoded: &Encoded, error: &DecodingError) -> ModelError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            faults::broken_off(encoded.path)
        }
        error => encoded.damaged(error),
    }
}
