//! What is refused, so that no file can take more memory or time than its reader is ready to spend.

use crate::ModelError;

/// Sample rates that are taken, in Hz. The upper end is what the fastest sound cards make.
pub(super) const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Numbers of channels that are taken.
pub(super) const CHANNELS: std::ops::RangeInclusive<u32> = 1..=64;

/// Bounds on what [`super::AudioFile`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLimits {
    /// The longest recording in seconds. A file whose header says more is refused when it is opened; one that only turns out to be longer
    /// is refused while it is read.
    pub max_seconds: u64,
}

impl Default for AudioLimits {
    /// One day.
    fn default() -> Self {
        Self {
            max_seconds: 24 * 60 * 60,
        }
    }
}

/// Refuses a sample rate or a number of channels that is out of bounds.
pub(super) fn check_shape(sample_rate: u32, channels: u32) -> Result<(), ModelError> {
    if !RATES.contains(&sample_rate) {
        return Err(ModelError::Input {
            operation: "resample audio",
            expected: format!("a sample rate of {} to {} Hz", RATES.start(), RATES.end()),
            found: format!("{sample_rate} Hz"),
            advice: "record or convert at another rate".to_owned(),
        });
    }
    if !CHANNELS.contains(&channels) {
        return Err(ModelError::Input {
            operation: "mix audio to one channel",
            expected: format!("{} to {} channels", CHANNELS.start(), CHANNELS.end()),
            found: format!("{channels}"),
            advice: "record or convert with fewer channels, and at least one".to_owned(),
        });
    }
    Ok(())
}
