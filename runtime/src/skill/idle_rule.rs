//! Idle rules: when nothing of an episode is under way any more, ask this skill, once in each round.

use std::fmt;
use std::sync::Arc;

use aimass_environment::{EpisodeId, FactKind, TaskId};
use serde_json::{Value, json};

use crate::skill::Skill;

/// A rule: when an episode has become idle, ask `skill` about it; its output becomes a fact of the kind `produces`.
///
/// The rules of a team are asked one after the other, each at most once in a round: those that others come [`after`](Self::after) first, else in the
/// order in which their agents were added.
#[derive(Clone)]
pub struct IdleRule {
    /// Its name. Together with the round it makes the id of the task, so it must not change while episodes are under way.
    pub(crate) name: Arc<str>,
    pub(crate) skill: Arc<str>,
    pub(crate) produces: Option<FactKind>,
    /// The rules that are asked before it.
    pub(crate) after: Vec<Arc<str>>,
}

impl IdleRule {
    /// The rule `name`: `skill` is given `{"episode": ...}`, and its output becomes a fact named like the skill, in version 1.
    pub fn new(name: &str, skill: &str) -> Self {
        Self {
            name: name.into(),
            skill: skill.into(),
            produces: FactKind::new(skill, 1).ok(),
            after: Vec::new(),
        }
    }

    /// As [`Self::new`], of a skill that is known by its type.
    pub fn of<S: Skill>(name: &str) -> Self {
        Self::new(name, S::NAME)
    }

    /// Is asked after the rule of that name, in a team that has it, and sees its fact.
    #[must_use]
    pub fn after(mut self, rule: &str) -> Self {
        self.after.push(rule.into());
        self
    }

    /// Puts rules into the order in which they are asked.
    ///
    /// # Errors
    /// The names of rules that wait for each other.
    pub(crate) fn in_order(mut rules: Vec<Arc<Self>>) -> Result<Vec<Arc<Self>>, Vec<String>> {
        let mut ordered: Vec<Arc<Self>> = Vec::with_capacity(rules.len());
        while !rules.is_empty() {
            let waits = |rule: &Arc<Self>| {
                let mut names = rules.iter().map(|other| &other.name);
                names.any(|name| rule.after.contains(name))
            };
            let Some(next) = rules.iter().position(|rule| !waits(rule)) else {
                return Err(rules.iter().map(|rule| rule.name.to_string()).collect());
            };
            ordered.push(rules.remove(next));
        }
        Ok(ordered)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The skill that it asks.
    pub fn skill(&self) -> &str {
        &self.skill
    }

    /// The id of the task by which it answers the end of a round: the same after every restart.
    pub(crate) fn task(&self, episode: EpisodeId, round: u64) -> TaskId {
        let episode = episode.to_u128().to_be_bytes();
        TaskId::derived(&[
            &episode,
            b"idle",
            self.name.as_bytes(),
            &round.to_be_bytes(),
        ])
    }

    pub(crate) fn input(&self, episode: EpisodeId) -> Value {
        json!({ "episode": episode })
    }
}

impl fmt::Debug for IdleRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: idle -> {}", self.name, self.skill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rules: &[(&str, &[&str])]) -> Result<Vec<String>, Vec<String>> {
        let rules = rules.iter().map(|(name, after)| {
            let rule = IdleRule::new(name, "agent.skill");
            Arc::new(after.iter().fold(rule, |rule, name| rule.after(name)))
        });
        let ordered = IdleRule::in_order(rules.collect())?;
        Ok(ordered.iter().map(|rule| rule.name.to_string()).collect())
    }

    #[test]
    fn rules_come_after_those_they_name_and_else_as_they_were_added() {
        let rules = [
            ("report", &["decide", "absent"][..]),
            ("count", &[]),
            ("decide", &["count"]),
            ("last", &[]),
        ];
        assert_eq!(
            order(&rules).unwrap(),
            ["count", "decide", "report", "last"]
        );
        assert_eq!(order(&rules[..2]).unwrap(), ["report", "count"]);
    }

    #[test]
    fn rules_that_wait_for_each_other_are_named() {
        let rules = [
            ("first", &[][..]),
            ("a", &["b"]),
            ("b", &["a"]),
            ("own", &["own"]),
        ];
        assert_eq!(order(&rules).unwrap_err(), ["a", "b", "own"]);
    }
}
