//! One layer: attention to what came before, then a gated step for each token by itself.

use super::LlamaConfig;
use super::network::Feed;
use super::reader::Reader;
use crate::ModelError;
use crate::kernels::{GgufWeight, Turns, grouped_attention, rms_norm, swish_gate};

/// The weights of a layer.
#[derive(Debug)]
pub(super) struct Layer {
    attention_norm: Vec<f32>,
    query: Dense,
    key: Dense,
    value: Dense,
    output: Dense,
    gate_norm: Vec<f32>,
    gate: Dense,
    up: Dense,
    down: Dense,
}

/// A dense step with or without a bias.
#[derive(Debug)]
struct Dense {
    weight: GgufWeight,
    bias: Option<Vec<f32>>,
}

impl Dense {
    fn read(
        reader: &mut Reader,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: reader.weight(&format!("{name}.weight"), outputs, inputs)?,
            bias: reader.optional_vector(&format!("{name}.bias"), outputs)?,
        })
    }

    fn forward(&self, rows: &[f32]) -> candle_core::Result<Vec<f32>> {
        let mut product = self.weight.product(rows)?;
        if let Some(bias) = &self.bias {
            for row in product.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                }
            }
        }
        Ok(product)
    }

    fn bytes(&self) -> usize {
        self.weight.bytes() + self.bias.as_deref().map_or(0, size_of_val)
    }
}

impl Layer {
    pub(super) fn read(
        reader: &mut Reader,
        config: &LlamaConfig,
        number: usize,
    ) -> Result<Self, ModelError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.query_size(), config.kv_size());
        let name = |part: &str| format!("blk.{number}.{part}");
        Ok(Self {
            attention_norm: reader.vector(&name("attn_norm.weight"), hidden)?,
            query: Dense::read(reader, &name("attn_q"), queries, hidden)?,
            key: Dense::read(reader, &name("attn_k"), keys, hidden)?,
            value: Dense::read(reader, &name("attn_v"), keys, hidden)?,
            output: Dense::read(reader, &name("attn_output"), hidden, queries)?,
            gate_norm: reader.vector(&name("ffn_norm.weight"), hidden)?,
            gate: Dense::read(reader, &name("ffn_gate"), inner, hidden)?,
            up: Dense::read(reader, &name("ffn_up"), inner, hidden)?,
            down: Dense::read(reader, &name("ffn_down"), hidden, inner)?,
        })
    }

    /// Takes the rows of all sequences, one sequence after the other, a layer further; keys and values of theirs come into their caches, as layer `number`.
    pub(super) fn forward(
        &self,
        rows: &mut [f32],
        feeds: &mut [Feed<'_>],
        number: usize,
        config: &LlamaConfig,
        turns: &Turns,
    ) -> candle_core::Result<()> {
        let normed = rms_norm(rows, &self.attention_norm, config.norm_epsilon);
        let mut queries = self.query.forward(&normed)?;
        let mut keys = self.key.forward(&normed)?;
        let values = self.value.forward(&normed)?;
        let (width, hidden, head) = (config.query_size(), config.kv_size(), config.head_size);
        let mut mixed = vec![0f32; queries.len()];
        let mut first = 0;
        for feed in feeds {
            let before = feed.before();
            for (row, place) in (first..).zip(before..before + feed.tokens.len()) {
                let key = &mut keys[row * hidden..][..hidden];
                turns.turn(key, head, place);
                turns.turn(&mut queries[row * width..][..width], head, place);
                feed.cache
                    .push(number, key, &values[row * hidden..][..hidden]);
            }
            let rows = first * width..(first + feed.tokens.len()) * width;
            grouped_attention(
                &queries[rows.clone()],
                feed.cache.layer(number),
                (hidden, config.num_heads, width),
                before + 1,
                &mut mixed[rows],
            );
            first += feed.tokens.len();
        }
        add(rows, &self.output.forward(&mixed)?);
        let normed = rms_norm(rows, &self.gate_norm, config.norm_epsilon);
        let mut gates = self.gate.forward(&normed)?;
        swish_gate(&mut gates, &self.up.forward(&normed)?);
        add(rows, &self.down.forward(&gates)?);
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        let dense = [
            &self.query,
            &self.key,
            &self.value,
            &self.output,
            &self.gate,
            &self.up,
            &self.down,
        ];
        let norms = size_of_val(&*self.attention_norm) + size_of_val(&*self.gate_norm);
        dense.into_iter().map(Dense::bytes).sum::<usize>() + norms
    }
}

fn add(rows: &mut [f32], more: &[f32]) {
    for (value, more) in rows.iter_mut().zip(more) {
        *value += more;
    }
}
