//! What the suite found.

use std::fmt;

/// What the suite found, check by check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConformanceReport {
    /// All checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

/// One check of one skill, or of the whole agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, in a few words.
    pub name: &'static str,
    /// The skill, or the agent.
    pub of: String,
    /// What was found.
    pub verdict: Verdict,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it must be.
    Passed,
    /// What was expected, and what came.
    Failed(String),
    /// Why it does not apply.
    Skipped(String),
}

impl ConformanceReport {
    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.verdict, Verdict::Failed(_)))
    }
}

impl fmt::Display for ConformanceReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(formatter, "{check}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.verdict {
            Verdict::Passed => ("passed ", None),
            Verdict::Failed(why) => ("FAILED ", Some(why)),
            Verdict::Skipped(why) => ("skipped", Some(why)),
        };
        write!(formatter, "{word} {}: {}", self.of, self.name)?;
        why.map_or(Ok(()), |why| write!(formatter, " ({why})"))
    }
}
