//! Places: whoever is part of accepted work waits for room, and small room is no dead end.

use aimass_environment::Time;

use super::{Scene, task, tasks};
use crate::ledger::effect::{LedgerEffect, Refusal};
use crate::ledger::event::{Claim, ClaimId, Event, GroupId, Lane};
use crate::ledger::settings::LedgerSettings;
use crate::ledger::tests::scenes::FIRST;
use crate::ledger::tests::settings::tight_settings;

fn small() -> Scene {
    Scene::new(LedgerSettings {
        capacity: 1,
        ..tight_settings()
    })
}

impl Scene {
    fn claim(&mut self, id: u64, lane: Lane, bytes: u64) -> Vec<LedgerEffect> {
        self.on(Event::Claim(Claim {
            id: ClaimId(id),
            lane,
            group: GroupId(0),
            bytes,
            deadline: Time::NEVER,
        }))
    }

    fn submit_at(&mut self, number: u128, place: u64, lane: Lane) -> Vec<LedgerEffect> {
        self.submit(number, |admission| {
            admission.lane = lane;
            admission.place = Some(ClaimId(place));
        })
    }
}

fn granted(claim: u64) -> LedgerEffect {
    let claim = ClaimId(claim);
    LedgerEffect::Granted { claim }
}

fn accepted(number: u128) -> LedgerEffect {
    let task = task(number);
    LedgerEffect::Accepted { task }
}

#[test]
fn g4_what_a_flow_asks_for_waits_for_room_and_not_for_the_flow_itself() {
    let mut scene = small();
    assert!(scene.submit(1, |_| {}).contains(&accepted(1)), "the flow");
    assert_eq!(scene.take(FIRST), tasks([1]));
    // However deep it is, there is room beside those that wait for it.
    assert_eq!(scene.claim(1, Lane::Flow(1), 1), [granted(1)]);
    assert!(scene.submit_at(2, 1, Lane::Flow(1)).contains(&accepted(2)));
    assert_eq!(scene.claim(2, Lane::Flow(2), 1), [granted(2)]);
    // Others of its depth come in one after the other.
    assert_eq!(scene.claim(3, Lane::Flow(1), 1), []);
    assert_eq!(scene.claim(4, Lane::Flow(1), 1), []);
    let cancelled = scene.on(Event::Cancel { task: task(2) });
    assert!(cancelled.contains(&granted(3)), "{cancelled:?}");
    assert!(!cancelled.contains(&granted(4)), "{cancelled:?}");
    assert_eq!(scene.on(Event::Release(ClaimId(3))), [granted(4)]);
}

#[test]
fn g4_a_caller_has_a_place_at_once_or_not_at_all() {
    let mut scene = small();
    assert_eq!(scene.claim(1, Lane::Caller, 1), [granted(1)]);
    let refused = scene.claim(2, Lane::Caller, 1);
    let [LedgerEffect::Denied { refusal, .. }] = &refused[..] else {
        panic!("unexpected: {refused:?}");
    };
    assert!(
        matches!(
            refusal,
            Refusal::Overloaded {
                queued: 1,
                capacity: 1,
                ..
            }
        ),
        "{refusal:?}"
    );
    let refused = scene.submit(1, |_| {});
    assert!(
        matches!(refused[..], [LedgerEffect::Refuse { .. }]),
        "a place that is claimed is no room for others: {refused:?}"
    );
    assert!(scene.submit_at(2, 1, Lane::Caller).contains(&accepted(2)));
}

#[test]
fn g4_what_comes_through_the_environment_waits_and_is_let_in_alone_when_it_is_too_large() {
    let mut scene = small();
    assert_eq!(scene.claim(1, Lane::Environment, 1000), [granted(1)]);
    assert_eq!(scene.claim(2, Lane::Environment, 1000), []);
    assert_eq!(scene.on(Event::Release(ClaimId(1))), [granted(2)]);
    let refused = scene.claim(3, Lane::Flow(1), 1000);
    assert!(
        matches!(
            refused[..],
            [LedgerEffect::Denied {
                refusal: Refusal::TooLarge { .. },
                ..
            }]
        ),
        "no waiting helps: {refused:?}"
    );
}

#[test]
fn g10_nobody_waits_for_room_at_an_agent_that_takes_nothing_any_more() {
    let mut scene = small();
    scene.claim(1, Lane::Environment, 1);
    assert_eq!(scene.claim(2, Lane::Environment, 1), []);
    let limit = Time::NEVER;
    let ended = scene.on(Event::Shutdown { limit });
    let denied = LedgerEffect::Denied {
        claim: ClaimId(2),
        refusal: Refusal::ShuttingDown,
    };
    assert!(ended.contains(&denied), "{ended:?}");
}
