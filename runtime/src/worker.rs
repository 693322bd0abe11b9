//! Workers: threads that own a model and carry jobs forward, step by step.

pub(crate) mod flow;
pub(crate) mod group;
mod job;

use std::sync::Arc;

use aimass_environment::panics;

use crate::core::group_runner::GroupRunner;
use crate::core::ticket::Ticket;
use crate::core::worker_context::{Next, WorkerContext};
use crate::core::{Report, ReportedResult, StepStats};
use crate::fault::Fault;
use crate::ledger::effect::Reload;
use crate::ledger::event::TakeMore;
use crate::observer::WorkerChange;
use crate::payload::Payload;
use crate::skill::Step;
use crate::usage::Usage;
use crate::worker::group::{Built, Group};
use job::Job;

/// How an incarnation ends.
enum End {
    /// As it was told to.
    Stopped,
    /// A skill panicked.
    Panicked(String),
    /// A new version of the model could not be built.
    LoadFailed(Fault),
}

/// Lives one incarnation of a worker, on its own thread.
pub(crate) fn live(group: &Group, worker_context: &WorkerContext, weights: Reload) {
    let built = match group.build(worker_context, weights) {
        Ok(Some(built)) => built,
        Ok(None) => return stop(group, worker_context),
        Err(fault) => return worker_context.load_failed(fault),
    };
    group.count(&built, worker_context);
    worker_context.ready(&built.version);
    let mut worker = Worker {
        group,
        worker_context,
        built,
        waiting: Vec::new(),
    };
    // Whatever of an author's it was that panicked, the worker is rebuilt.
    let end = panics::caught(|| worker.serve()).unwrap_or_else(End::Panicked);
    let Worker { built, waiting, .. } = worker;
    drop(waiting);
    panics::free(built.model, "a model");
    match end {
        End::Panicked(message) => worker_context.panicked(message),
        End::LoadFailed(fault) => worker_context.load_failed(fault),
        End::Stopped => stop(group, worker_context),
    }
}

/// Ends as it was told to, and lets go of weights that nobody needs any more.
fn stop(group: &Group, worker_context: &WorkerContext) {
    worker_context.stopped();
    if worker_context.is_gone() {
        group.forget_unused();
        worker_context.weights_are_free();
    }
}

struct Worker<'a> {
    group: &'a Group,
    worker_context: &'a WorkerContext,
    built: Built,
    /// Jobs that wait for a chunk, or for a slow reader.
    waiting: Vec<Job>,
}

impl Worker<'_> {
    fn serve(&mut self) -> End {
        loop {
            if self.worker_context.is_stopped() {
                return End::Stopped;
            }
            if let Err(end) = self.turn() {
                return end;
            }
        }
    }

    /// One job to its end or to where it waits; or a wait, when there is nothing to do.
    fn turn(&mut self) -> Result<(), End> {
        if let Some(at) = self.waiting.iter_mut().position(Job::can_go_on) {
            let job = self.waiting.swap_remove(at);
            self.worker_context.step_began();
            return self.carry_on(job);
        }
        let next = if self.waiting.is_empty() {
            self.come_for_new_version()?;
            self.worker_context.take()
        } else {
            self.worker_context.take_beside()
        };
        match next {
            Next::Run(tickets) => self.begin_on_newest(tickets),
            Next::Wait(until) => {
                self.worker_context.wait(until);
                Ok(())
            }
        }
    }

    /// A job pins the version that it began with; between two jobs the worker takes the newest.
    fn come_for_new_version(&mut self) -> Result<(), End> {
        if self.group.generation() == self.built.generation {
            return Ok(());
        }
        let built = self.group.build(self.worker_context, Reload::Keep);
        let built = built.map_err(End::LoadFailed)?.ok_or(End::Stopped)?;
        let old = std::mem::replace(&mut self.built, built);
        panics::free(old.model, "a model");
        if !self.worker_context.load_ended() {
            // Given up meanwhile: what it was given to do runs elsewhere by now.
            return Err(End::Stopped);
        }
        self.group.count(&self.built, self.worker_context);
        self.worker_context.emit_change(|| WorkerChange::Swapped {
            model: self.built.version.clone(),
        });
        Ok(())
    }

    /// A task that came after a swap never runs on the old version, even if the swap came while the worker was taking it.
    fn begin_on_newest(&mut self, tickets: Vec<Arc<Ticket>>) -> Result<(), End> {
        if !self.waiting.is_empty() {
            return self.begin(tickets);
        }
        let Err(end) = self.come_for_new_version() else {
            return self.begin(tickets);
        };
        if matches!(end, End::Stopped) {
            return Err(end);
        }
        let fault = Fault::retryable("a new version of the model could not be built");
        self.worker_context.report(unbegun(&tickets, &fault));
        Err(end)
    }

    fn begin(&mut self, tickets: Vec<Arc<Ticket>>) -> Result<(), End> {
        let Some(first) = tickets.first() else {
            return Ok(());
        };
        let at = self
            .worker_context
            .core
            .skills
            .get(usize::from(first.skill.0))
            .map_or(0, |skill| skill.at);
        let Some(skill) = self.group.skill(at).cloned() else {
            return Ok(());
        };
        let noted = self.worker_context.note_begin_blocking(&tickets);
        let by = self.worker_context.incarnation;
        let mut job = Job::new(skill, tickets, self.built.version.clone(), by);
        match noted.and_then(|()| job.begin(&mut *self.built.model, self.worker_context)) {
            Ok(()) => self.carry_on(job),
            Err(fault) => self.end(job.fail(&fault), job),
        }
    }

    /// Steps a job until it ends or waits. The watchdog is counting when this is called.
    fn carry_on(&mut self, mut job: Job) -> Result<(), End> {
        loop {
            let goes_on = match job.step(&mut *self.built.model, self.worker_context) {
                Err(fault) => return self.end(job.fail(&fault), job),
                Ok(step) => self.note_step(&mut job, step),
            };
            // After what the step completed: with a neighbour gone, a slow reader may hold up what
            // is left.
            if !goes_on || job.is_held_up() {
                job.hold(self.worker_context);
            }
            let reports = job.reports();
            if job.is_over() {
                return self.end(reports, job);
            }
            if !goes_on || job.is_held_up() || self.worker_context.is_stopped() {
                self.worker_context.report(reports);
                self.waiting.push(job);
                return Ok(());
            }
            let wish = TakeMore::Above(job.priority());
            let urgent = self.worker_context.between(reports, wish);
            if !urgent.is_empty() {
                self.begin(urgent)?;
                self.worker_context.step_began();
            }
            self.let_join(&mut job)?;
        }
    }

    /// Answers the last tasks of a job, and frees it. The watchdog goes on counting: a destructor may hang as well as panic.
    fn end(&self, reports: Vec<Report>, job: Job) -> Result<(), End> {
        self.worker_context.answer(reports);
        let freed = job.free();
        if !self.waiting.is_empty() {
            self.worker_context.step_ended();
        }
        freed.map_err(End::Panicked)
    }

    /// Whether the job can take its next step at once.
    fn note_step(&mut self, job: &mut Job, step: Step<Payload>) -> bool {
        match step {
            Step::Continue => {}
            Step::Waiting => return false,
            Step::Settled(outcomes) => job.complete(outcomes),
            Step::Finished => job.finish(&mut *self.built.model, self.worker_context),
        }
        true
    }

    /// Offers waiting tasks of the same skill and batch key to a running job that knows continuous batching.
    fn let_join(&mut self, job: &mut Job) -> Result<(), End> {
        let room = job.room(
            self.worker_context
                .core
                .max_batch(self.worker_context.group),
        );
        if room == 0 || !job.joins {
            return Ok(());
        }
        let (skill, batch_key) = job.kind();
        let joining = self.worker_context.between(
            Vec::new(),
            TakeMore::Join {
                skill,
                batch_key,
                room,
            },
        );
        if joining.is_empty() {
            return Ok(());
        }
        if let Err(fault) = self.worker_context.note_begin_blocking(&joining) {
            self.worker_context.report(unbegun(&joining, &fault));
            self.worker_context.step_began();
            return Ok(());
        }
        if job.join(&mut *self.built.model, &joining, self.worker_context) {
            return Ok(());
        }
        self.begin(joining)
            .inspect(|()| self.worker_context.step_began())
    }
}

/// What becomes of tasks that could not even begin.
fn unbegun(tickets: &[Arc<Ticket>], fault: &Fault) -> Vec<Report> {
    let report = |ticket: &Arc<Ticket>| Report {
        task: ticket.id,
        result: ReportedResult::Fault(fault.clone()),
        facts: Vec::new(),
        model: None,
        usage: Usage::default(),
        step_stats: StepStats::default(),
    };
    tickets.iter().map(report).collect()
}

/// A result that nobody gave.
fn forgotten() -> ReportedResult {
    ReportedResult::Fault(Fault::bug("the job ended without an outcome for this task"))
}
