//! Records as spans of OpenTelemetry's SDK: one for the caller and one for the agent of each task, and one for an episode.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aimass_runtime::{
    AttemptInterrupted, CallerSpan, EpisodeFinished, Namespace, Place, SpanId, SpanPlace,
    TaskFinished, TaskOutcome, TraceId,
};
use opentelemetry::trace::{
    self as otel, Event, Link, SpanContext, SpanKind, Status, TraceFlags, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::attributes::{self as names, Name, number, seconds, text};
use crate::content::Content;
use crate::conventions::{Operation, PROVIDER};
use crate::identity;

/// The kind of the error of an attempt that was cut off.
const INTERRUPTED: &str = "process_died";
/// Characters of a message that are shown.
const MESSAGE: usize = 1024;

/// A span that ended, and the agent whose service it belongs to; none is the embedder.
pub(super) struct AgentSpan {
    pub(super) agent: Option<Arc<str>>,
    pub(super) span: SpanData,
}

/// The caller's span, unless nobody called.
pub(super) fn of_caller(task: &TaskFinished) -> Option<AgentSpan> {
    let CallerSpan { span, agent } = task.caller.as_ref()?;
    let mut attributes = vec![text(names::SKILL, task.skill.clone())];
    attributes.extend(error_type(&task.outcome));
    let span = SpanData {
        name: Cow::Owned(format!("ask {}", task.skill)),
        span_kind: SpanKind::Client,
        attributes,
        status: status(&task.outcome, Content::Hidden),
        ..between(
            task.trace,
            *span,
            task.parent,
            task.accepted_ns,
            task.settled_ns,
        )
    };
    Some(AgentSpan {
        agent: agent.clone(),
        span,
    })
}

/// The agent's span, with what happened meanwhile.
pub(super) fn of_agent(task: &TaskFinished, happened: Vec<Event>, content: Content) -> AgentSpan {
    let caller = task.caller.as_ref().map(|caller| caller.span);
    let span_kind = match caller {
        Some(_) => SpanKind::Server,
        // A reaction: nobody waits for it.
        None => SpanKind::Consumer,
    };
    let leader = task.place.as_ref().and_then(|place| place.batch_leader);
    let links = [("batch", leader), ("earlier_attempt", task.earlier_attempt)];
    let links = links.map(|(why, to)| to.map(|to| link(why, to)));
    let mut events = SpanEvents::default();
    events.events = stages(task);
    events.events.extend(happened);
    events.events.sort_by_key(|event| event.timestamp);
    let span = SpanData {
        name: Cow::Owned(task.skill.to_string()),
        span_kind,
        attributes: attributes_of(task),
        events,
        links: span_links(links.into_iter().flatten()),
        status: status(&task.outcome, content),
        ..between(
            task.trace,
            task.span,
            caller.or(task.parent),
            task.accepted_ns,
            task.settled_ns,
        )
    };
    AgentSpan {
        agent: Some(task.agent.clone()),
        span,
    }
}

/// The span of an attempt that ended with its process.
pub(super) fn of_interrupted(attempt: &AttemptInterrupted) -> AgentSpan {
    let skill = &*attempt.skill;
    let mut attributes = vec![
        text(names::OPERATION, Operation::of(skill).name()),
        text(names::PROVIDER, PROVIDER),
        text(names::AGENT, attempt.agent.clone()),
        text(names::TASK, attempt.task.to_string()),
        text(names::PRIORITY, attempt.priority.to_string()),
        text(names::ERROR, INTERRUPTED),
    ];
    attributes.extend(tenant(&attempt.namespace));
    let cause = [
        attempt
            .episode
            .map(|episode| text(names::EPISODE, episode.to_string())),
        attempt.rule.clone().map(|rule| text(names::RULE, rule)),
        attempt.cause.map(|cause| number(names::CAUSE, cause.0)),
        attempt
            .redrive_of
            .map(|dead| text(names::REDRIVE_OF, dead.to_string())),
    ];
    attributes.extend(cause.into_iter().flatten());
    let mut events = SpanEvents::default();
    events.events = vec![event(names::STARTED, attempt.started_ns, Vec::new())];
    let earlier = attempt.earlier_attempt.into_iter();
    let span = SpanData {
        name: Cow::Owned(skill.to_owned()),
        span_kind: SpanKind::Consumer,
        attributes,
        events,
        links: span_links(earlier.map(|to| link("earlier_attempt", to))),
        status: Status::error("its process died"),
        ..between(
            attempt.trace,
            attempt.span,
            attempt.parent,
            attempt.accepted_ns,
            attempt.found_ns,
        )
    };
    AgentSpan {
        agent: Some(attempt.agent.clone()),
        span,
    }
}

/// An episode's span: the parent of what reacted to its input.
pub(super) fn of_episode(episode: &EpisodeFinished) -> AgentSpan {
    let mut attributes = vec![
        text(names::EPISODE, episode.episode.to_string()),
        number(names::FACTS, episode.facts),
        number(names::FAILURES, episode.failures),
    ];
    attributes.extend(tenant(&episode.namespace));
    let span = SpanData {
        name: Cow::Borrowed("episode"),
        attributes,
        ..between(
            episode.trace,
            episode.span,
            episode.parent,
            episode.begun_ns,
            episode.finished_ns,
        )
    };
    AgentSpan { agent: None, span }
}

/// Something that happened at a moment.
pub(super) fn event(name: Name, at_ns: u64, attributes: Vec<KeyValue>) -> Event {
    Event::new(name.name, at(at_ns), attributes, 0)
}

/// A moment, from nanoseconds since the Unix epoch.
pub(super) fn at(ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}

fn link(why: &'static str, to: SpanPlace) -> Link {
    let attributes = vec![text(names::LINK, why)];
    Link::new(recorded(to.trace, to.span), attributes, 0)
}

fn span_links(links: impl Iterator<Item = Link>) -> SpanLinks {
    let mut all = SpanLinks::default();
    all.links.extend(links);
    all
}

/// A message as an attribute, where messages are shown.
pub(super) fn message(said: &str, content: Content) -> Vec<KeyValue> {
    match content {
        Content::Shown => vec![text(names::MESSAGE, shortened(said))],
        Content::Hidden => Vec::new(),
    }
}

/// A span of a trace that is recorded: what is not never comes to be a span.
fn recorded(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(
        otel::TraceId::from(trace.to_u128()),
        otel::SpanId::from(span.to_u64()),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    )
}

fn between(
    trace: TraceId,
    span: SpanId,
    parent: Option<SpanId>,
    from_ns: u64,
    to_ns: u64,
) -> SpanData {
    SpanData {
        span_context: recorded(trace, span),
        parent_span_id: parent.map_or(otel::SpanId::INVALID, |parent| {
            otel::SpanId::from(parent.to_u64())
        }),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed(""),
        start_time: at(from_ns),
        end_time: at(to_ns.max(from_ns)),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope(),
    }
}

/// What makes our spans.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(identity::SCOPE)
        .with_version(identity::VERSION)
        .build()
}

fn attributes_of(task: &TaskFinished) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(20);
    all.push(text(names::OPERATION, Operation::of(&task.skill).name()));
    all.push(text(names::PROVIDER, PROVIDER));
    all.push(text(names::AGENT, task.agent.clone()));
    all.push(text(names::TASK, task.task.to_string()));
    all.push(text(names::PRIORITY, task.priority.to_string()));
    all.push(number(names::RUNS, u64::from(task.runs)));
    all.push(number(names::INPUT_BYTES, task.input_bytes));
    all.extend(tenant(&task.namespace));
    all.extend(
        task.episode
            .map(|episode| text(names::EPISODE, episode.to_string())),
    );
    all.extend(task.rule.clone().map(|rule| text(names::RULE, rule)));
    all.extend(task.cause.map(|cause| number(names::CAUSE, cause.0)));
    all.extend(
        task.redrive_of
            .map(|dead| text(names::REDRIVE_OF, dead.to_string())),
    );
    all.extend(
        task.started_ns
            .map(|started| seconds(names::QUEUE_TIME, started.saturating_sub(task.accepted_ns))),
    );
    if task.steps > 0 {
        all.push(number(names::STEPS, u64::from(task.steps)));
        all.push(seconds(names::MODEL_TIME, task.model_ns));
    }
    let tokens = [
        (names::INPUT_TOKENS, task.usage.input_tokens),
        (names::OUTPUT_TOKENS, task.usage.output_tokens),
    ];
    let counted = tokens.into_iter().filter(|(_, tokens)| *tokens > 0);
    all.extend(counted.map(|(name, tokens)| number(name, tokens)));
    if let Some(first) = task.first_item_ns {
        let after = first.saturating_sub(task.accepted_ns);
        all.push(seconds(names::FIRST_ITEM_TIME, after));
        all.push(number(names::ITEMS, task.items));
    }
    if let Some(place) = &task.place {
        all.extend(attributes_of_place(place));
    }
    all.extend(error_type(&task.outcome));
    all
}

fn attributes_of_place(place: &Place) -> impl Iterator<Item = KeyValue> {
    let model = place.model.as_ref();
    let device = place.device.as_ref();
    [
        Some(number(names::WORKER, u64::from(place.worker.0))),
        Some(number(names::EPOCH, place.epoch.0)),
        Some(number(names::BATCH, place.batch)),
        Some(number(names::BATCH_SIZE, u64::from(place.batch_size))),
        model.map(|model| text(names::MODEL, model.as_str().to_owned())),
        device.map(|device| text(names::DEVICE, device.to_string())),
    ]
    .into_iter()
    .flatten()
}

fn stages(task: &TaskFinished) -> Vec<Event> {
    [
        (names::STARTED, task.started_ns),
        (names::FIRST_ITEM, task.first_item_ns),
        (names::FINISHED, task.finished_ns),
    ]
    .into_iter()
    .filter_map(|(name, at)| Some(event(name, at?, Vec::new())))
    .collect()
}

fn tenant(namespace: &Namespace) -> Option<KeyValue> {
    (*namespace != Namespace::default()).then(|| text(names::NAMESPACE, namespace.0.clone()))
}

fn error_type(outcome: &TaskOutcome) -> Option<KeyValue> {
    match outcome {
        TaskOutcome::Done => None,
        TaskOutcome::Error { error, .. } => Some(text(names::ERROR, error.clone())),
    }
}

fn status(outcome: &TaskOutcome, content: Content) -> Status {
    match (outcome, content) {
        (TaskOutcome::Done, _) => Status::Unset,
        (TaskOutcome::Error { message, .. }, Content::Shown) => Status::error(shortened(message)),
        (TaskOutcome::Error { .. }, Content::Hidden) => Status::error(""),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE).collect()
}
