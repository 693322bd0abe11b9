//! Jobs: the work on one batch, between its begin and its finish.

mod host;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use aimass_environment::{Priority, Time, panics};

use crate::batch::{BatchIndex, BatchKey};
use crate::core::publication::Publication;
use crate::core::ticket::{Pushed, Ticket};
use crate::core::worker_context::WorkerContext;
use crate::core::{Report, ReportedResult, StepStats};
use crate::fault::Fault;
#[cfg(feature = "fault-injection")]
use crate::fault_injector::InjectionPoint;
use crate::ledger::event::{Incarnation, SkillId};
use crate::payload::Payload;
use crate::skill::Step;
use crate::skill::context::StepContext;
use crate::skill::erased::DynModelSkill;
use crate::usage::Usage;
use aimass_environment::ModelVersion;
use host::Host;
pub(super) use host::different;

/// How many items are kept for a slow reader while others of the job go on.
const OVERFLOW: usize = 64;

/// The work on one batch.
pub(super) struct Job {
    skill: Arc<dyn DynModelSkill>,
    state: Option<Box<dyn Any>>,
    members: Vec<JobMember>,
    version: ModelVersion,
    step_stats: StepStats,
    /// Of its first task, in whose name it says what it says.
    log_span: tracing::Span,
    /// It said that it waits for chunks.
    waits: bool,
    /// The skill has not yet refused to let others join.
    pub(super) joins: bool,
}

/// One task in a job.
struct JobMember {
    ticket: Arc<Ticket>,
    facts: Publication,
    /// What the job had cost before this member came to it.
    before: StepStats,
    usage: Usage,
    /// How many chunks this attempt has heard.
    received: usize,
    /// Its worker, whose items count.
    by: Incarnation,
    /// The ledger knows that this attempt has sent an item.
    has_sent: bool,
    /// It has sent something else than the attempt before it.
    is_different: bool,
    /// Items that the caller's buffer had no room for: the job rests until it has.
    overflow: VecDeque<Payload>,
    standing: MemberStanding,
}

enum MemberStanding {
    Working,
    /// Done, and not reported yet.
    Ended(ReportedResult),
    Reported,
}

impl Job {
    pub(super) fn new(
        skill: Arc<dyn DynModelSkill>,
        tickets: Vec<Arc<Ticket>>,
        version: ModelVersion,
        by: Incarnation,
    ) -> Self {
        let log_span = tickets
            .first()
            .map_or_else(tracing::Span::none, |first| first.log_span());
        let members = tickets
            .into_iter()
            .map(|ticket| JobMember::new(ticket, by, StepStats::default()))
            .collect();
        Self {
            skill,
            state: None,
            members,
            version,
            step_stats: StepStats::default(),
            log_span,
            waits: false,
            joins: true,
        }
    }

    pub(super) fn begin(
        &mut self,
        model: &mut dyn Any,
        worker_context: &WorkerContext,
    ) -> Result<(), Fault> {
        let inputs: Vec<Payload> = self.inputs(0);
        #[cfg(feature = "fault-injection")]
        worker_context.pass(self.kind().0, InjectionPoint::Begin);
        let mut host = Host {
            worker_context,
            members: &mut self.members,
            version: &self.version,
        };
        let mut context = StepContext::new(&mut host);
        let _in_span = self.log_span.enter();
        let began = worker_context.core.clock.now();
        let state = self.skill.begin(model, &inputs, &mut context);
        self.step_stats.nanos += nanos_since(began, worker_context);
        self.state = Some(state?);
        Ok(())
    }

    pub(super) fn step(
        &mut self,
        model: &mut dyn Any,
        worker_context: &WorkerContext,
    ) -> Result<Step<Payload>, Fault> {
        self.waits = false;
        self.drop_cancelled();
        if self.working().next().is_none() {
            return Ok(Step::Settled(Vec::new()));
        }
        #[cfg(feature = "fault-injection")]
        worker_context.pass(self.kind().0, InjectionPoint::Step(0));
        let Some(state) = &mut self.state else {
            return Err(Fault::bug("a job was stepped before it began"));
        };
        let mut host = Host {
            worker_context,
            members: &mut self.members,
            version: &self.version,
        };
        let mut context = StepContext::new(&mut host);
        let in_span = self.log_span.enter();
        let began = worker_context.core.clock.now();
        let step = self.skill.step(model, &mut **state, &mut context);
        self.step_stats.steps += 1;
        self.step_stats.nanos += nanos_since(began, worker_context);
        drop(in_span);
        self.waits = matches!(step, Ok(Step::Waiting));
        step
    }

    pub(super) fn finish(&mut self, model: &mut dyn Any, worker_context: &WorkerContext) {
        let Some(state) = self.state.take() else {
            return;
        };
        #[cfg(feature = "fault-injection")]
        worker_context.pass(self.kind().0, InjectionPoint::Finish);
        let mut host = Host {
            worker_context,
            members: &mut self.members,
            version: &self.version,
        };
        let mut context = StepContext::new(&mut host);
        let in_span = self.log_span.enter();
        let outcomes = self.skill.finish(model, state, &mut context);
        drop(in_span);
        self.complete(outcomes);
        for member in &mut self.members {
            if matches!(member.standing, MemberStanding::Working) {
                member.standing = MemberStanding::Ended(super::forgotten());
            }
        }
    }

    pub(super) fn join(
        &mut self,
        model: &mut dyn Any,
        tickets: &[Arc<Ticket>],
        worker_context: &WorkerContext,
    ) -> bool {
        let before = self.members.len();
        let step_stats = self.step_stats;
        let by = worker_context.incarnation;
        let joining = tickets.iter().cloned();
        self.members
            .extend(joining.map(|ticket| JobMember::new(ticket, by, step_stats)));
        let inputs = self.inputs(before);
        let mut host = Host {
            worker_context,
            members: &mut self.members,
            version: &self.version,
        };
        let mut context = StepContext::new(&mut host);
        let Some(state) = &mut self.state else {
            return false;
        };
        let joined = self.skill.join(model, &mut **state, &inputs, &mut context);
        if !joined {
            self.members.truncate(before);
            self.joins = false;
        }
        joined
    }

    pub(super) fn complete(&mut self, outcomes: Vec<(BatchIndex, Result<Payload, Fault>)>) {
        for (member, outcome) in outcomes {
            let Some(member) = self.members.get_mut(member.0 as usize) else {
                continue;
            };
            if matches!(member.standing, MemberStanding::Working) {
                member.standing = MemberStanding::Ended(match outcome {
                    Ok(output) => ReportedResult::Output(output),
                    Err(fault) => ReportedResult::Fault(fault),
                });
            }
        }
    }

    /// Ends the whole job by a fault; gives what is to be reported.
    pub(super) fn fail(&mut self, fault: &Fault) -> Vec<Report> {
        for member in &mut self.members {
            if matches!(member.standing, MemberStanding::Working) {
                member.standing = MemberStanding::Ended(ReportedResult::Fault(fault.clone()));
            }
            member.overflow.clear();
        }
        self.reports()
    }

    /// Frees a job that has come to its end.
    ///
    /// # Errors
    /// The message of a panic: its model cannot be trusted any more.
    pub(super) fn free(mut self) -> Result<(), String> {
        panics::caught(|| drop(self.state.take()))
    }

    /// A member that nobody waits for is out of the job, although the skill may still carry it along.
    fn drop_cancelled(&mut self) {
        for member in &mut self.members {
            let works = matches!(member.standing, MemberStanding::Working);
            if works && member.ticket.is_cancelled() {
                member.overflow.clear();
                member.standing = MemberStanding::Ended(ReportedResult::Dropped);
            }
        }
    }

    /// Those that are done and whose items have all left.
    pub(super) fn reports(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for member in &mut self.members {
            member.send_overflow();
            if !member.overflow.is_empty() || !matches!(member.standing, MemberStanding::Ended(_)) {
                continue;
            }
            let standing = std::mem::replace(&mut member.standing, MemberStanding::Reported);
            let MemberStanding::Ended(result) = standing else {
                continue;
            };
            let facts = member.facts.take();
            reports.push(Report {
                task: member.ticket.id,
                result,
                facts,
                model: Some(self.version.clone()),
                usage: member.usage,
                step_stats: StepStats {
                    steps: self.step_stats.steps - member.before.steps,
                    nanos: self.step_stats.nanos - member.before.nanos,
                },
            });
        }
        reports
    }

    /// Sees to it that the worker is woken when something happens to a member: before it looks for the last time whether it has to rest.
    pub(super) fn hold(&self, worker_context: &WorkerContext) {
        self.members
            .iter()
            .for_each(|member| worker_context.hold(&member.ticket));
    }

    pub(super) fn is_over(&self) -> bool {
        self.members
            .iter()
            .all(|member| matches!(member.standing, MemberStanding::Reported))
    }

    /// Whether slow readers keep the job from going on: no member has room, or too much is kept for one of them.
    pub(super) fn is_held_up(&self) -> bool {
        let kept = self.members.iter().map(|member| member.overflow.len());
        let most = kept.max().unwrap_or(0);
        most >= OVERFLOW || most > 0 && self.working().all(|member| !member.overflow.is_empty())
    }

    /// Whether a job that waited has something to do.
    pub(super) fn can_go_on(&mut self) -> bool {
        self.members.iter_mut().for_each(JobMember::send_overflow);
        if self.is_held_up() {
            return false;
        }
        !self.waits || self.working().next().is_none() || self.working().any(JobMember::has_news)
    }

    pub(super) fn priority(&self) -> Priority {
        self.working()
            .map(|member| member.ticket.priority)
            .max()
            .unwrap_or_default()
    }

    pub(super) fn kind(&self) -> (SkillId, BatchKey) {
        self.members
            .first()
            .map_or((SkillId(0), BatchKey::default()), |member| {
                (member.ticket.skill, member.ticket.batch_key)
            })
    }

    /// How many more members a batch of at most `max_batch` has room for.
    pub(super) fn room(&self, max_batch: u32) -> u32 {
        max_batch.saturating_sub(self.working().count() as u32)
    }

    fn working(&self) -> impl Iterator<Item = &JobMember> {
        self.members
            .iter()
            .filter(|member| matches!(member.standing, MemberStanding::Working))
    }

    fn inputs(&self, from: usize) -> Vec<Payload> {
        self.members[from..]
            .iter()
            .map(|member| member.ticket.input.clone())
            .collect()
    }
}

impl Drop for Job {
    /// A job that is lost goes with its worker, and so does the panic of its destructor.
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            panics::free(state, "the state of a job");
        }
    }
}

fn nanos_since(began: Time, worker_context: &WorkerContext) -> u64 {
    worker_context.core.clock.now().since(began).as_nanos() as u64
}

impl JobMember {
    fn new(ticket: Arc<Ticket>, by: Incarnation, before: StepStats) -> Self {
        if let Some(items) = &ticket.items {
            items.begin(by);
        }
        Self {
            ticket,
            facts: Publication::default(),
            before,
            usage: Usage::default(),
            received: 0,
            by,
            has_sent: false,
            is_different: false,
            overflow: VecDeque::new(),
            standing: MemberStanding::Working,
        }
    }

    fn has_news(&self) -> bool {
        let chunks = self.ticket.chunks.as_ref();
        self.ticket.is_cancelled() || chunks.is_none_or(|chunks| chunks.has_news(self.received))
    }

    fn send_overflow(&mut self) {
        let Some(items) = &self.ticket.items else {
            return;
        };
        while let Some(item) = self.overflow.pop_front() {
            match items.push(self.by, item) {
                Pushed::Sent => {}
                Pushed::Full(item) => {
                    self.overflow.push_front(item);
                    return;
                }
                Pushed::Different => {
                    self.is_different = true;
                    self.overflow.clear();
                }
                Pushed::Refused => self.overflow.clear(),
            }
        }
    }
}
