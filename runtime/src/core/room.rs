//! Room for weights: a worker's thread starts once its weights fit into the memory budget, and so does the reading of a new version.

use std::sync::Arc;

use crate::core::AgentCore;
use crate::core::memory::{Share, WeightsKey};
use crate::fault::Fault;
use crate::ledger::event::{Event, GroupId, Incarnation};
use crate::model::DeviceName;

impl AgentCore {
    /// Room for a version to come, beside the present one's bytes on each of the devices.
    ///
    /// # Errors
    /// When the budget is too small for both, or the runtime shuts down meanwhile.
    pub(crate) async fn room_beside(
        &self,
        group: GroupId,
        present: u64,
        devices: &[DeviceName],
        generation: u64,
        bytes: u64,
    ) -> Result<Vec<Share>, Fault> {
        let both = bytes.saturating_add(present);
        let both = both.saturating_mul(devices.len() as u64);
        if both > self.memory.budget() {
            return Err(self.too_large(group, both));
        }
        let keys: Vec<WeightsKey> = devices
            .iter()
            .map(|device| self.key(group, *device, generation))
            .collect();
        tokio::select! {
            shares = self.memory.request(move || (keys.clone(), bytes)) => Ok(shares),
            () = self.closed() => Err(Fault::unavailable("the runtime shuts down")),
        }
    }

    pub(crate) fn key(&self, group: GroupId, device: DeviceName, generation: u64) -> WeightsKey {
        WeightsKey {
            agent: self.name.clone(),
            group,
            device,
            generation,
        }
    }

    pub(crate) fn too_large(&self, group: GroupId, bytes: u64) -> Fault {
        let group = &self.groups[usize::from(group.0)].name;
        let budget = self.memory.budget();
        Fault::rejected(format!(
            "the model of group `{group}` takes {bytes} bytes, `runtime.memory_budget` is {budget}; raise it"
        ))
    }

    /// Keeps the share of an incarnation that has ended until the next one has its own.
    pub(crate) fn leave_share(&self, incarnation: Incarnation, share: Option<Share>) {
        let share = share.map(|share| (incarnation.epoch, share));
        let slot = self.slot(incarnation);
        let before = std::mem::replace(&mut *slot.left_share.lock(), share);
        drop(before);
    }

    /// The incarnation has a share of its own, gets in line for it, or has forgotten the weights: what it or one before it left is not needed.
    pub(crate) fn free_left_share(&self, incarnation: Incarnation) {
        let slot = self.slot(incarnation);
        let left = slot
            .left_share
            .lock()
            .take_if(|(epoch, _)| *epoch <= incarnation.epoch);
        drop(left);
    }

    /// Gives up a group's weights, unless somebody uses them.
    pub(crate) fn unload(self: &Arc<Self>, group: GroupId) {
        self.tell(Event::Unload(group));
    }

    /// Whether no worker of the group has a thread.
    pub(crate) fn is_unloaded(&self, group: GroupId) -> bool {
        let workers = self.load().workers;
        let mut of_group = workers
            .into_iter()
            .filter(|(by, ..)| self.group_of(*by) == group);
        of_group.all(|(by, ..)| self.is_gone(by.worker))
    }
}
