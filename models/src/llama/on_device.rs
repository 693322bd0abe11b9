//! The network in candle's own operations: what other devices than the processor compute.
//!
//! Of a text, only the rows of its new tokens go to the device, and only the scores come back. What
//! a text gives is what the processor's kernels give up to rounding, and not bit by bit the same
//! alone and in company: a device's products choose their order of sums by how many rows there are.

mod cache;
mod layer;
mod rotary;

use candle_core::{Device, Result as CandleResult, Tensor, bail};

use super::network::Wanted;
use super::reader::Reader;
use super::{Feed, LlamaConfig};
use crate::ModelError;
use crate::kernels::GgufWeight;
use crate::layers::quantized::{Linear, RmsNorm};
use crate::layers::rows::read_optional_vector;
pub(super) use cache::DeviceLayers;
use layer::Layer;
use rotary::Rotary;

/// The weights of the network on one device.
#[derive(Debug)]
pub(super) struct DeviceNetwork {
    /// In the processor's memory: rows of it are looked up, which is no work for a device.
    embedding: GgufWeight,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// That of the embedding where the file has none of its own.
    output: Linear,
    rotary: Rotary,
    device: Device,
}

/// What the layers have to know of one feed.
struct Span {
    /// Its first row among those of all feeds.
    first: usize,
    /// How many rows it has.
    count: usize,
    /// How many tokens came before.
    before: usize,
    /// `[count, before + count]`: what each row must not see is far below 0. None of one row.
    mask: Option<Tensor>,
}

impl DeviceNetwork {
    /// Reads the weights; places are told apart up to `context`.
    pub(super) fn read(
        reader: &mut Reader,
        config: &LlamaConfig,
        vocab_size: usize,
        context: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let hidden = config.hidden_size;
        let rows = reader.embedding_rows(vocab_size);
        let file = reader.tensors();
        let info = file.take("token_embd.weight", &[rows, hidden])?;
        let embedding = file.read(&info)?;
        let output = match file.contains("output.weight") {
            true => Linear::read(file, "output", rows, hidden, device)?,
            false => Linear::of(&embedding, device)?,
        };
        let factors = read_optional_vector(file, "rope_freqs.weight", config.rope_size / 2)?;
        let frequencies = config.frequencies(factors.as_deref());
        let layer = |number| Layer::read(file, config, number, device);
        let layers: Vec<Layer> = (0..config.num_layers)
            .map(layer)
            .collect::<Result<_, _>>()?;
        let network = Self {
            embedding: GgufWeight::new(embedding)
                .map_err(ModelError::compute("lay out weights"))?,
            layers,
            norm: RmsNorm::read(file, "output_norm", hidden, config.norm_epsilon, device)?,
            output,
            rotary: Rotary::new(context, &frequencies, config.pairing, device)
                .map_err(ModelError::compute("lay out positions"))?,
            device: device.clone(),
        };
        reader.refuse_left_over()?;
        Ok(network)
    }

    /// Reads the tokens of all sequences; gives the scores of each that wants them, one after the
    /// other.
    pub(super) fn forward(
        &self,
        config: &LlamaConfig,
        feeds: &mut [Feed<'_>],
    ) -> CandleResult<Vec<Vec<f32>>> {
        let mut rows = Vec::new();
        for token in feeds.iter().flat_map(|feed| feed.tokens) {
            self.embedding.append_row(*token, &mut rows)?;
        }
        let count = rows.len() / config.hidden_size;
        let mut rows = Tensor::from_vec(rows, (count, config.hidden_size), &self.device)?;
        let spans = self.spans(feeds)?;
        let places = spans
            .iter()
            .flat_map(|span| span.before..span.before + span.count);
        let turns = self.rotary.at(places)?;
        for (number, layer) in self.layers.iter().enumerate() {
            rows = layer.forward(&rows, (&mut *feeds, &spans), number, config, &turns)?;
        }
        let mut last = Vec::new();
        for (feed, span) in feeds.iter_mut().zip(&spans) {
            feed.cache.push_tokens(feed.tokens);
            if feed.wanted == Wanted::Scores {
                last.push((span.first + span.count - 1) as u32);
            }
        }
        if last.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = last.len();
        let last = Tensor::from_vec(last, wanted, &self.device)?;
        let last = rows.index_select(&last, 0)?;
        self.output.forward(&self.norm.forward(&last)?)?.to_vec2()
    }

    fn spans(&self, feeds: &[Feed<'_>]) -> CandleResult<Vec<Span>> {
        let mut spans = Vec::with_capacity(feeds.len());
        let mut first = 0;
        for feed in feeds {
            let (count, before) = (feed.tokens.len(), feed.before());
            if count == 0 || before + count > self.rotary.places() {
                bail!(
                    "expected 1 token or more, and at most {} in all, got {count} behind {before}",
                    self.rotary.places()
                );
            }
            spans.push(Span {
                first,
                count,
                before,
                mask: self.mask(count, before)?,
            });
            first += count;
        }
        Ok(spans)
    }

    fn mask(&self, count: usize, before: usize) -> CandleResult<Option<Tensor>> {
        if count == 1 {
            return Ok(None);
        }
        let width = before + count;
        let hidden = |row: usize| (0..width).map(move |place| place > before + row);
        let values = (0..count).flat_map(hidden);
        let values = values.map(|hidden| if hidden { f32::NEG_INFINITY } else { 0.0 });
        Tensor::from_vec(values.collect(), (count, width), &self.device).map(Some)
    }

    /// The bytes of all weights, those in the processor's memory included.
    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter().map(Layer::bytes).sum::<usize>();
        let ends = self.embedding.bytes() + self.output.bytes() + self.norm.bytes();
        ends + layers + self.rotary.bytes()
    }
}
