//! Idle rules: when nothing of an episode is under way any more, ask this skill, once in each round.

use std::fmt;
use std::sync::Arc;

use aimass_environment::{EpisodeId, FactKind, TaskId};
use serde_json::{Value, json};

/// A rule: when an episode has become idle, ask `skill` about it; its output becomes a fact of the kind `produces`.
///
/// The rules of a team are asked one after the other, in the order in which its agents were added. Each is asked at most once in a round.
#[derive(Clone)]
pub struct IdleRule {
    /// Its name. Together with the round it makes the id of the task, so it must not change while episodes are under way.
    pub(crate) name: Arc<str>,
    pub(crate) skill: Arc<str>,
    pub(crate) produces: Option<FactKind>,
}

impl IdleRule {
    /// The rule `name`: `skill` is given `{"episode": ...}`, and its output becomes a fact named like the skill, in version 1.
    pub fn new(name: &str, skill: &str) -> Self {
        Self {
            name: name.into(),
            skill: skill.into(),
            produces: FactKind::new(skill, 1).ok(),
        }
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
