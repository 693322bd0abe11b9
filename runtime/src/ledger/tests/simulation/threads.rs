//! What simulated threads do: get ready, work, panic, hang, lose their device, come back late.

use std::time::Duration;

use aimass_environment::TaskId;

use crate::fault::{Fault, FaultKind};
use crate::ledger::event::{Event, Incarnation, Outcome, TakeMore};
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
        self.wake_up(by);
        match self.dice.roll(12) {
            0 if self.goes_wrong() => self.panic(by),
            1 if self.goes_wrong() => self.hang(by),
            2 => self.ask_for_more(by),
            3 if self.dice.roll(6) == 0 => self.forget_items(by),
            3 => self.send_item(by),
            10 => self.come_for_new_version(by),
            11 if self.goes_wrong() => self.stand_still(by),
            _ => self.end_one(by),
        }
    }

    /// It goes on with a job that waited, whatever the ledger thinks that it does.
    pub(super) fn wake_up(&mut self, by: Incarnation) {
        if let Some(thread) = self.threads.get_mut(&by) {
            thread.parked = None;
        }
    }

    fn get_ready(&mut self, by: Incarnation) {
        self.on(Event::LoadBegan(by));
        if self.dice.roll(16) == 0 && self.goes_wrong() {
            self.hang_while_loading(by);
            return;
        }
        if self.dice.roll(8) == 0 && self.goes_wrong() {
            let kind = [
                FaultKind::Unavailable,
                FaultKind::Retryable,
                FaultKind::DeviceLost,
            ][self.dice.roll(3) as usize];
            self.end_thread(by);
            self.on(Event::LoadFailed {
                by,
                fault: Fault::new(kind, "no model"),
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
        if self.dice.roll(64) == 0 && self.goes_wrong() {
            self.panic(by);
            return;
        }
        if self.threads[&by].parked.is_none() || self.dice.roll(4) == 0 {
            self.come_free(by);
        }
    }

    /// It has no job any more and asks for one, unless it was told to stop meanwhile.
    pub(super) fn come_free(&mut self, by: Incarnation) {
        let Some(thread) = self
            .threads
            .get_mut(&by)
            .filter(|thread| !thread.told_to_stop)
        else {
            return;
        };
        (thread.given, thread.parked) = (0, None);
        self.on(Event::Take(by));
    }

    fn send_item(&mut self, by: Incarnation) {
        let task = self.one_held(by);
        if let Some(known) = self
            .checker
            .tasks
            .get_mut(&task)
            .filter(|known| known.running_on == Some(by))
        {
            known.send_item();
        }
        self.on(Event::ItemSent { by, task });
    }

    /// The items that the task has sent are too many to be kept.
    fn forget_items(&mut self, by: Incarnation) {
        let task = self.one_held(by);
        if let Some(known) = self
            .checker
            .tasks
            .get_mut(&task)
            .filter(|known| known.running_on == Some(by))
        {
            known.item_sent = true;
        }
        self.on(Event::Unrepeatable { by, task });
    }

    fn one_held(&mut self, by: Incarnation) -> TaskId {
        let holds = &self.threads[&by].holds;
        holds[self.dice.roll(holds.len() as u64) as usize]
    }

    fn end_one(&mut self, by: Incarnation) {
        let task = self.one_held(by);
        let outcome = match self.dice.roll(10) {
            0 => Outcome::Fault(Fault::rejected("bad input")),
            1 => {
                let fault = Fault::retryable("try again");
                Outcome::Fault(match self.dice.roll(2) {
                    0 => fault,
                    _ => fault.after(Duration::from_millis(self.dice.roll(30))),
                })
            }
            2 if self.goes_wrong() => Outcome::Fault(Fault::device_lost("device lost")),
            9 if self.goes_wrong() => Outcome::Poisoned {
                cause: "what it asked for was given up".to_owned(),
            },
            8 if self.goes_wrong() => Outcome::CutOff,
            3..=5 => Outcome::DoneDurably,
            _ => Outcome::Done,
        };
        self.end_task(by, task, outcome);
        let is_free = |thread: &super::Thread| thread.holds.is_empty();
        if self.threads.get(&by).is_some_and(is_free) {
            self.come_free(by);
        }
    }

    pub(super) fn end_task(&mut self, by: Incarnation, task: TaskId, outcome: Outcome) {
        if let Some(thread) = self.threads.get_mut(&by) {
            thread.holds.retain(|held| *held != task);
        }
        let lost = matches!(&outcome, Outcome::Fault(fault) if fault.kind == FaultKind::DeviceLost);
        let running = self.checker.tasks[&task].running_on == Some(by);
        self.checker.outcome(by, task, &outcome, self.now);
        if lost && running {
            self.checker.put_back(by, self.now);
        }
        self.on(Event::Finished { by, task, outcome });
    }

    fn panic(&mut self, by: Incarnation) {
        let given = self.threads[&by].given;
        self.checker.brought_down(by, given, false, self.now);
        self.end_thread(by);
        let counted = self.checker.counted_restarts;
        self.on(Event::Panicked {
            by,
            message: "a panic".to_owned(),
        });
        assert!(
            given == 0 || self.checker.counted_restarts == counted,
            "a panic that is pinned on a task counts towards the restarts"
        );
    }

    fn hang(&mut self, by: Incarnation) {
        let given = self.threads[&by].given;
        self.on(Event::StepBegan(by));
        self.let_time_run_out(by, self.checker.settings.step_limit);
        self.checker.brought_down(by, given, true, self.now);
        self.on(Event::Tick);
    }

    /// The thread comes to no end of its model; what it was given before it came for it was not begun.
    fn hang_while_loading(&mut self, by: Incarnation) {
        self.let_time_run_out(by, self.checker.settings.load_limit);
        self.checker.put_back(by, self.now);
        self.on(Event::Tick);
    }

    /// It was given work, and comes for a new version of its model before it begins.
    fn come_for_new_version(&mut self, by: Incarnation) {
        self.on(Event::LoadBegan(by));
        if self.dice.roll(4) == 0 && self.goes_wrong() {
            self.hang_while_loading(by);
            return;
        }
        self.on(Event::LoadEnded(by));
        // Its steps are quick, unless it hangs.
        self.on(Event::StepEnded(by));
    }

    /// The whole process stands still for longer than any limit while this thread is at work: no thread is given up for it.
    fn stand_still(&mut self, by: Incarnation) {
        let work = match self.dice.roll(2) {
            0 => Event::StepBegan(by),
            _ => Event::LoadBegan(by),
        };
        self.on(work);
        let is_current = self.ledger.is_current(by);
        let lost = self.checker.settings.load_limit * 2;
        self.now = self.now + lost;
        self.on(Event::StoodStill { lost });
        self.on(Event::Tick);
        assert!(
            !is_current || self.checker.failed || self.ledger.is_current(by),
            "{by:?} was given up because the process stood still"
        );
        self.on(Event::StepEnded(by));
    }

    fn let_time_run_out(&mut self, by: Incarnation, limit: Duration) {
        self.now = self.now + limit;
        self.checker.time_ran_out(by, self.now);
    }

    /// Between two steps it may have room for others, or its jobs may all have to wait.
    fn ask_for_more(&mut self, by: Incarnation) {
        let task = self.threads[&by].holds[0];
        let room = self.checker.group(by.worker).max_batch.min(2);
        let admission = &self.checker.tasks[&task].admission;
        let wish = match self.dice.roll(3) {
            0 => TakeMore::Above(admission.priority),
            1 => TakeMore::Anything,
            _ => TakeMore::Join {
                skill: admission.skill,
                batch_key: admission.batch_key,
                room,
            },
        };
        self.on(Event::TakeMore { by, wish });
    }

    pub(super) fn end_thread(&mut self, by: Incarnation) {
        self.threads.remove(&by);
        self.order.retain(|other| *other != by);
    }
}
