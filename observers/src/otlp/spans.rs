//! Records as spans of the OpenTelemetry protocol: one for the caller and one for the agent of each task, and one for an episode.

use std::sync::Arc;

use aimass_runtime::{
    CallerSpan, EpisodeFinished, Namespace, Place, SpanId, SpanPlace, TaskFinished, TaskOutcome,
    TraceId,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};

use super::attributes::{self as names, Name, number, seconds, text};
use crate::content::Content;

/// The W3C flag of a trace that is recorded.
const SAMPLED: u32 = 1;
/// Characters of a message that are shown.
const MESSAGE: usize = 1024;

/// A span, and the agent whose service it belongs to; none is the embedder.
pub(super) struct Told {
    pub(super) agent: Option<Arc<str>>,
    pub(super) span: Span,
}

/// The caller's span, unless nobody called.
pub(super) fn of_caller(task: &TaskFinished) -> Option<Told> {
    let CallerSpan { span, agent } = task.caller.as_ref()?;
    let mut attributes = vec![text(names::SKILL, &*task.skill)];
    attributes.extend(error_type(&task.outcome));
    let span = Span {
        name: format!("ask {}", task.skill),
        kind: SpanKind::Client as i32,
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
    Some(Told {
        agent: agent.clone(),
        span,
    })
}

/// The agent's span, with what happened meanwhile.
pub(super) fn of_agent(task: &TaskFinished, happened: Vec<Event>, content: Content) -> Told {
    let caller = task.caller.as_ref().map(|caller| caller.span);
    let kind = match caller {
        Some(_) => SpanKind::Server,
        // A reaction: nobody waits for it.
        None => SpanKind::Consumer,
    };
    let leader = task.place.as_ref().and_then(|place| place.batch_leader);
    let links = [("batch", leader), ("first_attempt", task.first_attempt)];
    let links = links.map(|(why, to)| to.map(|to| link(why, to)));
    let mut events = stages(task);
    events.extend(happened);
    events.sort_by_key(|event| event.time_unix_nano);
    let parent = caller.or(task.parent);
    let span = Span {
        name: task.skill.to_string(),
        kind: kind as i32,
        attributes: attributes_of(task),
        events,
        links: links.into_iter().flatten().collect(),
        status: status(&task.outcome, content),
        ..between(
            task.trace,
            task.span,
            parent,
            task.accepted_ns,
            task.settled_ns,
        )
    };
    Told {
        agent: Some(task.agent.clone()),
        span,
    }
}

/// An episode's span: the parent of what reacted to its input.
pub(super) fn of_episode(episode: &EpisodeFinished) -> Told {
    let mut attributes = vec![
        text(names::EPISODE, episode.episode.to_string()),
        number(names::FACTS, episode.facts),
        number(names::FAILURES, episode.failures),
    ];
    attributes.extend(tenant(&episode.namespace));
    let span = Span {
        name: "episode".to_owned(),
        kind: SpanKind::Internal as i32,
        attributes,
        ..between(
            episode.trace,
            episode.span,
            episode.parent,
            episode.begun_ns,
            episode.finished_ns,
        )
    };
    Told { agent: None, span }
}

/// Something that happened at a moment.
pub(super) fn event(name: Name, at_ns: u64, attributes: Vec<KeyValue>) -> Event {
    Event {
        time_unix_nano: at_ns,
        name: name.name.to_owned(),
        attributes,
        dropped_attributes_count: 0,
    }
}

fn link(why: &str, to: SpanPlace) -> Link {
    Link {
        trace_id: trace_bytes(to.trace),
        span_id: span_bytes(to.span),
        attributes: vec![text(names::LINK, why)],
        flags: SAMPLED,
        ..Link::default()
    }
}

/// A message as an attribute, where messages are shown.
pub(super) fn message(said: &str, content: Content) -> Vec<KeyValue> {
    match content {
        Content::Shown => vec![text(names::MESSAGE, shortened(said))],
        Content::Hidden => Vec::new(),
    }
}

fn between(trace: TraceId, span: SpanId, parent: Option<SpanId>, from_ns: u64, to_ns: u64) -> Span {
    Span {
        trace_id: trace_bytes(trace),
        span_id: span_bytes(span),
        parent_span_id: parent.map(span_bytes).unwrap_or_default(),
        flags: SAMPLED,
        start_time_unix_nano: from_ns,
        end_time_unix_nano: to_ns.max(from_ns),
        ..Span::default()
    }
}

fn attributes_of(task: &TaskFinished) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(20);
    all.push(text(names::OPERATION, operation(&task.skill)));
    all.push(text(names::PROVIDER, "aimass"));
    all.push(text(names::AGENT, &*task.agent));
    all.push(text(names::TASK, task.task.to_string()));
    all.push(text(names::PRIORITY, task.priority.to_string()));
    all.push(number(names::RUNS, u64::from(task.runs)));
    all.push(number(names::INPUT_BYTES, task.input_bytes));
    all.extend(tenant(&task.namespace));
    all.extend(
        task.episode
            .map(|episode| text(names::EPISODE, episode.to_string())),
    );
    all.extend(task.rule.as_ref().map(|rule| text(names::RULE, &**rule)));
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
        model.map(|model| text(names::MODEL, model.as_str())),
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

/// The operation of OpenTelemetry's conventions for generative AI that a skill comes nearest to.
pub(crate) fn operation(skill: &str) -> &'static str {
    match skill.rsplit('.').next() {
        Some("embed") => "embeddings",
        Some("chat") => "chat",
        _ => "invoke_agent",
    }
}

fn tenant(namespace: &Namespace) -> Option<KeyValue> {
    (*namespace != Namespace::default()).then(|| text(names::NAMESPACE, &*namespace.0))
}

fn error_type(outcome: &TaskOutcome) -> Option<KeyValue> {
    match outcome {
        TaskOutcome::Done => None,
        TaskOutcome::Error { error, .. } => Some(text(names::ERROR, error.as_str())),
    }
}

fn status(outcome: &TaskOutcome, content: Content) -> Option<Status> {
    let TaskOutcome::Error { message, .. } = outcome else {
        return None;
    };
    let message = match content {
        Content::Shown => shortened(message),
        Content::Hidden => String::new(),
    };
    let code = StatusCode::Error as i32;
    Some(Status { message, code })
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE).collect()
}

pub(super) fn trace_bytes(trace: TraceId) -> Vec<u8> {
    trace.to_u128().to_be_bytes().to_vec()
}

pub(super) fn span_bytes(span: SpanId) -> Vec<u8> {
    span.to_u64().to_be_bytes().to_vec()
}
