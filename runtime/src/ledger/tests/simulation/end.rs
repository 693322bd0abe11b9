//! How a run ends: everybody does what is right, or the runtime shuts down.

use std::time::Duration;

use aimass_environment::Time;

use crate::ledger::event::{Event, Incarnation, Outcome};
use crate::ledger::tests::simulation::Simulation;

impl Simulation {
    /// From here on everybody does what is right: then all that was accepted is served, unless the agent was given up.
    pub(super) fn work_off(&mut self) {
        self.give_all_places_up();
        for _ in 0..1000 {
            if self.checker.failed || self.checker.held().next().is_none() {
                return;
            }
            let mut somebody_acted = self.commit_all();
            for by in self.order.clone() {
                somebody_acted |= self.act_rightly(by);
            }
            if !somebody_acted {
                self.wait_for_the_clock();
            }
        }
        panic!("a task is never served: {:?}", self.ledger.load());
    }

    /// Whether the thread had something to do.
    fn act_rightly(&mut self, by: Incarnation) -> bool {
        let Some(thread) = self.threads.get(&by) else {
            return false;
        };
        if thread.told_to_stop {
            self.end_thread(by);
            self.on(Event::Stopped(by));
            return true;
        }
        if !thread.ready {
            self.threads
                .entry(by)
                .and_modify(|thread| thread.ready = true);
            self.on(Event::Ready(by));
            return true;
        }
        if thread.holds.is_empty() && thread.parked.is_some_and(|until| until > self.now) {
            return false;
        }
        let holds = thread.holds.clone();
        self.wake_up(by);
        for task in holds {
            self.end_task(by, task, Outcome::Done);
        }
        self.come_free(by);
        true
    }

    fn commit_all(&mut self) -> bool {
        let is_committing = |simulation: &Self| {
            let mut held = simulation.checker.held();
            held.any(|known| known.committing)
        };
        let somebody = is_committing(self);
        while is_committing(self) {
            self.commit();
        }
        somebody
    }

    fn wait_for_the_clock(&mut self) {
        let parked = self.threads.values().filter_map(|thread| thread.parked);
        let next = parked.chain(self.ledger.next_wake(Time::NEVER)).min();
        let next = next.filter(|next| *next != Time::NEVER);
        self.now = next
            .expect("work waits, and nothing will ever happen")
            .max(self.now);
        self.on(Event::Tick);
    }

    /// The runtime shuts down; then every accepted task has had its one reply.
    pub(super) fn bring_to_its_end(&mut self) {
        self.shut_down();
        for _ in 0..200 {
            self.commit_all();
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
