//! A process that stands still: it was stopped, or got no processor.

use std::time::Duration;

use aimass_environment::Time;

use crate::ledger::effect::LedgerEffect;
use crate::ledger::event::Event;
use crate::ledger::tests::scenes::{FIRST, Scene};
use crate::ledger::tests::settings::tight_settings;

/// Time passes, of which the process stood still for a part. Gives what the next look at the clock leads to.
fn pass(scene: &mut Scene, ran: Duration, lost: Duration) -> Vec<LedgerEffect> {
    scene.now = scene.now + ran + lost;
    scene.on(Event::StoodStill { lost });
    scene.on(Event::Tick)
}

fn is_told_to_stop(effects: &[LedgerEffect]) -> bool {
    effects.contains(&LedgerEffect::Stop { worker: FIRST })
}

#[test]
fn g3_no_thread_is_given_up_for_time_in_which_the_process_stood_still() {
    let settings = tight_settings();
    for (work, limit) in [
        (Event::StepBegan(FIRST), settings.step_limit),
        (Event::LoadBegan(FIRST), settings.load_limit),
    ] {
        let mut scene = Scene::new(tight_settings());
        scene.submit_all([1]);
        scene.take(FIRST);
        scene.on(work);
        let moment = Duration::from_millis(1);
        let ran = limit / 4;
        for _ in 0..3 {
            let effects = pass(&mut scene, ran, limit * 100);
            assert!(!is_told_to_stop(&effects), "{effects:?}");
        }
        // The time in which it did run counts.
        scene.now = scene.now + (ran - moment);
        assert!(!is_told_to_stop(&scene.on(Event::Tick)));
        scene.now = scene.now + moment;
        assert!(is_told_to_stop(&scene.on(Event::Tick)));
    }
}

#[test]
fn g3_a_standstill_gives_a_thread_the_whole_of_its_limit_at_the_most() {
    let limit = tight_settings().step_limit;
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1]);
    scene.take(FIRST);
    // It was over before the step began.
    scene.now = scene.now + limit * 10;
    scene.on(Event::StepBegan(FIRST));
    scene.on(Event::StoodStill { lost: limit * 10 });
    scene.now = scene.now + limit;
    assert!(is_told_to_stop(&scene.on(Event::Tick)));
}

#[test]
fn g3_a_thread_that_was_told_to_stop_has_its_grace_although_the_process_stood_still() {
    let (limit, grace) = (tight_settings().step_limit, tight_settings().grace);
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1]);
    scene.take(FIRST);
    scene.on(Event::StepBegan(FIRST));
    scene.now = scene.now + limit;
    assert!(is_told_to_stop(&scene.on(Event::Tick)));
    let abandoned = LedgerEffect::Abandon { worker: FIRST };
    let effects = pass(&mut scene, grace / 2, grace * 10);
    assert!(!effects.contains(&abandoned), "{effects:?}");
    scene.now = scene.now + grace / 2;
    assert!(scene.on(Event::Tick).contains(&abandoned));
}

#[test]
fn while_a_thread_is_watched_somebody_looks_at_the_clock_again_and_again() {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1]);
    scene.take(FIRST);
    let pulse = scene.now + Duration::from_millis(7);
    assert_eq!(scene.ledger.next_wake(pulse), None, "nothing is timed");
    scene.on(Event::StepBegan(FIRST));
    assert_eq!(scene.ledger.next_wake(pulse), Some(pulse));
    let until = scene.now + tight_settings().step_limit;
    assert_eq!(scene.ledger.next_wake(Time::NEVER), Some(until));
}
