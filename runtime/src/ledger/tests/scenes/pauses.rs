//! A fault may ask for a pause before the next attempt.

use super::*;

const PAUSE: Duration = Duration::from_millis(40);

/// A worker that is free, and a task whose first attempt asked for a pause.
fn paused() -> Scene {
    let mut scene = Scene::new(tight_settings());
    scene.submit_all([1]);
    assert_eq!(scene.take(FIRST), tasks([1]));
    scene.on(Event::Finished {
        by: FIRST,
        task: task(1),
        outcome: Outcome::Fault(Fault::retryable("full").after(PAUSE)),
    });
    scene
}

fn completion(effects: &[LedgerEffect]) -> Option<&Completion> {
    effects.iter().find_map(|effect| match effect {
        LedgerEffect::Complete { completion, .. } => Some(completion),
        _ => None,
    })
}

#[test]
fn a_task_is_tried_again_when_its_pause_is_over_and_no_sooner() {
    let mut scene = paused();
    assert_eq!(scene.ledger.load().waiting, 1);
    assert!(scene.take(FIRST).is_empty(), "its pause is not over");
    scene.submit_all([2]);
    assert_eq!(scene.take(FIRST), tasks([2]), "others do not wait for it");
    scene.finish(FIRST, 2);
    let due = scene.now + PAUSE;
    assert_eq!(scene.ledger.next_wake(Time::NEVER), Some(due));
    assert!(scene.take(FIRST).is_empty());
    scene.now = due;
    let effects = scene.on(Event::Tick);
    assert!(!effects.is_empty(), "its worker is woken");
    assert_eq!(scene.take(FIRST), tasks([1]));
    assert_eq!(completion(&scene.finish(FIRST, 1)), Some(&Completion::Done));
    assert_eq!(scene.ledger.load().tasks, 0);
}

#[test]
fn a_pause_ends_with_its_task() {
    let mut scene = paused();
    let effects = scene.on(Event::Cancel { task: task(1) });
    assert_eq!(completion(&effects), Some(&Completion::Cancelled));
    assert_eq!(scene.ledger.load().waiting, 0);
    scene.now = scene.now + PAUSE;
    scene.on(Event::Tick);
    assert!(scene.take(FIRST).is_empty());

    let mut scene = paused();
    let effects = scene.on(Event::GiveUp {
        message: "lost".to_owned(),
    });
    let failed = matches!(completion(&effects), Some(Completion::AgentFailed { .. }));
    assert!(failed, "{effects:?}");
}

#[test]
fn a_deadline_does_not_wait_for_a_pause() {
    let mut scene = Scene::new(tight_settings());
    let deadline = scene.now + PAUSE / 2;
    scene.submit(1, |admission| admission.deadline = deadline);
    scene.take(FIRST);
    scene.on(Event::Finished {
        by: FIRST,
        task: task(1),
        outcome: Outcome::Fault(Fault::retryable("full").after(PAUSE)),
    });
    scene.now = deadline;
    let effects = scene.on(Event::Tick);
    assert_eq!(completion(&effects), Some(&Completion::DeadlineExceeded));
}

#[test]
fn a_shutdown_waits_for_a_pause_within_its_limit() {
    let mut scene = paused();
    let limit = scene.now + PAUSE / 2;
    scene.on(Event::Shutdown { limit });
    scene.now = limit;
    let effects = scene.on(Event::Tick);
    assert_eq!(completion(&effects), Some(&Completion::ShuttingDown));
    assert!(effects.contains(&LedgerEffect::Drained));
}
