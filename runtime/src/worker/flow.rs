//! Flows: async skills that ask other skills. A flow's worker is an async task; ledger, deadlines, retries and dead letters are those
//! of every other task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aimass_environment::{Environment, FactDraft, Namespace, Time, panics::Caught};
use parking_lot::Mutex;
use serde_json::Value;
use tracing::Instrument;

use crate::core::publication::Publication;
use crate::core::ticket::{Pushed, ReplayBuffer, Ticket};
use crate::core::worker_context::{Next, WorkerContext};
use crate::core::{AgentCore, Report, ReportedResult, StepStats};
use crate::error::TaskError;
use crate::fault::Fault;
#[cfg(feature = "fault-injection")]
use crate::fault_injector::InjectionPoint;
use crate::ledger::event::{Event, Incarnation};
use crate::payload::Payload;
use crate::skill::context::{BoxFuture, FlowContext, FlowHost};
use crate::skill::erased::DynFlow;
use crate::skill::operation::Operation;
use crate::skill::views::Views;
use crate::usage::Usage;
use crate::worker::job::different;
use aimass_environment::ModelVersion;

/// How many calls of one flow, those from within other flows left out, an agent carries forward at once.
pub(crate) const FLOW_WORKERS: u32 = 32;

/// Lives one incarnation of a flow's worker.
pub(crate) async fn live(dyn_skill: Arc<dyn DynFlow>, worker_context: WorkerContext) {
    let served = Caught::new(Box::pin(serve(&dyn_skill, &worker_context))).await;
    match served.and_then(|ended| ended) {
        Ok(()) => worker_context.stopped(),
        Err(message) => worker_context.panicked(message),
    }
}

/// Carries flows until it is told to stop.
///
/// # Errors
/// The message of a panic.
async fn serve(dyn_skill: &Arc<dyn DynFlow>, worker_context: &WorkerContext) -> Result<(), String> {
    worker_context.ready(&ModelVersion::new("none"));
    while !worker_context.is_stopped() {
        match worker_context.take() {
            Next::Wait(until) => worker_context.wait_async(until).await,
            Next::Run(tickets) => {
                // A flow is not stepped: its deadline bounds it, no watchdog does.
                worker_context.report(Vec::new());
                for ticket in tickets {
                    if let Err(fault) = worker_context
                        .note_begin(std::slice::from_ref(&ticket))
                        .await
                    {
                        worker_context.report(vec![Report {
                            task: ticket.id,
                            result: ReportedResult::Fault(fault),
                            facts: Vec::new(),
                            model: None,
                            usage: Usage::default(),
                            step_stats: StepStats::default(),
                        }]);
                        continue;
                    }
                    carry(dyn_skill, worker_context, &ticket).await?;
                }
            }
        }
    }
    Ok(())
}

/// Carries one flow to its end.
///
/// # Errors
/// The message of a panic.
async fn carry(
    dyn_skill: &Arc<dyn DynFlow>,
    worker_context: &WorkerContext,
    ticket: &Arc<Ticket>,
) -> Result<(), String> {
    ticket.begin_models();
    if let Some(items) = &ticket.items {
        items.begin(worker_context.incarnation);
    }
    let host = Arc::new(Host {
        ticket: ticket.clone(),
        core: worker_context.core.clone(),
        incarnation: worker_context.incarnation,
        facts: Mutex::default(),
        received: AtomicUsize::new(0),
        has_sent: AtomicBool::new(false),
        given_up: Mutex::new(None),
        cut_off: AtomicBool::new(false),
    });
    let run = Caught::new(dyn_skill.run(&ticket.input, FlowContext::new(host.clone())));
    let run = run.instrument(ticket.log_span());
    let result = tokio::select! {
        biased;
        () = ticket.cancellation() => ReportedResult::Dropped,
        outcome = run => match outcome? {
            // Whatever the flow made of it: at the next start the whole of it can be done.
            _ if host.cut_off.load(Ordering::Acquire) => ReportedResult::CutOff,
            Ok(output) => ReportedResult::Output(output),
            Err(fault) => match host.given_up.lock().take() {
                Some(cause) => ReportedResult::Poisoned(cause),
                None => ReportedResult::Fault(fault),
            },
        },
    };
    let facts = host.facts.lock().take();
    worker_context.report(vec![Report {
        task: ticket.id,
        result,
        facts,
        model: None,
        usage: Usage::default(),
        step_stats: StepStats::default(),
    }]);
    Ok(())
}

/// What a flow sees of the runtime.
struct Host {
    ticket: Arc<Ticket>,
    core: Arc<AgentCore>,
    incarnation: Incarnation,
    facts: Mutex<Publication>,
    /// How many chunks this attempt has heard.
    received: AtomicUsize,
    /// The ledger knows that this attempt has sent an item.
    has_sent: AtomicBool,
    /// Why something that it asked for was given up, if so: when it fails, it is given up with it, so that the whole work can be redriven.
    given_up: Mutex<Option<String>>,
    /// The end of the runtime has cut off something that it asked for.
    cut_off: AtomicBool,
}

impl Host {
    async fn ask_within(&self, skill: &str, input: Input) -> Result<Payload, TaskError> {
        let asked = self.asked(skill, input).await;
        asked.inspect_err(|error| match error {
            TaskError::DeadLettered { .. } => *self.given_up.lock() = Some(error.to_string()),
            TaskError::ShuttingDown { .. } => self.cut_off.store(true, Ordering::Release),
            _ => {}
        })
    }

    async fn asked(&self, skill: &str, input: Input) -> Result<Payload, TaskError> {
        let submitter = self.core.submitter.get().and_then(std::sync::Weak::upgrade);
        let submitter = submitter.ok_or_else(|| TaskError::ShuttingDown {
            skill: skill.to_owned(),
        })?;
        let input = match input {
            Input::Typed(input) => input,
            Input::Json(input) => submitter.decode(skill, input)?,
        };
        submitter
            .ask_within(&self.core.name, &self.ticket, skill, input)
            .await
    }
}

/// What a flow asks with.
enum Input {
    Typed(Payload),
    Json(Value),
}

impl FlowHost for Host {
    fn now(&self) -> Time {
        self.core.clock.now()
    }

    fn deadline(&self) -> Option<Time> {
        (self.ticket.deadline != Time::NEVER).then_some(self.ticket.deadline)
    }

    fn ask(&self, skill: &str, input: Payload) -> BoxFuture<'_, Result<Payload, TaskError>> {
        let skill = skill.to_owned();
        Box::pin(async move { self.ask_within(&skill, Input::Typed(input)).await })
    }

    fn ask_json(&self, skill: &str, input: Value) -> BoxFuture<'_, Result<Value, TaskError>> {
        let skill = skill.to_owned();
        Box::pin(async move {
            let output = self.ask_within(&skill, Input::Json(input)).await?;
            output
                .to_json()
                .map_err(|message| TaskError::Bug { skill, message })
        })
    }

    fn emit(&self, item: Payload) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            #[cfg(feature = "fault-injection")]
            if let Some(injector) = &self.core.injector {
                injector.pass(&self.ticket.skill_name, InjectionPoint::Step(0));
            }
            let Some(items) = &self.ticket.items else {
                return Ok(());
            };
            let (by, task) = (self.incarnation, self.ticket.id);
            if items.is_at_its_end() && !self.has_sent.swap(true, Ordering::AcqRel) {
                self.core
                    .with_state(|state, now, effects| state.item_sent(by, task, now, effects));
                self.ticket.chunks.iter().for_each(ReplayBuffer::forget);
            }
            let could_go_on = items.can_go_on();
            let mut item = item;
            loop {
                let room = items.room();
                tokio::pin!(room);
                room.as_mut().enable();
                match items.push(by, item) {
                    Pushed::Sent => break,
                    Pushed::Full(back) => item = back,
                    Pushed::Different => {
                        self.core.tell(Event::Unrepeatable { by, task });
                        return Err(different());
                    }
                    Pushed::Refused => {
                        return Err(Fault::rejected("nobody waits for this task any more"));
                    }
                }
                room.await;
            }
            if could_go_on && !items.can_go_on() {
                self.core.tell(Event::Unrepeatable { by, task });
            }
            Ok(())
        })
    }

    fn delivered(&self) -> Vec<Payload> {
        let items = self.ticket.items.as_ref();
        items.map_or_else(Vec::new, |items| items.delivered(self.incarnation))
    }

    fn publish(&self, fact: FactDraft) -> Result<(), Fault> {
        self.facts.lock().add(fact, &self.core, &self.ticket)
    }

    fn next_chunk(&self) -> BoxFuture<'_, Option<Payload>> {
        Box::pin(async move {
            let chunks = self.ticket.chunks.as_ref()?;
            let could_start_over = chunks.can_rewind();
            let chunk = chunks.recv(self.received.load(Ordering::Acquire)).await?;
            self.received.fetch_add(1, Ordering::AcqRel);
            if could_start_over && !chunks.can_rewind() {
                let (by, task) = (self.incarnation, self.ticket.id);
                self.core.tell(Event::Unrepeatable { by, task });
            }
            Some(chunk)
        })
    }

    fn environment(&self) -> &Environment {
        &self.core.environment
    }

    fn namespace(&self) -> &Namespace {
        &self.ticket.metadata.namespace
    }

    fn is_cancelled(&self) -> bool {
        self.ticket.is_cancelled()
    }

    fn skill_for(&self, operation: Operation) -> Option<String> {
        let submitter = self.core.submitter.get().and_then(std::sync::Weak::upgrade);
        submitter.and_then(|submitter| submitter.skill_for(operation))
    }

    fn views(&self) -> Views {
        let submitter = self.core.submitter.get().and_then(std::sync::Weak::upgrade);
        // A runtime that is gone has nobody left who reads what the flow shows.
        submitter.map_or_else(Views::default, |submitter| submitter.views())
    }
}
