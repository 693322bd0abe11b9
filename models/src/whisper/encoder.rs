//! The encoder: two convolutions over the spectrogram, then the layers.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::layer::{self, FeedForward};
use super::{LogMel, WhisperConfig, WhisperWeights};
use crate::ModelError;
use crate::kernels::{self, Packing};
use crate::layers::{AddTo, Checkpoint, Embedding, LayerNorm, Linear};

/// The taps of the convolutions.
const TAPS: usize = 3;

#[derive(Debug)]
pub(super) struct Encoder {
    /// Three neighbours side by side to one row: `[3 * mels]` to `[hidden]`.
    first: Linear,
    /// The same with `[3 * hidden]`, of every second row.
    second: Linear,
    positions: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    hidden: usize,
    mels: usize,
}

#[derive(Debug)]
struct Layer {
    norm: LayerNorm,
    /// Query, key and value side by side.
    attention_in: Linear,
    attention_out: Linear,
    feed_forward: FeedForward,
    heads: usize,
}

/// The work of the encoder on a batch of spectrograms, layer by layer, so that whoever runs it can
/// look up in between.
#[derive(Debug)]
pub struct EncoderPass {
    /// `[positions, hidden]`, the spectrograms one after the other.
    pub(super) hidden: Tensor,
    pub(super) packing: Packing,
    next: usize,
}

impl EncoderPass {
    /// Begins with spectrograms, each of an even number of rows, at least 2 and at most twice the
    /// positions of the network.
    ///
    /// # Errors
    /// [`ModelError::Input`] for none, or one of another size; [`ModelError::Compute`] when the
    /// device fails.
    pub fn begin(weights: &WhisperWeights, spectrograms: &[LogMel]) -> Result<Self, ModelError> {
        let encoder = &weights.encoder;
        let most = 2 * weights.config().max_source_positions;
        let refuse = |expected: String, found: String| ModelError::Input {
            operation: "encode speech",
            expected,
            found,
            advice: "make the spectrograms with the filters of the same model".to_owned(),
        };
        if spectrograms.is_empty() {
            let expected = "at least one spectrogram".to_owned();
            return Err(refuse(expected, "none".to_owned()));
        }
        for spectrogram in spectrograms {
            let (frames, mels) = (spectrogram.frames(), spectrogram.mels());
            if mels != encoder.mels || frames < 2 || frames > most || !frames.is_multiple_of(2) {
                return Err(refuse(
                    format!(
                        "an even number of at most {most} rows of {} values",
                        encoder.mels
                    ),
                    format!("{frames} rows of {mels}"),
                ));
            }
        }
        let lengths: Vec<usize> = spectrograms.iter().map(|mel| mel.frames() / 2).collect();
        let parts = spectrograms
            .iter()
            .map(|mel| encoder.convolve(mel, weights.device()))
            .collect::<CandleResult<Vec<_>>>();
        let hidden = parts
            .and_then(|parts| Tensor::cat(&parts, 0))
            .map_err(ModelError::compute("convolve a spectrogram"))?;
        Ok(Self {
            hidden,
            packing: Packing::new(&lengths),
            next: 0,
        })
    }

    /// Runs the next layer; says whether there are more.
    ///
    /// # Errors
    /// [`ModelError::Compute`] when the device fails.
    pub fn advance(&mut self, weights: &WhisperWeights) -> Result<bool, ModelError> {
        let encoder = &weights.encoder;
        let Some(layer) = encoder.layers.get(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        let last = self.next == encoder.layers.len();
        let hidden = layer
            .forward(&self.hidden, &self.packing)
            .and_then(|hidden| match last {
                true => encoder.norm.forward(&hidden),
                false => Ok(hidden),
            });
        self.hidden = hidden.map_err(ModelError::compute("run a layer of the encoder"))?;
        Ok(!last)
    }

    /// The output so far: f32 `[positions, hidden]`, the spectrograms one after the other.
    #[must_use]
    pub fn output(&self) -> &Tensor {
        &self.hidden
    }
}

impl Encoder {
    pub(super) fn read(encoder: &Checkpoint, config: &WhisperConfig) -> Result<Self, ModelError> {
        let (hidden, mels) = (config.d_model, config.num_mel_bins);
        let positions = encoder.at("embed_positions");
        let layer = |index| Layer::read(&encoder.at(&format!("layers.{index}")), config);
        Ok(Self {
            first: Linear::convolution(&encoder.at("conv1"), mels, hidden, TAPS)?,
            second: Linear::convolution(&encoder.at("conv2"), hidden, hidden, TAPS)?,
            positions: Embedding::read(&positions, config.max_source_positions, hidden)?,
            layers: (0..config.encoder_layers)
                .map(layer)
                .collect::<Result<_, _>>()?,
            norm: layer::norm(&encoder.at("layer_norm"), hidden)?,
            hidden,
            mels,
        })
    }

    /// `[frames, mels]` to `[frames / 2, hidden]`, with the positions added.
    fn convolve(&self, mel: &LogMel, device: &Device) -> CandleResult<Tensor> {
        let (frames, positions) = (mel.frames(), mel.frames() / 2);
        let neighbors = Tensor::from_vec(neighbors(mel), (frames, 3 * self.mels), device)?;
        let first = self.first.gelu(&neighbors)?;
        // The second one steps over every other row: padded by a row at both ends, the rows fall
        // into pairs.
        let pairs = first
            .pad_with_zeros(0, 1, 1)?
            .reshape((positions + 1, 2 * self.hidden))?;
        let own = pairs.narrow(0, 0, positions)?;
        let behind = pairs.narrow(0, 1, positions)?.narrow(1, 0, self.hidden)?;
        let neighbors = Tensor::cat(&[own, behind], 1)?.contiguous()?;
        let second = self.second.gelu(&neighbors)?;
        second + self.positions.first(positions)?
    }

    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter().map(|layer| {
            layer.attention_in.bytes() + layer.attention_out.bytes() + layer.feed_forward.bytes()
        });
        self.first.bytes() + self.second.bytes() + self.positions.bytes() + layers.sum::<usize>()
    }
}

/// Of each row the values of the row before, its own, and those of the row behind.
fn neighbors(mel: &LogMel) -> Vec<f32> {
    let (frames, mels) = (mel.frames(), mel.mels());
    let silence = vec![0f32; mels];
    let row = |index: Option<usize>| {
        let index = index.filter(|index| *index < frames);
        index.map_or(&*silence, |index| &mel.values()[index * mels..][..mels])
    };
    let rows = (0..frames).flat_map(|frame| {
        [frame.checked_sub(1), Some(frame), Some(frame + 1)]
            .into_iter()
            .flat_map(row)
    });
    rows.copied().collect()
}

impl Layer {
    fn read(layer: &Checkpoint, config: &WhisperConfig) -> Result<Self, ModelError> {
        let hidden = config.d_model;
        let attention = layer.at("self_attn");
        Ok(Self {
            norm: layer::norm(&layer.at("self_attn_layer_norm"), hidden)?,
            attention_in: layer::projections(&attention, &["q_proj", "k_proj", "v_proj"], hidden)?,
            attention_out: Linear::read(&attention.at("out_proj"), hidden, hidden)?,
            feed_forward: FeedForward::read(layer, hidden, config.encoder_ffn_dim)?,
            heads: config.encoder_attention_heads,
        })
    }

    fn forward(&self, input: &Tensor, packing: &Packing) -> CandleResult<Tensor> {
        let (projected, bias) = self.attention_in.product(&self.norm.forward(input)?)?;
        let mixed = kernels::attention(&projected, bias, self.heads, packing)?;
        let attended = self.attention_out.add_to(input, &mixed)?;
        self.feed_forward.forward(&attended)
    }
}
