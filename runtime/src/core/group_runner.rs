//! Worker groups as their agent's core sees them.

use std::any::Any;
use std::sync::Arc;

use crate::core::memory::Share;
use crate::core::worker_context::WorkerContext;
use crate::fault::Fault;
use crate::ledger::effect::Reload;
use crate::ledger::event::Incarnation;
use crate::model::DeviceName;
use crate::skill::model_source::DynModelSource;
use aimass_environment::ModelVersion;

/// What an agent's core sees of a group.
pub(crate) trait GroupRunner: Send + Sync {
    /// Lives one incarnation of a worker, on the worker's own thread.
    fn live(&self, worker_context: &WorkerContext, weights: Reload);
    /// Reads a new version's weights on those devices, and tries to build it there; blocks while it does.
    fn read(
        &self,
        source: Arc<dyn DynModelSource>,
        devices: &[DeviceName],
    ) -> Result<NewVersion, Fault>;
    /// Takes a new version, with shares of its weights, unless a newer one was taken before; workers come for it between two jobs.
    fn swap(
        &self,
        version: NewVersion,
        generation: u64,
        shares: Vec<Share>,
    ) -> Result<ModelVersion, Fault>;
    /// Has all workers come for the same version anew, between two jobs.
    #[cfg(feature = "fault-injection")]
    fn renew(&self);
    /// The number of the version that workers come for: each swap has another.
    fn generation(&self) -> u64;
    /// The number of a version to come.
    fn next_generation(&self) -> u64;
    /// The devices that have weights in memory.
    fn devices(&self) -> Vec<DeviceName>;
    /// The version that workers come for.
    fn version(&self) -> ModelVersion;
    /// How much memory the weights of its present version take, in bytes.
    fn memory_bytes(&self) -> u64;
    /// How much memory the weights on the device really take, in bytes; none while there are none, or when nobody has counted.
    fn measured_bytes(&self, device: &DeviceName) -> Option<u64>;
    /// Lets go of weights that no worker holds.
    fn forget_unused(&self);
    /// A worker was given up: others no longer wait for the weights that it was reading.
    fn evict_loader(&self, by: Incarnation);
    /// Workers were told to stop: those that wait for weights hear of it.
    fn wake_waiting(&self);
}

/// A new version of a group's model, with its weights: what the group makes of it is its own.
pub(crate) struct NewVersion(pub(crate) Box<dyn Any + Send>);
