//! A second, simpler account of the same tasks, which every effect of the ledger is checked against.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::clock::Time;
use crate::fault::FaultKind;
use crate::ids::TaskId;
use crate::ledger::effect::{LedgerEffect, Observation, Refusal, Settlement};
use crate::ledger::event::{Admission, Incarnation, Outcome};
use crate::ledger::settings::LedgerSettings;
use crate::skill::Effect;

/// What the checker knows of one task.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) admission: Admission,
    pub(super) accepted: bool,
    pub(super) settled: Option<Settlement>,
    pub(super) running_on: Option<Incarnation>,
    pub(super) committing: bool,
    pub(super) runs: u32,
    /// Attempts that may be counted against it: faults, and panics alone.
    pub(super) blamed: u32,
    pub(super) hung_alone: bool,
    pub(super) shared_a_panic: bool,
    pub(super) item_sent: bool,
    pub(super) cancelled: bool,
    pub(super) dead_lettered: bool,
}

/// Checks each effect against what may be.
#[derive(Debug)]
pub(super) struct Checker {
    pub(super) settings: LedgerSettings,
    pub(super) tasks: HashMap<TaskId, Known>,
    pub(super) failed: bool,
    pub(super) shutting_down: Option<Time>,
    pub(super) drained: u32,
    pub(super) started: HashSet<Incarnation>,
}

impl Checker {
    pub(super) fn new(settings: LedgerSettings) -> Self {
        Self {
            settings,
            tasks: HashMap::new(),
            failed: false,
            shutting_down: None,
            drained: 0,
            started: HashSet::new(),
        }
    }

    pub(super) fn submitted(&mut self, admission: &Admission) {
        let blamed = admission.attempts;
        let known = Known {
            admission: admission.clone(),
            accepted: false,
            settled: None,
            running_on: None,
            committing: false,
            runs: 0,
            blamed,
            hung_alone: false,
            shared_a_panic: false,
            item_sent: false,
            cancelled: false,
            dead_lettered: false,
        };
        assert!(
            self.tasks.insert(admission.task, known).is_none(),
            "the simulation never reuses an id"
        );
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Known> {
        self.tasks
            .values()
            .filter(|known| known.accepted && known.settled.is_none())
    }

    pub(super) fn check(&mut self, effect: &LedgerEffect, now: Time) {
        match effect {
            LedgerEffect::Accepted { task } => {
                let known = self
                    .tasks
                    .get_mut(task)
                    .expect("an unknown task was accepted");
                assert!(!known.accepted, "accepted twice");
                known.accepted = true;
                assert!(
                    self.shutting_down.is_none() && !self.failed,
                    "accepted after the end"
                );
            }
            LedgerEffect::Refuse { task, refusal } => self.check_refusal(*task, refusal, now),
            LedgerEffect::Run { by, tasks } => self.check_run(*by, tasks, now),
            LedgerEffect::Commit { task } => {
                let known = self
                    .tasks
                    .get_mut(task)
                    .expect("an unknown task is committed");
                assert!(
                    known.settled.is_none() && !known.committing,
                    "committed after its end"
                );
                assert!(
                    known.admission.deadline > now,
                    "committed past its deadline"
                );
                known.committing = true;
                known.running_on = None;
            }
            LedgerEffect::DeadLetter { task, .. } => {
                let known = self
                    .tasks
                    .get_mut(task)
                    .expect("an unknown task is a dead letter");
                assert!(
                    known.settled.is_none() && !known.dead_lettered,
                    "dead-lettered after its end"
                );
                let begun = known.runs > 0 || known.admission.attempts > 0;
                let once = known.admission.effect == Effect::Once && begun;
                assert!(
                    known.hung_alone || known.blamed >= self.settings.max_attempts || once,
                    "a dead letter after {} blamed attempts of {}",
                    known.blamed,
                    self.settings.max_attempts
                );
                known.dead_lettered = true;
            }
            LedgerEffect::Settle { task, settlement } => {
                self.check_settlement(*task, settlement, now)
            }
            LedgerEffect::Start { worker, .. } => {
                assert!(self.started.insert(*worker), "{worker:?} was started twice");
            }
            LedgerEffect::Observe(Observation::TakenDown { worker, .. }) => {
                for known in self.tasks.values_mut() {
                    known.running_on = known.running_on.filter(|by| by != worker);
                }
            }
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

    fn check_refusal(&self, task: TaskId, refusal: &Refusal, now: Time) {
        let known = &self.tasks[&task];
        assert!(!known.accepted, "refused after it was accepted");
        let tasks = self.held().count() as u64;
        let bytes: u64 = self.held().map(|held| held.admission.bytes).sum();
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
        let group = &self.settings.groups[usize::from(first.group.0)];
        assert!(
            tasks.len() <= group.max_batch as usize,
            "a batch of {}",
            tasks.len()
        );
        for task in tasks {
            let known = self.tasks.get_mut(task).expect("an unknown task runs");
            assert!(
                known.accepted && known.settled.is_none() && !known.committing,
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
                    known.admission.shape
                ),
                (first.group, first.skill, first.shape),
                "a mixed batch"
            );
            let once = known.admission.effect == Effect::Once;
            assert!(
                !once || known.runs == 0,
                "a task that may run once ran twice"
            );
            assert!(!known.item_sent, "a stream ran again after its first item");
            assert!(
                tasks.len() == 1 || !(once || known.shared_a_panic),
                "a task that runs alone got company"
            );
            known.runs += 1;
            known.running_on = Some(by);
        }
    }

    fn check_settlement(&mut self, task: TaskId, settlement: &Settlement, now: Time) {
        let shutdown = self.shutting_down;
        let failed = self.failed;
        let known = self
            .tasks
            .get_mut(&task)
            .expect("an unknown task was settled");
        assert!(known.accepted, "settled without being accepted");
        assert_eq!(known.settled, None, "a second reply");
        match settlement {
            Settlement::Done => {
                assert!(known.runs > 0, "done without having run");
                assert!(
                    known.committing || known.admission.deadline > now,
                    "done past its deadline"
                );
            }
            Settlement::DeadlineExceeded => {
                assert!(known.admission.deadline <= now, "before its deadline")
            }
            Settlement::Cancelled => assert!(known.cancelled, "nobody cancelled it"),
            Settlement::DeadLettered { .. } => {
                assert!(known.dead_lettered, "no dead letter was kept")
            }
            Settlement::Interrupted { .. } => assert!(known.item_sent, "no item was sent"),
            Settlement::ShuttingDown => assert!(
                shutdown.is_some_and(|limit| limit <= now),
                "cut off too early"
            ),
            Settlement::AgentFailed { .. } => assert!(failed),
            Settlement::Failed { fault, .. } => {
                let exhausted = known.blamed >= self.settings.max_attempts;
                let hopeless =
                    !matches!(fault.kind, FaultKind::Retryable | FaultKind::DeadForProcess);
                let once = known.admission.effect == Effect::Once;
                assert!(
                    exhausted || hopeless || once || known.committing,
                    "failed with attempts to spare"
                );
            }
        }
        known.running_on = None;
        known.committing = false;
        known.settled = Some(settlement.clone());
    }

    /// What the simulated worker is about to say about a task, before the ledger hears it.
    pub(super) fn outcome(&mut self, by: Incarnation, task: TaskId, outcome: &Outcome) {
        let known = self.tasks.get_mut(&task).expect("an unknown task ended");
        if known.running_on != Some(by) {
            return;
        }
        if let Outcome::Fault(_) = outcome {
            known.blamed += 1;
            known.running_on = None;
        }
    }

    /// The incarnation is about to end by a panic or a hang, with so many tasks given to it since it was free.
    pub(super) fn brought_down(&mut self, by: Incarnation, given: u32, hang: bool) {
        for known in self
            .tasks
            .values_mut()
            .filter(|known| known.running_on == Some(by))
        {
            known.running_on = None;
            if given == 1 {
                known.blamed += 1;
                known.hung_alone |= hang;
            } else {
                known.shared_a_panic = true;
            }
        }
    }

    /// The incarnation lost its device: its tasks go back without blame.
    pub(super) fn device_lost(&mut self, by: Incarnation) {
        for known in self
            .tasks
            .values_mut()
            .filter(|known| known.running_on == Some(by))
        {
            known.running_on = None;
        }
    }
}

/// Limits that are easily reached.
pub(super) fn tight_settings() -> LedgerSettings {
    use crate::ledger::settings::{GroupSettings, RestartSettings, StartWhen};
    LedgerSettings {
        capacity: 8,
        capacity_bytes: 64,
        max_attempts: 2,
        max_abandoned: 1,
        step_limit: Duration::from_millis(100),
        load_limit: Duration::from_millis(300),
        grace: Duration::from_millis(20),
        idle_unload: None,
        restart: RestartSettings {
            max_restarts: 3,
            window: Duration::from_secs(1),
            backoff_initial: Duration::from_millis(10),
            backoff_max: Duration::from_millis(80),
        },
        groups: vec![GroupSettings {
            workers: 1,
            max_batch: 4,
            max_wait: Duration::ZERO,
            start: StartWhen::AtOnce,
        }],
        seed: 7,
    }
}

/// The kind of an effect, to see which kinds a simulation reaches.
pub(super) fn kind(effect: &LedgerEffect) -> &'static str {
    match effect {
        LedgerEffect::Accepted { .. } => "Accepted",
        LedgerEffect::Refuse { .. } => "Refuse",
        LedgerEffect::Wake { .. } => "Wake",
        LedgerEffect::Run { .. } => "Run",
        LedgerEffect::Park { .. } => "Park",
        LedgerEffect::Commit { .. } => "Commit",
        LedgerEffect::Settle { .. } => "Settle",
        LedgerEffect::DeadLetter { .. } => "DeadLetter",
        LedgerEffect::CancelRunning { .. } => "CancelRunning",
        LedgerEffect::Stop { .. } => "Stop",
        LedgerEffect::Abandon { .. } => "Abandon",
        LedgerEffect::Start { .. } => "Start",
        LedgerEffect::FallBack { .. } => "FallBack",
        LedgerEffect::CountedRestart { .. } => "CountedRestart",
        LedgerEffect::AgentFailed { .. } => "AgentFailed",
        LedgerEffect::Drained => "Drained",
        LedgerEffect::Observe(_) => "Observe",
    }
}
