//! Whose turn it is: weights of classes, and workers that sit beside their jobs.

use std::time::Duration;

use aimass_environment::{Effect, Epoch, Priority, Time, WorkerId};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::ledger::effect::LedgerEffect;
use crate::ledger::event::{Event, Incarnation, TakeMore};
use crate::ledger::settings::{LedgerSettings, StartWhen};
use crate::ledger::tests::scenes::{FIRST, Scene, task, tasks};
use crate::ledger::tests::settings::tight_settings;

#[test]
fn background_work_does_not_starve() {
    let mut scene = Scene::new(LedgerSettings {
        capacity: 1000,
        capacity_bytes: 1000,
        ..tight_settings()
    });
    scene.submit(1, |admission| {
        (admission.priority, admission.effect) = (Priority::Background, Effect::Once)
    });
    let mut turns = 0;
    for number in 2.. {
        scene.submit(number, |admission| {
            (admission.priority, admission.effect) = (Priority::Interactive, Effect::Once)
        });
        let run = scene.take(FIRST);
        turns += 1;
        if run == tasks([1]) {
            break;
        }
        scene.finish(FIRST, run[0].to_u128());
    }
    assert!(turns <= 18, "it came after {turns} turns");
}

/// A scene whose one group has two workers, both ready and parked.
fn two_workers(settings: LedgerSettings) -> (Scene, Incarnation) {
    let mut settings = settings;
    settings.groups[0].workers = 2;
    let mut scene = Scene::new(settings);
    let other = Incarnation {
        worker: WorkerId(1),
        epoch: Epoch(0),
    };
    scene.begin(other);
    (scene, other)
}

/// The first worker runs task 1, which waits for chunks, and sits beside it.
fn sit_beside(scene: &mut Scene) {
    scene.submit_all([1]);
    assert_eq!(scene.take(FIRST), tasks([1]));
    let effects = scene.on(Event::TakeMore {
        by: FIRST,
        wish: TakeMore::Anything,
    });
    assert!(
        matches!(effects[..], [LedgerEffect::Park { .. }]),
        "{effects:?}"
    );
}

#[test]
fn what_must_run_alone_goes_to_a_free_worker_and_not_to_one_that_sits_beside_its_jobs() {
    let (mut scene, other) = two_workers(tight_settings());
    sit_beside(&mut scene);
    let woken = scene.submit(2, |admission| admission.effect = Effect::Once);
    assert!(
        woken.contains(&LedgerEffect::Wake { worker: FIRST }),
        "{woken:?}"
    );
    let effects = scene.on(Event::TakeMore {
        by: FIRST,
        wish: TakeMore::Anything,
    });
    assert!(
        effects.contains(&LedgerEffect::Wake { worker: other }),
        "{effects:?}"
    );
    assert_eq!(scene.take(other), tasks([2]));
}

#[test]
fn what_must_run_alone_starts_a_worker_where_the_others_sit_beside_their_jobs() {
    let mut settings = tight_settings();
    settings.groups[0].workers = 2;
    settings.groups[0].start = StartWhen::Needed;
    let mut scene = Scene {
        ledger: Ledger::new(settings),
        now: Time::default(),
    };
    scene.submit_all([7]);
    let other = Incarnation {
        worker: WorkerId(1),
        epoch: Epoch(0),
    };
    scene.on(Event::LoadFailed {
        by: other,
        fault: Fault::unavailable("not now"),
    });
    scene.begin(FIRST);
    sit_beside(&mut scene);
    scene.submit(2, |admission| admission.effect = Effect::Once);
    let effects = scene.on(Event::TakeMore {
        by: FIRST,
        wish: TakeMore::Anything,
    });
    let started = |effect: &LedgerEffect| matches!(effect, LedgerEffect::Start { worker, .. } if worker.worker == other.worker);
    assert!(effects.iter().any(started), "{effects:?}");
}

#[test]
fn a_worker_that_is_to_stop_for_it_was_idle_is_given_nothing_between_two_steps() {
    let idle = Duration::from_millis(50);
    let mut scene = Scene::new(LedgerSettings {
        idle_unload: Some(idle),
        ..tight_settings()
    });
    sit_beside(&mut scene);
    scene.now = scene.now + idle;
    scene.on(Event::Cancel { task: task(1) });
    let effects = scene.on(Event::Tick);
    let stop = LedgerEffect::Stop { worker: FIRST };
    assert!(effects.contains(&stop), "{effects:?}");
    scene.submit(2, |admission| admission.priority = Priority::Interactive);
    let effects = scene.on(Event::TakeMore {
        by: FIRST,
        wish: TakeMore::Above(Priority::Normal),
    });
    assert_eq!(effects, [stop]);
    let effects = scene.on(Event::Stopped(FIRST));
    let restarted = |effect: &LedgerEffect| matches!(effect, LedgerEffect::Start { .. });
    assert!(effects.iter().any(restarted), "{effects:?}");
}

#[test]
fn while_all_classes_have_work_they_share_the_turns_by_their_weights() {
    let mut scene = Scene::new(LedgerSettings {
        capacity: 1000,
        capacity_bytes: 1000,
        ..tight_settings()
    });
    let classes = [
        Priority::Background,
        Priority::Normal,
        Priority::Interactive,
    ];
    for number in 0..150 {
        scene.submit(number, |admission| {
            admission.priority = classes[number as usize / 50];
            admission.effect = Effect::Once;
        });
    }
    let mut turns = [0; 3];
    for _ in 0..2 * 21 {
        let run = scene.take(FIRST);
        turns[run[0].to_u128() as usize / 50] += 1;
        scene.finish(FIRST, run[0].to_u128());
    }
    assert_eq!(turns, [2, 8, 32]);
}

#[test]
fn what_a_worker_was_woken_for_is_passed_on_when_it_dies_before_it_comes() {
    let (mut scene, other) = two_workers(tight_settings());
    let woken = scene.submit(1, |_| {});
    assert!(
        woken.contains(&LedgerEffect::Wake { worker: FIRST }),
        "{woken:?}"
    );
    // It came for a new version of its model first, which is not to be had.
    let effects = scene.on(Event::LoadFailed {
        by: FIRST,
        fault: Fault::unavailable("not now"),
    });
    assert!(
        effects.contains(&LedgerEffect::Wake { worker: other }),
        "{effects:?}"
    );
    assert_eq!(scene.take(other), tasks([1]));
}
