//! Room for weights: a worker's thread starts once its weights fit into the memory budget.

use std::sync::Arc;

use crate::cell::Cell;
use crate::fault::Fault;
use crate::group::GroupRunner;
use crate::ledger::effect::Reload;
use crate::ledger::event::{Event, GroupId};
use crate::memory::{Place, Share, WeightsKey};
use crate::seat::Seat;

impl Cell {
    /// Starts a worker's thread, at once if its weights fit, else when others have given theirs up.
    pub(super) fn find_room(
        self: &Arc<Self>,
        seat: Seat,
        runner: Arc<dyn GroupRunner>,
        weights: Reload,
    ) {
        let key = WeightsKey {
            agent: self.name.clone(),
            group: seat.group,
            device: seat.device(),
        };
        let bytes = runner.memory_bytes();
        if bytes > self.memory.budget() {
            let group = &self.groups[usize::from(seat.group.0)].name;
            return seat.load_failed(Fault::rejected(format!(
                "the model of group `{group}` takes {bytes} bytes, `runtime.memory_budget` is {}; raise it",
                self.memory.budget()
            )));
        }
        if let Some(share) = self.memory.share(&key, bytes) {
            return self.start_thread(seat, runner, weights, share);
        }
        let (cell, place) = (self.clone(), self.memory.line_up());
        self.spawner.task(async move {
            if let Some(share) = cell.wait_for_room(&seat, &place, &key, bytes).await {
                drop(place);
                cell.start_thread(seat, runner, weights, share);
            }
        });
    }

    /// None when the incarnation is told to stop meanwhile.
    async fn wait_for_room(
        &self,
        seat: &Seat,
        place: &Place,
        key: &WeightsKey,
        bytes: u64,
    ) -> Option<Share> {
        loop {
            let mut changed = std::pin::pin!(place.changed());
            changed.as_mut().enable();
            if let Some(share) = place.share(key, bytes) {
                return Some(share);
            }
            if let Some((missing, held)) = place.shortage(bytes)
                && let Some(supervisor) = self.supervisor.get().and_then(std::sync::Weak::upgrade)
            {
                supervisor.make_room(missing, held);
            }
            tokio::select! {
                () = changed => {}
                () = seat.woken() => {}
                () = self.closed() => return None,
            }
            if seat.is_stopped() {
                seat.stopped();
                return None;
            }
        }
    }

    fn start_thread(
        self: &Arc<Self>,
        seat: Seat,
        runner: Arc<dyn GroupRunner>,
        weights: Reload,
        share: Share,
    ) {
        let name = format!("{}-{}", self.name, seat.incarnation.worker.0);
        let by = seat.incarnation;
        let spawned = self.spawner.thread(name, move || {
            runner.live(&seat, weights);
            // Given back only now: the next incarnation has taken its own share by then, or the weights are free.
            drop(share);
        });
        if let Err(error) = spawned {
            let fault = Fault::retryable(format!("cannot start a thread: {error}"));
            self.tell(Event::LoadFailed { by, fault });
        }
    }

    /// Gives up a group's weights, unless somebody uses them.
    pub(crate) fn unload(self: &Arc<Self>, group: GroupId) {
        self.tell(Event::Unload(group));
    }
}
