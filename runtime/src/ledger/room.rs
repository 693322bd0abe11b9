//! Room: how much an agent may hold, counted apart for each kind of submitter.
//!
//! Callers are refused when there is none. What is accepted already, or is part of an accepted task's work, waits in line for it instead.
//! No line waits for itself: a flow waits for what it asks for, which is counted one lane deeper than the flow, and a flow cannot ask for
//! itself. So however small the room, work goes on.

use std::collections::{BTreeMap, HashMap};

use aimass_environment::Time;

use crate::ledger::effect::{LedgerEffect, Refusal};
use crate::ledger::event::{Admission, Claim, ClaimId, Lane};
use crate::ledger::{Ledger, Phase};

/// What an agent holds, lane by lane, and who waits for a place.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: Vec<Room>,
    /// Claims that were granted and whose tasks have not come yet.
    places: HashMap<ClaimId, Claim>,
    in_line: usize,
}

/// One lane's tasks and places.
#[derive(Debug, Default)]
struct Room {
    tasks: u64,
    bytes: u64,
    /// Those who wait, in the order in which they came.
    line: BTreeMap<ClaimId, Claim>,
}

/// How much each lane may hold.
#[derive(Clone, Copy)]
struct Limits {
    tasks: u64,
    bytes: u64,
}

impl Room {
    /// Whether there is a place for so many bytes. What came through the environment may be larger than all the room there is, and then comes in alone.
    fn fits(&self, lane: Lane, bytes: u64, limits: Limits) -> bool {
        let alone = lane == Lane::Environment && self.tasks == 0;
        let in_bytes = self.bytes.saturating_add(bytes) <= limits.bytes;
        self.tasks < limits.tasks && (alone || in_bytes)
    }
}

impl Rooms {
    fn of(&mut self, lane: Lane) -> &mut Room {
        let at = match lane {
            Lane::Caller => 0,
            Lane::Environment => 1,
            Lane::Flow(depth) => 1 + usize::from(depth.max(1)),
        };
        if self.rooms.len() <= at {
            self.rooms.resize_with(at + 1, Room::default);
        }
        &mut self.rooms[at]
    }

    fn hold(&mut self, lane: Lane, bytes: u64) {
        let room = self.of(lane);
        room.tasks += 1;
        room.bytes = room.bytes.saturating_add(bytes);
    }

    fn free(&mut self, lane: Lane, bytes: u64) {
        let room = self.of(lane);
        room.tasks -= 1;
        room.bytes = room.bytes.saturating_sub(bytes);
    }

    /// The task comes in, at its place if it has claimed one.
    pub(super) fn enter(&mut self, admission: &Admission) {
        if let Some(place) = admission.place {
            self.leave_place(place);
        }
        self.hold(admission.lane, admission.bytes);
    }

    /// The task is completed.
    pub(super) fn leave(&mut self, admission: &Admission) {
        self.free(admission.lane, admission.bytes);
    }

    fn leave_place(&mut self, claim: ClaimId) {
        if let Some(claim) = self.places.remove(&claim) {
            self.free(claim.lane, claim.bytes);
        }
    }

    fn grant<T>(&mut self, claim: Claim, effects: &mut Vec<LedgerEffect<T>>) {
        self.hold(claim.lane, claim.bytes);
        effects.push(LedgerEffect::Granted { claim: claim.id });
        self.places.insert(claim.id, claim);
    }

    /// The first in one of the lines, if there is a place for it now.
    fn next_in_line(&mut self, limits: Limits) -> Option<Claim> {
        for room in &mut self.rooms {
            let Some(first) = room.line.first_entry() else {
                continue;
            };
            let (lane, bytes) = (first.get().lane, first.get().bytes);
            if room.fits(lane, bytes, limits) {
                self.in_line -= 1;
                return room.line.pop_first().map(|(_, claim)| claim);
            }
        }
        None
    }
}

impl<T> Ledger<T> {
    /// Somebody wants a place for a task that is to come.
    pub(super) fn claim(&mut self, claim: Claim, now: Time, effects: &mut Vec<LedgerEffect<T>>) {
        let refusal = self
            .closed()
            .or_else(|| (claim.deadline <= now).then_some(Refusal::DeadlineExceeded))
            .or_else(|| self.too_large(claim.lane, claim.bytes))
            .or_else(|| self.caller_refusal(&claim, now));
        if let Some(refusal) = refusal {
            effects.push(LedgerEffect::Denied {
                claim: claim.id,
                refusal,
            });
            return;
        }
        // Whether there is room is seen at once: see `serve_lines`.
        self.rooms.in_line += 1;
        self.rooms.of(claim.lane).line.insert(claim.id, claim);
    }

    /// A place is not needed any more, or nobody waits for it.
    pub(super) fn release(&mut self, claim: ClaimId) {
        self.rooms.leave_place(claim);
        for room in &mut self.rooms.rooms {
            self.rooms.in_line -= usize::from(room.line.remove(&claim).is_some());
        }
    }

    /// Lets in whoever is next and has room now; when the agent takes nothing any more, nobody waits in vain.
    pub(super) fn serve_lines(&mut self, effects: &mut Vec<LedgerEffect<T>>) {
        if self.rooms.in_line == 0 {
            return;
        }
        if let Some(refusal) = self.closed() {
            self.rooms.in_line = 0;
            for room in &mut self.rooms.rooms {
                for (claim, _) in std::mem::take(&mut room.line) {
                    let refusal = refusal.clone();
                    effects.push(LedgerEffect::Denied { claim, refusal });
                }
            }
            return;
        }
        let limits = self.limits();
        while let Some(claim) = self.rooms.next_in_line(limits) {
            self.rooms.grant(claim, effects);
        }
    }

    /// Why nothing is taken any more, if so.
    pub(super) fn closed(&self) -> Option<Refusal> {
        match &self.phase {
            Phase::Open => None,
            Phase::Failed { message } => Some(Refusal::AgentFailed {
                message: message.clone(),
            }),
            Phase::Draining { .. } | Phase::Drained => Some(Refusal::ShuttingDown),
        }
    }

    /// Why a task that has no place cannot have one, if so.
    pub(super) fn shortage(&mut self, admission: &Admission) -> Option<Refusal> {
        let (lane, bytes) = (admission.lane, admission.bytes);
        let place = admission.place;
        if admission.resumed || place.is_some_and(|place| self.rooms.places.contains_key(&place)) {
            return None;
        }
        self.too_large(lane, bytes)
            .or_else(|| self.overload(lane, bytes))
    }

    fn caller_refusal(&mut self, claim: &Claim, now: Time) -> Option<Refusal> {
        if claim.lane != Lane::Caller {
            return None;
        }
        self.overload(claim.lane, claim.bytes)
            .or_else(|| self.backing_off(claim.group, now))
    }

    fn too_large(&self, lane: Lane, bytes: u64) -> Option<Refusal> {
        let capacity_bytes = self.settings.capacity_bytes;
        let too_large = lane != Lane::Environment && bytes > capacity_bytes;
        too_large.then_some(Refusal::TooLarge {
            bytes,
            capacity_bytes,
        })
    }

    fn overload(&mut self, lane: Lane, bytes: u64) -> Option<Refusal> {
        let limits = self.limits();
        let retry_after = self.completion_rate.next_place();
        let room = self.rooms.of(lane);
        if room.line.is_empty() && room.fits(lane, bytes, limits) {
            return None;
        }
        Some(Refusal::Overloaded {
            queued: room.tasks,
            capacity: limits.tasks,
            queued_bytes: room.bytes,
            capacity_bytes: limits.bytes,
            retry_after,
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            tasks: self.settings.capacity,
            bytes: self.settings.capacity_bytes,
        }
    }
}
