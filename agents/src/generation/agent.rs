//! The generation agent's parts.

use aimass_runtime::{Agent, AgentDefinition, Fault, QuietRule};

use crate::generation::WriteReport;

/// The agent for generation.
#[derive(Debug, Clone, Copy, Default)]
pub struct GenerationAgent;

impl Agent for GenerationAgent {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .flow(WriteReport)
            .when_quiet(QuietRule::new("generation-report", "generation.report")))
    }
}
