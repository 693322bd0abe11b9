//! A simulated agent: workers that work, panic, hang, lose their device and come back late, callers that come and go.
//!
//! Each run is made from a seed alone. A failing run names its seed; `AIMASS_LEDGER_SEED=<seed>` replays it and tells what happened. `AIMASS_LEDGER_RUNS=<count>`
//! plays so many from there on, or from 0.
//!
//! The ledger knows no versions of models: that a swap reaches every worker that is parked is checked here; which version a task then ran
//! on is checked on real threads, in `tests/it/soak.rs`.

mod end;
mod places;
mod range;
mod threads;

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aimass_environment::{Effect, Priority, TaskId, Time};

use crate::batch::BatchKey;
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::ledger::effect::LedgerEffect;
use crate::ledger::event::{Admission, Event, GroupId, Incarnation, Lane, SkillId};
use crate::ledger::settings::{Crew, GroupSettings, LedgerSettings, StartWhen};
use crate::ledger::tests::dice::Dice;
use crate::ledger::tests::model::{Account, Asked, Checker, group_of};
use crate::ledger::tests::settings::tight_settings;
use crate::ledger::worker::WorkerState;
use range::Range;

/// How many events a run has, before it is brought to its end.
const EVENTS: u32 = 24;
/// How many a long one has: enough for whole rounds of turns.
const EVENTS_OF_A_LONG_RUN: u32 = 300;

#[test]
fn a_million_interleavings_keep_every_guarantee() {
    let range = Range::from_environment();
    println!("{range}");
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let seen = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| scope.spawn(move || play_part(range, part, threads)))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("the part names its seed"))
            .collect::<BTreeSet<_>>()
    });
    if !range.is_wide() {
        return;
    }
    let expected = [
        "Abandon",
        "Accepted",
        "AgentFailed",
        "Commit",
        "Complete",
        "CountedRestart",
        "DeadLetter",
        "Denied",
        "Drained",
        "FallBack",
        "Granted",
        "Observe",
        "Park",
        "Refuse",
        "Run",
        "Start",
        "Stop",
        "Wake",
    ];
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        expected,
        "the runs no longer reach all that a ledger can want"
    );
}

fn play_part(range: Range, part: u64, parts: u64) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    for (at, seed) in range
        .seeds()
        .skip(part as usize)
        .step_by(parts as usize)
        .enumerate()
    {
        let mut simulation = Simulation::new(seed);
        simulation.is_told = range.is_one();
        match catch_unwind(AssertUnwindSafe(|| simulation.play())) {
            Ok(kinds) if at % 64 == 0 => seen.extend(kinds),
            Ok(_) => {}
            Err(_) => panic!("run it again with AIMASS_LEDGER_SEED={seed}"),
        }
    }
    seen
}

/// One thread, as the simulation plays it.
#[derive(Debug, Default)]
struct Thread {
    ready: bool,
    /// Until when it waits, unless it is woken before.
    parked: Option<Time>,
    told_to_stop: bool,
    holds: Vec<TaskId>,
    given: u32,
}

struct Simulation {
    dice: Dice,
    ledger: Ledger,
    checker: Checker,
    now: Time,
    threads: HashMap<Incarnation, Thread>,
    // In the order of their starts, so that a run does not depend on a hash map's order.
    order: Vec<Incarnation>,
    next_task: u64,
    next_claim: u64,
    effects: Vec<LedgerEffect>,
    kinds: BTreeSet<&'static str>,
    /// Each event is printed with what came of it.
    is_told: bool,
    /// A long run, in which little goes wrong and much is urgent, so that its agent lives and has a queue.
    is_long: bool,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let is_long = dice.roll(256) == 0;
        let mut settings = settings(&mut dice);
        if is_long {
            (settings.capacity, settings.capacity_bytes) = (24, 1000);
        }
        let mut simulation = Self {
            ledger: Ledger::new(settings.clone()),
            checker: Checker::new(settings),
            dice,
            now: Time::default(),
            threads: HashMap::new(),
            order: Vec::new(),
            next_task: 0,
            next_claim: 0,
            effects: Vec::new(),
            kinds: BTreeSet::new(),
            is_told: false,
            is_long,
        };
        let mut effects = Vec::new();
        simulation.ledger.start(&mut effects);
        simulation.effects = effects;
        simulation.carry_out();
        simulation
    }

    /// Plays one run to its end; gives the kinds of effects that it led to.
    fn play(mut self) -> BTreeSet<&'static str> {
        let events = match self.is_long {
            true => EVENTS_OF_A_LONG_RUN,
            false => EVENTS,
        };
        for _ in 0..events {
            self.happen();
        }
        if self.dice.roll(16) == 0 {
            self.work_off();
        }
        self.bring_to_its_end();
        self.kinds
    }

    fn happen(&mut self) {
        match self.dice.roll(16) {
            0..=3 => self.submit(),
            4 => self.come_and_go(),
            5..=11 => self.thread_acts(),
            12 => self.cancel(),
            13 => self.commit(),
            14 => self.pass_time(),
            _ if self.dice.roll(12) == 0 && self.goes_wrong() => self.shut_down(),
            _ if self.goes_wrong() => self.others_interfere(),
            _ => self.thread_acts(),
        }
    }

    /// Whether what may go wrong does; seldom in a long run.
    fn goes_wrong(&mut self) -> bool {
        !self.is_long || self.dice.roll(32) == 0
    }

    /// Somebody swaps the model, needs the memory, or takes the workers down with others.
    fn others_interfere(&mut self) {
        let group = self.some_group();
        match self.dice.roll(4) {
            0 | 1 => self.swap(group),
            2 => self.on(Event::Unload(group)),
            _ => self.on(Event::TakeDown {
                group,
                cause: "`other` restarts".to_owned(),
            }),
        }
    }

    fn some_group(&mut self) -> GroupId {
        let groups = self.checker.settings.groups.len() as u64;
        GroupId(self.dice.roll(groups) as u16)
    }

    /// Whoever is parked comes for the new version at once; the others come before their next job.
    fn swap(&mut self, group: GroupId) {
        self.on(Event::Swap(group));
        for (by, thread) in &self.threads {
            let own = self.checker.group_of(by.worker) == group && self.ledger.is_current(*by);
            assert!(
                !own || thread.told_to_stop || thread.parked.is_none(),
                "{by:?} sleeps on the old version"
            );
        }
    }

    fn on(&mut self, event: Event) {
        let (asked, group) = (Asked::of(&event), group_of(&event));
        let is_tick = event == Event::Tick;
        if self.is_told {
            print!("{:?} {event:?}", self.now);
        }
        if matches!(event, Event::Tick | Event::Shutdown { .. }) {
            self.checker.end_pauses(self.now);
        }
        self.ledger.on(event, self.now, &mut self.effects);
        self.checker.meet(self.ledger.worker_groups());
        if self.is_told {
            println!(" -> {:?}", self.effects);
        }
        if let Some(asked) = asked {
            self.checker.check_answer(asked, &self.effects, self.now);
        }
        if let Some(group) = group {
            self.checker.check_reach(group, &self.effects);
        }
        self.carry_out();
        let account = self.checker.account();
        if is_tick {
            self.nobody_is_answered_late(&account);
        }
        self.nobody_is_forgotten(&account);
        self.checker.nobody_waits_in_vain();
    }

    fn carry_out(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            self.checker.check(&effect, self.now);
            self.kinds.insert(kind(&effect));
            match effect {
                LedgerEffect::Start { worker, .. } => {
                    self.threads.insert(worker, Thread::default());
                    self.order.push(worker);
                }
                LedgerEffect::Wake { worker } => {
                    if let Some(thread) = self.threads.get_mut(&worker) {
                        thread.parked = None;
                    }
                }
                LedgerEffect::Park { by, until } => {
                    if let Some(thread) = self.threads.get_mut(&by) {
                        thread.parked = Some(until);
                    }
                }
                LedgerEffect::Run { by, tasks } => {
                    let thread = self
                        .threads
                        .get_mut(&by)
                        .expect("work for a thread that is not there");
                    assert!(!thread.told_to_stop, "work for a thread that is to stop");
                    thread.parked = None;
                    thread.given += tasks.len() as u32;
                    thread.holds.extend(tasks);
                }
                LedgerEffect::Stop { worker } => {
                    if let Some(thread) = self.threads.get_mut(&worker) {
                        thread.told_to_stop = true;
                    }
                }
                _ => {}
            }
        }
    }

    /// Deadlines and the limit of a shutdown count in the moment in which they come.
    fn nobody_is_answered_late(&self, account: &Account) {
        assert!(
            account.first_deadline > self.now,
            "a deadline has passed and nobody was told"
        );
        let is_over = self
            .checker
            .shutting_down
            .is_some_and(|limit| limit <= self.now);
        assert!(
            !is_over || self.checker.held().all(|known| known.committing),
            "not cut off at the limit"
        );
    }

    /// The state balance; while there is work, somebody is on the way to it; while there is a deadline, somebody looks at the clock.
    fn nobody_is_forgotten(&self, account: &Account) {
        let load = self.ledger.load();
        assert_eq!(
            (load.tasks, load.bytes, load.waiting),
            (
                account.tasks,
                account.bytes,
                account.waiting.iter().sum::<u64>() + account.pausing
            ),
            "the state do not add up"
        );
        let wake = self.ledger.next_wake(Time::NEVER).unwrap_or(Time::NEVER);
        assert!(
            wake <= account.first_deadline.min(account.first_pause),
            "nobody looks at the clock when the first deadline comes, or the first pause ends"
        );
        if load.failed.is_some() {
            return;
        }
        for (group, waiting) in account.waiting.iter().enumerate() {
            let group = GroupId(group as u16);
            let own = load.workers.iter();
            let own = own.filter(|(by, ..)| self.checker.group_of(by.worker) == group);
            assert!(
                *waiting == 0 || self.somebody_comes(own.map(|(by, state, _)| (*by, state))),
                "work of {group:?} waits and nobody comes: {load:?}"
            );
        }
    }

    /// One of these is on the way; or those that are not have gone, or sit beside jobs of theirs and come when they are done.
    fn somebody_comes<'a>(
        &self,
        workers: impl Iterator<Item = (Incarnation, &'a WorkerState)>,
    ) -> bool {
        let (mut beside_jobs, mut free) = (false, false);
        for (by, state) in workers {
            match (state, self.threads.get(&by)) {
                (WorkerState::Unloaded | WorkerState::Failed, _) => {}
                (WorkerState::Idle { .. }, Some(thread)) if thread.parked == Some(Time::NEVER) => {
                    match thread.holds.is_empty() {
                        true => free = true,
                        false => beside_jobs = true,
                    }
                }
                _ => return true,
            }
        }
        beside_jobs && !free
    }

    fn submit(&mut self) {
        self.next_task += 1;
        let group = self.some_group();
        let max_attempts = u64::from(self.checker.settings.max_attempts);
        let dice = &mut self.dice;
        let deadline = match dice.roll(3) {
            0 => self.now + Duration::from_millis(dice.roll(150)),
            _ => Time::NEVER,
        };
        let resumed = dice.roll(10) == 0;
        let place = self.checker.granted_place(dice).filter(|_| !resumed);
        let priority = match self.is_long && dice.roll(3) > 0 {
            true => Priority::Interactive,
            false => Priority::ALL[dice.roll(3) as usize],
        };
        let mut admission = Admission {
            task: TaskId::from_u128(u128::from(self.next_task)),
            group,
            skill: SkillId(dice.roll(2) as u16),
            batch_key: BatchKey(dice.roll(2)),
            bytes: place
                .as_ref()
                .map_or(1 + dice.roll(20), |place| place.bytes),
            priority,
            deadline,
            effect: [Effect::Pure, Effect::Pure, Effect::Idempotent, Effect::Once]
                [dice.roll(4) as usize],
            lane: match &place {
                Some(place) => place.lane,
                None if resumed => Lane::Environment,
                None => Lane::Caller,
            },
            place: place.map(|place| place.id),
            continues: false,
            resumed,
            attempts: match resumed {
                true => dice.roll(max_attempts) as u32,
                false => 0,
            },
        };
        admission.continues = admission.effect == Effect::Pure && self.dice.roll(3) == 0;
        self.checker.submitted(&admission, self.now);
        self.on(Event::Submit(admission, ()));
    }

    fn cancel(&mut self) {
        if self.next_task == 0 {
            return;
        }
        let task = TaskId::from_u128(u128::from(1 + self.dice.roll(self.next_task)));
        if let Some(known) = self.checker.tasks.get_mut(&task) {
            known.cancelled = true;
        }
        self.on(Event::Cancel { task });
    }

    fn commit(&mut self) {
        let committing = self.checker.held().filter(|known| known.committing);
        let Some(task) = committing.map(|known| known.admission.task).min() else {
            return;
        };
        match self.dice.roll(6) {
            0 => self.on(Event::CommitFailed {
                task,
                fault: Fault::unavailable("disk full"),
            }),
            _ => self.on(Event::Committed { task }),
        }
    }

    fn pass_time(&mut self) {
        let step = match self.dice.roll(4) {
            0 => self
                .ledger
                .next_wake(Time::NEVER)
                .map_or(Duration::ZERO, |wake| wake.since(self.now)),
            _ => Duration::from_millis(self.dice.roll(40)),
        };
        self.now = self.now + step.min(Duration::from_secs(60));
        // Timers may be late: what happens meanwhile must not profit from it.
        if self.dice.roll(3) > 0 {
            self.on(Event::Tick);
        }
    }

    fn shut_down(&mut self) {
        let limit = self.now + Duration::from_millis(self.dice.roll(200));
        self.checker.shutting_down = Some(limit);
        self.on(Event::Shutdown { limit });
    }
}

fn settings(dice: &mut Dice) -> LedgerSettings {
    let groups = 1 + dice.roll(2);
    let group = |dice: &mut Dice| GroupSettings {
        workers: 1 + dice.roll(4 - groups) as u32,
        crew: [Crew::Fixed, Crew::Fixed, Crew::AsNeeded][dice.roll(3) as usize],
        max_batch: 1 + dice.roll(4) as u32,
        max_wait: Duration::from_millis([0, 0, 5][dice.roll(3) as usize]),
        start: [StartWhen::AtOnce, StartWhen::Needed][dice.roll(2) as usize],
    };
    LedgerSettings {
        capacity: [1, 2, 8][dice.roll(3) as usize],
        max_attempts: 1 + dice.roll(3) as u32,
        idle_unload: [None, Some(Duration::from_millis(50))][dice.roll(2) as usize],
        groups: (0..groups).map(|_| group(dice)).collect(),
        seed: dice.roll(u64::MAX),
        ..tight_settings()
    }
}

/// The kind of an effect, to see which kinds a simulation reaches.
fn kind(effect: &LedgerEffect) -> &'static str {
    match effect {
        LedgerEffect::Accepted { .. } => "Accepted",
        LedgerEffect::Refuse { .. } => "Refuse",
        LedgerEffect::Granted { .. } => "Granted",
        LedgerEffect::Denied { .. } => "Denied",
        LedgerEffect::Wake { .. } => "Wake",
        LedgerEffect::Run { .. } => "Run",
        LedgerEffect::Park { .. } => "Park",
        LedgerEffect::Commit { .. } => "Commit",
        LedgerEffect::Complete { .. } => "Complete",
        LedgerEffect::DeadLetter { .. } => "DeadLetter",
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
