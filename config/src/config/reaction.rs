//! A reaction that the user wrote.

use serde::{Deserialize, Serialize};

/// A rule: when a fact of this kind appears, ask this skill.
///
/// Whether an agent offers the skill is known to the runtime only, which refuses an unknown one at start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactionConfig {
    /// The rule's name, unique in the file.
    pub name: String,
    /// The kind of fact with its version, such as `file.text@1`.
    pub kind: String,
    /// The skill that is asked, such as `text.embed`.
    pub skill: String,
    /// Whether the rule is in force.
    #[serde(default = "in_force")]
    pub enabled: bool,
}

fn in_force() -> bool {
    true
}
