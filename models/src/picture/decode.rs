//! Decoding: bytes in, an upright picture out.
//!
//! The decoders are other people's, and one that trusts a contradiction in a file can panic: each
//! call is contained, and becomes the error that the file is damaged.

mod bmp;
pub(super) mod faults;
mod gif;
mod jpeg;
mod png;
mod samples;
mod tiff;
mod webp;

use std::io::Read;
use std::path::Path;

use super::{Orientation, PictureFormat, PictureLimits, Pixels};
use crate::ModelError;
use faults::contained;

/// A decoded picture: upright, in 8-bit RGB, and what its file said besides.
///
/// - The tag `Orientation` of EXIF or TIFF is obeyed, so [`pixels`](Self::pixels) stands upright.
/// - What is transparent lies on white.
/// - Of 16 bits the higher 8 are kept; grey becomes three equal values; CMYK and YCCK are converted
///   without a color profile. Profiles are not applied, so colors of a wide gamut come out a
///   little pale.
/// - Of an animation, or of several pages, the first is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The picture, upright.
    pub pixels: Pixels,
    /// How the file was coded, as its content says.
    pub format: PictureFormat,
    /// What was done to make it upright.
    pub orientation: Orientation,
    /// How many frames or pages the file has, of which the first is `pixels`. Those that a file
    /// breaks off before are not counted.
    pub frames: u32,
}

/// What a decoder made of a file.
struct Decoded {
    /// As they are stored.
    pixels: Pixels,
    orientation: Orientation,
    frames: u32,
}

/// What a decoder is given.
#[derive(Clone, Copy)]
struct Encoded<'a> {
    /// What errors call it.
    path: &'a Path,
    bytes: &'a [u8],
    limits: PictureLimits,
}

impl Encoded<'_> {
    /// Checks a size that the header claims.
    fn check(&self, width: impl Into<u64>, height: impl Into<u64>) -> Result<(), ModelError> {
        self.limits.check(self.path, width.into(), height.into())
    }

    fn damaged(&self, found: &(impl ToString + ?Sized)) -> ModelError {
        faults::damaged(self.path, &found.to_string())
    }
}

impl Picture {
    /// Opens a file within the default limits.
    ///
    /// # Errors
    /// See [`Picture::open_within`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::open_within(path, PictureLimits::default())
    }

    /// Opens a file within limits. Its content says what it is, not its name.
    ///
    /// # Errors
    /// [`ModelError::File`] if it cannot be read; [`ModelError::Format`] if it is no picture that
    /// can be decoded, is damaged or broken off, or is beyond the limits.
    pub fn open_within(path: &Path, limits: PictureLimits) -> Result<Self, ModelError> {
        let (file, length) = faults::open(path)?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(length.min(limits.max_bytes)).unwrap_or(0));
        // One byte past the limit tells a file that is too long, or grows while it is read.
        file.take(limits.max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|source| faults::unreadable(path, source))?;
        let found = length.max(bytes.len() as u64);
        if bytes.len() as u64 > limits.max_bytes {
            return Err(faults::too_long(path, limits, found));
        }
        Self::decode(path, &bytes, limits)
    }

    /// Decodes a picture that is in memory, such as a blob of the environment. Errors call it
    /// `name`.
    ///
    /// # Errors
    /// Those of [`Picture::open_within`] but [`ModelError::File`].
    pub fn in_memory(name: &str, bytes: &[u8], limits: PictureLimits) -> Result<Self, ModelError> {
        let path = Path::new(name);
        if bytes.len() as u64 > limits.max_bytes {
            return Err(faults::too_long(path, limits, bytes.len() as u64));
        }
        Self::decode(path, bytes, limits)
    }

    fn decode(path: &Path, bytes: &[u8], limits: PictureLimits) -> Result<Self, ModelError> {
        let Some(format) = PictureFormat::of(bytes) else {
            return Err(faults::unsupported(path, bytes));
        };
        let encoded = Encoded {
            path,
            bytes,
            limits,
        };
        let decoded = contained(path, || match format {
            PictureFormat::Png => png::decode(&encoded),
            PictureFormat::Jpeg => jpeg::decode(&encoded),
            PictureFormat::WebP => webp::decode(&encoded),
            PictureFormat::Gif => gif::decode(&encoded),
            PictureFormat::Bmp => bmp::decode(&encoded),
            PictureFormat::Tiff => tiff::decode(&encoded),
        })??;
        Ok(Self {
            pixels: decoded.orientation.apply(decoded.pixels),
            format,
            orientation: decoded.orientation,
            frames: decoded.frames,
        })
    }
}
