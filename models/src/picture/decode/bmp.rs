//! BMP, by `zune-bmp`.

use zune_bmp::BmpDecoder;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// The header of the first version, whose numbers have 16 bits.
const CORE_HEADER: u32 = 12;

/// What the header says, as far as it is to be checked.
struct Header {
    width: u32,
    height: u32,
    bits: u16,
    is_packed: bool,
    /// Where the pixels begin.
    start: u64,
}

pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let header = Header::read(encoded.bytes);
    let header = header.ok_or_else(|| faults::broken_off(encoded.path))?;
    encoded.check(header.width, header.height)?;
    // The decoder reads zeros behind the end.
    if header
        .end()
        .is_none_or(|end| end > encoded.bytes.len() as u64)
    {
        return Err(faults::broken_off(encoded.path));
    }
    let options = DecoderOptions::default()
        .set_max_width(header.width as usize)
        .set_max_height(header.height as usize);
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(encoded.bytes), options);
    let refused = |error: zune_bmp::BmpDecoderErrors| encoded.damaged(format!("{error:?}"));
    decoder.decode_headers().map_err(refused)?;
    let read = decoder.decode().map_err(refused)?;
    let rgb = match decoder.colorspace() {
        Some(ColorSpace::Luma) => samples::grey(&read),
        Some(ColorSpace::RGBA) => samples::rgba(&read),
        _ => read,
    };
    Ok(Decoded {
        pixels: Pixels::new(header.width, header.height, rgb)?,
        orientation: Orientation::Upright,
        frames: 1,
    })
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let short = |at: usize| {
            let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
            Some(u16::from_le_bytes(bytes))
        };
        let long = |at: usize| {
            let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_le_bytes(bytes))
        };
        let start = u64::from(long(10)?);
        if long(14)? == CORE_HEADER {
            return Some(Self {
                width: u32::from(short(18)?),
                height: u32::from(short(20)?),
                bits: short(24)?,
                is_packed: false,
                start,
            });
        }
        // One that is negative means that the first row is the upper one.
        let side = |at| Some(long(at)?.cast_signed().unsigned_abs());
        Some(Self {
            width: side(18)?,
            height: side(22)?,
            bits: short(28)?,
            is_packed: matches!(long(30)?, 1 | 2 | 4 | 5),
            start,
        })
    }

    /// Where the pixels end; of packed ones nobody knows, so where they begin.
    fn end(&self) -> Option<u64> {
        if self.is_packed {
            return Some(self.start);
        }
        let bits = u64::from(self.width).checked_mul(u64::from(self.bits))?;
        let row = bits.div_ceil(32).checked_mul(4)?;
        row.checked_mul(u64::from(self.height))?
            .checked_add(self.start)
    }
}
