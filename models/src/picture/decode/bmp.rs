//! BMP: by code of our own, since the crates that read it alone get some of its kinds wrong.
//!
//! Source: Microsoft, "Bitmap Storage" of the Win32 documentation.

mod header;
mod packed;

use header::{Coding, Header};

use super::{Decoded, Encoded, faults};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let header = Header::read(encoded.bytes);
    let header = header.ok_or_else(|| faults::broken_off(encoded.path))?;
    encoded.check(header.width, header.height)?;
    let Some(coding) = header.coding else {
        let kind = format!(
            "{} bits a pixel, coded as {}",
            header.bits, header.compression
        );
        return Err(faults::other_kind(encoded.path, kind));
    };
    let data = encoded.bytes.get(header.start..).unwrap_or_default();
    let sides = [header.width as usize, header.height as usize];
    let rgb = match coding {
        Coding::Palette => {
            unpacked(data, sides, header.bits).map(|values| colored(&values, &header))
        }
        Coding::Packed => {
            packed::unpacked(data, sides, header.bits).map(|values| colored(&values, &header))
        }
        Coding::Masks => masked(data, sides, &header),
    };
    let mut rgb = rgb.ok_or_else(|| faults::broken_off(encoded.path))?;
    if !header.is_from_above {
        rgb = rgb
            .chunks_exact(sides[0] * 3)
            .rev()
            .flatten()
            .copied()
            .collect();
    }
    Ok(Decoded {
        pixels: Pixels::new(header.width, header.height, rgb)?,
        orientation: Orientation::Upright,
        frames: 1,
    })
}

/// The rows of the file, each of whole words of 32 bits; `None` if they are not all there.
fn rows(
    data: &[u8],
    [width, height]: [usize; 2],
    bits: usize,
) -> Option<impl Iterator<Item = &[u8]>> {
    let row = width.checked_mul(bits)?.div_ceil(32).checked_mul(4)?;
    Some(data.get(..row.checked_mul(height)?)?.chunks_exact(row))
}

/// Places in a palette, of 1, 4 or 8 bits.
fn unpacked(data: &[u8], sides: [usize; 2], bits: usize) -> Option<Vec<u8>> {
    let mask = ((1_u16 << bits) - 1) as u8;
    let value = move |row: &[u8], column: usize| {
        let first = column * bits;
        row[first / 8] >> (8 - bits - first % 8) & mask
    };
    let rows = rows(data, sides, bits)?;
    let values = rows.flat_map(|row| (0..sides[0]).map(move |column| value(row, column)));
    Some(values.collect())
}

/// The colors at places of the palette; black beyond it.
fn colored(values: &[u8], header: &Header) -> Vec<u8> {
    let color = |value: &u8| header.palette.get(usize::from(*value)).copied();
    let colors = values.iter().map(|value| color(value).unwrap_or_default());
    colors.flatten().collect()
}

/// Pixels of 16, 24 or 32 bits, in which each color has its bits.
fn masked(data: &[u8], sides: [usize; 2], header: &Header) -> Option<Vec<u8>> {
    let bytes = header.bits / 8;
    let mut rgb = Vec::with_capacity(sides[0] * sides[1] * 3);
    for row in rows(data, sides, header.bits)? {
        for pixel in row.chunks_exact(bytes).take(sides[0]) {
            let mut word = [0; 4];
            word[..bytes].copy_from_slice(pixel);
            let word = u32::from_le_bytes(word);
            rgb.extend(header.masks.map(|mask| share(word, mask)));
        }
    }
    Some(rgb)
}

/// The bits of a color as a number from 0 to 255.
fn share(word: u32, mask: u32) -> u8 {
    if mask == 0 {
        return 0;
    }
    let first = mask.trailing_zeros();
    let (value, most) = (u64::from((word & mask) >> first), u64::from(mask >> first));
    (value * 255 / most) as u8
}
