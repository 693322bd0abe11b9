//! The language model behind the generation agent: weights from the store, shared by all workers, and what each worker keeps of conversations.

use std::sync::Arc;

use aimass_models::llama::{CachePool, LlamaWeights};
use aimass_models::{Store, device};
use aimass_runtime::{DeviceName, Fault, ModelSource, ModelVersion};

use crate::artefact::{StoredModel, fault};
use crate::generation::GenerationLimits;

/// Where a language model's weights come from.
#[derive(Debug, Clone)]
pub struct LanguageModelSource {
    model: StoredModel,
    limits: GenerationLimits,
}

/// What a worker owns: its share of the weights, and what it read of conversations. A new version of the weights begins with nothing read.
pub struct LanguageModel {
    pub(super) weights: Arc<LlamaWeights>,
    pub(super) pool: CachePool,
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
    type Weights = LlamaWeights;
    type Model = LanguageModel;

    fn version(&self) -> ModelVersion {
        self.model.version(".gguf")
    }

    /// Kinds with fewer bits are widened to eight.
    fn memory_bytes(&self) -> u64 {
        2 * self.model.memory_bytes()
    }

    fn weights_bytes(&self, weights: &LlamaWeights) -> Option<u64> {
        Some(weights.memory_bytes())
    }

    fn load(&self, device: &DeviceName) -> Result<LlamaWeights, Fault> {
        let folder = self.model.folder()?;
        let device = device::open(&device.to_string()).map_err(|error| fault(&error))?;
        LlamaWeights::load(&folder, Some(self.limits.context), &device)
            .map_err(|error| fault(&error))
    }

    fn build(&self, weights: &Arc<LlamaWeights>, _: &DeviceName) -> Result<LanguageModel, Fault> {
        Ok(LanguageModel {
            weights: weights.clone(),
            pool: CachePool::new(self.limits.cache_bytes),
        })
    }
}
