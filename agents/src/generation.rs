//! The generation agent: what the team has found, written down for a reader.

mod agent;
mod report;

pub use agent::GenerationAgent;
pub use report::{
    Author, Heading, LanguageCount, Reference, Report, ReportFormat, ReportInput, Section,
    Sentence, Statement, WriteReport, language_name,
};
