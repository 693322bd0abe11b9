//! Recordings as skills take them: in a file, or as samples.

use std::path::PathBuf;

use aimass_models::ModelError;
use aimass_models::audio::{AudioFile, Resampler};
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::spans::FRAME_SAMPLES;
use crate::speech::{SAMPLE_RATE, Samples};

/// Samples that are resampled at once: a second or less.
pub(super) const BLOCK: usize = 16_000;
/// Frames of 512 samples in a piece of a recording that a model is asked about at once: 20 s.
const PIECE_FRAMES: usize = 625;
/// Samples of such a piece.
pub(super) const PIECE: usize = PIECE_FRAMES * FRAME_SAMPLES as usize;

/// A recording: the path of a file, or samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioInput {
    /// An audio file: wav, flac, mp3, ogg, m4a and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// The samples themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// Sample rate of `samples` in Hz; default: 16,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
}

impl AudioInput {
    /// The recording in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// These samples, so many a second.
    pub fn samples(samples: Samples, sample_rate: u32) -> Self {
        Self {
            samples: Some(samples),
            sample_rate: Some(sample_rate),
            ..Self::default()
        }
    }

    /// The bytes of the agent's capacity that it takes: a file is never in memory as a whole.
    pub(super) fn bytes(&self) -> u64 {
        let samples = self.samples.as_ref().map_or(0, Samples::bytes);
        let path = self.path.as_ref().map_or(0, |path| path.as_os_str().len());
        samples + path as u64 + 32
    }

    /// Opens the recording. It blocks.
    ///
    /// # Errors
    /// A fault when there is no such file, when it holds no audio, or when the input names none or
    /// two.
    pub(super) fn open(&self) -> Result<AudioReader, Fault> {
        let source = match (&self.path, &self.samples) {
            (Some(_), None) if self.sample_rate.is_some() => {
                return Err(Fault::rejected(
                    "expected `sample_rate` with `samples` only, got it with `path`; leave it out: a file says so itself",
                ));
            }
            (Some(path), None) => Source::File(Box::new(
                AudioFile::open(path).map_err(|error| refused(&error))?,
            )),
            (None, Some(samples)) => {
                let rate = self.sample_rate.unwrap_or(SAMPLE_RATE);
                let resampler = Resampler::new(rate, 1).map_err(|error| refused(&error))?;
                Source::Samples {
                    samples: samples.clone(),
                    taken: 0,
                    resampler: Some(resampler),
                }
            }
            (Some(_), Some(_)) => {
                return Err(Fault::rejected(
                    "expected `path` or `samples`, got both; leave one out",
                ));
            }
            (None, None) => {
                return Err(Fault::rejected(
                    "expected `path` or `samples`, got neither; name one",
                ));
            }
        };
        Ok(AudioReader {
            source,
            waiting: Vec::new(),
        })
    }
}

/// Whatever is wrong with a recording, it came with the input.
fn refused(error: &ModelError) -> Fault {
    Fault::rejected(error.to_string())
}

/// A recording that is read piece by piece, as 16 kHz mono. Its functions block.
pub(super) struct AudioReader {
    source: Source,
    /// What was read and does not fill a piece yet.
    waiting: Vec<f32>,
}

enum Source {
    File(Box<AudioFile>),
    Samples {
        samples: Samples,
        taken: usize,
        /// None when it has given its last samples.
        resampler: Option<Resampler>,
    },
}

impl AudioReader {
    /// The next piece: whole frames, about 20 s of them, but for the last piece; none at the end.
    ///
    /// # Errors
    /// A fault when the file cannot be read on.
    pub(super) fn next_piece(&mut self) -> Result<Option<Vec<f32>>, Fault> {
        while self.waiting.len() < PIECE {
            let Some(block) = self.source.next_block()? else {
                break;
            };
            self.waiting.extend(block);
        }
        let later = self.waiting.split_off(self.waiting.len().min(PIECE));
        let piece = std::mem::replace(&mut self.waiting, later);
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// What of the recording could not be heard, after so many seconds that were; none when all of
    /// it was. Known at the end.
    pub(super) fn incomplete(&self, seconds: f64) -> Option<String> {
        let Source::File(file) = &self.source else {
            return None;
        };
        let mut found = Vec::new();
        if file.truncated() {
            found.push(format!("it breaks off after {seconds:.1} s"));
        }
        match file.damaged() {
            0 => {}
            1 => found.push("one damaged piece was heard as silence".to_owned()),
            more => found.push(format!("{more} damaged pieces were heard as silence")),
        }
        Some(found.join("; ")).filter(|found| !found.is_empty())
    }
}

impl Source {
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Fault> {
        let (samples, taken, resampler) = match self {
            Self::File(file) => return file.next_block().map_err(|error| refused(&error)),
            Self::Samples {
                samples,
                taken,
                resampler,
            } => (samples, taken, resampler),
        };
        let rest = samples.get(*taken..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(resampler.take().map(Resampler::finish));
        }
        let block = &rest[..rest.len().min(BLOCK)];
        *taken += block.len();
        Ok(resampler.as_mut().map(|resampler| resampler.push(block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(input: &AudioInput) -> Vec<Vec<f32>> {
        let mut reader = input.open().unwrap();
        std::iter::from_fn(|| reader.next_piece().unwrap()).collect()
    }

    fn refusal(input: &AudioInput) -> String {
        let opened = input.open();
        let fault = opened
            .and_then(|mut reader| reader.next_piece())
            .unwrap_err();
        assert_eq!(fault.kind, aimass_runtime::FaultKind::Rejected);
        assert!(!fault.message.contains('\n'));
        fault.message
    }

    #[test]
    fn samples_come_in_whole_frames_at_any_rate() {
        let samples: Vec<f32> = (0..45 * 16_000)
            .map(|at| (at as f32 * 0.01).sin())
            .collect();
        let input = AudioInput::samples(Samples::new(samples.clone()).unwrap(), SAMPLE_RATE);
        let found = pieces(&input);
        assert_eq!((found.len(), found[0].len()), (3, PIECE));
        assert_eq!(found.concat(), samples);
        let fast = AudioInput::samples(Samples::new(samples).unwrap(), 48_000);
        let lengths: Vec<usize> = pieces(&fast).iter().map(Vec::len).collect();
        assert_eq!(lengths, [15 * 16_000]);
        assert!(pieces(&AudioInput::samples(Samples::new([]).unwrap(), 44_100)).is_empty());
    }

    #[test]
    fn bad_input_is_refused_with_what_is_wrong() {
        let samples = Samples::new([0.0]).unwrap();
        let both = AudioInput {
            samples: Some(samples.clone()),
            ..AudioInput::path("x.wav")
        };
        assert!(refusal(&both).contains("got both"));
        assert!(refusal(&AudioInput::default()).contains("got neither"));
        let rate = AudioInput {
            sample_rate: Some(8000),
            ..AudioInput::path("x.wav")
        };
        assert!(refusal(&rate).contains("leave it out"));
        assert!(refusal(&AudioInput::samples(samples, 0)).contains("sample rate"));
        assert!(refusal(&AudioInput::path("no/such.wav")).contains("no/such.wav"));
        assert!(refusal(&AudioInput::path("/")).contains("a folder"));
        let file = tempfile::NamedTempFile::new().unwrap();
        for content in [
            &b""[..],
            b"Dear Sir, the parcel came late.",
            b"RIFF\xff\xff\xff\xffWAVE",
        ] {
            std::fs::write(file.path(), content).unwrap();
            let message = refusal(&AudioInput::path(file.path()));
            assert!(message.contains(file.path().to_str().unwrap()), "{message}");
        }
    }
}
