//! Making a picture larger or smaller.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Pixels;
use crate::ModelError;

/// How the colors of a resized picture are found. Pixel centres lie at halves, in both pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The nearest pixel's.
    Nearest,
    /// A triangle as wide as a pixel of the result, so that all pixels count when a picture is made
    /// smaller: what Pillow calls `BILINEAR`, and PyTorch `bilinear` with `antialias`.
    Bilinear,
    /// Between the four nearest pixels, also when a picture is made smaller: OpenCV's
    /// `INTER_LINEAR`, and TensorFlow's `ResizeBilinear` with `half_pixel_centers`.
    FourNearest,
    /// The mean over the area of a pixel of the result: Pillow's `BOX`, about OpenCV's
    /// `INTER_AREA`.
    Area,
    /// A cubic of four pixels' width, that of Pillow's `BICUBIC`.
    Bicubic,
}

impl Filter {
    fn algorithm(self) -> ResizeAlg {
        match self {
            Self::Nearest => ResizeAlg::Nearest,
            Self::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
            Self::FourNearest => ResizeAlg::Interpolation(FilterType::Bilinear),
            Self::Area => ResizeAlg::Convolution(FilterType::Box),
            Self::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        }
    }
}

impl Pixels {
    /// Returns the picture with other sides.
    ///
    /// # Errors
    /// [`ModelError::Input`] if a side is zero, or the result has more than 2^30 pixels.
    pub fn resize(&self, width: u32, height: u32, filter: Filter) -> Result<Self, ModelError> {
        const MOST: u64 = 1 << 30;
        let pixels = u64::from(width) * u64::from(height);
        let refused = |found: String| ModelError::Input {
            operation: "resize a picture",
            expected: format!("1 to {MOST} pixels"),
            found,
            advice: "ask for another size".to_owned(),
        };
        if pixels == 0 || pixels > MOST {
            return Err(refused(format!("{width} x {height}")));
        }
        if (width, height) == (self.width(), self.height()) {
            return Ok(self.clone());
        }
        let source = ImageRef::new(self.width(), self.height(), self.rgb(), PixelType::U8x3);
        let source = source.map_err(|error| refused(error.to_string()))?;
        let mut resized = Image::new(width, height, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(filter.algorithm());
        Resizer::new()
            .resize(&source, &mut resized, &options)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self::sound(width, height, resized.into_vec()))
    }
}
