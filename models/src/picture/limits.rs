//! What is refused, so that no picture can take more memory than its reader is ready to spend.

use std::path::Path;

use super::decode::faults;
use crate::ModelError;

/// Bytes of a pixel while its picture is decoded, at most: 16 bits of four channels.
const BYTES_OF_A_PIXEL: u64 = 8;

/// Bounds on what [`super::Picture`] takes. They are checked against the header, before memory is
/// taken for pixels.
///
/// While a picture of `n` pixels is decoded, at most about `12 * n` bytes are in use: those of the
/// decoder, those that it gives, and the three of each pixel that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// The most bytes of a file.
    pub max_bytes: u64,
    /// The most pixels: width times height.
    pub max_pixels: u64,
}

impl Default for PictureLimits {
    /// 256 MiB and 100 million pixels, which is more than cameras make.
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_pixels: 100_000_000,
        }
    }
}

impl PictureLimits {
    /// Checks the size that a header claims.
    ///
    /// # Errors
    /// [`ModelError::Format`] if it is zero, or more than the limit.
    pub(super) fn check(&self, path: &Path, width: u64, height: u64) -> Result<(), ModelError> {
        if width == 0 || height == 0 {
            return Err(faults::damaged(path, &format!("{width} x {height} pixels")));
        }
        let sides = [width, height];
        let fits = width
            .checked_mul(height)
            .is_some_and(|pixels| pixels <= self.max_pixels);
        if fits && sides.iter().all(|side| u32::try_from(*side).is_ok()) {
            return Ok(());
        }
        Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: format!("a picture of at most {} pixels", self.max_pixels),
            found: format!("{width} x {height} pixels"),
            advice: "make it smaller".to_owned(),
        })
    }

    /// Bytes that a decoder may take for what it decodes.
    pub(super) fn decoded_bytes(&self) -> usize {
        usize::try_from(self.max_pixels.saturating_mul(BYTES_OF_A_PIXEL)).unwrap_or(usize::MAX)
    }
}
