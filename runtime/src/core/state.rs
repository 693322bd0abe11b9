//! The state of a core: the ledger, and beside it what the ledger has no need to know.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aimass_environment::{BeginningAttempt, FactDraft, TaskId, Time};

use crate::core::Reply;
use crate::core::driver_queue::{DriverAction, DriverQueue};
use crate::core::place::Answer;
use crate::core::ticket::Ticket;
use crate::error::TaskError;
use crate::fault::Fault;
use crate::ledger::effect::{Completion, LedgerEffect, Observation, Refusal};
use crate::ledger::event::{ClaimId, Event, GroupId, Incarnation, Outcome};
use crate::ledger::{Ledger, LedgerLoad};
use crate::observer::SpanPlace;
use crate::payload::Payload;
use crate::usage::Usage;
use aimass_environment::ModelVersion;

/// How often the timer looks while threads are watched. A process whose timer comes later by so much was stopped or got no processor, and its
/// threads could do nothing meanwhile.
const PULSE: Duration = Duration::from_millis(250);

/// What the ledger is told, and wants, where tasks are those of callers.
pub(crate) type CoreEvent = Event<Box<PendingTask>>;
type CoreEffect = LedgerEffect<Box<PendingTask>>;

/// The ledger, and beside it what the ledger has no need to know.
pub(crate) struct CoreState {
    ledger: Ledger<Box<PendingTask>>,
    /// Claims that were not answered yet.
    claims: HashMap<ClaimId, Answer>,
    last_claim: u64,
    decisions: Vec<CoreEffect>,
    batches: u64,
    /// What the agent's driver is to carry out. It is written under the lock, so its order is that
    /// of the decisions.
    pub(super) driver_queue: DriverQueue,
    /// When the agent's timer looks here next. Kept under the same lock as what it looks for: what becomes due meanwhile is never
    /// overlooked.
    timer: Time,
}

/// A task with its reply slot, which the ledger holds for it.
pub(crate) struct PendingTask {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) reply: Reply,
    pub(crate) output: Option<Payload>,
    pub(crate) facts: Vec<FactDraft>,
    /// The version of the model that its last report came from.
    pub(crate) model: Option<ModelVersion>,
    pub(crate) timeline: Timeline,
    _items_end: Option<ItemsEnd>,
}

/// Ends the items of a task that is dropped without an answer: its runtime is gone.
struct ItemsEnd(Arc<Ticket>);

impl Drop for ItemsEnd {
    fn drop(&mut self) {
        let skill = self.0.skill_name.to_string();
        if let Some(items) = &self.0.items {
            items.end(Err(TaskError::ShuttingDown { skill }));
        }
    }
}

/// When a task came how far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeline {
    pub(crate) runs: u32,
    pub(crate) started: Option<Time>,
    pub(crate) first_item: Option<Time>,
    pub(crate) finished: Option<Time>,
    pub(crate) ran_on: Option<Incarnation>,
    pub(crate) batch: u64,
    pub(crate) batch_size: u32,
    /// The batch's first task, when that is another.
    pub(crate) leader: Option<SpanPlace>,
    pub(crate) step_stats: StepStats,
    pub(crate) usage: Usage,
}

/// What a run has cost so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StepStats {
    pub(crate) steps: u32,
    /// Nanoseconds in the steps.
    pub(crate) nanos: u64,
}

impl PendingTask {
    pub(crate) fn new(ticket: Arc<Ticket>, reply: Reply) -> Self {
        let items_end = ticket.items.is_some().then(|| ItemsEnd(ticket.clone()));
        Self {
            _items_end: items_end,
            ticket,
            reply,
            output: None,
            facts: Vec::new(),
            model: None,
            timeline: Timeline::default(),
        }
    }
}

/// How a worker reports one task.
pub(crate) struct Report {
    pub(crate) task: TaskId,
    pub(crate) result: ReportedResult,
    pub(crate) facts: Vec<FactDraft>,
    /// The version of the model that the job began with; none of a flow.
    pub(crate) model: Option<ModelVersion>,
    pub(crate) usage: Usage,
    pub(crate) step_stats: StepStats,
}

/// What became of a member of a job.
pub(crate) enum ReportedResult {
    Output(Payload),
    Fault(Fault),
    /// It failed over something that it had asked for and that was given up.
    Poisoned(String),
    /// Something that it had asked for was cut off by the end of the runtime.
    CutOff,
    Dropped,
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) completed: Vec<(Box<PendingTask>, Completion)>,
    pub(crate) wakes: Vec<Incarnation>,
    pub(crate) run: Option<Vec<Arc<Ticket>>>,
    pub(crate) park: Option<Time>,
    pub(crate) drained: bool,
    /// There is something new for the driver.
    pub(crate) for_driver: bool,
    /// What is rare, in its order.
    pub(crate) actions: Vec<Action>,
}

/// What is rarely to be done.
pub(crate) enum Action {
    AnswerClaim(Answer, Result<(), Refusal>),
    Refuse(Box<PendingTask>, Refusal),
    Commit(Arc<Ticket>, Option<Payload>, Vec<FactDraft>),
    NoteAttempt(BeginningAttempt),
    DeadLetter(TaskId, String),
    Observe(Observation),
}

impl CoreState {
    pub(crate) fn new(ledger: Ledger<Box<PendingTask>>) -> Self {
        Self {
            ledger,
            claims: HashMap::new(),
            last_claim: 0,
            decisions: Vec::new(),
            batches: 0,
            driver_queue: DriverQueue::default(),
            timer: Time::NEVER,
        }
    }

    pub(crate) fn start(&mut self, now: Time, effects: &mut Effects) {
        let mut decisions = std::mem::take(&mut self.decisions);
        self.ledger.start(&mut decisions);
        self.carry(decisions, now, effects);
    }

    /// Sets the timer to what is due next, and gives the time. While threads are watched, it looks after a [`PULSE`] in any case.
    pub(crate) fn set_timer(&mut self, now: Time) -> Time {
        let wake = self.ledger.next_wake(now + PULSE);
        self.timer = wake.unwrap_or(Time::NEVER);
        self.timer
    }

    /// The timer looks, after it did so before: it tells the ledger what time it is, and first if the process stood still meanwhile.
    pub(crate) fn look(&mut self, before: Time, now: Time, effects: &mut Effects) {
        let planned = self.timer;
        if now.since(planned) > PULSE {
            let lost = now.since(before);
            self.on(Event::StoodStill { lost }, now, effects);
        }
        if planned <= now {
            self.on(Event::Tick, now, effects);
        }
    }

    /// Brings the timer forward to what is due before it looks; gives whether it has to hear of that.
    pub(crate) fn bring_timer_forward(&mut self, now: Time) -> bool {
        let wake = self.ledger.next_wake(now + PULSE);
        let earlier = wake.filter(|wake| *wake < self.timer);
        self.timer = earlier.unwrap_or(self.timer);
        earlier.is_some()
    }

    pub(crate) fn is_current(&self, by: Incarnation) -> bool {
        self.ledger.is_current(by)
    }

    pub(crate) fn worker_groups(&self) -> impl ExactSizeIterator<Item = GroupId> {
        self.ledger.worker_groups()
    }

    pub(crate) fn idle_since(&self, group: GroupId) -> Option<Time> {
        self.ledger.idle_since(group)
    }

    pub(crate) fn load(&self) -> LedgerLoad {
        self.ledger.load()
    }

    /// A claim that is about to be made, and answered through `answer`.
    pub(crate) fn next_claim(&mut self, answer: Answer) -> ClaimId {
        self.last_claim += 1;
        let claim = ClaimId(self.last_claim);
        self.claims.insert(claim, answer);
        claim
    }

    /// Tells the ledger one thing, and notes what it wants.
    pub(crate) fn on(&mut self, event: CoreEvent, now: Time, effects: &mut Effects) {
        if let Event::Release(claim) = &event {
            self.claims.remove(claim);
        }
        let mut decisions = std::mem::take(&mut self.decisions);
        self.ledger.on(event, now, &mut decisions);
        self.carry(decisions, now, effects);
    }

    /// Takes in what a worker reports of one task.
    pub(crate) fn report(
        &mut self,
        by: Incarnation,
        report: Report,
        now: Time,
        effects: &mut Effects,
    ) {
        let Report {
            task,
            result,
            facts,
            model,
            usage,
            step_stats,
        } = report;
        let Some(pending) = self.ledger.held(task) else {
            return;
        };
        if pending.timeline.ran_on != Some(by) {
            return;
        }
        pending.timeline.finished = Some(now);
        // Who asked for it, or what it has to say, names the model; nobody else needs to know.
        let is_named = pending.ticket.metadata.asked_by.is_some()
            || pending.ticket.is_durable()
            || !facts.is_empty();
        if is_named {
            pending.ticket.used(model.clone());
        }
        pending.model = model;
        pending.timeline.step_stats = step_stats;
        pending.timeline.usage = usage;
        let outcome = match result {
            ReportedResult::Output(output) => {
                pending.output = Some(output);
                let durably = pending.ticket.is_durable() || !facts.is_empty();
                pending.facts = facts;
                if durably {
                    Outcome::DoneDurably
                } else {
                    Outcome::Done
                }
            }
            ReportedResult::Fault(fault) => Outcome::Fault(fault),
            ReportedResult::Poisoned(cause) => Outcome::Poisoned { cause },
            ReportedResult::CutOff => Outcome::CutOff,
            ReportedResult::Dropped => Outcome::Dropped,
        };
        self.on(Event::Finished { by, task, outcome }, now, effects);
    }

    pub(crate) fn item_sent(
        &mut self,
        by: Incarnation,
        task: TaskId,
        now: Time,
        effects: &mut Effects,
    ) {
        if let Some(pending) = self.ledger.held(task) {
            pending.timeline.first_item.get_or_insert(now);
        }
        self.on(Event::ItemSent { by, task }, now, effects);
    }

    fn carry(&mut self, mut decisions: Vec<CoreEffect>, now: Time, effects: &mut Effects) {
        for effect in decisions.drain(..) {
            self.carry_one(effect, now, effects);
        }
        self.decisions = decisions;
    }

    fn carry_one(&mut self, effect: CoreEffect, now: Time, effects: &mut Effects) {
        match effect {
            LedgerEffect::Accepted { .. } => {}
            LedgerEffect::Complete {
                held,
                completion,
                still_on,
                ..
            } => {
                if still_on.is_some() {
                    held.ticket.cancel();
                }
                effects.completed.push((held, completion));
            }
            LedgerEffect::Granted { claim } => self.answer(claim, Ok(()), effects),
            LedgerEffect::Denied { claim, refusal } => self.answer(claim, Err(refusal), effects),
            LedgerEffect::Wake { worker } => effects.wakes.push(worker),
            LedgerEffect::Run { by, tasks } => self.run(by, &tasks, now, effects),
            LedgerEffect::Park { until, .. } => effects.park = Some(until),
            LedgerEffect::Refuse { held, refusal, .. } => {
                effects.actions.push(Action::Refuse(held, refusal));
            }
            LedgerEffect::Commit { task } => {
                if let Some(pending) = self.ledger.held(task) {
                    let facts = std::mem::take(&mut pending.facts);
                    let commit =
                        Action::Commit(pending.ticket.clone(), pending.output.clone(), facts);
                    effects.actions.push(commit);
                }
            }
            LedgerEffect::DeadLetter { task, cause } => {
                effects.actions.push(Action::DeadLetter(task, cause));
            }
            LedgerEffect::Stop { worker } => {
                self.for_driver(DriverAction::Stop(worker), now, effects);
            }
            LedgerEffect::Abandon { worker } => {
                self.for_driver(DriverAction::Abandon(worker), now, effects);
            }
            LedgerEffect::Start {
                worker,
                after,
                weights,
            } => {
                self.for_driver(DriverAction::Start(worker, after, weights), now, effects);
            }
            LedgerEffect::FallBack { worker } => {
                self.for_driver(DriverAction::FallBack(worker), now, effects);
            }
            LedgerEffect::CountedRestart { cause } => {
                self.for_driver(DriverAction::CountedRestart(cause), now, effects);
            }
            LedgerEffect::AgentFailed { message } => {
                self.for_driver(DriverAction::Fail(message), now, effects);
            }
            LedgerEffect::Drained => effects.drained = true,
            LedgerEffect::Observe(observation) => {
                effects.actions.push(Action::Observe(observation));
            }
        }
    }

    fn for_driver(&mut self, action: DriverAction, now: Time, effects: &mut Effects) {
        self.driver_queue.push(action, now);
        effects.for_driver = true;
    }

    fn answer(&mut self, claim: ClaimId, answer: Result<(), Refusal>, effects: &mut Effects) {
        if let Some(claimant) = self.claims.remove(&claim) {
            let action = Action::AnswerClaim(claimant, answer);
            effects.actions.push(action);
        }
    }

    fn run(&mut self, by: Incarnation, tasks: &[TaskId], now: Time, effects: &mut Effects) {
        self.batches += 1;
        let mut tickets: Vec<Arc<Ticket>> = Vec::with_capacity(tasks.len());
        for task in tasks {
            let Some(pending) = self.ledger.held(*task) else {
                continue;
            };
            let leader = tickets.first().map(|first| SpanPlace {
                trace: first.metadata.trace.trace,
                span: first.metadata.trace.span,
            });
            pending.timeline = Timeline {
                runs: pending.timeline.runs + 1,
                started: Some(now),
                ran_on: Some(by),
                batch: self.batches,
                batch_size: tasks.len() as u32,
                leader,
                ..Timeline::default()
            };
            if pending.ticket.is_durable() && !pending.ticket.is_noted_first() {
                effects
                    .actions
                    .push(Action::NoteAttempt(pending.ticket.begins()));
            }
            tickets.push(pending.ticket.clone());
        }
        effects.run = Some(tickets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::settings::tight_settings;
    use aimass_environment::{Epoch, WorkerId};

    /// Between the step's begin and the timer's look at it nothing else need happen, and the process may be stopped there.
    #[test]
    fn a_process_that_stands_still_gives_no_worker_up_wherever_it_was_stopped() {
        let (start, mut effects) = (Time::default(), Effects::default());
        let limit = tight_settings().step_limit;
        for looks_in_between in [false, true] {
            let mut state = CoreState::new(Ledger::new(tight_settings()));
            state.start(start, &mut effects);
            let by = Incarnation {
                worker: WorkerId(0),
                epoch: Epoch(0),
            };
            state.on(Event::Ready(by), start, &mut effects);
            assert_eq!(state.set_timer(start), Time::NEVER);
            state.on(Event::StepBegan(by), start, &mut effects);
            assert!(state.bring_timer_forward(start));
            if looks_in_between {
                state.look(start, start, &mut effects);
                state.set_timer(start);
            }
            let later = start + limit * 1000;
            state.look(start, later, &mut effects);
            assert!(state.is_current(by), "it was given up");
            // What does hang is given up all the same.
            let due = state.set_timer(later);
            assert!(due <= later + PULSE);
            state.look(later, later + limit, &mut effects);
            assert!(!state.is_current(by), "nobody looks");
        }
    }

    /// The timer looks, and only later sleeps until what it saw: a step that begins in between must reach it.
    #[test]
    fn the_timer_hears_of_what_becomes_due_after_it_has_looked() {
        let (now, mut effects) = (Time::default(), Effects::default());
        let mut state = CoreState::new(Ledger::new(tight_settings()));
        state.start(now, &mut effects);
        let by = Incarnation {
            worker: WorkerId(0),
            epoch: Epoch(0),
        };
        state.on(Event::Ready(by), now, &mut effects);
        assert_eq!(state.set_timer(now), Time::NEVER, "nothing is timed");
        state.on(Event::StepBegan(by), now, &mut effects);
        assert!(state.bring_timer_forward(now), "the watchdog counts");
        assert!(!state.bring_timer_forward(now), "it has heard of that");
        let due = state.set_timer(now);
        assert!(due < Time::NEVER);
        state.on(Event::StepEnded(by), now, &mut effects);
        assert!(
            !state.bring_timer_forward(now),
            "it looks too early, and again"
        );
        assert_eq!(state.set_timer(now), Time::NEVER);
    }
}
