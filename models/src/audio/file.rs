//! An audio file, a second at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use aimass_config::files::NotAFile;
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::corrections::Corrections;
use super::decode::{self, Decoder, Known};
use super::rebuilt::Rebuilt;
use super::resample::RateConverter;
use super::source::{Allowance, Source};
use super::{AudioInfo, AudioLimits, SAMPLE_RATE, claims, edits, pages, riff, tables, truncated};
use crate::ModelError;

/// The most samples in one block: a second.
const BLOCK: usize = SAMPLE_RATE as usize;

/// A recording that is decoded while it is read: wav (8 to 32 bits, float, ADPCM, A-law, µ-law),
/// aiff, flac, mp3, ogg (Vorbis, FLAC), m4a (AAC-LC, ALAC) and AAC in ADTS. The content says which
/// it is, not the name of the file.
///
/// What is damaged in the midst is bridged with silence, so that the rest keeps its time;
/// [`AudioFile::damaged`] counts it. A recording that breaks off gives what is there, and then
/// [`AudioFile::truncated`] is true; m4a whose index lies at its end is refused then. A length in a
/// head that the file does not bear out is not believed: what is there is heard.
///
/// Channels are averaged. The result is as long as the recording to within a sample and not shifted
/// against it; what an encoder of mp3, Vorbis or AAC put around the recording is left out, where
/// the file says how much. Recordings at 16 kHz pass as they are.
pub struct AudioFile {
    path: PathBuf,
    limits: AudioLimits,
    info: AudioInfo,
    decoder: Decoder,
    /// The converter of the present rate, and that rate.
    converter: Option<(u32, RateConverter)>,
    /// Whether the decoder holds samples that were not converted yet.
    primed: Option<u32>,
    /// Samples that no block was given of.
    ready: VecDeque<f32>,
    converted: Vec<f32>,
    given: u64,
    ended: bool,
}

impl AudioFile {
    /// Opens a file within the default limits.
    ///
    /// # Errors
    /// See [`AudioFile::open_within`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::open_within(path, AudioLimits::default())
    }

    /// Opens a file within limits.
    ///
    /// # Errors
    /// [`ModelError::File`] if it cannot be read, [`ModelError::Format`] if it is no audio file
    /// that can be decoded, is damaged at its start, or says that it is longer than the limit, and
    /// [`ModelError::Input`] if its rate or its number of channels is out of bounds.
    pub fn open_within(path: &Path, limits: AudioLimits) -> Result<Self, ModelError> {
        let (file, length) = open_regular(path)?;
        Self::decode(path, file, length, limits)
    }

    /// Opens a recording that is in memory, such as a blob of the environment. Errors call it
    /// `name`.
    ///
    /// # Errors
    /// Those of [`AudioFile::open_within`] but [`ModelError::File`].
    pub fn in_memory(
        name: &str,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        limits: AudioLimits,
    ) -> Result<Self, ModelError> {
        let length = bytes.as_ref().len() as u64;
        Self::decode(Path::new(name), Cursor::new(bytes), length, limits)
    }

    /// What the header says.
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Whether the recording broke off before its header or its last packet said. Known once the
    /// last block was given.
    pub fn truncated(&self) -> bool {
        self.decoder.truncated()
    }

    /// How many packets could not be decoded so far. Each was replaced by silence of its length.
    pub fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// The next second, mono at 16 kHz in -1..=1; the last one may be shorter. `None` at the end,
    /// and after an error.
    ///
    /// # Errors
    /// [`ModelError::File`] if reading fails, and [`ModelError::Format`] if the file is damaged
    /// beyond what can be bridged or turns out to be longer than the limit.
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>, ModelError> {
        while self.ready.len() < BLOCK && !self.ended {
            if let Err(error) = self.fill() {
                self.ended = true;
                self.ready.clear();
                return Err(error);
            }
        }
        let length = self.ready.len().min(BLOCK);
        if length == 0 {
            return Ok(None);
        }
        self.given += length as u64;
        if self.given
            > self
                .limits
                .max_seconds
                .saturating_mul(u64::from(SAMPLE_RATE))
        {
            self.ended = true;
            self.ready.clear();
            return Err(too_long(&self.path, self.limits, "more"));
        }
        Ok(Some(self.ready.drain(..length).collect()))
    }

    /// Converts what one packet holds.
    fn fill(&mut self) -> Result<(), ModelError> {
        let rate = match self.primed.take() {
            Some(rate) => Some(rate),
            None => self.decoder.advance()?,
        };
        self.converted.clear();
        match (rate, self.converter.take()) {
            (Some(rate), Some((same, mut converter))) if rate == same => {
                converter.push(self.decoder.mono(), &mut self.converted);
                self.converter = Some((rate, converter));
            }
            (Some(rate), other) => {
                // Another rate begins, as where recordings were joined.
                if let Some((_, converter)) = other {
                    converter.finish(&mut self.converted);
                }
                let mut converter = RateConverter::new(rate)?;
                converter.push(self.decoder.mono(), &mut self.converted);
                self.converter = Some((rate, converter));
            }
            (None, other) => {
                self.ended = true;
                if let Some((_, converter)) = other {
                    converter.finish(&mut self.converted);
                }
            }
        }
        self.ready.extend(&self.converted);
        Ok(())
    }

    fn decode(
        path: &Path,
        mut source: impl MediaSource + 'static,
        length: u64,
        limits: AudioLimits,
    ) -> Result<Self, ModelError> {
        if length == 0 {
            return Err(empty(path));
        }
        let start = after_tags(&mut source, length);
        let sound = riff::find(&mut source, start);
        let known = Known {
            length,
            edits: edits::read(&mut source),
            extent: match &sound {
                Some(sound) => sound.extent,
                None => claims::of_mp3(&mut source, start),
            },
            frames: claims::flac_frames(&mut source, start),
        };
        let allowance = Allowance::default();
        allowance.renew();
        let (source, start): (Box<dyn MediaSource>, u64) = match sound {
            Some(sound) => {
                let sound = Rebuilt::new(source, sound);
                (
                    Box::new(Source::new(
                        sound,
                        allowance.clone(),
                        Corrections::default(),
                    )),
                    0,
                )
            }
            None => {
                let corrections = corrections(&mut source, start);
                let source = Source::new(source, allowance.clone(), corrections);
                (Box::new(source), start)
            }
        };
        let reader = decode::contained(path, || {
            let mut stream = MediaSourceStream::new(source, Default::default());
            stream.seek(SeekFrom::Start(start))?;
            symphonia::default::get_probe().probe(
                &Hint::new(),
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
        })?
        .map_err(|error| decode::refused(path, &error))?;
        let mut decoder = Decoder::new(path, known, reader, allowance)?;
        // The first packet corrects the header, and a file that cannot be decoded at all is refused
        // here.
        let info = decoder.info();
        let primed = decoder.advance()?;
        let info = if primed.is_some() {
            decoder.info()?
        } else {
            info?
        };
        if info
            .seconds
            .is_some_and(|seconds| seconds > limits.max_seconds as f64)
        {
            let found = format!("{:.1}", info.seconds.unwrap_or_default());
            return Err(too_long(path, limits, &found));
        }
        Ok(Self {
            path: path.to_path_buf(),
            limits,
            info,
            decoder,
            converter: None,
            primed,
            ready: VecDeque::new(),
            converted: Vec::new(),
            given: 0,
            ended: false,
        })
    }
}

/// Opens a regular file and returns it with its length in bytes. A pipe or a device might never
/// end.
fn open_regular(path: &Path) -> Result<(File, u64), ModelError> {
    let unreadable = |source: std::io::Error| ModelError::File {
        operation: "read",
        path: path.to_path_buf(),
        advice: match source.kind() {
            std::io::ErrorKind::PermissionDenied => "give this user permission to read it",
            std::io::ErrorKind::NotFound => "check the name",
            _ => "check the disk",
        }
        .to_owned(),
        source,
    };
    match aimass_config::files::open(path) {
        Ok((file, metadata)) => Ok((file, metadata.len())),
        Err(NotAFile::Refused(source)) => Err(unreadable(source)),
        Err(NotAFile::Special(kind)) => Err(ModelError::Format {
            path: path.to_path_buf(),
            expected: "a regular file".to_owned(),
            found: kind.to_string(),
            advice: "name one audio file; live audio goes through the live interface".to_owned(),
        }),
    }
}

/// Where the audio begins: after the ID3 tags, whose pictures nobody needs in memory. A tag's
/// length is four times seven bits. Of one that would reach beyond the end of the file, only its
/// head is passed over.
fn after_tags(source: &mut (impl Read + Seek), file_length: u64) -> u64 {
    const MAX_TAGS: usize = 16;
    let mut at = 0;
    for _ in 0..MAX_TAGS {
        let mut header = [0; 10];
        let read = source
            .seek(SeekFrom::Start(at))
            .and_then(|_| source.read_exact(&mut header));
        let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = header else {
            break;
        };
        if read.is_err() || (a | b | c | d) > 0x7f {
            break;
        }
        let length = [a, b, c, d]
            .iter()
            .fold(0, |length, &digit| length << 7 | u64::from(digit));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        if at + 10 + length + footer >= file_length {
            return at + 10;
        }
        at += 10 + length + footer;
    }
    at
}

/// What is to be read otherwise than the file says.
fn corrections(source: &mut (impl Read + Seek), start: u64) -> Corrections {
    let mut corrections = Corrections::default();
    if let Some(length) = truncated::find(source) {
        // "To the end of the file".
        corrections.put(length, &[0; 4]);
    }
    tables::correct(source, &mut corrections);
    pages::correct(source, start, &mut corrections);
    corrections
}

fn empty(path: &Path) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "an audio file".to_owned(),
        found: "an empty file".to_owned(),
        advice: "get the file again from where it was made".to_owned(),
    }
}

fn too_long(path: &Path, limits: AudioLimits, found: &str) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: format!("at most {} seconds of audio", limits.max_seconds),
        found: format!("{found} seconds"),
        advice: "split the recording, or raise the limit".to_owned(),
    }
}
