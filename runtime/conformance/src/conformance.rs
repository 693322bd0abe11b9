//! The suite as an agent's author holds it.

use std::sync::Arc;
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::Agent;
use serde_json::Value;

use crate::checks;
use crate::report::ConformanceReport;

/// What an agent is put through. See the [crate](crate).
pub struct Conformance {
    pub(crate) make: MakeAgent,
    pub(crate) beside: Vec<MakeAgent>,
    pub(crate) config: Config,
    pub(crate) examples: Vec<Example>,
    pub(crate) refused: Vec<(String, Value)>,
    pub(crate) tolerance: f64,
    pub(crate) patience: Duration,
}

/// Makes an agent anew: the suite needs several.
pub(crate) type MakeAgent = Arc<dyn Fn() -> Box<dyn Agent> + Send + Sync>;

/// What a skill is asked.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) skill: String,
    pub(crate) input: Value,
    pub(crate) chunks: Vec<Value>,
}

impl Conformance {
    /// A suite for the agent that `make` makes.
    pub fn new<A: Agent>(make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self {
            make: Arc::new(move || Box::new(make())),
            beside: Vec::new(),
            config: Config::default(),
            examples: Vec::new(),
            refused: Vec::new(),
            tolerance: 0.0,
            patience: Duration::from_secs(60),
        }
    }

    /// An input that the skill answers. Each skill needs one; several of the same skill are also asked together.
    #[must_use]
    pub fn example(mut self, skill: &str, input: Value) -> Self {
        self.examples.push(Example {
            skill: skill.to_owned(),
            input,
            chunks: Vec::new(),
        });
        self
    }

    /// As [`Self::example`], for a skill that takes chunks after its input.
    #[must_use]
    pub fn example_with_chunks(mut self, skill: &str, input: Value, chunks: Vec<Value>) -> Self {
        self.examples.push(Example {
            skill: skill.to_owned(),
            input,
            chunks,
        });
        self
    }

    /// An input that the skill refuses as bad.
    #[must_use]
    pub fn refuses(mut self, skill: &str, input: Value) -> Self {
        self.refused.push((skill.to_owned(), input));
        self
    }

    /// Another agent that its flows ask.
    #[must_use]
    pub fn beside<A: Agent>(mut self, make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        self.beside.push(Arc::new(move || Box::new(make())));
        self
    }

    /// The configuration to run under. The suite changes what it needs: replicas, capacity, limits.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How far numbers in an answer may be from those of another run: relative, and absolute below 1. The default is none; a network
    /// whose sums depend on the size of the batch needs some.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How long one check may take before it counts as failed; a minute when nothing is said.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs all checks. Call it inside a tokio runtime with timers.
    pub async fn run(self) -> ConformanceReport {
        checks::run(self).await
    }
}
