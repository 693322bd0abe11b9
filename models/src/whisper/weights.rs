//! The immutable part of a Whisper model, shared by all workers that use it.

use std::path::Path;

use candle_core::Device;

use super::decoder::Decoder;
use super::encoder::Encoder;
use super::{GenerationConfig, MelFilters, Vocabulary, WhisperConfig};
use crate::layers::Checkpoint;
use crate::weights::TensorFile;
use crate::{ModelError, Precision};

/// Network, vocabulary and filters of a Whisper model. Immutable and `Send + Sync`: share it behind
/// an `Arc`.
#[derive(Debug)]
pub struct WhisperWeights {
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
    vocabulary: Vocabulary,
    filters: MelFilters,
    config: WhisperConfig,
    generation: GenerationConfig,
    alignment_heads: Vec<(usize, usize)>,
    device: Device,
}

impl WhisperWeights {
    /// Reads a model from a folder with `config.json`, `model.safetensors`, `tokenizer.json` and,
    /// if it is there, `generation_config.json`: the layout of transformers. Its weights are then
    /// kept in `precision`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of another
    /// model; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device, precision: Precision) -> Result<Self, ModelError> {
        let config = WhisperConfig::read(&folder.join("config.json"))?;
        let generation = GenerationConfig::read(&folder.join("generation_config.json"))?;
        let tokenizer = folder.join("tokenizer.json");
        let vocabulary = Vocabulary::read(&tokenizer, config.vocab_size, &generation)?;
        let file = TensorFile::open(&folder.join("model.safetensors"))?;
        let checkpoint = Checkpoint::new(&file, device).precision(precision);
        let checkpoint = checkpoint.at_optional("model", "encoder.conv1.weight");
        for (side, layers) in [
            ("encoder", config.encoder_layers),
            ("decoder", config.decoder_layers),
        ] {
            // A network without its last layers would run, and produce nothing that makes sense.
            let next = format!("{side}.layers.{layers}.fc1.weight");
            let expected = format!("a file with {layers} layers of the {side}");
            checkpoint.refuse_tensor(&next, &expected)?;
        }
        Ok(Self {
            encoder: Encoder::read(&checkpoint.at("encoder"), &config)?,
            decoder: Decoder::read(&checkpoint.at("decoder"), &config)?,
            vocabulary,
            filters: MelFilters::new(config.num_mel_bins),
            alignment_heads: generation.alignment_heads(&config),
            config,
            generation,
            device: device.clone(),
        })
    }

    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &WhisperConfig {
        &self.config
    }

    /// What the checkpoint says about decoding.
    #[must_use]
    pub fn generation(&self) -> &GenerationConfig {
        &self.generation
    }

    /// The tokens.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The filters of its spectrograms.
    #[must_use]
    pub fn filters(&self) -> &MelFilters {
        &self.filters
    }

    /// Layer and head of the cross-attention heads that follow the audio in time.
    #[must_use]
    pub fn alignment_heads(&self) -> &[(usize, usize)] {
        &self.alignment_heads
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The bytes that the weights take on the device.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (self.encoder.bytes() + self.decoder.bytes()) as u64
    }
}
