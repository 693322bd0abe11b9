//! The whole encoder: embeddings, then the layers.

use candle_core::{Device, Tensor};

use super::BertConfig;
use super::layer::Layer;
use crate::ModelError;
use crate::kernels::Packing;
use crate::layers::{AddNorm, Checkpoint, Embedding};
use crate::weights::TensorFile;

/// A BERT encoder with weights on one device. Immutable: share it between workers behind an `Arc`.
#[derive(Debug)]
pub struct Bert {
    words: Embedding,
    /// With the embedding of sentence type 0 already added.
    positions: Embedding,
    norm: AddNorm,
    layers: Vec<Layer>,
    config: BertConfig,
}

impl Bert {
    /// Reads the network from a checkpoint, with or without the prefix `bert.` before its tensors'
    /// names.
    ///
    /// # Errors
    /// [`ModelError::Format`] if a tensor is missing or of another shape than the configuration
    /// says.
    pub fn read(
        config: &BertConfig,
        file: &TensorFile,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let checkpoint = Checkpoint::new(file, device);
        let checkpoint = checkpoint.at_optional("bert", "embeddings.word_embeddings.weight");
        let embeddings = checkpoint.at("embeddings");
        let hidden = config.hidden_size;
        let embedding = |name, count| Embedding::read(&embeddings.at(name), count, hidden);
        let positions = embedding("position_embeddings", config.max_position_embeddings)?;
        let types = embedding("token_type_embeddings", config.type_vocab_size)?;
        let layer = |index| Layer::read(&checkpoint.at(&format!("encoder.layer.{index}")), config);
        Ok(Self {
            words: embedding("word_embeddings", config.vocab_size)?,
            // A sentence alone has type 0 throughout, so its embedding is added once here and not
            // to every token.
            positions: positions.plus_first(&types)?,
            norm: AddNorm::read(&embeddings.at("LayerNorm"), hidden, config.layer_norm_eps)?,
            layers: (0..config.num_hidden_layers)
                .map(layer)
                .collect::<Result<_, _>>()?,
            config: config.clone(),
        })
    }

    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The bytes that the weights take on the device.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let embeddings = self.words.bytes() + self.positions.bytes() + self.norm.bytes();
        let layers = self.layers.iter().map(Layer::bytes).sum::<usize>();
        (embeddings + layers) as u64
    }

    /// Encodes sequences of token ids. The result is f32 `[tokens, hidden]`, the sequences one
    /// after the other.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is no sequence, or one is empty, too long, or has an id
    /// outside the vocabulary.
    pub fn forward(&self, sequences: &[&[u32]]) -> Result<Tensor, ModelError> {
        self.check(sequences)?;
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.len()).collect();
        let packing = Packing::new(&lengths);
        self.compute(sequences, &packing)
            .map_err(ModelError::compute("run the encoder"))
    }

    fn compute(&self, sequences: &[&[u32]], packing: &Packing) -> candle_core::Result<Tensor> {
        let ids: Vec<u32> = sequences.concat();
        let positions = sequences
            .iter()
            .flat_map(|sequence| (0u32..).zip(sequence.iter()).map(|(position, _)| position));
        let positions = self.positions.forward(positions.collect())?;
        let mut hidden = self.norm.forward(self.words.forward(ids)?, &positions)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, packing)?;
        }
        Ok(hidden)
    }

    fn check(&self, sequences: &[&[u32]]) -> Result<(), ModelError> {
        let refuse = |expected: String, found: String| ModelError::Input {
            operation: "encode token ids",
            expected,
            found,
            advice: "make the ids with the tokenizer of the same model".to_owned(),
        };
        if sequences.is_empty() {
            return Err(refuse(
                "at least one sequence".to_owned(),
                "none".to_owned(),
            ));
        }
        let longest = self.config.max_position_embeddings;
        for sequence in sequences {
            if sequence.is_empty() || sequence.len() > longest {
                return Err(refuse(
                    format!("sequences of 1 to {longest} tokens"),
                    format!("one of {} tokens", sequence.len()),
                ));
            }
            if let Some(id) = sequence
                .iter()
                .find(|id| **id as usize >= self.config.vocab_size)
            {
                return Err(refuse(
                    format!("token ids below {}", self.config.vocab_size),
                    id.to_string(),
                ));
            }
        }
        Ok(())
    }
}
