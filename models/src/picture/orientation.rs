//! How a camera was held: the tag `Orientation` of EXIF and TIFF, and how to undo it.

use super::Pixels;

/// The number of the tag.
const TAG: u16 = 0x0112;
/// Bytes of an entry of a directory.
const ENTRY: usize = 12;
/// The type of an entry that holds 16-bit numbers.
const SHORT: u16 = 3;

/// What is to be done with a picture, as it is stored, so that it stands upright.
///
/// Source: Exif 2.32, section 4.6.4, tag 274.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Orientation {
    /// Nothing.
    #[default]
    Upright,
    /// Mirror left and right.
    Mirrored,
    /// Turn by a half.
    Turned180,
    /// Mirror top and bottom.
    Flipped,
    /// Mirror along the diagonal from the upper left.
    Transposed,
    /// Turn by a quarter, clockwise.
    Turned90,
    /// Mirror along the diagonal from the upper right.
    Transversed,
    /// Turn by a quarter, counter-clockwise.
    Turned270,
}

impl Orientation {
    /// Returns the one that the tag's value means; `None` if it means none.
    #[must_use]
    pub fn from_tag(value: u16) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::Mirrored,
            3 => Self::Turned180,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::Turned90,
            7 => Self::Transversed,
            8 => Self::Turned270,
            _ => return None,
        })
    }

    /// Reads the tag of an EXIF block, which is upright if it has none or is damaged: a picture is
    /// not refused for what only goes with it.
    pub(super) fn from_exif(block: &[u8]) -> Self {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        tag(block).and_then(Self::from_tag).unwrap_or_default()
    }

    /// Whether width and height change places.
    fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Transposed | Self::Turned90 | Self::Transversed | Self::Turned270
        )
    }

    /// Makes a picture upright.
    pub(super) fn apply(self, stored: Pixels) -> Pixels {
        if self == Self::Upright {
            return stored;
        }
        let (stored_width, stored_height) = stored.sides();
        let (width, height) = match self.swaps_sides() {
            true => (stored_height, stored_width),
            false => (stored_width, stored_height),
        };
        let (stored_pixels, _) = stored.rgb().as_chunks::<3>();
        let (last_column, last_row) = (stored_width - 1, stored_height - 1);
        let mut upright = Vec::with_capacity(stored.rgb().len());
        for y in 0..height {
            for x in 0..width {
                let (column, row) = match self {
                    Self::Upright => (x, y),
                    Self::Mirrored => (last_column - x, y),
                    Self::Turned180 => (last_column - x, last_row - y),
                    Self::Flipped => (x, last_row - y),
                    Self::Transposed => (y, x),
                    Self::Turned90 => (y, last_row - x),
                    Self::Transversed => (last_column - y, last_row - x),
                    Self::Turned270 => (last_column - y, x),
                };
                upright.extend_from_slice(&stored_pixels[row * stored_width + column]);
            }
        }
        stored.of_same_size(width, upright)
    }
}

/// The value of the tag in the first directory.
fn tag(block: &[u8]) -> Option<u16> {
    let is_little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match is_little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    };
    let offset = block.get(4..8)?.try_into().ok()?;
    let directory = match is_little {
        true => u32::from_le_bytes(offset),
        false => u32::from_be_bytes(offset),
    };
    let directory = usize::try_from(directory).ok()?;
    let entries = usize::from(short(directory)?);
    let first = directory.checked_add(2)?;
    (0..entries)
        .map_while(|entry| first.checked_add(entry * ENTRY))
        .find(|at| short(*at) == Some(TAG))
        .filter(|at| short(at + 2) == Some(SHORT))
        .and_then(|at| short(at + 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 3 x 2 whose red values are its places.
    fn numbered() -> Pixels {
        let rgb = (0..6).flat_map(|place| [place, 0, 0]).collect();
        Pixels::new(3, 2, rgb).unwrap()
    }

    #[test]
    fn each_orientation_is_undone() {
        let cases: [(u16, [u32; 2], [u8; 6]); 8] = [
            (1, [3, 2], [0, 1, 2, 3, 4, 5]),
            (2, [3, 2], [2, 1, 0, 5, 4, 3]),
            (3, [3, 2], [5, 4, 3, 2, 1, 0]),
            (4, [3, 2], [3, 4, 5, 0, 1, 2]),
            (5, [2, 3], [0, 3, 1, 4, 2, 5]),
            (6, [2, 3], [3, 0, 4, 1, 5, 2]),
            (7, [2, 3], [5, 2, 4, 1, 3, 0]),
            (8, [2, 3], [2, 5, 1, 4, 0, 3]),
        ];
        for (value, sides, expected) in cases {
            let upright = Orientation::from_tag(value).unwrap().apply(numbered());
            assert_eq!([upright.width(), upright.height()], sides, "{value}");
            let reds: Vec<u8> = upright.rgb().iter().copied().step_by(3).collect();
            assert_eq!(reds, expected, "{value}");
        }
        assert_eq!(Orientation::from_tag(0), None);
        assert_eq!(Orientation::from_tag(9), None);
    }

    #[test]
    fn the_tag_is_read_in_both_byte_orders_and_damage_means_upright() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        for block in [little, big] {
            assert_eq!(Orientation::from_exif(block), Orientation::Turned90);
            let named = [b"Exif\0\0", &block[..]].concat();
            assert_eq!(Orientation::from_exif(&named), Orientation::Turned90);
            for length in 0..20 {
                let cut = Orientation::from_exif(&block[..length]);
                assert!(matches!(cut, Orientation::Upright | Orientation::Turned90));
            }
        }
        let far = b"II*\0\xff\xff\xff\xff\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        assert_eq!(Orientation::from_exif(far), Orientation::Upright);
    }
}
