//! The language model behind the generation agent: weights from the store and what is kept of conversations, both shared by all workers.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::llama::{CachePool, LlamaWeights, PrefixCache};

use crate::generation::GenerationLimits;
use crate::generation::pace::Pace;
use crate::stored::{Stored, StoredWeights};

/// The model source of a language model.
pub type LanguageModelSource = Stored<LanguageWeights>;

/// What the workers share. A new version of the weights begins with nothing read.
pub struct LanguageWeights {
    network: LlamaWeights,
    kept: PrefixCache,
}

/// What a worker owns: its share of the weights, and of what was read of conversations.
pub struct LanguageModel {
    shared: Arc<LanguageWeights>,
    pool: CachePool,
    /// What it knows of its speed.
    pub(super) pace: Pace,
}

impl LanguageModel {
    /// The weights, and what is kept beside them.
    pub(super) fn parts(&mut self) -> (&LlamaWeights, &mut CachePool) {
        (&self.shared.network, &mut self.pool)
    }

    pub(super) fn weights(&self) -> &LlamaWeights {
        &self.shared.network
    }
}

impl StoredWeights for LanguageWeights {
    type Options = GenerationLimits;
    type Model = LanguageModel;

    const FILE: &'static str = ".gguf";

    fn load(folder: &Path, device: &Device, limits: &GenerationLimits) -> Result<Self, ModelError> {
        Ok(Self {
            network: LlamaWeights::load(folder, Some(limits.context), device)?,
            kept: PrefixCache::new(limits.cache_bytes),
        })
    }

    fn build(weights: &Arc<Self>, _: &LanguageModelSource) -> LanguageModel {
        LanguageModel {
            shared: weights.clone(),
            pool: weights.kept.pool(),
            pace: Pace::default(),
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.network.memory_bytes()
    }

    /// Kinds with fewer bits are widened to eight.
    fn estimated_bytes(artefact_bytes: u64, _: &GenerationLimits) -> u64 {
        2 * artefact_bytes
    }
}
