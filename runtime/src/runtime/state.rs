//! What can be seen of agents from outside: cheap, and serialisable.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use aimass_environment::Epoch;
use serde::Serialize;

use crate::core::board::ServiceState;
use crate::core::{AgentCore, Runner};
#[cfg(feature = "fault-injection")]
use crate::fault_injection::FaultInjection;
use crate::ledger::worker::WorkerState;
use crate::model::DeviceName;
use crate::runtime::Runtime;
use aimass_environment::ModelVersion;

/// An agent at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentState {
    /// Its name.
    pub name: String,
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
    /// Its skills, by name.
    pub skills: Vec<String>,
    /// Its workers that hold models. Those of flows hold nothing and are left out.
    pub workers: Vec<WorkerStatus>,
}

/// A worker at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkerStatus {
    /// The group that it belongs to.
    pub group: String,
    /// Its number within the agent.
    pub worker: u32,
    /// Its present incarnation.
    pub epoch: Epoch,
    /// One word: `unloaded`, `starting`, `backing_off`, `idle`, `busy`, `leaving`, `unloading`, `failed`.
    pub state: &'static str,
    /// How often it was started again.
    pub restarts: u64,
    /// The device that it is placed on.
    pub device: DeviceName,
    /// The newest version of its group's model.
    pub model: ModelVersion,
    /// What its group's weights take on the device, in bytes: counted where they are in memory and their source can count them, else as
    /// declared. Workers of a group share them.
    pub model_bytes: u64,
}

impl Runtime {
    /// All agents as they are at this moment.
    pub fn agents(&self) -> Vec<AgentState> {
        let members = self.inner.members();
        members.cores.iter().map(|core| state_of(core)).collect()
    }

    /// The parts of the runtime in the order in which they were started: its services, and the actors of its agents. The first one is the
    /// supervisor, which owns the others.
    pub fn services(&self) -> Vec<ServiceState> {
        self.inner.supervision.services()
    }

    /// Lets an actor of the runtime die, to show that nothing is lost with it: by the name of a service or of an agent, or as `text/0` that of a
    /// worker. Returns `false` when there is none of that name.
    #[cfg(feature = "fault-injection")]
    pub async fn inject(&self, name: &str, fault: FaultInjection) -> bool {
        self.inner.supervision.inject(name, fault).await
    }

    /// Returns once an agent is given up, or a part of the runtime that serves them all has ended: its name, and why. A node that stands alone
    /// ends then, with exit code 70.
    pub async fn failure(&self) -> (String, String) {
        let agent = |core: Arc<AgentCore>| -> Failure {
            Box::pin(async move {
                let mut failures = core.failures();
                let failure = failures.wait_for(Option::is_some).await;
                let message = failure.ok().and_then(|message| message.clone());
                (core.name.to_string(), message.unwrap_or_default())
            })
        };
        let cores = self.inner.members().cores.clone();
        let mut waits: Vec<Failure> = cores.into_iter().map(agent).collect();
        let inner = self.inner.clone();
        waits.push(Box::pin(async move { inner.supervision.failure().await }));
        poll_fn(|context| {
            let ready = waits
                .iter_mut()
                .find_map(|wait| match wait.as_mut().poll(context) {
                    Poll::Ready(failure) => Some(failure),
                    Poll::Pending => None,
                });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

type Failure = Pin<Box<dyn Future<Output = (String, String)> + Send>>;

fn state_of(core: &AgentCore) -> AgentState {
    let load = core.load();
    let mut workers = Vec::new();
    for (incarnation, state, restarts) in &load.workers {
        let group = &core.groups[usize::from(core.group_of(*incarnation).0)];
        let Runner::Model(runner) = &group.runner else {
            continue;
        };
        let device = core.device(*incarnation);
        let measured = runner.measured_bytes(&device);
        workers.push(WorkerStatus {
            group: group.name.clone(),
            worker: incarnation.worker.0,
            epoch: incarnation.epoch,
            state: word(state),
            restarts: *restarts,
            device,
            model: runner.version(),
            model_bytes: measured.unwrap_or_else(|| runner.memory_bytes()),
        });
    }
    AgentState {
        name: core.name.to_string(),
        failed: load.failed,
        tasks: load.tasks,
        waiting: load.waiting,
        bytes: load.bytes,
        abandoned: load.abandoned,
        skills: core
            .skills
            .iter()
            .map(|skill| skill.name.to_string())
            .collect(),
        workers,
    }
}

fn word(state: &WorkerState) -> &'static str {
    match state {
        WorkerState::Unloaded => "unloaded",
        WorkerState::Starting => "starting",
        WorkerState::BackingOff { .. } => "backing_off",
        WorkerState::Idle { .. } => "idle",
        WorkerState::Busy => "busy",
        WorkerState::Leaving { .. } => "leaving",
        WorkerState::Unloading => "unloading",
        WorkerState::Failed => "failed",
    }
}
