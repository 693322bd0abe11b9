//! The live view as one value: what is served, shown, and printed as JSON.

use std::sync::Arc;

use aimass_runtime::{AgentState, WorkerStatus};
use serde::{Deserialize, Serialize};

use super::episodes::Work;
use super::happenings::Happening;

/// What a team is doing at one moment, and did within the last minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveView {
    /// The process.
    pub node: NodeView,
    /// All agents together.
    pub team: Activity,
    /// Each agent, in the order in which they were added.
    pub agents: Vec<AgentView>,
    /// Agents that are not shown, because there are too many; those with the least to do.
    pub agents_left_out: u64,
    /// The last episodes, those that began last first.
    pub episodes: Vec<Work>,
    /// The last calls outside of an episode, those that began last first.
    pub calls: Vec<Work>,
    /// The last happenings, the newest first.
    pub happenings: Vec<Happening>,
}

/// The process that a team lives in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its version.
    pub version: String,
    /// The moment of the view, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// How long it has been running, in milliseconds.
    pub uptime_ms: u64,
    /// What it takes of the machine's memory, in bytes; none where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// What the weights of its loaded models take, in bytes, on all devices.
    pub model_bytes: u64,
    /// Records that found no room on their way to the observers: this view among them lacks those.
    pub dropped_events: u64,
}

/// What somebody did: since the start, and within the last minute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Tasks that ended since the start, refused ones included.
    pub tasks: u64,
    /// Those of them that have no output.
    pub errors: u64,
    /// Tasks that ended, by second.
    pub tasks_per_second: PerSecond,
    /// Those of them that have no output.
    pub errors_per_second: PerSecond,
    /// Tasks that ended in each of the last 60 whole seconds, the oldest first.
    pub history: Vec<u64>,
    /// From acceptance to answer, of tasks that ran and ended within the last minute.
    pub duration: Option<Percentiles>,
    /// From acceptance to the beginning of the last run, of the same tasks.
    pub wait: Option<Percentiles>,
}

/// Means over the last seconds, the one under way included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PerSecond {
    /// Over the last second.
    pub last_1_s: f64,
    /// Over the last 10 seconds.
    pub last_10_s: f64,
    /// Over the last minute.
    pub last_60_s: f64,
}

/// How long half, 95 % and 99 % took at most, in microseconds, to a sixteenth of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of them.
    pub p50_us: u64,
    /// 95 % of them.
    pub p95_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// Its name.
    pub name: Arc<str>,
    /// Why it was given up, if it was.
    pub failed: Option<String>,
    /// Tasks that it accepted and has not settled.
    pub tasks: u64,
    /// Those of them that wait for a worker.
    pub waiting: u64,
    /// Bytes of their inputs.
    pub bytes: u64,
    /// Threads that were given up for hung and have not ended.
    pub abandoned: u32,
    /// How often its workers were started again.
    pub restarts: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// Tasks that were given up and kept, since the start.
    pub dead_letters: u64,
    /// Its skills, by name.
    pub skills: Vec<SkillView>,
    /// Its workers that hold models.
    pub workers: Vec<WorkerView>,
}

/// A skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkillView {
    /// Its whole name.
    pub name: Arc<str>,
    /// What was asked of it.
    #[serde(flatten)]
    pub activity: Activity,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// The group that it belongs to.
    pub group: String,
    /// Its number within the agent.
    pub worker: u32,
    /// Its present incarnation.
    pub epoch: u64,
    /// One word, as `aimass agents` has it: `unloaded`, `starting`, `backing_off`, `idle`, `busy`, `leaving`, `unloading`, `failed`.
    pub state: String,
    /// How often it was started again.
    pub restarts: u64,
    /// The device that it is placed on.
    pub device: String,
    /// The newest version of its group's model.
    pub model: String,
    /// What its group's weights take on the device, in bytes; workers of a group share them.
    pub model_bytes: u64,
}

impl WorkerView {
    /// Whether its group's weights are in memory because of it.
    pub fn holds_weights(&self) -> bool {
        matches!(self.state.as_str(), "idle" | "busy" | "leaving")
    }
}

impl From<WorkerStatus> for WorkerView {
    fn from(status: WorkerStatus) -> Self {
        Self {
            group: status.group,
            worker: status.worker,
            epoch: status.epoch.0,
            state: status.state.to_owned(),
            restarts: status.restarts,
            device: status.device.to_string(),
            model: status.model.to_string(),
            model_bytes: status.model_bytes,
        }
    }
}

impl AgentView {
    /// An agent as the runtime sees it, with what its skills did.
    pub(super) fn new(state: AgentState, skills: Vec<SkillView>) -> Self {
        let workers: Vec<WorkerView> = state.workers.into_iter().map(WorkerView::from).collect();
        Self {
            name: state.name.into(),
            failed: state.failed,
            tasks: state.tasks,
            waiting: state.waiting,
            bytes: state.bytes,
            abandoned: state.abandoned,
            restarts: workers.iter().map(|worker| worker.restarts).sum(),
            retries: 0,
            dead_letters: 0,
            skills,
            workers,
        }
    }
}
