//! What the agent's driver carries out: the decisions of the ledger about workers.
//!
//! They wait in the state' queue, in their order, until the driver comes for them; so a driver that dies loses none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aimass_environment::Time;
use ractor::ActorRef;

use crate::core::message::{AgentMessage, SupervisorMessage};
use crate::core::slot::WorkerHandle;
use crate::core::worker_context::WorkerContext;
use crate::core::worker_link::WorkerLink;
use crate::core::{AgentCore, DriverAction, Runner};
use crate::ledger::effect::Reload;
use crate::ledger::event::{Event, Incarnation};
use crate::ledger::worker::WorkerState;
use crate::observer::{AgentChanged, Record, WorkerChange};

/// The start of an incarnation with which the thread of the one before it goes on. The driver's
/// queue stands still until this is dropped; then the driver does what is left of it.
pub(crate) struct ClaimedStart {
    pub(crate) core: Arc<AgentCore>,
    pub(crate) incarnation: Incarnation,
    pub(crate) weights: Reload,
    /// When it was decided.
    pub(crate) decided: Time,
    left: Left,
}

/// What is left of a start that was claimed.
enum Left {
    /// All of it: it was not carried out.
    Start,
    /// The incarnation is to get an actor.
    Adoption(Arc<WorkerLink>),
    Nothing,
}

impl ClaimedStart {
    /// The incarnation has a thread.
    pub(crate) fn started(mut self, link: Arc<WorkerLink>) {
        self.left = Left::Adoption(link);
    }

    /// Nobody needs the incarnation any more.
    pub(crate) fn needless(mut self) {
        self.left = Left::Nothing;
    }
}

impl Drop for ClaimedStart {
    fn drop(&mut self) {
        let left = match std::mem::replace(&mut self.left, Left::Nothing) {
            Left::Start => {
                let (incarnation, weights) = (self.incarnation, self.weights);
                Some(DriverAction::Start(incarnation, Duration::ZERO, weights))
            }
            Left::Adoption(link) => Some(DriverAction::Adopt(link)),
            Left::Nothing => None,
        };
        let mut state = self.core.state.lock();
        state.driver_queue.end_claim(left, self.decided);
        drop(state);
        self.core.wake_driver();
    }
}

impl AgentCore {
    /// From now on `driver` hears of what is to be carried out.
    pub(crate) fn driven_by(&self, driver: ActorRef<AgentMessage>) {
        *self.driver.write() = Some(driver);
    }

    pub(super) fn wake_driver(&self) {
        if let Some(driver) = &*self.driver.read() {
            #[cfg(test)]
            self.driver_messages.fetch_add(1, Ordering::Relaxed);
            // It fails between two incarnations of the driver; the next one looks into the queue first.
            let _ = driver.cast(AgentMessage::Effects);
        }
    }

    /// What is to be carried out next, and when it was decided.
    pub(crate) fn next_action(&self) -> Option<(DriverAction, Time)> {
        self.state.lock().driver_queue.next()
    }

    /// Tells the ledger of a panic. Gives the start of the next incarnation where the thread that
    /// panicked is to go on with it: it is awake, while the driver would have to be woken, and a
    /// new thread to be made.
    pub(super) fn worker_panicked(
        self: &Arc<Self>,
        by: Incarnation,
        message: String,
    ) -> Option<ClaimedStart> {
        let has_thread = matches!(self.runner(self.group_of(by)), Runner::Model(_));
        let claimed = self.with_state(|state, now, effects| {
            state.on(Event::Panicked { by, message }, now, effects);
            let queue = &mut state.driver_queue;
            let claimed = has_thread.then(|| queue.claim_start(by))??;
            // The driver is woken when the claim ends.
            effects.for_driver = false;
            Some(claimed)
        });
        let (incarnation, weights, decided) = claimed?;
        Some(ClaimedStart {
            core: self.clone(),
            incarnation,
            weights,
            decided,
            left: Left::Start,
        })
    }

    /// A context for a new incarnation, and what joins it to its actor; none when it has one already, or its agent has ended.
    pub(crate) fn worker_context(
        self: &Arc<Self>,
        incarnation: Incarnation,
        after: Duration,
        now: Time,
    ) -> Option<(Arc<WorkerLink>, WorkerContext)> {
        if self.is_closing() {
            return None;
        }
        let slot = self.slot(incarnation);
        let mut handle = slot.handle.lock();
        if handle
            .as_ref()
            .is_some_and(|handle| handle.epoch == incarnation.epoch)
        {
            return None;
        }
        let (wake, wakes) = flume::bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let link = WorkerLink::new(incarnation);
        *handle = Some(WorkerHandle {
            epoch: incarnation.epoch,
            wake: wake.clone(),
            stop: stop.clone(),
            link: link.clone(),
        });
        drop(handle);
        self.emit_change(incarnation, now, || WorkerChange::Starting {
            after_ms: after.as_millis() as u64,
        });
        let group = slot.group;
        let worker_context = WorkerContext::new(
            self.clone(),
            incarnation,
            group,
            wake,
            wakes,
            stop,
            link.clone(),
        );
        Some((link, worker_context))
    }

    /// The incarnations that are at work, for a driver that takes over.
    pub(crate) fn links(&self) -> Vec<Arc<WorkerLink>> {
        let slots = self.slots.read();
        let links = slots.iter().filter_map(|slot| {
            let handle = slot.handle.lock();
            handle.as_ref().map(|handle| handle.link.clone())
        });
        links.filter(|link| link.is_at_work()).collect()
    }

    /// Tells the ledger of starts that went with a driver that died while it carried them out.
    pub(crate) fn report_lost_starts(self: &Arc<Self>) {
        let workers = self.load().workers;
        for (incarnation, state, _) in workers {
            let starts = matches!(
                state,
                WorkerState::Starting | WorkerState::BackingOff { .. }
            );
            let is_lost = || {
                self.handle(incarnation).is_none()
                    && !self.state.lock().driver_queue.is_to_start(incarnation)
            };
            if starts && !self.is_closing() && is_lost() {
                self.tell(Event::Panicked {
                    by: incarnation,
                    message: "it was never started".to_owned(),
                });
            }
        }
    }

    /// Tells an incarnation to stop.
    pub(crate) fn stop(&self, incarnation: Incarnation) {
        if let Some(handle) = self.handle(incarnation) {
            handle.stop.store(true, Ordering::Release);
            let _ = handle.wake.try_send(());
        }
        let group = usize::from(self.group_of(incarnation).0);
        self.groups[group].wake_waiting();
    }

    /// Gives an incarnation up: its thread never ended.
    pub(crate) fn abandon(&self, incarnation: Incarnation, now: Time) {
        let group = usize::from(self.group_of(incarnation).0);
        if let Runner::Model(runner) = &self.groups[group].runner {
            runner.evict_loader(incarnation);
        }
        self.emit_change(incarnation, now, || WorkerChange::Abandoned);
    }

    /// Places a worker on the next of its devices.
    pub(crate) fn fall_back(&self, incarnation: Incarnation, now: Time) {
        self.slot(incarnation).placement.lock().fall_back();
        self.emit_change(incarnation, now, || WorkerChange::FellBack);
    }

    /// Tells the root of a restart that counts against the agent.
    pub(crate) fn count_restart(&self, cause: String) {
        if let Some(root) = self.root.get() {
            let agent = self.name.clone();
            // It fails when the tree has ended.
            let _ = root.cast(SupervisorMessage::CountedRestart { agent, cause });
        }
    }

    /// The driver fails too often: whoever waits for the agent is answered, and the workers end with the runtime.
    pub(crate) fn give_up(self: &Arc<Self>, why: &str) {
        let message = format!("its actor fails too often: {why}");
        self.tell(Event::GiveUp {
            message: message.clone(),
        });
        self.fail(message, self.clock.now());
    }

    /// Tells whoever asks for it that the agent was given up.
    pub(crate) fn fail(&self, message: String, now: Time) {
        tracing::error!(agent = &*self.name, said = message, "the agent is given up");
        let at_ns = self.clock.unix_nanos(now);
        self.events.emit(|| {
            let failed = Some(message.clone());
            Record::Agent(AgentChanged {
                agent: self.name.clone(),
                at_ns,
                failed,
            })
        });
        for slot in self.slots.read().iter() {
            drop(slot.left_share.lock().take());
        }
        self.failed.send_replace(Some(message));
    }

    /// A worker's name in the tree.
    pub(crate) fn worker_path(&self, incarnation: Incarnation) -> String {
        format!("{}/{}", self.name, incarnation.worker.0)
    }
}
