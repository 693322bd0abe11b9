//! Those who claim places, use them, or go away again.

use std::time::Duration;

use aimass_environment::Time;

use crate::ledger::event::{Claim, ClaimId, Event, Lane};
use crate::ledger::tests::dice::Dice;
use crate::ledger::tests::model::Checker;
use crate::ledger::tests::simulation::Simulation;

impl Simulation {
    /// Somebody claims a place, or gives one up, be it granted or waited for.
    pub(super) fn come_and_go(&mut self) {
        if self.dice.roll(4) > 0 {
            self.claim();
            return;
        }
        let claims: Vec<ClaimId> = self.checker.places.keys().copied().collect();
        if claims.is_empty() {
            return;
        }
        let claim = claims[self.dice.roll(claims.len() as u64) as usize];
        self.checker.places.remove(&claim);
        self.on(Event::Release(claim));
    }

    fn claim(&mut self) {
        self.next_claim += 1;
        let group = self.some_group();
        let lanes = [
            Lane::Caller,
            Lane::Environment,
            Lane::Flow(1),
            Lane::Flow(2),
        ];
        let claim = Claim {
            id: ClaimId(self.next_claim),
            lane: lanes[self.dice.roll(4) as usize],
            group,
            bytes: match self.dice.roll(16) {
                0 => 1 + self.checker.settings.capacity_bytes,
                _ => 1 + self.dice.roll(20),
            },
            deadline: match self.dice.roll(8) {
                0 => self.now + Duration::from_millis(self.dice.roll(2)),
                _ => Time::NEVER,
            },
        };
        self.checker.claimed(&claim);
        self.on(Event::Claim(claim));
    }

    /// Those who wait for a place go away, and those who have one do not need it.
    pub(super) fn give_all_places_up(&mut self) {
        while let Some(claim) = self.checker.places.keys().next().copied() {
            self.checker.places.remove(&claim);
            self.on(Event::Release(claim));
        }
    }
}

impl Checker {
    /// One of the places whose tasks have not come, now and then.
    pub(super) fn granted_place(&self, dice: &mut Dice) -> Option<Claim> {
        let granted = self.places.values().filter(|place| place.granted);
        let granted: Vec<&Claim> = granted.map(|place| &place.claim).collect();
        let at = dice.roll(2 * granted.len() as u64 + 1) as usize;
        granted.get(at).map(|claim| (*claim).clone())
    }
}
