//! Who waits for a place and who has one, told a second time.

use std::collections::BTreeMap;

use aimass_environment::{TaskId, Time};

use crate::ledger::effect::Refusal;
use crate::ledger::event::{Claim, ClaimId, Lane};
use crate::ledger::tests::model::Checker;

/// Claims that were neither denied, nor released, nor used, in the order in which they were made.
pub(in crate::ledger::tests) type Places = BTreeMap<ClaimId, Place>;

/// One claim.
#[derive(Debug)]
pub(in crate::ledger::tests) struct Place {
    pub(in crate::ledger::tests) claim: Claim,
    pub(in crate::ledger::tests) granted: bool,
}

impl Checker {
    pub(in crate::ledger::tests) fn claimed(&mut self, claim: &Claim) {
        let place = Place {
            claim: claim.clone(),
            granted: false,
        };
        self.places.insert(claim.id, place);
    }

    /// The tasks and the bytes of one lane, places among them.
    pub(super) fn in_lane(&self, lane: Lane) -> (u64, u64) {
        let held = self.held().map(|known| &known.admission);
        let held = held.map(|admission| (admission.lane, admission.bytes));
        let granted = self.places.values().filter(|place| place.granted);
        let granted = granted.map(|place| (place.claim.lane, place.claim.bytes));
        let own = held.chain(granted).filter(|(of, _)| *of == lane);
        own.fold((0, 0), |(tasks, sum), (_, bytes)| (tasks + 1, sum + bytes))
    }

    fn has_room(&self, lane: Lane, bytes: u64) -> bool {
        let (tasks, held) = self.in_lane(lane);
        let alone = tasks == 0 && lane == Lane::Environment;
        tasks < self.settings.capacity && (alone || held + bytes <= self.settings.capacity_bytes)
    }

    /// A task comes in at its place, or where there is room, or because it was accepted before.
    pub(super) fn check_entrance(&mut self, task: TaskId) {
        let admission = &self.tasks[&task].admission;
        let (lane, bytes, resumed) = (admission.lane, admission.bytes, admission.resumed);
        let place = admission.place.and_then(|place| self.places.remove(&place));
        let at_its_place = place.is_some_and(|place| place.granted);
        assert!(
            at_its_place || resumed || self.has_room(lane, bytes),
            "a task came in without room"
        );
    }

    /// A task that is refused has no place any more.
    pub(super) fn lose_place(&mut self, task: TaskId) {
        let place = self.tasks[&task].admission.place;
        place.and_then(|place| self.places.remove(&place));
    }

    pub(super) fn check_grant(&mut self, claim: ClaimId) {
        let after_the_end = self.shutting_down.is_some() || self.failed;
        assert!(!after_the_end, "a place after the end");
        let place = &self.places[&claim];
        let (lane, bytes) = (place.claim.lane, place.claim.bytes);
        assert!(!place.granted, "granted twice");
        assert!(self.has_room(lane, bytes), "a place without room");
        assert_eq!(self.first_in_line(lane), Some(claim), "out of turn");
        self.places
            .entry(claim)
            .and_modify(|place| place.granted = true);
    }

    pub(super) fn check_denial(&mut self, claim: ClaimId, refusal: &Refusal, now: Time) {
        let place = self.places.remove(&claim).expect("an unknown claim");
        assert!(!place.granted, "denied after it was granted");
        let Claim {
            lane,
            bytes,
            deadline,
            ..
        } = place.claim;
        match refusal {
            Refusal::Overloaded { .. } => {
                assert_eq!(lane, Lane::Caller, "work of an accepted task was refused");
                assert!(!self.has_room(lane, bytes), "refused with room to spare");
            }
            Refusal::BackingOff { .. } => assert_eq!(lane, Lane::Caller),
            Refusal::ShuttingDown => assert!(self.shutting_down.is_some()),
            Refusal::AgentFailed { .. } => assert!(self.failed),
            Refusal::DeadlineExceeded => assert!(deadline <= now),
            Refusal::TooLarge { .. } => assert!(bytes > self.settings.capacity_bytes),
            Refusal::Duplicate => panic!("the simulation never reuses an id"),
        }
    }

    fn first_in_line(&self, lane: Lane) -> Option<ClaimId> {
        let mut waiting = self.places.values().filter(|place| !place.granted);
        waiting
            .find(|place| place.claim.lane == lane)
            .map(|place| place.claim.id)
    }

    /// Whoever is the first in line waits only while there is no room, and nobody waits for what will never come.
    pub(in crate::ledger::tests) fn nobody_waits_in_vain(&self) {
        for place in self.places.values().filter(|place| !place.granted) {
            let Claim { lane, bytes, .. } = place.claim;
            assert!(
                self.shutting_down.is_none() && !self.failed,
                "a claim waits after the end"
            );
            assert_ne!(lane, Lane::Caller, "a caller is kept waiting");
            let is_first = self.first_in_line(lane) == Some(place.claim.id);
            assert!(
                !is_first || !self.has_room(lane, bytes),
                "a claim waits with room to spare"
            );
        }
    }
}
