//! The pixels of a picture.

use std::fmt;

use crate::ModelError;

/// A picture in memory: 8-bit RGB, row by row from the upper left, without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

/// A part of a picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first column.
    pub left: u32,
    /// The first row.
    pub top: u32,
    /// How many columns.
    pub width: u32,
    /// How many rows.
    pub height: u32,
}

impl Pixels {
    /// Returns a picture of three bytes for each pixel.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is no pixel, or `rgb` has another length than width times
    /// height times three.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, ModelError> {
        let bytes = u128::from(width) * u128::from(height) * 3;
        if bytes == 0 || bytes != rgb.len() as u128 {
            return Err(ModelError::Input {
                operation: "take a picture",
                expected: format!("{bytes} bytes for {width} x {height} pixels, and at least one"),
                found: format!("{} bytes", rgb.len()),
                advice: "give three bytes for each pixel".to_owned(),
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// Returns a picture of one color.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is no pixel.
    pub fn filled(width: u32, height: u32, color: [u8; 3]) -> Result<Self, ModelError> {
        let pixels = width as usize * height as usize;
        Self::new(width, height, color.repeat(pixels))
    }

    /// Returns the width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the bytes, three for each pixel.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Gives the bytes away.
    #[must_use]
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// Returns the color of a pixel; `None` outside.
    #[must_use]
    pub fn color(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let (pixels, _) = self.rgb.as_chunks::<3>();
        pixels
            .get(y as usize * self.width as usize + x as usize)
            .copied()
    }

    /// Cuts a part out.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the part is empty or reaches beyond the picture.
    pub fn crop(&self, region: Region) -> Result<Self, ModelError> {
        let Region {
            left,
            top,
            width,
            height,
        } = region;
        let ends = [left.checked_add(width), top.checked_add(height)];
        let fits = |end: Option<u32>, side| end.is_some_and(|end| end <= side);
        let is_inside = fits(ends[0], self.width) && fits(ends[1], self.height);
        if width == 0 || height == 0 || !is_inside {
            return Err(ModelError::Input {
                operation: "cut a part out of a picture",
                expected: format!("a part within {} x {} pixels", self.width, self.height),
                found: format!("{region:?}"),
                advice: "name a part that is inside".to_owned(),
            });
        }
        let row = self.width as usize * 3;
        let (start, length) = (left as usize * 3, width as usize * 3);
        let rows = self.rgb.chunks_exact(row);
        let rows = rows.skip(top as usize).take(height as usize);
        let rgb = rows.flat_map(|row| &row[start..start + length]).copied();
        Ok(Self {
            width,
            height,
            rgb: rgb.collect(),
        })
    }

    /// Width and height, for places in memory.
    pub(super) fn sides(&self) -> (usize, usize) {
        (self.width as usize, self.height as usize)
    }

    /// The pixels of this picture in another order, `width` in a row.
    pub(super) fn of_same_size(&self, width: usize, rgb: Vec<u8>) -> Self {
        let (width, height) = match width == self.width as usize {
            true => (self.width, self.height),
            false => (self.height, self.width),
        };
        Self { width, height, rgb }
    }

    /// A picture whose bytes are as many as they must be.
    pub(super) fn sound(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(rgb.len(), width as usize * height as usize * 3);
        Self { width, height, rgb }
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pixels({} x {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked() {
        assert!(Pixels::new(2, 2, vec![0; 12]).is_ok());
        for (width, height, bytes) in [(2, 2, 11), (2, 2, 13), (0, 2, 0), (u32::MAX, u32::MAX, 3)] {
            assert!(Pixels::new(width, height, vec![0; bytes]).is_err());
        }
    }

    #[test]
    fn a_part_is_cut_out_and_one_outside_is_refused() {
        let rgb = (0..12).flat_map(|place| [place, 1, 2]).collect();
        let pixels = Pixels::new(4, 3, rgb).unwrap();
        let region = |left, top, width, height| Region {
            left,
            top,
            width,
            height,
        };
        let part = pixels.crop(region(1, 1, 2, 2)).unwrap();
        let reds: Vec<u8> = part.rgb().iter().copied().step_by(3).collect();
        assert_eq!(reds, [5, 6, 9, 10]);
        assert_eq!(pixels.color(3, 2), Some([11, 1, 2]));
        assert_eq!(pixels.color(4, 0), None);
        for (left, top, width, height) in [
            (0, 0, 5, 1),
            (0, 0, 1, 4),
            (3, 0, 2, 1),
            (0, 0, 0, 1),
            (u32::MAX, 0, 2, 1),
        ] {
            let error = pixels.crop(region(left, top, width, height)).unwrap_err();
            assert!(error.to_string().contains("within 4 x 3 pixels"), "{error}");
        }
    }
}
