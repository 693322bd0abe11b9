//! The places of an agent's workers, and how their incarnations are reached.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aimass_environment::Epoch;
use parking_lot::Mutex;

use crate::core::memory::Share;
use crate::core::placement::Placement;
use crate::core::worker_link::WorkerLink;
use crate::ledger::event::GroupId;
use crate::model::DeviceName;

/// A worker's place: how its present incarnation is reached.
pub(super) struct WorkerSlot {
    pub(super) group: GroupId,
    pub(super) placement: Mutex<Placement>,
    pub(super) handle: Mutex<Option<WorkerHandle>>,
    /// The share of an incarnation that ended: its weights may stay in memory, and are counted until the next one has a share of its own.
    pub(super) left_share: Mutex<Option<(Epoch, Share)>>,
}

impl WorkerSlot {
    pub(super) fn new(group: GroupId, devices: Vec<DeviceName>) -> Self {
        Self {
            group,
            placement: Mutex::new(Placement::new(devices)),
            handle: Mutex::new(None),
            left_share: Mutex::new(None),
        }
    }
}

/// How an incarnation is reached.
#[derive(Clone)]
pub(super) struct WorkerHandle {
    pub(super) epoch: Epoch,
    pub(super) wake: flume::Sender<()>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) link: Arc<WorkerLink>,
}
