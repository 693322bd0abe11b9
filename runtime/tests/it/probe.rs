//! An agent whose skills do what their orders say: answer, report a fault, panic, block, or take many steps.

mod run;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aimass_runtime::{
    Agent, AgentDefinition, DeviceName, Fault, ModelSource, ModelVersion, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use run::{Run, RunOnce};
pub(crate) use streams::{Count, Counting, Sum};

use crate::desk::{Desk, Entry};

/// What one task is to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PartialEq)]
pub(crate) struct Order {
    pub(crate) id: u32,
    pub(crate) act: Act,
    pub(crate) hold: Hold,
    pub(crate) shape: u64,
    pub(crate) padding: String,
}

/// How an order ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PartialEq)]
pub(crate) enum Act {
    Answer,
    /// Panics in its first `times` runs.
    Panic {
        times: u32,
    },
    /// Reports a passing fault in its first `times` runs.
    Falter {
        times: u32,
    },
    Reject,
}

/// What an order waits for first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PartialEq)]
pub(crate) enum Hold {
    Not,
    /// Blocks its step until its gate is open.
    Blocked,
    /// Takes step after step until its gate is open.
    Stepping,
}

/// What an order says at its end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PartialEq)]
pub(crate) struct Answer {
    pub(crate) id: u32,
    pub(crate) version: String,
    pub(crate) device: String,
    pub(crate) run: u32,
}

impl Order {
    pub(crate) fn new(id: u32, act: Act) -> Self {
        Self {
            id,
            act,
            hold: Hold::Not,
            shape: 0,
            padding: String::new(),
        }
    }

    pub(crate) fn answer(id: u32) -> Self {
        Self::new(id, Act::Answer)
    }

    pub(crate) fn hold(mut self, hold: Hold) -> Self {
        self.hold = hold;
        self
    }

    pub(crate) fn shape(mut self, shape: u64) -> Self {
        self.shape = shape;
        self
    }
}

/// The agent `probe`.
pub(crate) struct Probe {
    pub(crate) desk: Desk,
    pub(crate) source: ProbeSource,
}

impl Agent for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let desk = &self.desk;
        let group = WorkerGroup::new("model", self.source.clone())
            .skill(Run(desk.clone()))
            .skill(RunOnce(Run(desk.clone())))
            .skill(Count(desk.clone()))
            .skill(Sum);
        Ok(definition.group(group))
    }
}

/// Where the probe's model comes from.
#[derive(Clone)]
pub(crate) struct ProbeSource {
    pub(crate) desk: Desk,
    pub(crate) version: String,
    /// Devices that are dead.
    pub(crate) dead: Vec<DeviceName>,
    /// Reading the weights fails.
    pub(crate) broken: bool,
    /// Its weights can be read, and no model can be built from them.
    pub(crate) unbuildable: bool,
    /// The device on which reading the weights stops at [`STUCK`], and how often still.
    pub(crate) stuck: Option<(DeviceName, Arc<AtomicU32>)>,
}

/// The gate at which reading stops.
pub(crate) const STUCK: u32 = u32::MAX;

impl ProbeSource {
    pub(crate) fn new(desk: &Desk, version: &str) -> Self {
        Self {
            desk: desk.clone(),
            version: version.to_owned(),
            dead: Vec::new(),
            broken: false,
            unbuildable: false,
            stuck: None,
        }
    }
}

/// Weights that say when they are freed.
pub(crate) struct Weights {
    desk: Desk,
    version: String,
}

impl Drop for Weights {
    fn drop(&mut self) {
        self.desk.note(Entry::Freed(self.version.clone()));
    }
}

/// A worker's model.
pub(crate) struct Model {
    weights: Arc<Weights>,
}

impl ModelSource for ProbeSource {
    type Weights = Weights;
    type Model = Model;

    fn version(&self) -> ModelVersion {
        ModelVersion::new(&self.version)
    }

    fn load(&self, device: &DeviceName) -> Result<Weights, Fault> {
        if self.broken {
            return Err(Fault::retryable("the weights cannot be read"));
        }
        if self.dead.contains(device) {
            return Err(Fault::device_lost(format!("{device} is lost")));
        }
        if let Some((stuck, times)) = &self.stuck
            && stuck == device
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| {
                    times.checked_sub(1)
                })
                .is_ok()
        {
            self.desk.pass(STUCK);
        }
        self.desk
            .note(Entry::Loaded(self.version.clone(), device.to_string()));
        Ok(Weights {
            desk: self.desk.clone(),
            version: self.version.clone(),
        })
    }

    fn build(&self, weights: &Arc<Weights>, _: &DeviceName) -> Result<Model, Fault> {
        if self.unbuildable {
            return Err(Fault::retryable("the weights are of another model"));
        }
        Ok(Model {
            weights: weights.clone(),
        })
    }
}
