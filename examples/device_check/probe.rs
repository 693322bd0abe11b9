//! An agent whose worker holds the sentence encoder, and dies or loses its device on request.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass::models::bert::Bert;
use aimass::models::{ModelError, device};
use aimass::{
    Agent, AgentDefinition, BatchSkill, DeviceName, Fault, ModelSource, ModelVersion, Skill,
    SkillSpec, StepContext, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::networks::load_bert;

/// The agent's name.
pub(crate) const ENCODER: &str = "encoder";
/// The name of the group that holds its model.
pub(crate) const GROUP: &str = "model";
/// What is always encoded.
pub(crate) const TOKENS: [u32; 12] = [1, 40, 3, 17, 2, 9, 33, 5, 28, 11, 48, 7];

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Order {
    /// The vectors of the tokens.
    Encode,
    /// The same, after a first attempt that panics.
    PanicFirst,
    /// The same, after a first attempt that says that the device is lost.
    LoseDeviceFirst,
    /// The same, after a first attempt that makes the device refuse all that follows.
    BreakDeviceFirst,
}

/// Encodes.
#[derive(Clone, Default)]
pub(crate) struct Encode {
    has_failed: Arc<AtomicBool>,
}

impl Skill for Encode {
    const NAME: &'static str = "encoder.encode";
    type Input = Order;
    type Output = Vec<f32>;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Encodes some tokens.")
    }
}

impl BatchSkill for Encode {
    type Model = Arc<Bert>;

    fn run(
        &self,
        network: &mut Arc<Bert>,
        orders: &[Arc<Order>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Vec<f32>, Fault>> {
        let mut answers = Vec::with_capacity(orders.len());
        for order in orders {
            let fails = **order != Order::Encode && !self.has_failed.swap(true, Ordering::Relaxed);
            answers.push(match **order {
                Order::PanicFirst if fails => panic!("the panic that the check asked for"),
                Order::LoseDeviceFirst if fails => {
                    Err(Fault::device_lost("as the check asked for"))
                }
                Order::BreakDeviceFirst if fails => broken(network),
                _ => encode(network),
            });
        }
        answers
    }
}

fn encode(network: &Bert) -> Result<Vec<f32>, Fault> {
    let output = network.forward(&[&TOKENS]).map_err(|error| fault(&error))?;
    let values = output.flatten_all().and_then(|output| output.to_vec1());
    values.map_err(|error| told(device::fault(&error), error.to_string()))
}

/// Looks up rows far outside of a tensor. The kernel that does so ends in an assertion, after which CUDA refuses all work of the process.
fn broken(network: &Bert) -> Result<Vec<f32>, Fault> {
    let rows = network.forward(&[&TOKENS]).map_err(|error| fault(&error))?;
    let looked_up = rows.argmax(0).and_then(|places| {
        let outside = places.affine(1.0, 1e9)?;
        rows.index_select(&outside, 0)?.flatten_all()?.to_vec1()
    });
    looked_up.map_err(|error| told(device::fault(&error), error.to_string()))
}

/// What an error of a network means to the runtime, as it does to the agents of this project.
pub(crate) fn fault(error: &ModelError) -> Fault {
    match error {
        // There is no such device: the next one of the placement may be there.
        ModelError::Device { .. } => Fault::device_lost(error.to_string()),
        _ => told(error.fault(), error.to_string()),
    }
}

fn told(fault: device::Fault, message: String) -> Fault {
    match fault {
        device::Fault::DeviceLost => Fault::device_lost(message),
        device::Fault::Retryable => Fault::retryable(message),
    }
}

/// A sentence encoder in a folder.
#[derive(Clone)]
pub(crate) struct EncoderSource {
    pub(crate) folder: PathBuf,
    pub(crate) version: &'static str,
}

impl ModelSource for EncoderSource {
    type Weights = Bert;
    type Model = Arc<Bert>;

    fn version(&self) -> ModelVersion {
        ModelVersion::new(self.version)
    }

    fn memory_bytes(&self) -> u64 {
        let file = std::fs::metadata(self.folder.join("model.safetensors"));
        // 16 bits of the file are 32 on a device.
        2 * file.map_or(0, |file| file.len())
    }

    fn weights_bytes(&self, weights: &Bert) -> Option<u64> {
        Some(weights.memory_bytes())
    }

    fn load(&self, name: &DeviceName) -> Result<Bert, Fault> {
        let device = device::open(&name.to_string()).map_err(|error| fault(&error))?;
        load_bert(&self.folder, &device).map_err(|error| fault(&error))
    }

    fn build(&self, weights: &Arc<Bert>, _: &DeviceName) -> Result<Arc<Bert>, Fault> {
        Ok(weights.clone())
    }
}

/// The agent.
pub(crate) struct Encoder(pub(crate) EncoderSource);

impl Agent for Encoder {
    fn name(&self) -> &str {
        ENCODER
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new(GROUP, self.0.clone()).skill(Encode::default());
        Ok(definition.group(group))
    }
}
