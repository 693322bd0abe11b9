//! Sums over all tasks, which are drawn after each event.

use aimass_environment::{Time, WorkerId};

use crate::ledger::effect::LedgerEffect;
use crate::ledger::event::{Event, GroupId};
use crate::ledger::tests::model::{Checker, Known};

/// What is held, in figures.
#[derive(Debug)]
pub(in crate::ledger::tests) struct Account {
    pub(in crate::ledger::tests) tasks: u64,
    pub(in crate::ledger::tests) bytes: u64,
    /// Those that wait, group by group.
    pub(in crate::ledger::tests) waiting: Vec<u64>,
    /// Those whose fault asked for a pause.
    pub(in crate::ledger::tests) pausing: u64,
    /// When the first of these pauses ends.
    pub(in crate::ledger::tests) first_pause: Time,
    /// The first deadline of a task whose outcome is not yet on its way into the environment.
    pub(in crate::ledger::tests) first_deadline: Time,
}

impl Checker {
    pub(in crate::ledger::tests) fn account(&self) -> Account {
        let mut account = Account {
            tasks: 0,
            bytes: 0,
            waiting: vec![0; self.settings.groups.len()],
            pausing: 0,
            first_pause: Time::NEVER,
            first_deadline: Time::NEVER,
        };
        for known in self.held() {
            account.add(known);
        }
        account
    }

    /// What is said of one group concerns the workers of that group only.
    pub(in crate::ledger::tests) fn check_reach(&self, group: GroupId, effects: &[LedgerEffect]) {
        for worker in effects.iter().filter_map(worker_of) {
            assert_eq!(self.group_of(worker), group, "the other group: {effects:?}");
        }
    }
}

impl Account {
    fn add(&mut self, known: &Known) {
        self.tasks += 1;
        self.bytes += known.admission.bytes;
        self.waiting[usize::from(known.admission.group.0)] += u64::from(known.is_waiting());
        if let Some(until) = known.paused_until.filter(|_| known.is_idle()) {
            self.pausing += 1;
            self.first_pause = self.first_pause.min(until);
        }
        if !known.committing {
            self.first_deadline = self.first_deadline.min(known.admission.deadline);
        }
    }
}

/// The group that the event is about, if it is about one.
pub(in crate::ledger::tests) fn group_of(event: &Event) -> Option<GroupId> {
    match event {
        Event::Submit(admission, ()) => Some(admission.group),
        Event::Swap(group) | Event::Unload(group) | Event::TakeDown { group, .. } => Some(*group),
        _ => None,
    }
}

fn worker_of(effect: &LedgerEffect) -> Option<WorkerId> {
    match effect {
        LedgerEffect::Wake { worker }
        | LedgerEffect::Stop { worker }
        | LedgerEffect::Start { worker, .. } => Some(worker.worker),
        _ => None,
    }
}
