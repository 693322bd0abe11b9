//! Scenes: short stories that show one guarantee each.

mod pauses;
mod places;
mod standstill;
mod turns;

use std::time::Duration;

use aimass_environment::{Effect, Epoch, Priority, TaskId, Time, WorkerId};

use crate::batch::BatchKey;
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::ledger::effect::{Completion, LedgerEffect, Refusal, Reload};
use crate::ledger::event::{Admission, Event, GroupId, Incarnation, Lane, Outcome, SkillId};
use crate::ledger::settings::LedgerSettings;
use crate::ledger::tests::settings::tight_settings;

/// A ledger with one worker, whose first incarnation is ready and parked.
struct Scene {
    ledger: Ledger,
    now: Time,
}

const FIRST: Incarnation = Incarnation {
    worker: WorkerId(0),
    epoch: Epoch(0),
};
const SECOND: Incarnation = Incarnation {
    worker: WorkerId(0),
    epoch: Epoch(1),
};

impl Scene {
    fn new(settings: LedgerSettings) -> Self {
        let mut scene = Self {
            ledger: Ledger::new(settings),
            now: Time::default(),
        };
        scene.ledger.start(&mut Vec::new());
        scene.begin(FIRST);
        scene
    }

    fn begin(&mut self, by: Incarnation) -> Vec<LedgerEffect> {
        self.on(Event::Ready(by));
        self.on(Event::Take(by))
    }

    fn on(&mut self, event: Event) -> Vec<LedgerEffect> {
        let mut effects = Vec::new();
        self.ledger.on(event, self.now, &mut effects);
        effects
    }

    fn submit(&mut self, number: u128, change: impl FnOnce(&mut Admission)) -> Vec<LedgerEffect> {
        let mut admission = Admission {
            task: task(number),
            group: GroupId(0),
            skill: SkillId(0),
            batch_key: BatchKey(0),
            bytes: 1,
            priority: Priority::Normal,
            deadline: Time::NEVER,
            effect: Effect::Pure,
            lane: Lane::Caller,
            place: None,
            continues: false,
            resumed: false,
            attempts: 0,
        };
        change(&mut admission);
        self.on(Event::Submit(admission, ()))
    }

    fn submit_all(&mut self, numbers: impl IntoIterator<Item = u128>) {
        for number in numbers {
            self.submit(number, |_| {});
        }
    }

    fn take(&mut self, by: Incarnation) -> Vec<TaskId> {
        let effects = self.on(Event::Take(by));
        effects
            .into_iter()
            .find_map(|effect| match effect {
                LedgerEffect::Run { tasks, .. } => Some(tasks),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn panic(&mut self, by: Incarnation) -> Vec<LedgerEffect> {
        self.on(Event::Panicked {
            by,
            message: "boom".to_owned(),
        })
    }

    fn finish(&mut self, by: Incarnation, number: u128) -> Vec<LedgerEffect> {
        self.on(Event::Finished {
            by,
            task: task(number),
            outcome: Outcome::Done,
        })
    }
}

fn task(number: u128) -> TaskId {
    TaskId::from_u128(number)
}

fn tasks(numbers: impl IntoIterator<Item = u128>) -> Vec<TaskId> {
    numbers.into_iter().map(task).collect()
}

#[test]
fn g2_what_waits_while_a_worker_restarts_is_served_after_it_retries_first() {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1, 2]);
    assert_eq!(scene.take(FIRST), tasks([1, 2]));
    scene.submit_all([3, 4]);
    scene.panic(FIRST);
    scene.on(Event::Ready(SECOND));
    assert_eq!(scene.take(SECOND), tasks([1]), "a suspect runs alone");
    scene.finish(SECOND, 1);
    assert_eq!(scene.take(SECOND), tasks([2]));
    scene.finish(SECOND, 2);
    assert_eq!(scene.take(SECOND), tasks([3, 4]));
}

#[test]
fn g3_a_panic_in_a_batch_costs_nobody_an_attempt() {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1, 2]);
    scene.take(FIRST);
    let effects = scene.panic(FIRST);
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, LedgerEffect::Complete { .. })),
        "{effects:?}"
    );
    let restart = LedgerEffect::Start {
        worker: SECOND,
        after: Duration::ZERO,
        weights: Reload::Keep,
    };
    assert!(effects.contains(&restart), "{effects:?}");
    let mut epoch = 1;
    // Alone, the guilty one is given up after its own two attempts; the innocent one is served.
    for _ in 0..2 {
        let by = Incarnation {
            worker: WorkerId(0),
            epoch: Epoch(epoch),
        };
        scene.on(Event::Ready(by));
        assert_eq!(scene.take(by), tasks([1]));
        let effects = scene.panic(by);
        let given_up = effects
            .iter()
            .any(|effect| matches!(effect, LedgerEffect::DeadLetter { .. }));
        assert_eq!(given_up, epoch == 2);
        epoch += 1;
    }
    let by = Incarnation {
        worker: WorkerId(0),
        epoch: Epoch(epoch),
    };
    scene.on(Event::Ready(by));
    assert_eq!(scene.take(by), tasks([2]));
    let done = LedgerEffect::Complete {
        task: task(2),
        held: (),
        completion: Completion::Done,
        still_on: None,
    };
    assert_eq!(scene.finish(by, 2), [done]);
}

#[test]
fn g3_a_task_that_hangs_alone_is_a_dead_letter_at_once_and_its_thread_is_heard_no_more() {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1]);
    scene.take(FIRST);
    scene.on(Event::StepBegan(FIRST));
    scene.now = scene.now + Duration::from_millis(100);
    let effects = scene.on(Event::Tick);
    assert!(
        effects.contains(&LedgerEffect::Stop { worker: FIRST }),
        "{effects:?}"
    );
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, LedgerEffect::DeadLetter { .. })),
        "{effects:?}"
    );
    scene.now = scene.now + Duration::from_millis(20);
    let effects = scene.on(Event::Tick);
    assert!(
        effects.contains(&LedgerEffect::Abandon { worker: FIRST }),
        "{effects:?}"
    );
    let late = scene.finish(FIRST, 1);
    assert!(
        !late
            .iter()
            .any(|effect| matches!(effect, LedgerEffect::Complete { .. })),
        "{late:?}"
    );
}

#[test]
fn g4_a_full_agent_refuses_at_once_with_its_figures() {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all(1..=8);
    let effects = scene.submit(9, |_| {});
    let [
        LedgerEffect::Refuse {
            refusal: Refusal::Overloaded {
                queued, capacity, ..
            },
            ..
        },
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!((*queued, *capacity), (8, 8));
    // A place is free when a task is completed, not when a worker takes it.
    assert_eq!(scene.take(FIRST).len(), 4);
    assert!(matches!(
        scene.submit(10, |_| {})[..],
        [LedgerEffect::Refuse { .. }]
    ));
    scene.finish(FIRST, 1);
    assert!(matches!(
        scene.submit(11, |_| {})[..],
        [LedgerEffect::Accepted { .. }, ..]
    ));
}

#[test]
fn g4_bytes_are_bounded_too() {
    let mut scene = Scene::new(tight_settings());
    scene.submit(1, |admission| admission.bytes = 60);
    assert!(matches!(
        scene.submit(2, |admission| admission.bytes = 5)[..],
        [LedgerEffect::Refuse { .. }]
    ));
    let effects = scene.submit(3, |admission| admission.bytes = 65);
    assert!(matches!(
        effects[..],
        [LedgerEffect::Refuse {
            refusal: Refusal::TooLarge { .. },
            ..
        }]
    ));
}

#[test]
fn g5_a_task_past_its_deadline_is_answered_so_and_never_runs() {
    let mut scene = Scene::new(tight_settings());
    let deadline = Time::default() + Duration::from_millis(10);
    scene.submit(1, |admission| admission.deadline = deadline);
    scene.submit(2, |_| {});
    assert_eq!(scene.ledger.next_wake(Time::NEVER), Some(deadline));
    scene.now = deadline;
    assert_eq!(scene.take(FIRST), tasks([2]));
    assert_eq!(scene.ledger.next_wake(Time::NEVER), None);
}

#[test]
fn g5_a_running_task_is_answered_at_its_deadline_and_its_late_result_is_discarded() {
    let mut scene = Scene::new(tight_settings());
    scene.submit(1, |admission| {
        admission.deadline = Time::default() + Duration::from_millis(10)
    });
    scene.take(FIRST);
    scene.now = scene.now + Duration::from_millis(10);
    let effects = scene.on(Event::Tick);
    let answered = LedgerEffect::Complete {
        task: task(1),
        held: (),
        completion: Completion::DeadlineExceeded,
        still_on: Some(FIRST),
    };
    assert_eq!(effects, [answered]);
    assert_eq!(scene.finish(FIRST, 1), []);
}

#[test]
fn a_missing_model_is_told_to_all_who_wait_and_tried_again_with_the_next_task() {
    let mut scene = Scene {
        ledger: Ledger::new(tight_settings()),
        now: Time::default(),
    };
    scene.ledger.start(&mut Vec::new());
    scene.submit_all([1]);
    let fault = Fault::unavailable("type `aimass models pull minilm`");
    let effects = scene.on(Event::LoadFailed {
        by: FIRST,
        fault: fault.clone(),
    });
    let failed = Completion::Failed { attempts: 0, fault };
    assert!(
        effects.contains(&LedgerEffect::Complete {
            task: task(1),
            held: (),
            completion: failed,
            still_on: None,
        }),
        "{effects:?}"
    );
    let effects = scene.submit(2, |_| {});
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, LedgerEffect::Start { .. })),
        "{effects:?}"
    );
}

#[test]
fn a_model_that_cannot_be_loaded_backs_off_then_gives_the_agent_up() {
    let mut scene = Scene {
        ledger: Ledger::new(tight_settings()),
        now: Time::default(),
    };
    scene.ledger.start(&mut Vec::new());
    scene.submit_all([1]);
    for epoch in 0..3 {
        let by = Incarnation {
            worker: WorkerId(0),
            epoch: Epoch(epoch),
        };
        let effects = scene.on(Event::LoadFailed {
            by,
            fault: Fault::retryable("out of memory"),
        });
        let after = effects.iter().find_map(|effect| match effect {
            LedgerEffect::Start { after, .. } => Some(*after),
            _ => None,
        });
        assert!(
            after.is_some_and(|after| after >= Duration::from_millis(5)),
            "{effects:?}"
        );
        let refused = scene.submit(u128::from(10 + epoch), |_| {});
        assert!(matches!(
            refused[..],
            [LedgerEffect::Refuse {
                refusal: Refusal::BackingOff { .. },
                ..
            }]
        ));
    }
    let by = Incarnation {
        worker: WorkerId(0),
        epoch: Epoch(3),
    };
    let effects = scene.on(Event::LoadFailed {
        by,
        fault: Fault::retryable("out of memory"),
    });
    assert!(
        matches!(effects[0], LedgerEffect::AgentFailed { .. }),
        "{effects:?}"
    );
    assert!(matches!(
        &effects[1],
        LedgerEffect::Complete {
            completion: Completion::AgentFailed { .. },
            ..
        }
    ));
}

#[test]
fn a_model_that_comes_to_no_end_costs_its_worker_and_nobody_else() {
    let settings = LedgerSettings {
        max_abandoned: 2,
        ..tight_settings()
    };
    let limit = settings.load_limit;
    let mut scene = Scene::new(settings);
    scene.submit(1, |admission| admission.effect = Effect::Idempotent);
    assert_eq!(scene.take(FIRST), tasks([1]));
    // It came for a new version before it began.
    scene.on(Event::LoadBegan(FIRST));
    scene.now = scene.now + limit;
    let effects = scene.on(Event::Tick);
    let fell_back = |effect: &LedgerEffect| matches!(effect, LedgerEffect::FallBack { worker } if *worker == FIRST);
    assert!(effects.iter().any(fell_back), "{effects:?}");
    assert!(!scene.ledger.is_current(FIRST));
    scene.now = scene.now + tight_settings().grace;
    let effects = scene.on(Event::Tick);
    assert!(effects.contains(&LedgerEffect::Abandon { worker: FIRST }));
    assert_eq!(scene.ledger.load().abandoned, 1);
    scene.on(Event::LoadBegan(SECOND));
    scene.on(Event::Ready(SECOND));
    assert_eq!(scene.take(SECOND), tasks([1]), "it was not its fault");
    let effects = scene.finish(SECOND, 1);
    assert!(
        matches!(
            effects[0],
            LedgerEffect::Complete {
                completion: Completion::Done,
                ..
            }
        ),
        "{effects:?}"
    );
}

#[test]
fn models_that_hang_again_and_again_are_too_many_restarts() {
    let mut settings = tight_settings();
    settings.max_abandoned = 10;
    settings.restart.max_restarts = 1;
    settings.restart.window = Duration::from_secs(60);
    let (limit, grace) = (settings.load_limit, settings.grace);
    let mut scene = Scene::new(settings);
    scene.submit_all([1]);
    for by in [FIRST, SECOND] {
        scene.on(Event::LoadBegan(by));
        scene.now = scene.now + limit;
        let effects = scene.on(Event::Tick);
        let failed = |effect: &LedgerEffect| matches!(effect, LedgerEffect::AgentFailed { message } if message.contains("not read within"));
        assert_eq!(effects.iter().any(failed), by == SECOND, "{effects:?}");
        scene.now = scene.now + grace;
        scene.on(Event::Tick);
    }
    assert_eq!(scene.ledger.load().tasks, 0, "what waited was answered");
}
