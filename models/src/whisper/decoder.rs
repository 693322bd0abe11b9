//! The decoder: from what was heard and the tokens so far to the next token, many hypotheses at a
//! time.

#[cfg(test)]
mod tests;

use candle_core::{Result as CandleResult, Tensor};

use super::layer::{self, FeedForward};
use super::{EncoderPass, WhisperConfig, WhisperWeights};
use crate::ModelError;
use crate::kernels::{self, CacheView, CrossCache, TokenCache};
use crate::layers::{AddTo, Checkpoint, Embedding, LayerNorm, Linear, TiedEmbedding};

#[derive(Debug)]
pub(super) struct Decoder {
    tokens: TiedEmbedding,
    positions: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    hidden: usize,
    vocabulary: usize,
}

#[derive(Debug)]
struct Layer {
    norm: LayerNorm,
    /// Query, key and value side by side.
    attention_in: Linear,
    attention_out: Linear,
    cross_norm: LayerNorm,
    cross_query: Linear,
    /// Key and value side by side.
    cross_in: Linear,
    cross_out: Linear,
    feed_forward: FeedForward,
    heads: usize,
}

/// What the encoder made of one piece of audio, as the decoder's layers look at it. Shared by all
/// hypotheses about it.
#[derive(Debug, Clone)]
pub struct EncodedAudio {
    layers: Vec<CrossCache>,
}

/// What the decoder keeps of one hypothesis. A clone is cheap, and goes its own way.
#[derive(Debug, Clone, Default)]
pub struct DecoderState {
    /// For each layer key and value of each token side by side.
    layers: Vec<TokenCache>,
    length: usize,
}

/// The next tokens of one hypothesis.
#[derive(Debug)]
pub(super) struct Feed<'a> {
    /// What was heard.
    pub(super) audio: &'a EncodedAudio,
    /// What was said so far; grows by the tokens.
    pub(super) state: &'a mut DecoderState,
    /// At least one.
    pub(super) tokens: &'a [u32],
}

/// Attention weights to be looked at beside the result: `[rows, positions]` for each head asked
/// for, of one piece of audio.
#[derive(Debug, Default)]
pub(super) struct AttentionProbe {
    /// Layer and head.
    pub(super) heads: Vec<(usize, usize)>,
    /// One for each head.
    pub(super) weights: Vec<Vec<f32>>,
}

impl AttentionProbe {
    /// Of these heads, each a layer and a head.
    pub(super) fn of(heads: &[(usize, usize)]) -> Self {
        Self {
            heads: heads.to_vec(),
            weights: Vec::with_capacity(heads.len()),
        }
    }
}

impl EncodedAudio {
    /// What the decoder's layers make of an encoder's output, one for each spectrogram.
    ///
    /// # Errors
    /// [`ModelError::Compute`] when the device fails.
    pub fn of(weights: &WhisperWeights, pass: &EncoderPass) -> Result<Vec<Self>, ModelError> {
        let ranges = pass.packing.ranges();
        let mut audios = vec![
            Self {
                layers: Vec::with_capacity(weights.decoder.layers.len())
            };
            ranges.len()
        ];
        let mut lay_out = || -> CandleResult<()> {
            for layer in &weights.decoder.layers {
                let projected = layer.cross_in.forward(&pass.hidden)?;
                for (audio, range) in audios.iter_mut().zip(ranges) {
                    let own = projected.narrow(0, range.start, range.len())?;
                    audio.layers.push(CrossCache::new(&own, layer.heads)?);
                }
            }
            Ok(())
        };
        lay_out().map_err(ModelError::compute("prepare the decoder"))?;
        Ok(audios)
    }

    /// The scores of what may follow each of some tokens, of which the first begins a transcript: a
    /// row of the vocabulary for each, not normalized.
    ///
    /// # Errors
    /// [`ModelError::Input`] for no tokens, too many, or one that the model does not have;
    /// [`ModelError::Compute`] when the device fails.
    pub fn scores(
        &self,
        weights: &WhisperWeights,
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let scores = weights
            .decoder
            .force(self, tokens, &mut AttentionProbe::default())?;
        scores
            .to_vec2()
            .map_err(ModelError::compute("read the scores"))
    }

    /// How many positions of 20 milliseconds it has.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.layers.first().map_or(0, CrossCache::positions)
    }

    /// The bytes that it takes on the device.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(CrossCache::bytes).sum()
    }
}

impl DecoderState {
    /// How many tokens it has heard.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }
}

impl Decoder {
    pub(super) fn read(decoder: &Checkpoint, config: &WhisperConfig) -> Result<Self, ModelError> {
        let (hidden, vocabulary) = (config.d_model, config.vocab_size);
        let positions = decoder.at("embed_positions");
        let layer = |index| Layer::read(&decoder.at(&format!("layers.{index}")), config);
        Ok(Self {
            tokens: TiedEmbedding::read(&decoder.at("embed_tokens"), vocabulary, hidden)?,
            positions: Embedding::read(&positions, config.max_target_positions, hidden)?,
            layers: (0..config.decoder_layers)
                .map(layer)
                .collect::<Result<_, _>>()?,
            norm: layer::norm(&decoder.at("layer_norm"), hidden)?,
            hidden,
            vocabulary,
        })
    }

    /// The scores of what may follow the last token of each hypothesis: f32 `[hypotheses,
    /// vocabulary]`, not normalized.
    pub(super) fn forward(
        &self,
        feeds: &mut [Feed<'_>],
        probe: Option<&mut AttentionProbe>,
    ) -> Result<Tensor, ModelError> {
        self.check(feeds)?;
        let hidden = self
            .run(feeds, probe)
            .map_err(ModelError::compute("run the decoder"))?;
        let mut last = Vec::with_capacity(feeds.len());
        let mut rows = 0u32;
        for feed in feeds.iter() {
            rows += feed.tokens.len() as u32;
            last.push(rows - 1);
        }
        let score = || -> CandleResult<Tensor> {
            let count = last.len();
            let last = Tensor::from_vec(last, count, hidden.device())?;
            let last = self.norm.forward(&hidden.index_select(&last, 0)?)?;
            self.tokens.logits(&last)
        };
        score().map_err(ModelError::compute("score the next tokens"))
    }

    /// The scores of what may follow each token of one hypothesis that begins here: f32 `[tokens,
    /// vocabulary]`, with the attention of some heads.
    pub(super) fn force(
        &self,
        audio: &EncodedAudio,
        tokens: &[u32],
        probe: &mut AttentionProbe,
    ) -> Result<Tensor, ModelError> {
        let state = &mut DecoderState::default();
        let mut feeds = [Feed {
            audio,
            state,
            tokens,
        }];
        self.check(&feeds)?;
        self.run(&mut feeds, Some(probe))
            .and_then(|hidden| self.tokens.logits(&self.norm.forward(&hidden)?))
            .map_err(ModelError::compute("align words"))
    }

    fn check(&self, feeds: &[Feed<'_>]) -> Result<(), ModelError> {
        let most = self.positions.count();
        for feed in feeds {
            let length = feed.state.length + feed.tokens.len();
            let unknown = feed
                .tokens
                .iter()
                .find(|token| **token as usize >= self.vocabulary);
            if feed.tokens.is_empty() || length > most || unknown.is_some() {
                return Err(ModelError::Input {
                    operation: "decode speech",
                    expected: format!(
                        "1 to {most} tokens below {} of one hypothesis",
                        self.vocabulary
                    ),
                    found: unknown.map_or_else(
                        || format!("{length} tokens"),
                        |token| format!("the token {token}"),
                    ),
                    advice: "shorten the prompt".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn run(
        &self,
        feeds: &mut [Feed<'_>],
        mut probe: Option<&mut AttentionProbe>,
    ) -> CandleResult<Tensor> {
        let ids: Vec<u32> = feeds
            .iter()
            .flat_map(|feed| feed.tokens.iter().copied())
            .collect();
        let places = feeds.iter().flat_map(|feed| {
            let first = feed.state.length as u32;
            first..first + feed.tokens.len() as u32
        });
        let positions = self.positions.forward(places.collect())?;
        let mut hidden = (self.tokens.forward(&ids)? + positions)?;
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.self_attention(&hidden, index, feeds, self.hidden)?;
            hidden = layer.cross_attention(&hidden, index, feeds, probe.as_deref_mut())?;
            hidden = layer.feed_forward.forward(&hidden)?;
        }
        for feed in feeds {
            feed.state.length += feed.tokens.len();
        }
        Ok(hidden)
    }

    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter().map(|layer| {
            let denses = [
                &layer.attention_in,
                &layer.attention_out,
                &layer.cross_query,
                &layer.cross_in,
                &layer.cross_out,
            ];
            denses.into_iter().map(Linear::bytes).sum::<usize>() + layer.feed_forward.bytes()
        });
        self.tokens.bytes() + self.positions.bytes() + layers.sum::<usize>()
    }
}

impl Layer {
    fn read(layer: &Checkpoint, config: &WhisperConfig) -> Result<Self, ModelError> {
        let hidden = config.d_model;
        let (own, cross) = (layer.at("self_attn"), layer.at("encoder_attn"));
        Ok(Self {
            norm: layer::norm(&layer.at("self_attn_layer_norm"), hidden)?,
            attention_in: layer::projections(&own, &["q_proj", "k_proj", "v_proj"], hidden)?,
            attention_out: Linear::read(&own.at("out_proj"), hidden, hidden)?,
            cross_norm: layer::norm(&layer.at("encoder_attn_layer_norm"), hidden)?,
            cross_query: Linear::read(&cross.at("q_proj"), hidden, hidden)?,
            cross_in: layer::projections(&cross, &["k_proj", "v_proj"], hidden)?,
            cross_out: Linear::read(&cross.at("out_proj"), hidden, hidden)?,
            feed_forward: FeedForward::read(layer, hidden, config.decoder_ffn_dim)?,
            heads: config.decoder_attention_heads,
        })
    }

    /// Attention to the tokens so far.
    fn self_attention(
        &self,
        input: &Tensor,
        index: usize,
        feeds: &mut [Feed<'_>],
        hidden: usize,
    ) -> CandleResult<Tensor> {
        let projected = self.attention_in.forward(&self.norm.forward(input)?)?;
        let queries = projected.narrow(1, 0, hidden)?.contiguous()?;
        let entries = projected.narrow(1, hidden, 2 * hidden)?.contiguous()?;
        let mut row = 0;
        for feed in feeds.iter_mut() {
            let new = entries.narrow(0, row, feed.tokens.len())?;
            row += feed.tokens.len();
            match feed.state.layers.get_mut(index) {
                Some(cache) => cache.push(&new)?,
                None => feed.state.layers.push(TokenCache::new(&new)?),
            }
        }
        let views = feeds.iter().filter_map(|feed| {
            let cache = feed.state.layers.get(index)?;
            let (length, count) = (cache.tokens(), feed.tokens.len());
            Some((length - count + 1..=length).map(move |visible| CacheView { cache, visible }))
        });
        let views: Vec<CacheView<'_>> = views.flatten().collect();
        let mixed = kernels::cached_attention(&queries, &views, self.heads)?;
        self.attention_out.add_to(input, &mixed)
    }

    /// Attention to what was heard: hypotheses of the same audio that stand side by side share one
    /// pass over it.
    fn cross_attention(
        &self,
        input: &Tensor,
        index: usize,
        feeds: &[Feed<'_>],
        mut probe: Option<&mut AttentionProbe>,
    ) -> CandleResult<Tensor> {
        let queries = self.cross_query.forward(&self.cross_norm.forward(input)?)?;
        let mut mixed = Vec::new();
        let mut row = 0;
        for group in feeds.chunk_by(|one, other| std::ptr::eq(one.audio, other.audio)) {
            let Some(audio) = group.first().and_then(|feed| feed.audio.layers.get(index)) else {
                continue;
            };
            let count = group.iter().map(|feed| feed.tokens.len()).sum();
            let own = queries.narrow(0, row, count)?;
            row += count;
            mixed.push(audio.attend(&own)?);
            if let Some(probe) = probe.as_deref_mut() {
                for (layer, head) in probe.heads.clone() {
                    if layer == index {
                        probe.weights.push(audio.weights(&own, head)?);
                    }
                }
            }
        }
        self.cross_out.add_to(input, &Tensor::cat(&mixed, 0)?)
    }
}
