//! The language model behind the generation agent: weights from the store and a prefix cache, both
//! shared by all workers.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::llama::{CachePool, LlamaWeights, PrefixCache};

use crate::generation::GenerationLimits;
use crate::generation::step_budget::StepBudget;
use crate::stored::{Stored, StoredWeights};

/// The model source of a language model.
pub type LanguageModelSource = Stored<LanguageWeights>;

/// What the workers share. A new version of the weights begins with an empty prefix cache.
pub struct LanguageWeights {
    network: LlamaWeights,
    prefixes: PrefixCache,
}

/// What a worker owns: its view of the weights and of the prefix cache.
pub struct LanguageModel {
    shared: Arc<LanguageWeights>,
    pool: CachePool,
    /// Its measured speed.
    pub(super) budget: StepBudget,
}

impl LanguageModel {
    /// The weights, and the prefix cache.
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
            prefixes: PrefixCache::new(limits.cache_bytes),
        })
    }

    fn build(weights: &Arc<Self>, _: &LanguageModelSource) -> LanguageModel {
        LanguageModel {
            shared: weights.clone(),
            pool: weights.prefixes.pool(),
            budget: StepBudget::default(),
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
