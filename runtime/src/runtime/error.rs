//! Why a runtime did not start.

use aimass_config::ConfigError;
use aimass_environment::{EnvironmentError, ParseKindError};
use thiserror::Error;

use crate::error::TaskError;
use crate::fault::Fault;

/// Why a runtime did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// Panics end this process, so no guarantee could be kept.
    #[error(
        "this program is built with `panic = \"abort\"`, which ends it where a worker should restart; build it with `panic = \"unwind\"`"
    )]
    PanicAborts,
    /// There is no async runtime to run on.
    #[error("start the runtime inside a tokio runtime: {0}")]
    NoTokio(#[from] tokio::runtime::TryCurrentError),
    /// The configuration breaks a rule.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The environment could not be opened.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// An agent cannot work with what it was made with.
    #[error("agent `{agent}` cannot start: {fault}")]
    Agent {
        /// The agent.
        agent: String,
        /// What it says.
        fault: Fault,
    },
    /// Two agents have one name, or offer one skill.
    #[error("`{name}` is offered twice: by agent `{first}` and by agent `{second}`")]
    Duplicate {
        /// The name.
        name: String,
        /// Who has it.
        first: String,
        /// Who wants it too.
        second: String,
    },
    /// A skill's name does not begin with its agent's.
    #[error(
        "agent `{agent}` offers `{skill}`; the name of a skill begins with its agent's, like `{agent}.embed`"
    )]
    ForeignSkill {
        /// The agent.
        agent: String,
        /// The skill.
        skill: String,
    },
    /// A reaction asks a skill that there is not, or its name is used twice.
    #[error("a reaction cannot work: {0}")]
    Reaction(TaskError),
    /// Idle rules are each to come after the other.
    #[error("the idle rules {} wait for each other; leave out one of their `after`", .0.join(", "))]
    IdleRules(Vec<String>),
    /// A configured reaction names no kind of fact.
    #[error("reaction `{name}`: {error}")]
    ReactionKind {
        /// The reaction.
        name: String,
        /// What is wrong with its kind.
        error: ParseKindError,
    },
    /// A model is larger than the memory for all of them.
    #[error(
        "group `{group}` of agent `{agent}` takes {bytes} bytes, `runtime.memory_budget` is {budget}; raise it, or switch the agent off"
    )]
    MemoryBudget {
        /// The agent.
        agent: String,
        /// Its worker group.
        group: String,
        /// How much it takes.
        bytes: u64,
        /// How much there is for all.
        budget: u64,
    },
    /// The root of the supervision tree could not be started.
    #[error("cannot start the supervision tree: {0}")]
    Supervision(#[from] ractor::SpawnErr),
}
