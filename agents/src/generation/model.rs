//! The language model behind the generation agent: weights from the store and what is kept of conversations, both shared by all workers.

use std::sync::Arc;

use aimass_models::llama::{CachePool, KeptCaches, LlamaWeights};
use aimass_models::{Store, device};
use aimass_runtime::{DeviceName, Fault, ModelSource, ModelVersion};

use crate::artefact::{StoredModel, fault};
use crate::generation::GenerationLimits;
use crate::generation::pace::Pace;

/// Where a language model's weights come from.
#[derive(Debug, Clone)]
pub struct LanguageModelSource {
    model: StoredModel,
    limits: GenerationLimits,
}

/// What the workers share. A new version of the weights begins with nothing read.
pub struct LanguageWeights {
    network: LlamaWeights,
    kept: KeptCaches,
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

impl LanguageModelSource {
    /// The model of that name in the store's catalogue. It need not be here yet.
    ///
    /// # Errors
    /// A fault when the catalogue has no such model.
    pub fn new(store: Store, model: &str, limits: GenerationLimits) -> Result<Self, Fault> {
        let model = StoredModel::new(store, model)?;
        Ok(Self { model, limits })
    }
}

impl ModelSource for LanguageModelSource {
    type Weights = LanguageWeights;
    type Model = LanguageModel;

    fn version(&self) -> ModelVersion {
        self.model.version(".gguf")
    }

    /// Kinds with fewer bits are widened to eight.
    fn memory_bytes(&self) -> u64 {
        2 * self.model.memory_bytes()
    }

    fn weights_bytes(&self, weights: &LanguageWeights) -> Option<u64> {
        Some(weights.network.memory_bytes())
    }

    fn load(&self, device: &DeviceName) -> Result<LanguageWeights, Fault> {
        let folder = self.model.folder()?;
        let device = device::open(&device.to_string()).map_err(|error| fault(&error))?;
        let network = LlamaWeights::load(&folder, Some(self.limits.context), &device);
        Ok(LanguageWeights {
            network: network.map_err(|error| fault(&error))?,
            kept: KeptCaches::new(self.limits.cache_bytes),
        })
    }

    fn build(
        &self,
        weights: &Arc<LanguageWeights>,
        _: &DeviceName,
    ) -> Result<LanguageModel, Fault> {
        Ok(LanguageModel {
            shared: weights.clone(),
            pool: weights.kept.pool(),
            pace: Pace::default(),
        })
    }
}
