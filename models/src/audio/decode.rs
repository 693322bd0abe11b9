//! From the bytes of a recording to mono samples at its own rate, packet by packet, with symphonia.
//!
//! symphonia's readers and decoders are given whatever a user has on disk. They are safe code that
//! checks its input, but not all of it: a sum of claimed lengths can overflow, an assertion about a
//! table can fail. So each call is made through [`contained`], which turns a panic into the error
//! that the file is damaged. The decoder is not used again after that.

mod faults;
mod stream;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_WAVE};
use symphonia::core::packet::Packet;

pub(super) use faults::{contained, refused};
use faults::{damaged, unsupported};
use stream::{Stream, choose, decoder_for};

use super::claims::Extent;
use super::edits::{Edit, MAX_GAP};
use super::source::Allowance;
use super::{AudioInfo, limits, mix};
use crate::ModelError;

/// After so many damaged packets in a row, 6 seconds of mp3, the rest of a file is not worth the
/// search.
const DAMAGED_IN_A_ROW: u32 = 250;

/// How symphonia says that an mp4 file has no place for a packet which another of its tables
/// counts.
const OVERCOUNTED: [&str; 4] = [
    "stsz entr",
    "stco entr",
    "co64 entr",
    "chunk offset not found",
];

/// Where fewer bytes than this are there for each second, what the head says of the length is not
/// believed: 8 kbit/s, the least at which anybody can be understood. Such a recording meets its
/// limit while it is read.
const MIN_BYTES_PER_SECOND: f64 = 1_000.0;

/// A reader and a decoder, from the first packet of a recording to the last.
pub(super) struct Decoder {
    path: PathBuf,
    known: Known,
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
    /// What an ogg page's count of samples cuts off, while nothing follows.
    held: Vec<f32>,
    /// Whether such a count cut off more than any encoder adds.
    counts_lie: bool,
    /// Bytes of all packets.
    taken: u64,
}

/// What is known of a file before it is decoded.
pub(super) struct Known {
    /// Its length in bytes.
    pub(super) length: u64,
    /// The edits of its tracks.
    pub(super) edits: Vec<Edit>,
    /// Whether it has the bytes that it claims.
    pub(super) extent: Extent,
    /// Where the packets of a flac file begin.
    pub(super) frames: Option<u64>,
}

impl Decoder {
    /// Chooses the recording's audio track.
    pub(super) fn new(
        path: &Path,
        known: Known,
        reader: Box<dyn FormatReader>,
        allowance: Allowance,
    ) -> Result<Self, ModelError> {
        let (mut stream, decoder) = choose(path, &*reader)?;
        let mut edits = known.edits.iter();
        if let Some(edit) = edits.find(|edit| edit.track == stream.track) {
            stream.apply(edit);
        }
        Ok(Self {
            path: path.to_path_buf(),
            known,
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
            held: Vec::new(),
            counts_lie: false,
            taken: 0,
        })
    }

    /// Decodes until there are samples, and returns their rate; `None` at the end. The samples are
    /// then in [`Decoder::mono`].
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
        let length = self.known.length;
        let Some(bits) = self.bits_per_sample() else {
            let seconds = kept as f64 / f64::from(sample_rate);
            return Some(seconds).filter(|seconds| length as f64 >= seconds * MIN_BYTES_PER_SECOND);
        };
        let there = length.saturating_mul(8) / (bits * u64::from(channels));
        Some(kept.min(there) as f64 / f64::from(sample_rate))
    }

    /// The bits of a sample where each takes the same number, as the name of the codec says:
    /// `pcm_s16le`, `pcm_mulaw`, `adpcm_ms`.
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
                Ok(packet) => {
                    self.taken += packet.as_ref().map_or(0, |packet| packet.data.len() as u64);
                    return Ok(packet);
                }
                Err(Error::ResetRequired) => {
                    self.finish_stream();
                    (self.stream, self.decoder) = choose(&self.path, &*self.reader)?;
                }
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.truncated |= self.breaks_off();
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
                // An index that counts more than it describes. All that it describes was heard.
                Err(Error::DecodeError(reason))
                    if self.heard && OVERCOUNTED.iter().any(|words| reason.contains(words)) =>
                {
                    return Ok(None);
                }
                // What the reader cannot make sense of, it cannot skip either. What came before
                // stands.
                Err(_) => {
                    self.truncated = true;
                    return Ok(None);
                }
            }
        }
    }

    /// Whether the end of the file comes too soon, where a reader met it.
    fn breaks_off(&self) -> bool {
        match self.reader.format_info().format {
            // Where no length was promised, the end of the file is the end of the recording.
            FORMAT_ID_WAVE | FORMAT_ID_AIFF => self.stream.promised.is_some(),
            // It promises more frames; but where the last one is whole, that was never so.
            FORMAT_ID_FLAC => {
                let end = self.known.frames.map(|begin| begin + self.taken);
                end != Some(self.known.length)
            }
            _ => true,
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
            // The mp3 decoder keeps to the rate of its first packet. Where files were joined,
            // another begins.
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
            // A header that promises too little would have all that follows cut off: it cannot ask
            // for more than it says was padded.
            let trimmed = packet.trim_end.get().min(stream.padding).min(frames);
            stream.padding -= trimmed;
            stop = frames - trimmed;
        }
        if self.is_counted() {
            start = start.max(packet.trim_start.get()).min(frames);
            stop = stop
                .min(frames - packet.trim_end.get().min(frames))
                .max(start);
            return self.take_counted(start as usize..stop as usize, frames as usize);
        }
        mix::planes(
            &self.planes,
            start as usize..stop.max(start) as usize,
            &mut self.mono,
        );
        self.heard = self.heard || !self.mono.is_empty();
    }

    /// Whether pages count the samples, so that the last one says how many are padding.
    fn is_counted(&self) -> bool {
        matches!(self.stream.codec.codec, CODEC_ID_VORBIS | CODEC_ID_OPUS)
    }

    /// Mixes `kept` of the frames, and holds back what follows: it is padding only if that is the
    /// end. A count that is wrong would else take seconds away.
    fn take_counted(&mut self, kept: Range<usize>, frames: usize) {
        if !kept.is_empty() || self.counts_lie {
            self.mono.append(&mut self.held);
        }
        let held = kept.end..frames;
        mix::planes(&self.planes, kept, &mut self.mono);
        mix::planes(&self.planes, held, &mut self.held);
        self.counts_lie |= self.held.len() as u64 > MAX_GAP;
        if self.counts_lie {
            self.mono.append(&mut self.held);
        }
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

    /// Compares what came with what the header promised. Only containers that count their samples,
    /// and tags that do, are taken at their word, and only where the bytes of the file do not speak
    /// against it.
    fn finish_stream(&mut self) {
        self.held.clear();
        let expected = match self.reader.format_info().format {
            FORMAT_ID_WAVE | FORMAT_ID_AIFF => self.stream.promised,
            _ if self.stream.codec.codec == CODEC_ID_MP3 => self.stream.tagged,
            _ => None,
        };
        self.truncated |= match self.known.extent {
            Extent::Unknown => expected.is_some_and(|frames| self.stream.decoded < frames),
            Extent::Complete => false,
            Extent::Truncated => true,
        };
    }
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
