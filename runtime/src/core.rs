//! Cores: an agent's ledger with the driver around it.
//!
//! Whoever has something to say (a caller, a worker, a timer) takes the lock, tells the ledger, and lets go of the lock before it acts on
//! what the ledger wants: replies, wake-ups, threads and commits all happen outside.

pub(crate) mod board;
pub(crate) mod call;
mod complete;
mod completing;
mod deliver;
pub(crate) mod driver;
mod driver_queue;
pub(crate) mod durable_streams;
pub(crate) mod group_runner;
pub(crate) mod memory;
pub(crate) mod message;
mod place;
pub(crate) mod placement;
pub(crate) mod publication;
mod room;
pub(crate) mod router;
mod slot;
mod state;
pub(crate) mod submitter;
pub(crate) mod task_link;
pub(crate) mod ticket;
pub(crate) mod tree;
pub(crate) mod worker_context;
pub(crate) mod worker_link;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use aimass_environment::{Clock, Environment, EpisodeId, TaskId, Time, WorkerId, panics};
use parking_lot::{Mutex, RwLock};
use ractor::ActorRef;
use tokio::sync::{Notify, watch};

use completing::Completions;
pub(crate) use driver_queue::DriverAction;
pub(crate) use place::Place;
use slot::WorkerSlot;
pub(crate) use state::{
    CoreEvent, CoreState, Effects, PendingTask, Report, ReportedResult, StepStats,
};

use crate::core::durable_streams::DurableStreams;
use crate::core::group_runner::GroupRunner;
use crate::core::memory::Memory;
use crate::core::message::{AgentMessage, SupervisorMessage};
use crate::core::submitter::TaskSubmitter;
use crate::core::ticket::Ticket;
use crate::error::TaskError;
#[cfg(feature = "fault-injection")]
use crate::fault_injector::FaultInjector;
use crate::ledger::Ledger;
use crate::ledger::event::{Admission, Event, GroupId, Incarnation};
use crate::ledger::settings::LedgerSettings;
use crate::ledger::worker::WorkerState;
use crate::model::DeviceName;
use crate::observer::EventSink;
use crate::payload::Payload;
use crate::skill::erased::{DynFlow, DynSkill};
use crate::spawn::Spawner;

/// A task's reply on its way to the caller.
pub(crate) type Reply = tokio::sync::oneshot::Sender<Result<Payload, TaskError>>;

/// An agent at work.
pub(crate) struct AgentCore {
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) groups: Vec<CoreGroup>,
    pub(crate) skills: Vec<CoreSkill>,
    pub(crate) environment: Environment,
    pub(crate) events: Arc<EventSink>,
    pub(crate) spawner: Arc<Spawner>,
    /// Whom the agent's flows ask; set once the runtime is whole.
    pub(crate) submitter: OnceLock<Weak<dyn TaskSubmitter>>,
    pub(crate) memory: Arc<Memory>,
    /// Faults to come; only under the conformance suite.
    #[cfg(feature = "fault-injection")]
    pub(crate) injector: Option<Arc<FaultInjector>>,
    pub(crate) durable_streams: Arc<DurableStreams>,
    /// The root of the tree, which decides which agents restart with this one; set once the runtime is whole.
    pub(crate) root: OnceLock<ActorRef<SupervisorMessage>>,
    /// Who carries out at present what the ledger decides about workers.
    driver: RwLock<Option<ActorRef<AgentMessage>>>,
    /// How many messages the driver was sent.
    #[cfg(test)]
    pub(crate) driver_messages: AtomicU64,
    settings: LedgerSettings,
    state: Mutex<CoreState>,
    /// By the ids of the workers.
    slots: RwLock<Vec<Arc<WorkerSlot>>>,
    timer: Notify,
    /// Whoever keeps the time holds it: a timer of before must not take the wake-ups of the one that takes its place.
    timer_turn: tokio::sync::Mutex<()>,
    closing: AtomicBool,
    /// Tasks that a shutdown cut off: those that are lost, and those that the environment keeps.
    lost: AtomicU64,
    kept: AtomicU64,
    emptying: AtomicBool,
    /// Outboxes with completions that were not answered and told yet.
    undelivered: AtomicU64,
    completing: Notify,
    drained: watch::Sender<bool>,
    failed: watch::Sender<Option<String>>,
    completions: Completions,
}

/// A group as its core knows it.
pub(crate) struct CoreGroup {
    pub(crate) name: String,
    pub(crate) runner: Runner,
    pub(crate) placement: Vec<Vec<DeviceName>>,
}

impl CoreGroup {
    /// Workers were told to stop: those that wait for weights hear of it.
    fn wake_waiting(&self) {
        if let Runner::Model(runner) = &self.runner {
            runner.wake_waiting();
        }
    }
}

/// What a group's workers do.
#[derive(Clone)]
pub(crate) enum Runner {
    /// They hold a model, each on a thread of its own.
    Model(Arc<dyn GroupRunner>),
    /// They carry a flow forward, each as an async task.
    Flow(Arc<dyn DynFlow>),
}

impl Runner {
    pub(crate) fn is_model(&self) -> bool {
        matches!(self, Self::Model(_))
    }
}

/// A skill as its core knows it.
pub(crate) struct CoreSkill {
    pub(crate) name: Arc<str>,
    pub(crate) dyn_skill: Arc<dyn DynSkill>,
    pub(crate) group: GroupId,
    /// The group that serves it when a flow asks; the same unless it is a flow itself.
    pub(crate) inner_group: GroupId,
    /// Its place within the group.
    pub(crate) at: usize,
}

/// What a core is made of.
pub(crate) struct CoreParts {
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) groups: Vec<CoreGroup>,
    pub(crate) skills: Vec<CoreSkill>,
    pub(crate) environment: Environment,
    pub(crate) events: Arc<EventSink>,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) memory: Arc<Memory>,
    #[cfg(feature = "fault-injection")]
    pub(crate) injector: Option<Arc<FaultInjector>>,
    pub(crate) durable_streams: Arc<DurableStreams>,
    pub(crate) settings: LedgerSettings,
}

impl Drop for AgentCore {
    /// Whatever of an author's is in it goes one by one: a destructor that panics must not meet another.
    fn drop(&mut self) {
        for skill in self.skills.drain(..) {
            panics::free(skill, "a skill");
        }
        for group in self.groups.drain(..) {
            panics::free(group, "a worker group");
        }
    }
}

impl AgentCore {
    pub(crate) fn new(parts: CoreParts) -> Arc<Self> {
        let CoreParts {
            name,
            clock,
            mut groups,
            mut skills,
            environment,
            events,
            spawner,
            memory,
            #[cfg(feature = "fault-injection")]
            injector,
            durable_streams,
            settings,
        } = parts;
        groups.shrink_to_fit();
        skills.shrink_to_fit();
        let mut slots = Vec::new();
        for (at, group) in settings.groups.iter().enumerate() {
            for worker in 0..group.workers.max(1) as usize {
                let devices = groups[at].placement.get(worker).cloned();
                let slot = WorkerSlot::new(GroupId(at as u16), devices.unwrap_or_default());
                slots.push(Arc::new(slot));
            }
        }
        Arc::new(Self {
            name,
            clock,
            groups,
            skills,
            environment,
            events,
            spawner,
            memory,
            #[cfg(feature = "fault-injection")]
            injector,
            durable_streams,
            submitter: OnceLock::new(),
            root: OnceLock::new(),
            driver: RwLock::new(None),
            #[cfg(test)]
            driver_messages: AtomicU64::new(0),
            state: Mutex::new(CoreState::new(Ledger::new(settings.clone()))),
            settings,
            slots: RwLock::new(slots),
            timer: Notify::new(),
            timer_turn: tokio::sync::Mutex::default(),
            closing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            emptying: AtomicBool::new(false),
            undelivered: AtomicU64::new(0),
            completing: Notify::new(),
            drained: watch::Sender::new(false),
            failed: watch::Sender::new(None),
            completions: Completions::default(),
        })
    }

    /// Starts the workers that are to start with the runtime.
    pub(crate) fn start(self: &Arc<Self>) {
        self.with_state(|state, now, effects| state.start(now, effects));
    }

    /// Does something with the state under the lock, and afterwards what came of it.
    pub(crate) fn with_state<R>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut CoreState, Time, &mut Effects) -> R,
    ) -> R {
        let now = self.clock.now();
        let mut effects = Effects::default();
        let result = {
            let mut state = self.state.lock();
            let result = act(&mut state, now, &mut effects);
            self.add_slots(&state);
            if state.bring_timer_forward(now) {
                self.timer.notify_one();
            }
            if !effects.completed.is_empty() {
                // Under the lock: whoever sees no task in the state any more sees this.
                self.undelivered.fetch_add(1, Ordering::SeqCst);
            }
            result
        };
        self.deliver(effects, now);
        result
    }

    /// Sees to it that there is a slot for each worker, before anybody hears of a new one.
    fn add_slots(&self, state: &CoreState) {
        let groups = state.worker_groups();
        let handle = self.slots.read().len();
        if groups.len() == handle {
            return;
        }
        let new = groups.skip(handle);
        let new = new.map(|group| Arc::new(WorkerSlot::new(group, Vec::new())));
        self.slots.write().extend(new);
    }

    fn slot(&self, incarnation: Incarnation) -> Arc<WorkerSlot> {
        self.slots.read()[incarnation.worker.0 as usize].clone()
    }

    /// Tells the ledger one thing.
    pub(crate) fn tell(self: &Arc<Self>, event: CoreEvent) {
        self.with_state(|state, now, effects| state.on(event, now, effects));
    }

    /// Asks for a task to be accepted, at its place if it has one. The reply comes through `reply` in every case.
    pub(crate) fn submit(
        self: &Arc<Self>,
        ticket: Arc<Ticket>,
        reply: Reply,
        place: Option<Place>,
    ) {
        let admission = Admission {
            task: ticket.id,
            group: self.group_for(&ticket),
            skill: ticket.skill,
            batch_key: ticket.batch_key,
            bytes: ticket.bytes,
            priority: ticket.priority,
            deadline: ticket.deadline,
            effect: ticket.effect,
            lane: place::lane_of(&ticket),
            place: place.map(Place::take),
            continues: ticket.items.as_ref().is_some_and(|items| items.can_go_on()),
            resumed: ticket.is_resumed(),
            attempts: ticket.metadata.attempts,
        };
        if ticket.is_durable() && ticket.items.is_some() {
            self.durable_streams.begin(&ticket, self);
        }
        let pending = Box::new(PendingTask::new(ticket, reply));
        self.tell(Event::Submit(admission, pending));
    }

    /// The group that serves a task.
    fn group_for(&self, ticket: &Ticket) -> GroupId {
        let skill = &self.skills[usize::from(ticket.skill.0)];
        match ticket.metadata.path.is_empty() {
            true => skill.group,
            false => skill.inner_group,
        }
    }

    /// Restarts all workers that hold models, because another agent's restart takes this agent along.
    pub(crate) fn take_down(self: &Arc<Self>, cause: &str) {
        for (at, group) in self.groups.iter().enumerate() {
            if matches!(group.runner, Runner::Model(_)) {
                self.tell(Event::TakeDown {
                    group: GroupId(at as u16),
                    cause: cause.to_owned(),
                });
            }
        }
    }

    pub(crate) fn cancel(self: &Arc<Self>, task: TaskId) {
        self.tell(Event::Cancel { task });
    }

    /// The agent's state in figures.
    pub(crate) fn load(&self) -> crate::ledger::LedgerLoad {
        self.state.lock().load()
    }

    /// The device that a group's first worker is placed on at present.
    pub(crate) fn first_device(&self, group: GroupId) -> Option<DeviceName> {
        let slots = self.slots.read();
        let first = slots.iter().find(|slot| slot.group == group)?;
        Some(first.placement.lock().device())
    }

    /// The device that a worker is placed on at present.
    pub(crate) fn device(&self, incarnation: Incarnation) -> DeviceName {
        self.slot(incarnation).placement.lock().device()
    }

    /// A worker is ready on the device that it is placed on.
    pub(crate) fn device_serves(&self, incarnation: Incarnation) {
        self.slot(incarnation).placement.lock().serves();
    }

    /// Whether a worker is placed on the last of its devices, and was never ready there.
    pub(crate) fn has_no_device(&self, incarnation: Incarnation) -> bool {
        self.slot(incarnation).placement.lock().is_at_its_end()
    }

    /// Whether a worker has neither thread nor model.
    pub(crate) fn is_gone(&self, worker: WorkerId) -> bool {
        let gone = |state| matches!(state, WorkerState::Unloaded | WorkerState::Failed);
        let mut workers = self.load().workers.into_iter();
        workers.any(|(by, state, _)| by.worker == worker && gone(state))
    }

    /// Since when nobody has used the weights of a group; none while somebody does.
    pub(crate) fn idle_since(&self, group: GroupId) -> Option<Time> {
        self.state.lock().idle_since(group)
    }

    /// Returns once the agent holds no task, with the number of those that it had to wait for.
    pub(crate) async fn emptied(&self) -> u64 {
        // Said before the look: whoever completes the last task after it then sees that somebody
        // waits.
        self.emptying.store(true, Ordering::SeqCst);
        let waited_for = self.load().tasks;
        loop {
            let completing = self.completing.notified();
            tokio::pin!(completing);
            completing.as_mut().enable();
            if self.load().tasks == 0 && self.undelivered.load(Ordering::SeqCst) == 0 {
                return waited_for;
            }
            completing.await;
        }
    }

    /// Returns once whatever the environment has of the episode's completions was answered and told
    /// to the observers.
    pub(crate) async fn answered(&self, episode: EpisodeId) {
        self.completions.ended(episode).await;
    }

    /// Says why the agent was given up, once it is.
    pub(crate) fn failures(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    /// Refuses new work from now on, and cuts off at the limit what is not completed by then.
    pub(crate) fn begin_drain(self: &Arc<Self>, limit: Time) {
        self.tell(Event::Shutdown { limit });
    }

    /// Returns once all that was accepted is completed, and lets the workers go.
    pub(crate) async fn drained(&self) {
        let mut drained = self.drained.subscribe();
        let _ = drained.wait_for(|drained| *drained).await;
        self.dismiss();
    }

    /// Tells all workers to end.
    pub(crate) fn dismiss(&self) {
        self.closing.store(true, Ordering::Release);
        for slot in self.slots.read().iter() {
            if let Some(handle) = &*slot.handle.lock() {
                handle.stop.store(true, Ordering::Release);
                let _ = handle.wake.try_send(());
            }
        }
        self.groups.iter().for_each(CoreGroup::wake_waiting);
    }

    /// Whether the agent's workers are to end.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// The group that a worker belongs to.
    pub(crate) fn group_of(&self, incarnation: Incarnation) -> GroupId {
        self.slot(incarnation).group
    }

    /// How many tasks a shutdown cut off: those that are lost, and those that the environment keeps.
    pub(crate) fn cut_off(&self) -> (u64, u64) {
        let count = |tasks: &AtomicU64| tasks.load(Ordering::Acquire);
        (count(&self.lost), count(&self.kept))
    }

    /// What the workers of the group do.
    pub(crate) fn runner(&self, group: GroupId) -> Runner {
        self.groups[usize::from(group.0)].runner.clone()
    }

    /// How many tasks a batch of the group may have.
    pub(crate) fn max_batch(&self, group: GroupId) -> u32 {
        self.settings.groups[usize::from(group.0)].max_batch
    }

    /// How long a worker that was told to stop may take to do so.
    pub(crate) fn grace(&self) -> std::time::Duration {
        self.settings.grace
    }

    /// How long a model may take to be read.
    pub(crate) fn load_limit(&self) -> std::time::Duration {
        self.settings.load_limit
    }

    /// Tells the ledger when time has passed; it never ends.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        let _turn = self.timer_turn.lock().await;
        let mut looked = self.clock.now();
        loop {
            let wake = self.state.lock().set_timer(looked);
            tokio::select! {
                () = tokio::time::sleep_until(self.clock.instant(wake)) => {}
                () = self.timer.notified() => {}
            }
            // Each look goes on where the one before it ended: the process may stand still between any two lines of this.
            looked = self.with_state(|state, now, effects| {
                state.look(looked, now, effects);
                now
            });
        }
    }
}
