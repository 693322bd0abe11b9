//! Opus, the codec of voice messages and calls: symphonia reads its packets and does not decode
//! them.

use opus_pure::OpusDecoder;
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::PacketRef;

/// What it is decoded to; all its rates are parts of this one.
const RATE: u32 = 48_000;
/// Frames of the longest packet, 120 milliseconds.
const MAX_FRAMES: usize = 5760;
/// Where the header of a file says how much louder it is to be played, in 256ths of a decibel.
const GAIN: std::ops::Range<usize> = 16..18;

const INFO: CodecInfo = CodecInfo {
    short_name: "opus",
    long_name: "Opus",
    profiles: &[],
};

/// A decoder of mono or stereo packets.
pub(super) struct Opus {
    decoder: OpusDecoder,
    codec: AudioCodecParameters,
    /// Frames of the last packet, their channels side by side.
    frames: Vec<f32>,
    buffer: AudioBuffer<f32>,
}

impl Opus {
    /// # Errors
    /// [`Error::Unsupported`] for more than two channels.
    pub(super) fn new(codec: &AudioCodecParameters) -> Result<Self> {
        let channels = codec.channels.clone();
        let channels = channels.filter(|channels| (1..=2).contains(&channels.count()));
        let channels = channels.ok_or(Error::Unsupported("Opus of more than two channels"))?;
        let count = channels.count();
        let decoder = OpusDecoder::new(RATE as i32, count);
        let mut decoder = decoder.map_err(|_| Error::Unsupported("another kind of Opus"))?;
        let header = codec.extra_data.as_deref().unwrap_or_default();
        if header.starts_with(b"OpusHead")
            && let Some(&[low, high]) = header.get(GAIN)
        {
            decoder.gain_q8 = i32::from(i16::from_le_bytes([low, high]));
        }
        Ok(Self {
            decoder,
            codec: codec.clone(),
            frames: vec![0.0; MAX_FRAMES * count],
            buffer: AudioBuffer::new(AudioSpec::new(RATE, channels), MAX_FRAMES),
        })
    }

    fn fill(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        let count = self.buffer.num_planes();
        let decoded = self
            .decoder
            .decode(packet.data, MAX_FRAMES, &mut self.frames);
        let frames = decoded.map_err(|_| Error::DecodeError("opus: a damaged packet"))?;
        let frames = frames.min(MAX_FRAMES);
        self.buffer.resize_with_silence(frames);
        self.buffer
            .copy_from_slice_interleaved(&&self.frames[..frames * count]);
        Ok(())
    }
}

impl AudioDecoder for Opus {
    fn reset(&mut self) {
        // A decoder that cannot be reset goes on with what it knows of the stream before, which is
        // forgotten within a few packets.
        let _ = self.decoder.reset_state();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.codec
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        self.fill(packet)?;
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}
