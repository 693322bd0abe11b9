//! The track of a file that is listened to, and its decoder.

use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatReader, Track, TrackType};

use super::faults::{contained, refused, unsupported};
use crate::ModelError;
use crate::audio::edits::Edit;
use crate::audio::opus::Opus;
use crate::audio::{SAMPLE_RATE, limits};

/// The last channel layout that was decoded, and where in the stream it was.
pub(super) struct Stream {
    pub(super) track: u32,
    pub(super) codec: AudioCodecParameters,
    /// Ticks of the container's clock to seconds, as a fraction.
    pub(super) tick: (u64, u64),
    /// Frames that the header promises.
    pub(super) promised: Option<u64>,
    /// The same with what the encoder put around them, where an mp3 file's tag counts all of that.
    pub(super) tagged: Option<u64>,
    /// Frames that were decoded so far, trimmed or not.
    pub(super) decoded: u64,
    /// Frames to be dropped at the start, because the encoder put them there and the decoder does not know.
    pub(super) delay: u64,
    /// Frames that may be dropped at the end for the same reason.
    pub(super) padding: u64,
    /// Where the recording ends, in frames of the whole stream, if padding follows.
    pub(super) end: Option<u64>,
}

impl Stream {
    pub(super) fn apply(&mut self, edit: &Edit) {
        let Some(rate) = self.codec.sample_rate else {
            return;
        };
        let edit = edit.in_frames(rate, self.tick, self.promised);
        self.delay = edit.delay;
        self.end = edit.end;
    }
}

/// Chooses the track to listen to, and makes its decoder.
pub(super) fn choose(
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
        let rate = codec.sample_rate.unwrap_or(SAMPLE_RATE);
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

pub(super) fn decoder_for(
    path: &Path,
    codec: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, ModelError> {
    // Of these we drop ourselves what the encoder added.
    let is_ours = matches!(codec.codec, CODEC_ID_MP3 | CODEC_ID_VORBIS);
    let options = AudioDecoderOptions::default().gapless(!is_ours);
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
