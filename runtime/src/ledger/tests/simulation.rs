//! A simulated agent: workers that work, panic, hang, lose their device and come back late, callers that come and go.
//!
//! Each run is made from a seed alone. A failing run names its seed; `AIMASS_LEDGER_SEED=<seed>` replays it.

mod threads;

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::clock::Time;
use crate::fault::Fault;
use crate::ids::TaskId;
use crate::ledger::Ledger;
use crate::ledger::effect::LedgerEffect;
use crate::ledger::event::{Admission, Event, GroupId, Incarnation, SkillId};
use crate::ledger::settings::{GroupSettings, LedgerSettings, StartWhen};
use crate::ledger::tests::dice::Dice;
use crate::ledger::tests::model::{Checker, kind, tight_settings};
use crate::ledger::worker::WorkerState;
use crate::skill::{Effect, Shape};
use crate::task::Priority;

/// How many interleavings a test run plays.
const RUNS: u64 = 1_000_000;
/// How many events one of them has, before it is brought to its end.
const EVENTS: u32 = 24;

#[test]
fn a_million_interleavings_keep_every_guarantee() {
    if let Some(seed) = std::env::var("AIMASS_LEDGER_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Simulation::new(seed).play();
        return;
    }
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let seen = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| scope.spawn(move || play_part(part, threads)))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("the part names its seed"))
            .collect::<BTreeSet<_>>()
    });
    let expected = [
        "Abandon",
        "Accepted",
        "AgentFailed",
        "CancelRunning",
        "Commit",
        "CountedRestart",
        "DeadLetter",
        "Drained",
        "FallBack",
        "Observe",
        "Park",
        "Refuse",
        "Run",
        "Settle",
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

fn play_part(part: u64, parts: u64) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    for seed in (part..RUNS).step_by(parts as usize) {
        match catch_unwind(AssertUnwindSafe(|| Simulation::new(seed).play())) {
            Ok(kinds) if seed % 64 == part => seen.extend(kinds),
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
    parked: bool,
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
    effects: Vec<LedgerEffect>,
    kinds: BTreeSet<&'static str>,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let settings = settings(&mut dice);
        let mut simulation = Self {
            ledger: Ledger::new(settings.clone()),
            checker: Checker::new(settings),
            dice,
            now: Time::default(),
            threads: HashMap::new(),
            order: Vec::new(),
            next_task: 0,
            effects: Vec::new(),
            kinds: BTreeSet::new(),
        };
        let mut effects = Vec::new();
        simulation.ledger.start(&mut effects);
        simulation.effects = effects;
        simulation.carry_out();
        simulation
    }

    /// Plays one run to its end; gives the kinds of effects that it led to.
    fn play(mut self) -> BTreeSet<&'static str> {
        for _ in 0..EVENTS {
            self.happen();
        }
        self.bring_to_its_end();
        self.kinds
    }

    fn happen(&mut self) {
        match self.dice.roll(16) {
            0..=4 => self.submit(),
            5..=11 => self.thread_acts(),
            12 => self.cancel(),
            13 => self.commit(),
            14 => self.pass_time(),
            _ if self.dice.roll(12) == 0 => self.shut_down(),
            _ => self.others_interfere(),
        }
    }

    /// Somebody swaps the model, needs the memory, or takes the workers down with others.
    fn others_interfere(&mut self) {
        let event = match self.dice.roll(4) {
            0 | 1 => Event::Swap(GroupId(0)),
            2 => Event::Unload(GroupId(0)),
            _ => Event::TakeDown {
                group: GroupId(0),
                cause: "`other` restarts".to_owned(),
            },
        };
        self.on(event);
    }

    fn on(&mut self, event: Event) {
        self.ledger.on(event, self.now, &mut self.effects);
        self.carry_out();
        self.nobody_is_forgotten();
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
                        thread.parked = false;
                    }
                }
                LedgerEffect::Park { by, .. } => {
                    if let Some(thread) = self.threads.get_mut(&by) {
                        thread.parked = true;
                    }
                }
                LedgerEffect::Run { by, tasks } => {
                    let thread = self
                        .threads
                        .get_mut(&by)
                        .expect("work for a thread that is not there");
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

    /// While there is work, somebody is on the way to it: no wake-up is lost.
    fn nobody_is_forgotten(&self) {
        let load = self.ledger.load();
        let held: u64 = self.checker.held().map(|known| known.admission.bytes).sum();
        assert_eq!(load.bytes, held, "the bytes do not add up");
        assert_eq!(
            load.tasks,
            self.checker.held().count() as u64,
            "the tasks do not add up"
        );
        if load.waiting == 0 || load.failed.is_some() {
            return;
        }
        let somebody = load.workers.iter().any(|(_, state, _)| {
            !matches!(
                state,
                WorkerState::Idle { .. } | WorkerState::Unloaded | WorkerState::Failed
            )
        });
        let waits_for_more = self.checker.settings.groups[0].max_wait > Duration::ZERO;
        assert!(
            somebody || waits_for_more,
            "work waits and nobody comes: {load:?}"
        );
    }

    fn submit(&mut self) {
        self.next_task += 1;
        let dice = &mut self.dice;
        let deadline = match dice.roll(3) {
            0 => self.now + Duration::from_millis(dice.roll(150)),
            _ => Time::NEVER,
        };
        let resumed = dice.roll(10) == 0;
        let admission = Admission {
            task: TaskId::from_u128(u128::from(self.next_task)),
            group: GroupId(0),
            skill: SkillId(dice.roll(2) as u16),
            shape: Shape(dice.roll(2)),
            bytes: 1 + dice.roll(20),
            priority: Priority::ALL[dice.roll(3) as usize],
            deadline,
            effect: [Effect::Pure, Effect::Pure, Effect::Idempotent, Effect::Once]
                [dice.roll(4) as usize],
            resumed,
            attempts: if resumed { dice.roll(2) as u32 } else { 0 },
        };
        self.checker.submitted(&admission);
        self.on(Event::Submit(admission));
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
        let mut committing: Vec<TaskId> = self
            .checker
            .tasks
            .iter()
            .filter(|(_, known)| known.committing)
            .map(|(task, _)| *task)
            .collect();
        committing.sort_unstable();
        let Some(task) = committing.first().copied() else {
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
                .next_wake()
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
        self.checker.shutting_down.get_or_insert(limit);
        self.checker.shutting_down = Some(limit);
        self.on(Event::Shutdown { limit });
    }

    /// From here on everybody behaves; then every accepted task has had its one reply.
    fn bring_to_its_end(&mut self) {
        self.shut_down();
        for _ in 0..200 {
            while self.checker.tasks.values().any(|known| known.committing) {
                self.commit();
            }
            if self.checker.held().next().is_none() {
                break;
            }
            self.now = self.now + Duration::from_millis(50);
            self.on(Event::Tick);
        }
        assert_eq!(
            self.checker.held().count(),
            0,
            "a task has no reply: {:?}",
            self.ledger.load()
        );
        assert_eq!(
            self.checker.drained,
            1,
            "the end of the drain was not told: {:?}",
            self.ledger.load()
        );
    }
}

fn settings(dice: &mut Dice) -> LedgerSettings {
    let group = GroupSettings {
        workers: 1 + dice.roll(3) as u32,
        max_batch: 1 + dice.roll(4) as u32,
        max_wait: Duration::from_millis([0, 0, 5][dice.roll(3) as usize]),
        start: [StartWhen::AtOnce, StartWhen::Needed][dice.roll(2) as usize],
    };
    LedgerSettings {
        idle_unload: [None, Some(Duration::from_millis(50))][dice.roll(2) as usize],
        groups: vec![group],
        seed: dice.roll(u64::MAX),
        ..tight_settings()
    }
}
