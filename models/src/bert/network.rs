//! The whole encoder: embeddings, then the layers.

use candle_core::{Device, Tensor};

use super::BertConfig;
use super::layer::{Layer, Norm, Reader};
use crate::ModelError;
use crate::kernels::{self, Packing};
use crate::weights::{TensorFile, tensor_bytes};

/// A BERT encoder with weights on one device. Immutable: share it between workers behind an `Arc`.
#[derive(Debug)]
pub struct Bert {
    /// `[vocabulary, hidden]`
    words: Tensor,
    /// `[positions, hidden]`, with the embedding of sentence type 0 already added.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    config: BertConfig,
}

impl Bert {
    /// Reads the network from a checkpoint, with or without the prefix `bert.` before its tensors' names.
    ///
    /// # Errors
    /// [`ModelError::Format`] if a tensor is missing or of another shape than the configuration says.
    pub fn read(
        config: &BertConfig,
        file: &mut TensorFile,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let words = "embeddings.word_embeddings.weight";
        let prefixed = !file.contains(words) && file.contains(&format!("bert.{words}"));
        let mut reader = Reader {
            file,
            prefix: (if prefixed { "bert." } else { "" }).to_owned(),
            device,
        };
        let hidden = config.hidden_size;
        let positions = reader.read(
            "embeddings.position_embeddings.weight",
            &[config.max_position_embeddings, hidden],
        )?;
        let types = reader.read(
            "embeddings.token_type_embeddings.weight",
            &[config.type_vocab_size, hidden],
        )?;
        // A sentence alone has type 0 throughout, so its embedding is added once here and not to every token.
        let positions = types
            .narrow(0, 0, 1)
            .and_then(|first| positions.broadcast_add(&first))
            .map_err(ModelError::compute("join embeddings"))?;
        let no_bias = Tensor::zeros(hidden, positions.dtype(), device)
            .map_err(ModelError::compute("lay out a normalisation"))?;
        Ok(Self {
            words: reader.read(words, &[config.vocab_size, hidden])?,
            positions,
            norm: reader.norm("embeddings.LayerNorm", &no_bias)?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::read(&mut reader, index, config))
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
        let tables = [&self.words, &self.positions, &self.norm.rows];
        let tables = tables.into_iter().map(tensor_bytes);
        let layers = self.layers.iter().map(Layer::bytes);
        tables.chain(layers).sum::<usize>() as u64
    }

    /// Encodes sequences of token ids. The result is f32 `[tokens, hidden]`, the sequences one after the other.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is no sequence, or one is empty, too long, or has an id outside the vocabulary.
    pub fn forward(&self, sequences: &[&[u32]]) -> Result<Tensor, ModelError> {
        self.check(sequences)?;
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.len()).collect();
        let packing = Packing::new(&lengths);
        self.compute(sequences, &packing)
            .map_err(ModelError::compute("run the encoder"))
    }

    fn compute(&self, sequences: &[&[u32]], packing: &Packing) -> candle_core::Result<Tensor> {
        let device = self.words.device();
        let ids: Vec<u32> = sequences.concat();
        let places: Vec<u32> = sequences
            .iter()
            .flat_map(|sequence| (0u32..).zip(sequence.iter()).map(|(place, _)| place))
            .collect();
        let tokens = ids.len();
        let words = self
            .words
            .index_select(&Tensor::from_vec(ids, tokens, device)?, 0)?;
        let positions = self
            .positions
            .index_select(&Tensor::from_vec(places, tokens, device)?, 0)?;
        let weights = self.norm.weights(self.config.layer_norm_eps);
        let mut hidden = kernels::add_norm(words, &positions, &weights)?;
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
