//! What a file says about itself.

/// What the header of an audio file says.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInfo {
    /// The container, such as `wave`, `ogg` or `isomp4`.
    pub container: &'static str,
    /// The codec, such as `pcm_s16le`, `mp3` or `vorbis`.
    pub codec: &'static str,
    /// Sample rate of the file in Hz. What comes out of [`super::AudioFile`] has [`super::SAMPLE_RATE`].
    pub sample_rate: u32,
    /// Number of channels in the file. What comes out of [`super::AudioFile`] has one.
    pub channels: u32,
    /// Length in seconds, if the header says it and the file is large enough for it. A damaged file may still hold less.
    pub seconds: Option<f64>,
}
