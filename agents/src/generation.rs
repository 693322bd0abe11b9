//! The generation agent: conversations, texts that are written on, and summaries, by a language
//! model; and reports of what the team has found.
//!
//! ```no_run
//! # async fn example(runtime: aimass_runtime::Runtime) -> Result<(), aimass_runtime::TaskError> {
//! use aimass_agents::generation::{Chat, GenerationInput};
//!
//! let answer = runtime.ask::<Chat>(GenerationInput::prompt("What is an actor?")).await?;
//! println!("{}", answer.text);
//! # Ok(())
//! # }
//! ```

mod agent;
mod chat;
mod complete;
mod input;
mod model;
mod output;
mod report;
mod step_budget;
mod summarize;
mod writing;

pub use agent::{GenerationAgent, GenerationLimits, MANIFEST};
pub use chat::Chat;
pub use complete::Complete;
pub use input::{ChatMessage, GenerationInput, Speaker};
pub use model::{LanguageModel, LanguageModelSource};
pub use output::{GenerationOutput, GenerationUsage, TextDelta, TokenLogprob};
pub use report::{
    Annotate, Annotated, Author, LeftOut, Reason, Reference, Report, ReportFormat, ReportInput,
    Section, Sentence, WriteReport,
};
pub use summarize::{Summarize, SummarizeInput, Summary};
pub use writing::Writing;
