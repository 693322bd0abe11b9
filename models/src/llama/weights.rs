//! The immutable part of a language model, shared by all workers that use it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use candle_core::Device;
use llguidance::ParserFactory;

use super::network::Network;
use super::on_device::DeviceNetwork;
use super::reader::Reader;
use super::vocabulary::Encoding;
use super::{ChatTemplate, Constraint, Feed, KvCache, LlamaConfig, Message, Vocabulary};
use crate::{ModelError, files};

/// Places that are told apart where nothing else is asked for.
const DEFAULT_CONTEXT: usize = 8192;

/// Network, vocabulary and template of a language model. Immutable and `Send + Sync`: share it
/// behind an `Arc`.
pub struct LlamaWeights {
    config: LlamaConfig,
    network: Computed,
    /// What caches of the network are made like.
    empty: KvCache,
    vocabulary: Vocabulary,
    template: ChatTemplate,
    context: usize,
    /// Made when the first constraint is asked for.
    pub(super) grammars: OnceLock<ParserFactory>,
}

/// The network, and what computes it.
enum Computed {
    /// Our own kernels, in the processor's memory.
    Rows(Network),
    /// candle's operations, on any device.
    Tensors(DeviceNetwork),
}

/// What is to compute a network.
enum Computing<'a> {
    Rows,
    Tensors(&'a Device),
}

impl LlamaWeights {
    /// Reads a model from the one GGUF file in `folder`. It looks at `context` tokens at most, and
    /// never at more than it was trained for; at 8192 where none is given.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if there is no such file, if it is damaged,
    /// or of a model that is not known; [`ModelError::Compute`] if memory or the device has no
    /// room.
    pub fn load(
        folder: &Path,
        context: Option<usize>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        match device.is_cpu() {
            true => Self::read(folder, context, &Computing::Rows),
            false => Self::read(folder, context, &Computing::Tensors(device)),
        }
    }

    /// As [`load`](Self::load), computed as on other devices than the processor, whichever this is:
    /// to be compared with what the processor's own kernels give.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_as_tensors(
        folder: &Path,
        context: Option<usize>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Self::read(folder, context, &Computing::Tensors(device))
    }

    fn read(
        folder: &Path,
        context: Option<usize>,
        computing: &Computing<'_>,
    ) -> Result<Self, ModelError> {
        let mut reader = Reader::open(&gguf_in(folder)?)?;
        let config = LlamaConfig::read(&mut reader)?;
        let vocabulary = Vocabulary::read(&mut reader)?;
        let template = reader.text("tokenizer.chat_template");
        let template = ChatTemplate::new(template, &vocabulary);
        let template = template.map_err(|found| reader.refuse(found))?;
        let context = context
            .unwrap_or(DEFAULT_CONTEXT)
            .min(config.context_length);
        let tokens = vocabulary.len();
        let (network, empty) = match computing {
            Computing::Rows => {
                let network = Network::read(&mut reader, &config, tokens, context)?;
                (Computed::Rows(network), KvCache::new(&config, 0))
            }
            Computing::Tensors(device) => {
                let network = DeviceNetwork::read(&mut reader, &config, tokens, context, device)?;
                (Computed::Tensors(network), KvCache::on(device, &config))
            }
        };
        Ok(Self {
            config,
            network,
            empty,
            vocabulary,
            template,
            context,
            grammars: OnceLock::new(),
        })
    }

    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// An empty cache for a sequence, with room for so many tokens.
    #[must_use]
    pub fn cache(&self, room: usize) -> KvCache {
        self.empty.like(room)
    }

    /// What caches of the network are made like.
    pub(super) fn empty_cache(&self) -> &KvCache {
        &self.empty
    }

    /// The tokens.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The most tokens that it looks at.
    #[must_use]
    pub fn context(&self) -> usize {
        self.context
    }

    /// The tokens of a conversation, up to where the model's answer begins. What was said means
    /// nothing but itself, even where it names a token that ends a message.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the model's template refuses it.
    pub fn chat_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        let escaped = messages.iter().map(|message| Message {
            role: message.role,
            content: self.vocabulary.escape_controls(&message.content),
        });
        let escaped: Vec<Message> = escaped.collect();
        let text = self.template.render(&escaped)?;
        self.vocabulary.encode(&text, Encoding::WithControls)
    }

    /// The tokens of a text that is to be written on.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer refuses it.
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.vocabulary.encode(text, Encoding::Plain)
    }

    /// Takes the next tokens of some sequences, all of which together must not exceed the context;
    /// gives the scores of all tokens for each sequence that wants them. The caches then hold the
    /// tokens.
    ///
    /// # Errors
    /// [`ModelError::Compute`].
    pub fn forward(&self, feeds: &mut [Feed<'_>]) -> Result<Vec<Vec<f32>>, ModelError> {
        let scores = match &self.network {
            Computed::Rows(network) => network.forward(&self.config, feeds),
            Computed::Tensors(network) => network.forward(&self.config, feeds),
        };
        let mut scores = scores.map_err(ModelError::compute("take a step of a language model"))?;
        for scores in &mut scores {
            // Some embeddings have more rows than there are tokens.
            scores.truncate(self.vocabulary.len());
        }
        Ok(scores)
    }

    /// The bytes that the weights take, in the processor's memory and on the device together.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let bytes = match &self.network {
            Computed::Rows(network) => network.bytes(),
            Computed::Tensors(network) => network.bytes(),
        };
        bytes as u64
    }

    /// A fresh follower of a constraint.
    pub(super) fn follow(
        &self,
        constraint: &Constraint,
    ) -> Result<llguidance::Matcher, ModelError> {
        constraint.matcher(self)
    }
}

impl std::fmt::Debug for LlamaWeights {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LlamaWeights")
            .field("config", &self.config)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// The one GGUF file in a folder.
fn gguf_in(folder: &Path) -> Result<PathBuf, ModelError> {
    let entries = std::fs::read_dir(folder).map_err(|source| files::unreadable(folder, source))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|source| files::unreadable(folder, source))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "gguf")
        {
            found.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([path]) => Ok(path),
        Err(found) => Err(ModelError::Format {
            path: folder.to_owned(),
            expected: "a folder with one GGUF file".to_owned(),
            found: format!("{} of them", found.len()),
            advice: files::FETCH_AGAIN.to_owned(),
        }),
    }
}
