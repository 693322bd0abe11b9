//! What simulated threads do: get ready, work, panic, hang, lose their device, come back late.

use std::time::Duration;

use crate::fault::{Fault, FaultKind};
use crate::ledger::event::{Event, Incarnation, Outcome, Wish};
use crate::ledger::tests::simulation::Simulation;

impl Simulation {
    pub(super) fn thread_acts(&mut self) {
        if self.order.is_empty() {
            return;
        }
        let by = self.order[self.dice.roll(self.order.len() as u64) as usize];
        let Some(thread) = self.threads.get(&by) else {
            return;
        };
        if !thread.ready {
            self.get_ready(by);
            return;
        }
        if thread.holds.is_empty() {
            self.be_free(by);
            return;
        }
        match self.dice.roll(12) {
            0 => self.panic(by),
            1 => self.hang(by),
            2 => self.ask_for_more(by),
            10 => self.come_for_new_version(by),
            3 => {
                let task = thread.holds[self.dice.roll(thread.holds.len() as u64) as usize];
                if let Some(known) = self
                    .checker
                    .tasks
                    .get_mut(&task)
                    .filter(|known| known.running_on == Some(by))
                {
                    known.item_sent = true;
                }
                self.on(Event::ItemSent { by, task });
            }
            _ => self.end_one(by),
        }
    }

    fn get_ready(&mut self, by: Incarnation) {
        self.on(Event::LoadBegan(by));
        if self.dice.roll(16) == 0 {
            self.hang_while_loading(by);
            return;
        }
        if self.dice.roll(8) == 0 {
            let kind = [
                FaultKind::Unavailable,
                FaultKind::Retryable,
                FaultKind::DeadForProcess,
            ][self.dice.roll(3) as usize];
            self.end_thread(by);
            self.on(Event::LoadFailed {
                by,
                fault: Fault {
                    kind,
                    message: "no model".to_owned(),
                },
            });
            return;
        }
        self.threads
            .entry(by)
            .and_modify(|thread| thread.ready = true);
        self.on(Event::Ready(by));
        self.on(Event::Take(by));
    }

    fn be_free(&mut self, by: Incarnation) {
        let thread = &self.threads[&by];
        if thread.told_to_stop {
            self.end_thread(by);
            self.on(Event::Stopped(by));
            return;
        }
        if !thread.parked || self.dice.roll(4) == 0 {
            self.threads
                .entry(by)
                .and_modify(|thread| (thread.given, thread.parked) = (0, false));
            self.on(Event::Take(by));
        }
    }

    fn end_one(&mut self, by: Incarnation) {
        let Some(thread) = self.threads.get_mut(&by) else {
            return;
        };
        let at = self.dice.roll(thread.holds.len() as u64) as usize;
        let task = thread.holds.swap_remove(at);
        let free = thread.holds.is_empty();
        let outcome = match self.dice.roll(10) {
            0 => Outcome::Fault(Fault::rejected("bad input")),
            1 => Outcome::Fault(Fault::retryable("try again")),
            2 => Outcome::Fault(Fault::dead_for_process("device lost")),
            3..=5 => Outcome::DoneDurably,
            _ => Outcome::Done,
        };
        let lost =
            matches!(&outcome, Outcome::Fault(fault) if fault.kind == FaultKind::DeadForProcess);
        let running = self.checker.tasks[&task].running_on == Some(by);
        self.checker.outcome(by, task, &outcome);
        if lost && running {
            self.checker.device_lost(by);
        }
        self.on(Event::Finished { by, task, outcome });
        let stopped = self
            .threads
            .get(&by)
            .is_none_or(|thread| thread.told_to_stop);
        if free && !stopped {
            self.threads.entry(by).and_modify(|thread| thread.given = 0);
            self.on(Event::Take(by));
        }
    }

    fn panic(&mut self, by: Incarnation) {
        let given = self.threads[&by].given;
        self.checker.brought_down(by, given, false);
        self.end_thread(by);
        self.on(Event::Panicked {
            by,
            message: "a panic".to_owned(),
        });
    }

    fn hang(&mut self, by: Incarnation) {
        let given = self.threads[&by].given;
        self.on(Event::StepBegan(by));
        self.let_time_run_out(by, self.checker.settings.step_limit);
        self.checker.brought_down(by, given, true);
        self.on(Event::Tick);
    }

    /// The thread comes to no end of its model; what it was given before it came for it was not begun.
    fn hang_while_loading(&mut self, by: Incarnation) {
        self.let_time_run_out(by, self.checker.settings.load_limit);
        self.checker.device_lost(by);
        self.on(Event::Tick);
    }

    /// It was given work, and comes for a new version of its model before it begins.
    fn come_for_new_version(&mut self, by: Incarnation) {
        self.on(Event::LoadBegan(by));
        match self.dice.roll(4) {
            0 => self.hang_while_loading(by),
            _ => {
                self.on(Event::LoadEnded(by));
                // Its steps are quick, unless it hangs.
                self.on(Event::StepEnded(by));
            }
        }
    }

    fn let_time_run_out(&mut self, by: Incarnation, limit: Duration) {
        self.now = self.now + limit;
        // Those whose deadline came while it hung are answered so before the watchdog looks.
        let now = self.now;
        for known in self
            .checker
            .tasks
            .values_mut()
            .filter(|known| known.running_on == Some(by))
        {
            if known.admission.deadline <= now {
                known.running_on = None;
            }
        }
    }

    fn ask_for_more(&mut self, by: Incarnation) {
        let task = self.threads[&by].holds[0];
        let admission = &self.checker.tasks[&task].admission;
        let room = self.checker.settings.groups[0].max_batch.min(2);
        let wish = match self.dice.roll(2) {
            0 => Wish::Above(admission.priority),
            _ => Wish::Join {
                skill: admission.skill,
                shape: admission.shape,
                room,
            },
        };
        self.on(Event::TakeMore { by, wish });
    }

    fn end_thread(&mut self, by: Incarnation) {
        self.threads.remove(&by);
        self.order.retain(|other| *other != by);
    }
}
