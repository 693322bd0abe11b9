//! Room for weights: a worker's thread starts once its weights fit into the memory budget, and so does the reading of a new version.

use std::sync::{Arc, Weak};

use crate::cell::Cell;
use crate::fault::Fault;
use crate::group::GroupRunner;
use crate::ledger::effect::Reload;
use crate::ledger::event::{Event, GroupId};
use crate::memory::{Place, Share, WeightsKey};
use crate::model::DeviceName;
use crate::panics;
use crate::seat::Seat;

impl Cell {
    /// Starts a worker's thread, at once if its weights fit, else when others have given theirs up.
    pub(super) fn find_room(
        self: &Arc<Self>,
        seat: Seat,
        runner: Arc<dyn GroupRunner>,
        weights: Reload,
    ) {
        let bytes = runner.memory_bytes();
        if bytes > self.memory.budget() {
            return seat.load_failed(self.too_large(seat.group, bytes));
        }
        let key = self.key(seat.group, seat.device(), runner.generation());
        if let Some(share) = self.memory.share(&key, bytes) {
            seat.hold_share(share);
            return self.start_thread(seat, runner, weights);
        }
        let (cell, place) = (self.clone(), self.memory.line_up());
        self.spawner.task(async move {
            // A swap may change version and size while it waits.
            let wish = || {
                let key = cell.key(seat.group, seat.device(), runner.generation());
                (vec![key], runner.memory_bytes())
            };
            let found = tokio::select! {
                found = cell.room(&place, wish) => found.into_iter().next(),
                () = cell.told_to_stop(&seat) => None,
                () = cell.closed() => {
                    seat.release();
                    None
                }
            };
            drop(place);
            if let Some(share) = found {
                seat.hold_share(share);
                cell.start_thread(seat, runner, weights);
            }
        });
    }

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
        let place = self.memory.line_up();
        tokio::select! {
            shares = self.room(&place, || (keys.clone(), bytes)) => Ok(shares),
            () = self.closed() => Err(Fault::unavailable("the runtime shuts down")),
        }
    }

    fn key(&self, group: GroupId, device: DeviceName, generation: u64) -> WeightsKey {
        WeightsKey {
            agent: self.name.clone(),
            group,
            device,
            generation,
        }
    }

    fn too_large(&self, group: GroupId, bytes: u64) -> Fault {
        let group = &self.groups[usize::from(group.0)].name;
        let budget = self.memory.budget();
        Fault::rejected(format!(
            "the model of group `{group}` takes {bytes} bytes, `runtime.memory_budget` is {budget}; raise it"
        ))
    }

    /// Shares of what `wish` says, once there is room; those whom nobody uses give theirs up for it.
    async fn room(&self, place: &Place, wish: impl Fn() -> (Vec<WeightsKey>, u64)) -> Vec<Share> {
        loop {
            let mut changed = std::pin::pin!(place.changed());
            changed.as_mut().enable();
            let (keys, bytes) = wish();
            if let Some(shares) = place.share(&keys, bytes) {
                return shares;
            }
            let wanted = bytes.saturating_mul(keys.len() as u64);
            if let Some((missing, held)) = place.shortage(wanted)
                && let Some(supervisor) = self.supervisor.get().and_then(Weak::upgrade)
            {
                supervisor.make_room(missing, held);
            }
            changed.await;
        }
    }

    async fn told_to_stop(&self, seat: &Seat) {
        loop {
            seat.woken().await;
            if seat.is_stopped() {
                seat.stopped();
                return;
            }
        }
    }

    fn start_thread(self: &Arc<Self>, seat: Seat, runner: Arc<dyn GroupRunner>, weights: Reload) {
        let name = format!("{}-{}", self.name, seat.incarnation.worker.0);
        let seat = Arc::new(seat);
        let worker = seat.clone();
        let spawned = self.spawner.thread(name, move || {
            if let Err(message) = panics::caught(|| runner.live(&worker, weights)) {
                worker.panicked(message);
            }
            // Its share goes only now: the next incarnation has taken its own by then, or the weights are free.
            drop(worker);
        });
        if let Err(error) = spawned {
            seat.load_failed(Fault::retryable(format!("cannot start a thread: {error}")));
        }
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
