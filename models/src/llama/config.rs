//! The sizes of a network of the Llama family.

use super::reader::Reader;
use crate::ModelError;
use crate::kernels::Pairing;

/// Widths must divide into blocks of the quantized kinds.
const BLOCK: usize = 32;

/// The sizes of a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LlamaConfig {
    /// The values of a row.
    pub hidden_size: usize,
    /// The layers.
    pub num_layers: usize,
    /// Heads of a query.
    pub num_heads: usize,
    /// Heads of keys and values, which several of a query may share.
    pub num_kv_heads: usize,
    /// The values of a head.
    pub head_size: usize,
    /// The inner values of a layer's second part.
    pub intermediate_size: usize,
    /// The most tokens that it was trained to look at.
    pub context_length: usize,
    /// What is added to the mean square of a row.
    pub norm_epsilon: f32,
    /// The base of the frequencies by which places are told apart.
    pub rope_base: f64,
    /// How many values of a head are turned.
    pub rope_size: usize,
    /// By how much places are squeezed.
    pub rope_scale: f64,
    pub(super) pairing: Pairing,
}

impl LlamaConfig {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, ModelError> {
        let pairing = match reader.architecture.as_str() {
            "llama" => Pairing::Neighbors,
            "qwen2" => Pairing::Halves,
            other => {
                let found =
                    format!("the architecture `{other:.60}`, where `llama` and `qwen2` are known");
                return Err(reader.refuse(found));
            }
        };
        if reader.optional_size("expert_count")?.unwrap_or(0) > 0 {
            return Err(reader.refuse("a mixture of experts, which is not known".to_owned()));
        }
        let hidden_size = reader.size("embedding_length", BLOCK, 1 << 16)?;
        let num_layers = reader.size("block_count", 1, 512)?;
        let num_heads = reader.size("attention.head_count", 1, 512)?;
        let kv_heads = reader.optional_size("attention.head_count_kv")?;
        let head_size = match reader.optional_size("attention.key_length")? {
            Some(size) => size,
            None => hidden_size / num_heads,
        };
        let config = Self {
            hidden_size,
            num_layers,
            num_heads,
            num_kv_heads: kv_heads.unwrap_or(num_heads),
            head_size,
            intermediate_size: reader.size("feed_forward_length", BLOCK, 1 << 20)?,
            context_length: reader.size("context_length", 1, 1 << 24)?,
            norm_epsilon: reader
                .number("attention.layer_norm_rms_epsilon")?
                .unwrap_or(1e-5) as f32,
            rope_base: reader.number("rope.freq_base")?.unwrap_or(10_000.0),
            rope_size: reader
                .optional_size("rope.dimension_count")?
                .unwrap_or(head_size),
            rope_scale: rope_scale(reader)?,
            pairing,
        };
        config.check().map_err(|found| reader.refuse(found))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let widths = [self.hidden_size, self.intermediate_size, self.query_size()];
        if let Some(width) = widths.iter().find(|width| !width.is_multiple_of(BLOCK)) {
            return Err(format!("a width of {width}, which {BLOCK} does not divide"));
        }
        let kv_heads = self.num_kv_heads;
        if kv_heads == 0 || !self.num_heads.is_multiple_of(kv_heads) {
            return Err(format!(
                "{} heads of queries that share {kv_heads} of keys",
                self.num_heads
            ));
        }
        let rope = self.rope_size;
        if rope > self.head_size || !rope.is_multiple_of(2) || self.head_size > 1 << 12 {
            return Err(format!(
                "{rope} of {} values of a head turned",
                self.head_size
            ));
        }
        if !(self.rope_base > 0.0 && self.norm_epsilon >= 0.0) {
            return Err("a base of frequencies or an epsilon that is not positive".to_owned());
        }
        Ok(())
    }

    /// The values of a query: its heads side by side.
    #[must_use]
    pub fn query_size(&self) -> usize {
        self.num_heads * self.head_size
    }

    /// The values of a key, and of a value: their heads side by side.
    #[must_use]
    pub fn kv_size(&self) -> usize {
        self.num_kv_heads * self.head_size
    }

    /// The bytes of keys and values of one token.
    #[must_use]
    pub fn cache_bytes_of_token(&self) -> usize {
        self.num_layers * 2 * self.kv_size() * size_of::<f32>()
    }

    /// The frequency of each pair of a head.
    pub(super) fn frequencies(&self, factors: Option<&[f32]>) -> Vec<f64> {
        let pairs = self.rope_size / 2;
        (0..pairs)
            .map(|pair| {
                let power = 2.0 * pair as f64 / self.rope_size as f64;
                let factor = factors.map_or(1.0, |factors| f64::from(factors[pair]));
                self.rope_base.powf(-power) / factor / self.rope_scale
            })
            .collect()
    }
}

/// By how much places are squeezed. What does more than that is not known.
fn rope_scale(reader: &mut Reader) -> Result<f64, ModelError> {
    let kind = reader.own_text("rope.scaling.type");
    let factor = reader.number("rope.scaling.factor")?;
    match kind.as_deref() {
        None | Some("none") => Ok(1.0),
        Some("linear") => match factor.unwrap_or(1.0) {
            factor if factor > 0.0 => Ok(factor),
            factor => Err(reader.refuse(format!("a `rope.scaling.factor` of {factor}"))),
        },
        Some(other) => {
            let found = format!("`rope.scaling.type` of `{other:.60}`, where `linear` is known");
            Err(reader.refuse(found))
        }
    }
}
