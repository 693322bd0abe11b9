//! When a result is not to be trusted.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::RecognitionOptions;
use crate::whisper::decoding::Decoded;

/// What a look at a result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept.
    Sound,
    /// It is decoded again at a higher temperature.
    Doubtful,
    /// Nobody speaks.
    Silence,
}

/// Looks at a result and its text.
pub(super) fn judge(decoded: &Decoded, text: &str, options: &RecognitionOptions) -> Verdict {
    let unlikely = decoded.mean_log_probability < options.least_log_probability;
    if decoded.no_speech > options.most_no_speech && unlikely {
        return Verdict::Silence;
    }
    match unlikely || compression(text) > options.most_compression {
        true => Verdict::Doubtful,
        false => Verdict::Sound,
    }
}

/// How many times shorter a text becomes by compression: what repeats itself becomes very short.
pub(super) fn compression(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish());
    // Writing into memory does not fail.
    let length = compressed.map_or(text.len(), |bytes| bytes.len());
    text.len() as f32 / length.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(mean_log_probability: f32, no_speech: f32) -> Decoded {
        Decoded {
            tokens: Vec::new(),
            mean_log_probability,
            no_speech,
            language: None,
            language_probability: 1.0,
        }
    }

    #[test]
    fn what_repeats_itself_is_doubtful_and_what_is_unlikely_too() {
        let options = RecognitionOptions::default();
        let judge = |decoded: &Decoded, text: &str| judge(decoded, text, &options);
        let sound = "The quick brown fox jumps over the lazy dog.";
        assert_eq!(judge(&decoded(-0.3, 0.1), sound), Verdict::Sound);
        assert_eq!(judge(&decoded(-1.3, 0.1), sound), Verdict::Doubtful);
        assert_eq!(judge(&decoded(-1.3, 0.9), sound), Verdict::Silence);
        assert_eq!(judge(&decoded(-0.3, 0.9), sound), Verdict::Sound);
        let again = " I am sorry.".repeat(30);
        assert_eq!(judge(&decoded(-0.1, 0.1), &again), Verdict::Doubtful);
    }
}
