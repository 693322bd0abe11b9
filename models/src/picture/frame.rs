//! Fitting a picture into a frame of a network's size, and the way back for boxes.

use super::{Filter, Pixels, Region};
use crate::ModelError;

/// How a picture is fitted into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Both sides become those of the frame.
    Stretch,
    /// The whole picture, its shape kept, in the middle; the rest has this color.
    Letterbox([u8; 3]),
    /// The whole picture, its shape kept, in the upper left; the rest has this color.
    UpperLeft([u8; 3]),
    /// The frame is full, its shape kept; what sticks out on two sides is cut off.
    Cover,
}

/// A picture in a frame, and where it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Framed {
    /// The frame.
    pub pixels: Pixels,
    /// Pixels of the frame for one of the picture, across and down.
    scale: [f32; 2],
    /// Where the upper left corner of the picture lies in the frame.
    offset: [f32; 2],
    /// The picture's width and height.
    sides: [f32; 2],
}

impl Framed {
    /// Returns a point of the frame in pixels of the picture, which it may lie beyond.
    #[must_use]
    pub fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [
            (x - self.offset[0]) / self.scale[0],
            (y - self.offset[1]) / self.scale[1],
        ]
    }

    /// Returns a box `[x0, y0, x1, y1]` of the frame in pixels of the picture, cut to it.
    #[must_use]
    pub fn region(&self, [x0, y0, x1, y1]: [f32; 4]) -> [f32; 4] {
        let [width, height] = self.sides;
        let [x0, y0] = self.point([x0, y0]);
        let [x1, y1] = self.point([x1, y1]);
        [
            x0.clamp(0.0, width),
            y0.clamp(0.0, height),
            x1.clamp(0.0, width),
            y1.clamp(0.0, height),
        ]
    }
}

impl Pixels {
    /// Fits the picture into a frame.
    ///
    /// # Errors
    /// [`ModelError::Input`] if a side of the frame is zero, or it has more than 2^30 pixels.
    pub fn fit(
        &self,
        width: u32,
        height: u32,
        fit: Fit,
        filter: Filter,
    ) -> Result<Framed, ModelError> {
        match fit {
            Fit::Stretch => {
                Ok(self.framed(self.resize(width, height, filter)?, [width, height], [0, 0]))
            }
            Fit::Letterbox(color) => self.inside([width, height], color, filter, 2),
            Fit::UpperLeft(color) => self.inside([width, height], color, filter, u32::MAX),
            Fit::Cover => self.cover(width, height, filter),
        }
    }

    /// `share` is the part of the free room that lies before the picture: half, or none.
    fn inside(
        &self,
        [width, height]: [u32; 2],
        color: [u8; 3],
        filter: Filter,
        share: u32,
    ) -> Result<Framed, ModelError> {
        let scale = self
            .scales(width, height)
            .into_iter()
            .fold(f64::MAX, f64::min);
        let inner = [
            scaled(self.width(), scale).min(width),
            scaled(self.height(), scale).min(height),
        ];
        let resized = self.resize(inner[0], inner[1], filter)?;
        let offset = [(width - inner[0]) / share, (height - inner[1]) / share];
        let mut frame = Self::filled(width, height, color)?.into_rgb();
        let [left, top] = offset.map(|offset| offset as usize);
        let row = inner[0] as usize * 3;
        let rows = frame.chunks_exact_mut(width as usize * 3).skip(top);
        for (onto, from) in rows.zip(resized.rgb().chunks_exact(row)) {
            onto[left * 3..left * 3 + row].copy_from_slice(from);
        }
        Ok(self.framed(Self::new(width, height, frame)?, inner, offset))
    }

    fn cover(&self, width: u32, height: u32, filter: Filter) -> Result<Framed, ModelError> {
        let scale = self.scales(width, height).into_iter().fold(0.0, f64::max);
        let outer = [
            scaled(self.width(), scale).max(width),
            scaled(self.height(), scale).max(height),
        ];
        let resized = self.resize(outer[0], outer[1], filter)?;
        let (left, top) = ((outer[0] - width) / 2, (outer[1] - height) / 2);
        let part = resized.crop(Region {
            left,
            top,
            width,
            height,
        })?;
        let mut framed = self.framed(part, outer, [0, 0]);
        framed.offset = [-(left as f32), -(top as f32)];
        Ok(framed)
    }

    fn scales(&self, width: u32, height: u32) -> [f64; 2] {
        [
            f64::from(width) / f64::from(self.width()),
            f64::from(height) / f64::from(self.height()),
        ]
    }

    fn framed(&self, pixels: Self, inner: [u32; 2], offset: [u32; 2]) -> Framed {
        let sides = [self.width() as f32, self.height() as f32];
        Framed {
            pixels,
            scale: [inner[0] as f32 / sides[0], inner[1] as f32 / sides[1]],
            offset: offset.map(|offset| offset as f32),
            sides,
        }
    }
}

/// A side times a scale, at least a pixel.
fn scaled(side: u32, scale: f64) -> u32 {
    (f64::from(side) * scale).round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Pixels {
        Pixels::filled(40, 20, [200, 100, 50]).unwrap()
    }

    #[test]
    fn a_letterbox_keeps_the_shape_and_leads_back() {
        let fit = Fit::Letterbox([1, 2, 3]);
        let framed = picture().fit(20, 20, fit, Filter::Bilinear).unwrap();
        assert_eq!(framed.pixels.color(0, 4), Some([1, 2, 3]));
        assert_eq!(framed.pixels.color(0, 5), Some([200, 100, 50]));
        assert_eq!(framed.pixels.color(19, 14), Some([200, 100, 50]));
        assert_eq!(framed.pixels.color(19, 15), Some([1, 2, 3]));
        assert_eq!(
            framed.region([0.0, 5.0, 20.0, 15.0]),
            [0.0, 0.0, 40.0, 20.0]
        );
        assert_eq!(
            framed.region([-3.0, 0.0, 10.0, 30.0]),
            [0.0, 0.0, 20.0, 20.0]
        );
    }

    #[test]
    fn other_fits_lead_back_too() {
        let corner = Fit::UpperLeft([0; 3]);
        let framed = picture().fit(20, 20, corner, Filter::Nearest).unwrap();
        assert_eq!(framed.pixels.color(0, 0), Some([200, 100, 50]));
        assert_eq!(framed.pixels.color(0, 10), Some([0; 3]));
        assert_eq!(framed.point([10.0, 5.0]), [20.0, 10.0]);
        let framed = picture().fit(10, 10, Fit::Stretch, Filter::Area).unwrap();
        assert_eq!(framed.point([5.0, 5.0]), [20.0, 10.0]);
        let framed = picture().fit(10, 10, Fit::Cover, Filter::Bilinear).unwrap();
        assert_eq!(framed.point([0.0, 0.0]), [10.0, 0.0]);
        assert_eq!(framed.point([10.0, 10.0]), [30.0, 20.0]);
    }

    #[test]
    fn a_thread_of_pixels_and_an_empty_frame() {
        let thread = Pixels::filled(5000, 1, [9; 3]).unwrap();
        let framed = thread.fit(64, 64, Fit::Letterbox([0; 3]), Filter::Bilinear);
        assert_eq!(framed.unwrap().pixels.height(), 64);
        for (width, height) in [(0, 5), (5, 0), (u32::MAX, u32::MAX)] {
            for fit in [Fit::Stretch, Fit::Letterbox([0; 3]), Fit::Cover] {
                assert!(thread.fit(width, height, fit, Filter::Bilinear).is_err());
            }
        }
    }
}
