//! The generation agent's parts.

use aimass_models::Store;
use aimass_runtime::{Agent, AgentDefinition, Fault, IdleRule, WorkerGroup};

use crate::generation::{Chat, Complete, LanguageModelSource, Summarize, WriteReport};

/// The catalogue's name of the model that is used when the configuration names none.
const DEFAULT_MODEL: &str = "smollm2";

/// The agent that writes.
#[derive(Debug, Clone)]
pub struct GenerationAgent {
    store: Store,
    model: String,
    limits: GenerationLimits,
}

/// What the agent may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationLimits {
    /// The most tokens that the model looks at, what it writes included. It never looks at more
    /// than it was trained for.
    pub context: usize,
    /// Bytes of what was read of conversations, those under way included, of all workers together.
    /// One of each worker may always run.
    pub cache_bytes: usize,
}

impl Default for GenerationLimits {
    fn default() -> Self {
        Self {
            context: 8192,
            cache_bytes: 1 << 30,
        }
    }
}

impl GenerationAgent {
    /// An agent that finds its model in `store`; `model` is a name of the catalogue, `smollm2` when
    /// none is given.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(DEFAULT_MODEL).to_owned(),
            limits: GenerationLimits::default(),
        }
    }

    /// Sets what the agent may take.
    #[must_use]
    pub fn limits(mut self, limits: GenerationLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The catalogue's name of its model.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for GenerationAgent {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let source = LanguageModelSource::new(self.store.clone(), &self.model)?;
        let source = source.with(self.limits);
        let model = WorkerGroup::new("model", source)
            .skill(Chat)
            .skill(Complete);
        Ok(definition
            .group(model)
            .flow(Summarize::within(self.limits.context))
            .flow(WriteReport)
            .on_idle(
                IdleRule::new("generation-report", "generation.report").after("policy-decide"),
            ))
    }
}
