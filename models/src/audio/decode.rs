//! From the bytes of a recording to mono samples at its own rate, packet by packet, with symphonia.
//!
//! symphonia's readers and decoders are given whatever a user has on disk. They are safe code that checks its input, but not all of it:
//! a sum of claimed lengths can overflow, an assertion about a table can fail. So each call is made through [`contained`], which turns a
//! panic into the error that the file is damaged. The decoder is not used again after that.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::well_known::{FORMAT_ID_AIFF, FORMAT_ID_WAVE};
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::packet::Packet;

use super::edits::Edit;
use super::opus::Opus;
use super::source::Allowance;
use super::{AudioInfo, limits, mix};
use crate::ModelError;

/// After so many damaged packets in a row, 6 seconds of mp3, the rest of a file is not worth the search.
const DAMAGED_IN_A_ROW: u32 = 250;

/// The last channel layout that was decoded, and where in the stream it was.
struct Stream {
    track: u32,
    codec: AudioCodecParameters,
    /// Ticks of the container's clock to seconds, as a fraction.
    tick: (u64, u64),
    /// Frames that the header promises.
    promised: Option<u64>,
    /// The same with what the encoder put around them, where an mp3 file's tag counts all of that.
    tagged: Option<u64>,
    /// Frames that were decoded so far, trimmed or not.
    decoded: u64,
    /// Frames to be dropped at the start, because the encoder put them there and the decoder does not know.
    delay: u64,
    /// Frames that may be dropped at the end for the same reason.
    padding: u64,
    /// Where the recording ends, in frames of the whole stream, if padding follows.
    end: Option<u64>,
}

/// A reader and a decoder, from the first packet of a recording to the last.
pub(super) struct Decoder {
    path: PathBuf,
    length: u64,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    allowance: Allowance,
    stream: Stream,
    planes: Vec<Vec<f32>>,
    mono: Vec<f32>,
    shape: Option<(u32, u32)>,
    damaged: u64,
    damaged_in_a_row: u32,
    heard: bool,
    truncated: bool,
    ended: bool,
}

impl Decoder {
    /// Chooses the recording's audio track. `length` is that of the file in bytes; `edits` are those of its tracks.
    pub(super) fn new(
        path: &Path,
        length: u64,
        reader: Box<dyn FormatReader>,
        edits: &[Edit],
        allowance: Allowance,
    ) -> Result<Self, ModelError> {
        let (mut stream, decoder) = choose(path, &*reader)?;
        if let Some(edit) = edits.iter().find(|edit| edit.track == stream.track) {
            stream.apply(edit);
        }
        Ok(Self {
            path: path.to_path_buf(),
            length,
            reader,
            decoder,
            allowance,
            stream,
            planes: Vec::new(),
            mono: Vec::new(),
            shape: None,
            damaged: 0,
            damaged_in_a_row: 0,
            heard: false,
            truncated: false,
            ended: false,
        })
    }

    /// Decodes until there are samples, and returns their rate; `None` at the end. The samples are then in [`Decoder::mono`].
    pub(super) fn advance(&mut self) -> Result<Option<u32>, ModelError> {
        self.mono.clear();
        while !self.ended {
            let rate = match self.packet()? {
                Some(packet) => self.decode(&packet)?,
                None => {
                    self.end()?;
                    None
                }
            };
            if rate.is_some() && !self.mono.is_empty() {
                return Ok(rate);
            }
        }
        Ok(None)
    }

    /// What the last [`Decoder::advance`] decoded, in -1..=1.
    pub(super) fn mono(&self) -> &[f32] {
        &self.mono
    }

    /// Whether the recording ended before its header or its last packet said.
    pub(super) fn truncated(&self) -> bool {
        self.truncated
    }

    /// How many packets could not be decoded.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// What the header says, corrected by the first packet where that was decoded.
    pub(super) fn info(&self) -> Result<AudioInfo, ModelError> {
        let codec = &self.stream.codec;
        let claimed = (
            codec.sample_rate.unwrap_or(0),
            codec
                .channels
                .as_ref()
                .map_or(0, |channels| channels.count() as u32),
        );
        let (sample_rate, channels) = self.shape.unwrap_or(claimed);
        limits::check_shape(sample_rate, channels)?;
        Ok(AudioInfo {
            container: self.reader.format_info().short_name,
            codec: self.decoder.codec_info().short_name,
            sample_rate,
            channels,
            seconds: self.seconds(sample_rate, channels),
        })
    }

    fn seconds(&self, sample_rate: u32, channels: u32) -> Option<f64> {
        let frames = self.stream.promised?;
        let kept = self
            .stream
            .end
            .unwrap_or(frames)
            .saturating_sub(self.stream.delay);
        let kept = match self.bits_per_sample() {
            // Whoever writes to a pipe does not know the length, and writes the largest one.
            Some(bits) => kept.min(self.length.saturating_mul(8) / (bits * u64::from(channels))),
            None => kept,
        };
        Some(kept as f64 / f64::from(sample_rate))
    }

    /// The bits of a sample where each takes the same number, as the name of the codec says: `pcm_s16le`, `pcm_mulaw`, `adpcm_ms`.
    fn bits_per_sample(&self) -> Option<u64> {
        let name = self.decoder.codec_info().short_name;
        if name.starts_with("adpcm") {
            return Some(4);
        }
        let digits: String = name
            .strip_prefix("pcm_")?
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        Some(digits.parse().unwrap_or(8))
    }

    /// The next packet of the chosen track.
    fn packet(&mut self) -> Result<Option<Packet>, ModelError> {
        loop {
            self.allowance.renew();
            let path = self.path.as_path();
            match contained(path, || self.reader.next_packet())? {
                Ok(Some(packet)) if packet.track_id != self.stream.track => {}
                Ok(Some(packet)) if packet.data.is_empty() && self.is_plain() => return Ok(None),
                Ok(packet) => return Ok(packet),
                Err(Error::ResetRequired) => {
                    self.finish_stream();
                    (self.stream, self.decoder) = choose(&self.path, &*self.reader)?;
                }
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    // Where no length was promised, the end of the file is the end of the recording.
                    self.truncated |= !self.is_plain() || self.stream.promised.is_some();
                    return Ok(None);
                }
                Err(Error::IoError(source)) => {
                    return Err(ModelError::File {
                        operation: "read",
                        path: self.path.clone(),
                        source,
                        advice: "check the disk, and that the file is an audio file".to_owned(),
                    });
                }
                // What the reader cannot make sense of, it cannot skip either. What came before stands.
                Err(_) => {
                    self.truncated = true;
                    return Ok(None);
                }
            }
        }
    }

    /// Whether packets are plain stretches of the file, so that an empty one is its end.
    fn is_plain(&self) -> bool {
        matches!(
            self.reader.format_info().format,
            FORMAT_ID_WAVE | FORMAT_ID_AIFF
        )
    }

    fn decode(&mut self, packet: &Packet) -> Result<Option<u32>, ModelError> {
        let path = self.path.clone();
        let mut outcome = contained(&path, || {
            decode_into(&mut self.planes, &mut *self.decoder, packet)
        })?;
        if let Err(Error::DecodeError(reason)) = outcome
            && reason.contains("signal spec")
        {
            // The mp3 decoder keeps to the rate of its first packet. Where files were joined, another begins.
            self.decoder = decoder_for(&path, &self.stream.codec)?;
            outcome = contained(&path, || {
                decode_into(&mut self.planes, &mut *self.decoder, packet)
            })?;
        }
        match outcome {
            Ok((sample_rate, channels)) => {
                self.damaged_in_a_row = 0;
                limits::check_shape(sample_rate, channels)?;
                self.shape = Some((sample_rate, channels));
                self.take(packet);
                Ok(Some(sample_rate))
            }
            Err(Error::Unsupported(what)) if !self.heard => Err(unsupported(&self.path, what)),
            Err(_) => self.bridge(packet),
        }
    }

    /// Mixes what was decoded, without what the encoder added at the ends.
    fn take(&mut self, packet: &Packet) {
        let frames = self.planes.first().map_or(0, Vec::len) as u64;
        let stream = &mut self.stream;
        let mut start = stream.delay.saturating_sub(stream.decoded).min(frames);
        let mut stop = frames;
        if let Some(end) = stream.end {
            stop = end.saturating_sub(stream.decoded).min(frames);
        }
        stream.decoded += frames;
        if stream.codec.codec == CODEC_ID_MP3 {
            start = packet.trim_start.get().min(frames);
            // A header that promises too little would have all that follows cut off: it cannot ask for more than it says was padded.
            let trimmed = packet.trim_end.get().min(stream.padding).min(frames);
            stream.padding -= trimmed;
            stop = frames - trimmed;
        }
        mix::planes(
            &self.planes,
            start as usize..stop.max(start) as usize,
            &mut self.mono,
        );
        self.heard = self.heard || !self.mono.is_empty();
    }

    /// Puts silence in the place of a damaged packet, so that what follows keeps its time.
    fn bridge(&mut self, packet: &Packet) -> Result<Option<u32>, ModelError> {
        self.damaged += 1;
        self.damaged_in_a_row += 1;
        if self.damaged_in_a_row > DAMAGED_IN_A_ROW {
            return Err(damaged(
                &self.path,
                format!("{DAMAGED_IN_A_ROW} packets in a row that cannot be decoded"),
            ));
        }
        let Some((sample_rate, _)) = self.shape else {
            return Ok(None);
        };
        let (numerator, denominator) = self.stream.tick;
        let frames = u128::from(packet.dur.get()) * u128::from(numerator) * u128::from(sample_rate)
            / u128::from(denominator.max(1));
        let frames = usize::try_from(frames)
            .unwrap_or(usize::MAX)
            .min(sample_rate as usize);
        self.stream.decoded += frames as u64;
        self.mono.resize(frames, 0.0);
        Ok(Some(sample_rate))
    }

    fn end(&mut self) -> Result<(), ModelError> {
        self.ended = true;
        self.finish_stream();
        if self.damaged > 0 && !self.heard {
            return Err(damaged(
                &self.path,
                "no packet that can be decoded".to_owned(),
            ));
        }
        Ok(())
    }

    /// Compares what came with what the header promised. Only containers that count their samples, and tags that do, are taken at their word.
    fn finish_stream(&mut self) {
        let expected = match self.reader.format_info().format {
            FORMAT_ID_WAVE | FORMAT_ID_AIFF => self.stream.promised,
            _ if self.stream.codec.codec == CODEC_ID_MP3 => self.stream.tagged,
            _ => None,
        };
        self.truncated =
            self.truncated || expected.is_some_and(|frames| self.stream.decoded < frames);
    }
}

impl Stream {
    fn apply(&mut self, edit: &Edit) {
        let Some(rate) = self.codec.sample_rate else {
            return;
        };
        let edit = edit.in_frames(rate, self.tick, self.promised);
        self.delay = edit.delay;
        self.end = edit.end;
    }
}

/// Chooses the track to listen to, and makes its decoder.
fn choose(
    path: &Path,
    reader: &dyn FormatReader,
) -> Result<(Stream, Box<dyn AudioDecoder>), ModelError> {
    let track = reader
        .default_track(TrackType::Audio)
        .or_else(|| reader.first_track(TrackType::Audio));
    let Some((track, codec)) = track.and_then(|track| Some((track, audio_of(track)?))) else {
        return Err(unsupported(path, "no audio track of a known codec"));
    };
    // Before a decoder takes memory for them.
    if let Some(channels) = &codec.channels {
        let rate = codec.sample_rate.unwrap_or(super::SAMPLE_RATE);
        limits::check_shape(rate, u32::try_from(channels.count()).unwrap_or(u32::MAX))?;
    }
    let decoder = decoder_for(path, codec)?;
    let stream = Stream {
        track: track.id,
        codec: codec.clone(),
        tick: track.time_base.map_or((0, 1), |base| {
            (u64::from(base.numer.get()), u64::from(base.denom.get()))
        }),
        promised: track.num_frames,
        tagged: tagged(track),
        decoded: 0,
        delay: match codec.codec {
            CODEC_ID_OPUS => u64::from(track.delay.unwrap_or(0)),
            _ => 0,
        },
        padding: u64::from(track.padding.unwrap_or(0)),
        end: None,
    };
    Ok((stream, decoder))
}

/// All frames of a track whose tag says how many of them are delay and padding.
fn tagged(track: &Track) -> Option<u64> {
    let around = u64::from(track.delay?) + u64::from(track.padding?);
    track.num_frames?.checked_add(around)
}

fn audio_of(track: &Track) -> Option<&AudioCodecParameters> {
    match &track.codec_params {
        Some(CodecParameters::Audio(audio)) => Some(audio),
        _ => None,
    }
}

fn decoder_for(
    path: &Path,
    codec: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, ModelError> {
    let options = AudioDecoderOptions::default().gapless(codec.codec != CODEC_ID_MP3);
    contained(path, || match codec.codec {
        CODEC_ID_OPUS => Ok(Box::new(Opus::new(codec)?) as Box<dyn AudioDecoder>),
        _ => symphonia::default::get_codecs().make_audio_decoder(codec, &options),
    })?
    .map_err(|error| match (error, codec.codec) {
        (Error::Unsupported(_), CODEC_ID_AAC) => unsupported(
            path,
            "another kind of AAC (HE-AAC, or more than two channels)",
        ),
        (error, _) => refused(path, &error),
    })
}

/// Decodes one packet into planes of samples, and returns its rate and number of channels.
fn decode_into(
    planes: &mut Vec<Vec<f32>>,
    decoder: &mut dyn AudioDecoder,
    packet: &Packet,
) -> Result<(u32, u32), Error> {
    let buffer = decoder.decode(packet)?;
    buffer.copy_to_vecs_planar(planes);
    let channels = u32::try_from(buffer.num_planes()).unwrap_or(u32::MAX);
    Ok((buffer.spec().rate(), channels))
}

/// Runs a call into symphonia, and turns a panic into the error that the file is damaged.
pub(super) fn contained<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "something that made the decoder panic".to_owned());
        damaged(
            path,
            format!("values that contradict each other ({message})"),
        )
    })
}

/// The error of a file that symphonia refuses when it is opened.
pub(super) fn refused(path: &Path, error: &Error) -> ModelError {
    match error {
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            damaged(path, "the end of the file within its header".to_owned())
        }
        Error::Unsupported(what) if what.contains("missing moov") => damaged(
            path,
            "no index (`moov`), which mp4 files often have at their end: the file is incomplete"
                .to_owned(),
        ),
        Error::Unsupported(what) => unsupported(path, what),
        error => damaged(path, error.to_string()),
    }
}

fn damaged(path: &Path, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "an undamaged audio file".to_owned(),
        found,
        advice: "get the file again from where it was made".to_owned(),
    }
}

fn unsupported(path: &Path, found: &str) -> ModelError {
    let name = path.file_name().unwrap_or_default();
    ModelError::Format {
        path: path.to_path_buf(),
        expected: "wav, aiff, flac, mp3, ogg (Vorbis, Opus, FLAC) or m4a (AAC-LC, ALAC) audio"
            .to_owned(),
        found: found.to_owned(),
        advice: format!("convert it, for instance with `ffmpeg -i {name:?} out.flac`"),
    }
}
