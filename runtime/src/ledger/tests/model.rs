//! A second, simpler account of the same tasks, which every effect of the ledger is checked against.

mod account;
mod places;
mod turns;

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use aimass_environment::{Effect, TaskId, Time, WorkerId};

use crate::fault::FaultKind;
use crate::ledger::IdHasher;
use crate::ledger::effect::{Completion, LedgerEffect, Observation, Refusal};
use crate::ledger::event::{Admission, GroupId, Incarnation, Outcome};
use crate::ledger::settings::{GroupSettings, LedgerSettings};
pub(super) use account::{Account, group_of};
use places::Places;
pub(super) use turns::Asked;
use turns::Round;

/// What the checker knows of one task.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) admission: Admission,
    /// Its place in the order in which tasks were submitted.
    sequence: u64,
    pub(super) accepted: bool,
    pub(super) completed: Option<Completion>,
    pub(super) running_on: Option<Incarnation>,
    pub(super) committing: bool,
    /// When it was accepted, or came back to the queue.
    since: Time,
    /// Its fault asked for a pause, which ends at the first look at the clock from then on.
    paused_until: Option<Time>,
    pub(super) runs: u32,
    /// Attempts that may be counted against it: faults, and panics alone.
    pub(super) blamed: u32,
    pub(super) hung_alone: bool,
    /// It was on a worker that was brought down by a panic or a hang.
    suspect: bool,
    pub(super) item_sent: bool,
    /// Its present attempt has sent an item of a stream that goes on: the attempt's fault is not blamed on it.
    brought_forward: bool,
    /// It failed over something that it had asked for and that was given up.
    poisoned: bool,
    cut_off: bool,
    pub(super) cancelled: bool,
    /// The worker that was told to cancel it, or has said how its attempt ended: nobody else has to be told.
    off_its_worker: Option<Incarnation>,
    /// Its deadline comes in the same moment as the end of its worker, and comes first.
    out_of_time: bool,
    pub(super) dead_lettered: bool,
}

/// Checks each effect against what may be.
#[derive(Debug)]
pub(super) struct Checker {
    pub(super) settings: LedgerSettings,
    pub(super) tasks: KnownTasks,
    pub(super) places: Places,
    /// Which group each worker is of.
    groups: Vec<GroupId>,
    /// The round of turns of each group.
    rounds: Vec<Round>,
    /// Incarnations that run a task which must not get company.
    exclusive: HashSet<Incarnation>,
    pub(super) failed: bool,
    pub(super) shutting_down: Option<Time>,
    pub(super) drained: u32,
    pub(super) counted_restarts: u32,
    pub(super) started: HashSet<Incarnation>,
}

impl Checker {
    pub(super) fn new(settings: LedgerSettings) -> Self {
        let numbered = settings.groups.iter().enumerate();
        let groups = numbered.flat_map(|(at, group)| {
            std::iter::repeat_n(GroupId(at as u16), group.workers.max(1) as usize)
        });
        Self {
            groups: groups.collect(),
            rounds: vec![Round::default(); settings.groups.len()],
            exclusive: HashSet::new(),
            settings,
            tasks: HashMap::default(),
            places: Places::default(),
            failed: false,
            shutting_down: None,
            drained: 0,
            counted_restarts: 0,
            started: HashSet::new(),
        }
    }

    /// Groups may have more workers than they began with.
    pub(super) fn meet(&mut self, workers: impl ExactSizeIterator<Item = GroupId>) {
        let new = workers.skip(self.groups.len());
        self.groups.extend(new);
    }

    pub(super) fn submitted(&mut self, admission: &Admission, now: Time) {
        let blamed = admission.attempts;
        let known = Known {
            admission: admission.clone(),
            sequence: self.tasks.len() as u64,
            since: now,
            paused_until: None,
            accepted: false,
            completed: None,
            running_on: None,
            committing: false,
            runs: 0,
            blamed,
            hung_alone: false,
            suspect: false,
            item_sent: false,
            brought_forward: false,
            poisoned: false,
            cut_off: false,
            cancelled: false,
            off_its_worker: None,
            out_of_time: false,
            dead_lettered: false,
        };
        assert!(
            self.tasks.insert(admission.task, known).is_none(),
            "the simulation never reuses an id"
        );
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Known> {
        self.tasks.values().filter(|known| known.is_held())
    }

    pub(super) fn check(&mut self, effect: &LedgerEffect, now: Time) {
        match effect {
            LedgerEffect::Accepted { task } => {
                let after_the_end = self.shutting_down.is_some() || self.failed;
                assert!(!after_the_end, "accepted after the end");
                self.check_entrance(*task);
                let known = self.known(*task);
                assert!(!known.accepted, "accepted twice");
                known.accepted = true;
            }
            LedgerEffect::Refuse { task, refusal, .. } => {
                self.check_refusal(*task, refusal, now);
                self.lose_place(*task);
            }
            LedgerEffect::Granted { claim } => self.check_grant(*claim),
            LedgerEffect::Denied { claim, refusal } => self.check_denial(*claim, refusal, now),
            LedgerEffect::Run { by, tasks } => self.check_run(*by, tasks, now),
            LedgerEffect::Commit { task } => self.check_commit(*task, now),
            LedgerEffect::DeadLetter { task, .. } => self.check_dead_letter(*task),
            LedgerEffect::Complete {
                task,
                completion,
                still_on,
                ..
            } => {
                if still_on.is_some() {
                    self.known(*task).off_its_worker = *still_on;
                }
                self.check_completion(*task, completion, now)
            }
            LedgerEffect::Start { worker, .. } => {
                assert!(self.started.insert(*worker), "{worker:?} was started twice");
            }
            LedgerEffect::Observe(Observation::TakenDown { worker, .. }) => {
                self.put_back(*worker, now);
            }
            LedgerEffect::CountedRestart { .. } => self.counted_restarts += 1,
            LedgerEffect::AgentFailed { .. } => {
                assert!(!self.failed, "failed twice");
                self.failed = true;
            }
            LedgerEffect::Drained => {
                self.drained += 1;
                assert_eq!(self.drained, 1, "drained twice");
                assert_eq!(self.held().count(), 0, "drained with work in hand");
            }
            _ => {}
        }
    }

    fn known(&mut self, task: TaskId) -> &mut Known {
        let known = self.tasks.get_mut(&task);
        known.expect("something is said of an unknown task")
    }

    fn check_commit(&mut self, task: TaskId, now: Time) {
        let known = self.known(task);
        assert!(
            known.completed.is_none() && !known.committing,
            "committed after its end"
        );
        assert!(
            known.admission.deadline > now,
            "committed past its deadline"
        );
        known.committing = true;
        known.running_on = None;
    }

    fn check_dead_letter(&mut self, task: TaskId) {
        let max_attempts = self.settings.max_attempts;
        let known = self.known(task);
        assert!(
            known.completed.is_none() && !known.dead_lettered,
            "dead-lettered after its end"
        );
        let begun = known.runs > 0 || known.admission.attempts > 0;
        let once = known.admission.effect == Effect::Once && begun;
        assert!(
            known.hung_alone || known.poisoned || known.blamed >= max_attempts || once,
            "a dead letter after {} blamed attempts of {max_attempts}",
            known.blamed
        );
        known.dead_lettered = true;
    }

    fn check_refusal(&self, task: TaskId, refusal: &Refusal, now: Time) {
        let known = &self.tasks[&task];
        assert!(!known.accepted, "refused after it was accepted");
        let (tasks, bytes) = self.in_lane(known.admission.lane);
        match refusal {
            Refusal::Overloaded {
                queued,
                queued_bytes,
                ..
            } => {
                assert_eq!(
                    (*queued, *queued_bytes),
                    (tasks, bytes),
                    "the refusal's figures are wrong"
                );
                let full = tasks >= self.settings.capacity
                    || bytes + known.admission.bytes > self.settings.capacity_bytes;
                assert!(full, "refused with room to spare");
                assert!(!known.admission.resumed, "a resumed task was refused");
            }
            Refusal::ShuttingDown => assert!(self.shutting_down.is_some()),
            Refusal::AgentFailed { .. } => assert!(self.failed),
            Refusal::DeadlineExceeded => assert!(known.admission.deadline <= now),
            Refusal::TooLarge { bytes, .. } => assert!(*bytes > self.settings.capacity_bytes),
            Refusal::BackingOff { .. } => {}
            Refusal::Duplicate => panic!("the simulation never reuses an id"),
        }
    }

    fn check_run(&mut self, by: Incarnation, tasks: &[TaskId], now: Time) {
        let first = self.tasks[&tasks[0]].admission.clone();
        assert_eq!(
            first.group,
            self.group_of(by.worker),
            "a task of another group"
        );
        let most = self.settings.groups[usize::from(first.group.0)].max_batch;
        assert!(
            tasks.len() <= most as usize,
            "a batch of {} where {most} is the most",
            tasks.len()
        );
        for task in tasks {
            let known = self.tasks.get_mut(task).expect("an unknown task runs");
            assert!(
                known.accepted && known.completed.is_none() && !known.committing,
                "a task runs after its end"
            );
            assert_eq!(known.running_on, None, "a task runs twice at once");
            assert!(
                known.admission.deadline > now,
                "a task runs past its deadline"
            );
            assert_eq!(
                (
                    known.admission.group,
                    known.admission.skill,
                    known.admission.batch_key
                ),
                (first.group, first.skill, first.batch_key),
                "a mixed batch"
            );
            let once = known.admission.effect == Effect::Once;
            assert!(
                !once || known.runs == 0,
                "a task that may run once ran twice"
            );
            assert!(!known.item_sent, "a stream ran again after its first item");
            assert!(
                tasks.len() == 1 || !known.runs_alone(),
                "a task that runs alone got company"
            );
            assert!(
                known.blamed < self.settings.max_attempts,
                "an attempt more than it may cost: {} of {}",
                known.blamed,
                self.settings.max_attempts
            );
            known.runs += 1;
            known.brought_forward = false;
            known.running_on = Some(by);
            known.off_its_worker = None;
            if known.runs_alone() {
                self.exclusive.insert(by);
            }
        }
    }

    fn check_completion(&mut self, task: TaskId, completion: &Completion, now: Time) {
        let shutdown = self.shutting_down;
        let failed = self.failed;
        let known = self
            .tasks
            .get_mut(&task)
            .expect("an unknown task was completed");
        assert!(known.accepted, "completed without being accepted");
        assert_eq!(known.completed, None, "a second reply");
        assert!(
            known.running_on.is_none() || known.running_on == known.off_its_worker,
            "answered while it runs, and its worker was not told to cancel it"
        );
        match completion {
            Completion::Done => {
                assert!(known.runs > 0, "done without having run");
                assert!(
                    known.committing || known.admission.deadline > now,
                    "done past its deadline"
                );
            }
            Completion::DeadlineExceeded => {
                assert!(known.admission.deadline <= now, "before its deadline")
            }
            Completion::Cancelled => assert!(known.cancelled, "nobody cancelled it"),
            Completion::DeadLettered { attempts, .. } => {
                assert!(known.dead_lettered, "no dead letter was kept");
                assert_eq!(*attempts, known.blamed, "its attempts are miscounted");
            }
            Completion::Interrupted { .. } => assert!(known.item_sent, "no item was sent"),
            Completion::ShuttingDown => assert!(
                known.cut_off || shutdown.is_some_and(|limit| limit <= now),
                "cut off too early"
            ),
            Completion::AgentFailed { .. } => assert!(failed),
            Completion::Failed { fault, attempts } => {
                assert!(
                    *attempts <= self.settings.max_attempts,
                    "{attempts} attempts of {}",
                    self.settings.max_attempts
                );
                let exhausted = known.blamed >= self.settings.max_attempts;
                let hopeless = !matches!(fault.kind, FaultKind::Retryable | FaultKind::DeviceLost);
                let once = known.admission.effect == Effect::Once;
                assert!(
                    exhausted || hopeless || once || known.committing,
                    "failed with attempts to spare"
                );
            }
        }
        known.running_on = None;
        known.committing = false;
        known.completed = Some(completion.clone());
    }

    /// What the simulated worker is about to say about a task, before the ledger hears it.
    pub(super) fn outcome(&mut self, by: Incarnation, task: TaskId, outcome: &Outcome, now: Time) {
        let known = self.tasks.get_mut(&task).expect("an unknown task ended");
        if known.running_on != Some(by) {
            return;
        }
        known.off_its_worker = Some(by);
        match outcome {
            Outcome::Fault(fault) => {
                known.blamed += u32::from(!known.brought_forward);
                known.come_back(now);
                known.paused_until = fault.pause.map(|pause| now + pause);
            }
            Outcome::Poisoned { .. } => {
                known.blamed += 1;
                known.poisoned = true;
            }
            Outcome::CutOff => known.cut_off = true,
            _ => {}
        }
    }

    /// The incarnation is about to end by a panic or a hang, with so many tasks given to it since it was free.
    pub(super) fn brought_down(&mut self, by: Incarnation, given: u32, hang: bool, now: Time) {
        for known in running_on(&mut self.tasks, by) {
            known.come_back(now);
            known.suspect = true;
            if given == 1 && !known.brought_forward {
                known.blamed += 1;
                known.hung_alone |= hang;
            }
        }
    }

    /// Somebody looks at the clock: pauses that are over end now.
    pub(super) fn end_pauses(&mut self, now: Time) {
        let over = |known: &&mut Known| known.paused_until.is_some_and(|until| until <= now);
        for known in self.tasks.values_mut().filter(over) {
            (known.paused_until, known.since) = (None, now);
        }
    }

    /// The incarnation is stopped for no fault of its tasks: they go back without blame.
    pub(super) fn put_back(&mut self, by: Incarnation, now: Time) {
        running_on(&mut self.tasks, by).for_each(|known| known.come_back(now));
    }

    /// Those whose deadline came while their worker hung are answered so before the watchdog looks.
    pub(super) fn time_ran_out(&mut self, by: Incarnation, now: Time) {
        for known in running_on(&mut self.tasks, by) {
            known.out_of_time = known.admission.deadline <= now;
        }
    }

    pub(super) fn group_of(&self, worker: WorkerId) -> GroupId {
        self.groups[worker.0 as usize]
    }

    pub(super) fn group(&self, worker: WorkerId) -> &GroupSettings {
        &self.settings.groups[usize::from(self.group_of(worker).0)]
    }
}

type KnownTasks = HashMap<TaskId, Known, BuildHasherDefault<IdHasher>>;

/// What the end of an incarnation concerns.
fn running_on(tasks: &mut KnownTasks, by: Incarnation) -> impl Iterator<Item = &mut Known> {
    tasks
        .values_mut()
        .filter(move |known| known.running_on == Some(by) && !known.out_of_time)
}

impl Known {
    pub(super) fn is_held(&self) -> bool {
        self.accepted && self.completed.is_none()
    }

    /// An item of it leaves.
    pub(super) fn send_item(&mut self) {
        match self.admission.continues {
            true => self.brought_forward = true,
            false => self.item_sent = true,
        }
    }

    /// It waits for a worker.
    fn is_waiting(&self) -> bool {
        self.is_idle() && self.paused_until.is_none()
    }

    fn is_idle(&self) -> bool {
        self.is_held() && self.running_on.is_none() && !self.committing
    }

    fn runs_alone(&self) -> bool {
        self.suspect || self.admission.effect == Effect::Once
    }

    /// It ran before, here or in an earlier process, and stands before those that never did.
    fn is_retry(&self) -> bool {
        self.runs > 0 || self.admission.attempts > 0
    }

    fn come_back(&mut self, now: Time) {
        self.running_on = None;
        self.since = now;
    }
}
