//! The generation agent's parts.

use std::ops::RangeInclusive;

use aimass_config::byte_size;
use aimass_locale::text;
use aimass_models::Store;
use aimass_runtime::{Agent, AgentDefinition, Fault, IdleRule, WorkerGroup};
use schemars::JsonSchema;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::generation::{
    Annotate, Annotated, Chat, Complete, LanguageModelSource, Report, Summarize, WriteReport,
};
use crate::manifest::{AgentManifest, KnownSettings, ModelSlot};

/// What is known of the agent before it is built.
pub const MANIFEST: AgentManifest = AgentManifest {
    name: "generation",
    subject: || text!("generation", "生成"),
    models: &[MODEL],
    settings: KnownSettings::of::<GenerationLimits>,
    build: |store, config| {
        Box::new(GenerationAgent::new(
            store.clone(),
            Some(&MODEL.model(config)),
        ))
    },
};

/// The language model. It writes about documents only: texts, and what is said in recordings; and
/// only where it is asked to, for what small models write about a text is not so, most of the time.
const MODEL: ModelSlot = ModelSlot {
    key: Some("model"),
    default: "smollm2",
    inputs: &["file.text", "file.audio"],
    switch: Some("annotate"),
    purpose: || text!("it writes sentences of the report", "用于撰写报告中的句子"),
    without: Some(|| {
        text!(
            "without it the report is made of facts only",
            "没有它，报告只由事实组成"
        )
    }),
};

/// The fewest tokens that a model may look at, and the most.
const CONTEXT: RangeInclusive<usize> = 64..=1 << 24;

/// The rule by which a report is written.
const REPORT: &str = "generation-report";

/// The agent that writes.
#[derive(Debug, Clone)]
pub struct GenerationAgent {
    store: Store,
    model: String,
    limits: Option<GenerationLimits>,
}

/// What the agent may take: its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GenerationLimits {
    /// The most tokens that the model looks at, what it writes included. It never looks at more
    /// than it was trained for.
    #[serde(deserialize_with = "context")]
    #[schemars(range(min = *CONTEXT.start(), max = *CONTEXT.end()))]
    pub context: usize,
    /// Memory for what was read of conversations, those under way included, of all workers
    /// together. One of each worker may always run.
    #[serde(with = "byte_size")]
    #[schemars(with = "String", extend("x-rule" = byte_size::RULE))]
    pub cache_bytes: usize,
    /// Whether a run has the model write up to five sentences below its report, which are kept as
    /// far as they pass a check.
    pub annotate: bool,
}

/// A number of tokens within bounds.
fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let tokens = usize::deserialize(deserializer)?;
    if CONTEXT.contains(&tokens) {
        return Ok(tokens);
    }
    let (least, most) = (CONTEXT.start(), CONTEXT.end());
    let rule = format!("a whole number from {least} to {most}");
    let found = Unexpected::Unsigned(tokens as u64);
    Err(D::Error::invalid_value(found, &rule.as_str()))
}

impl Default for GenerationLimits {
    fn default() -> Self {
        Self {
            context: 8192,
            cache_bytes: 1 << 30,
            annotate: false,
        }
    }
}

impl GenerationAgent {
    /// An agent that finds its model in `store`; `model` is a name of the catalogue, that of its
    /// slot when none is given.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(MODEL.default).to_owned(),
            limits: None,
        }
    }

    /// Sets what the agent may take, whatever the configuration says.
    #[must_use]
    pub fn limits(mut self, limits: GenerationLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The catalogue's name of its model.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for GenerationAgent {
    fn name(&self) -> &str {
        MANIFEST.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let settings = definition.settings()?;
        let limits = self.limits.unwrap_or(settings);
        let source = LanguageModelSource::new(self.store.clone(), &self.model)?;
        let source = source.with(limits);
        let model = WorkerGroup::new("model", source)
            .skill(Chat)
            .skill(Complete);
        let definition = definition
            .group(model)
            .flow(Summarize::within(limits.context))
            .flow(WriteReport)
            .flow(Annotate)
            .view::<WriteReport>(Report::view)
            .view::<Annotate>(Annotated::view)
            .on_idle(IdleRule::of::<WriteReport>(REPORT).after("policy-decide"));
        Ok(match limits.annotate {
            true => {
                definition.on_idle(IdleRule::of::<Annotate>("generation-annotate").after(REPORT))
            }
            false => definition,
        })
    }
}
