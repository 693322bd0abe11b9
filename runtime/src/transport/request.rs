//! What can be asked through a transport.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::TaskOptions;

/// One thing that a runtime is asked for. The reply is JSON; a request that gives many things sends each as an item.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// One task. Items: those of the skill. Reply: its output.
    Ask {
        /// The whole name of the skill.
        skill: String,
        /// Its input.
        input: Value,
        /// What else is said about the task.
        #[serde(default)]
        options: Box<TaskOptions>,
    },
    /// Items: the spec of each skill. Reply: how many there are.
    Skills,
}
