//! What one transaction may change, and what the environment keeps besides facts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attempts::{AttemptRecord, BeginningAttempt};
use crate::deaths::{Deaths, Running};
use crate::effect::Effect;
use crate::fact::{FactDraft, Provenance};
use crate::ids::{EpisodeId, Namespace, Revision, SpanId, TaskId, TraceId};
use crate::priority::Priority;

/// The cursor whose facts count for whether an episode is idle: it is not while one of its facts waits for its reactions.
pub const REACTIONS_CURSOR: &str = "reactions";

/// What is committed together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// The tenant of its facts and conditions.
    pub namespace: Namespace,
    /// The episode of its facts.
    pub episode: Option<EpisodeId>,
    /// Episodes that begin; one that exists already stays as it is.
    pub begins: Vec<EpisodeRecord>,
    /// What must hold, or nothing of the transaction happens.
    pub conditions: Vec<Condition>,
    /// What is appended, in this order.
    pub facts: Vec<(FactDraft, Provenance)>,
    /// Tasks that are accepted. One that was accepted or settled before is skipped and named in [`Commit::known`].
    pub accepted: Vec<TaskRecord>,
    /// Tasks of which an attempt begins.
    pub attempts: Vec<BeginningAttempt>,
    /// Whether tasks run, and how. Those that are not there, or settled, are passed over.
    pub running: Vec<(TaskId, Running)>,
    /// Tasks that are settled. One that is settled already refuses the whole transaction.
    pub settled: Vec<SettledRecord>,
    /// Tasks that are given up, to be kept with input and cause.
    pub dead_letters: Vec<DeadLetterRecord>,
    /// Dead letters that were given another chance, each with the task that is its redrive.
    pub redriven: Vec<(TaskId, TaskId)>,
    /// Dead letters that nobody needs any more.
    pub removed_letters: Vec<TaskId>,
    /// How far each named reader has come. A cursor never goes back, nor ahead of the log.
    pub cursors: Vec<(String, Revision)>,
    /// Episodes of which nothing more is expected until new input comes.
    pub finishes: Vec<EpisodeId>,
}

/// Compare-and-set: the latest fact of a key must be this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The key, in the transaction's namespace.
    pub key: String,
    /// The revision of its latest fact; none when there must be no such fact.
    pub expected: Option<Revision>,
}

/// What a transaction did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// The revisions of its facts, in their order.
    pub revisions: Vec<Revision>,
    /// Tasks that it wanted accepted and that were accepted or settled before: `AlreadyKnown`.
    pub known: Vec<TaskId>,
    /// Each episode that it touched, as it is after the transaction.
    pub episodes: Vec<EpisodeStatus>,
}

impl Commit {
    /// Whether the episode has nothing under way after this transaction; no when the transaction did not touch it.
    pub fn is_idle(&self, id: EpisodeId) -> bool {
        self.episode(id).is_some_and(EpisodeStatus::is_idle)
    }

    /// The episode as the transaction left it; none when the transaction did not touch it.
    pub fn episode(&self, id: EpisodeId) -> Option<&EpisodeStatus> {
        self.episodes.iter().find(|status| status.record.id == id)
    }
}

/// An accepted task, as it is found again after the process died.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The task.
    pub id: TaskId,
    /// The tenant.
    pub namespace: Namespace,
    /// The episode that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeId>,
    /// The skill's whole name.
    pub skill: String,
    /// The input as JSON.
    pub input: Value,
    /// What running it twice would mean.
    pub effect: Effect,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// When its caller stops waiting, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// When it was accepted, in milliseconds since the Unix epoch. The environment fills it in.
    #[serde(default)]
    pub accepted_ms: u64,
    /// How many attempts it may have; none for the agent's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// How many attempts have begun.
    #[serde(default)]
    pub attempts: u32,
    /// How the processes ended that ran it.
    #[serde(default, skip_serializing_if = "Deaths::is_none")]
    pub deaths: Deaths,
    /// The trace it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// The span of its first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
    /// The attempt that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptRecord>,
    /// The span of an earlier process's attempt; whoever takes it up again links to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<SpanId>,
    /// The span that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpanId>,
    /// The rule whose reaction it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The fact that it reacts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Revision>,
    /// The dead letter whose redrive it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<TaskId>,
    /// The flow's task that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<TaskId>,
    /// Whether its caller records the trace.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub sampled: bool,
    /// Whether its caller listens to its items, and may come back for them.
    #[serde(default, skip_serializing_if = "is_no")]
    pub streams: bool,
}

fn is_no(it: &bool) -> bool {
    !*it
}

fn yes() -> bool {
    true
}

fn is_yes(it: &bool) -> bool {
    *it
}

impl TaskRecord {
    /// A pure task of normal priority, without deadline and episode.
    pub fn new(id: TaskId, skill: impl Into<String>, input: Value) -> Self {
        Self {
            id,
            namespace: Namespace::default(),
            episode: None,
            skill: skill.into(),
            input,
            effect: Effect::Pure,
            priority: Priority::default(),
            deadline_ms: None,
            accepted_ms: 0,
            max_attempts: None,
            attempts: 0,
            deaths: Deaths::default(),
            trace: None,
            span: None,
            attempt: None,
            earlier: None,
            parent: None,
            rule: None,
            cause: None,
            redrive_of: None,
            asked_by: None,
            sampled: true,
            streams: false,
        }
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettledRecord {
    /// The task.
    pub task: TaskId,
    /// Its output or its error, as JSON.
    pub outcome: Value,
    /// The episode that waited for it. The environment fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeId>,
    /// When, in milliseconds since the Unix epoch. The environment fills it in.
    #[serde(default)]
    pub at_ms: u64,
    /// The task that is its redrive, when it was a dead letter: that one's outcome counts. The environment fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<TaskId>,
    /// The task itself, of one that streams: its items can be made again. The environment fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streamed: Option<Box<TaskRecord>>,
}

impl SettledRecord {
    /// The settlement of `task`.
    pub fn new(task: TaskId, outcome: Value) -> Self {
        Self {
            task,
            outcome,
            episode: None,
            at_ms: 0,
            redriven_as: None,
            streamed: None,
        }
    }
}

/// A task that was given up, with what is needed to understand and to redrive it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetterRecord {
    /// The task with its input and its attempts.
    pub task: TaskRecord,
    /// Why it was given up, as JSON.
    pub cause: Value,
    /// When, in milliseconds since the Unix epoch. The environment fills it in.
    #[serde(default)]
    pub at_ms: u64,
    /// The task that is its redrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<TaskId>,
}

impl DeadLetterRecord {
    /// The task that was given up, and why.
    pub fn new(task: TaskRecord, cause: Value) -> Self {
        Self {
            task,
            cause,
            at_ms: 0,
            redriven_as: None,
        }
    }
}

/// An episode when it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpisodeRecord {
    /// The episode.
    pub id: EpisodeId,
    /// The tenant.
    pub namespace: Namespace,
    /// When it began, in milliseconds since the Unix epoch. The environment fills it in.
    #[serde(default)]
    pub at_ms: u64,
    /// Whatever whoever began it wants to find again with it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub about: Value,
}

impl EpisodeRecord {
    /// An episode of the default namespace.
    pub fn new(id: EpisodeId) -> Self {
        Self {
            id,
            namespace: Namespace::default(),
            at_ms: 0,
            about: Value::Null,
        }
    }
}

/// An episode at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpisodeStatus {
    /// How it began.
    pub record: EpisodeRecord,
    /// How many of its tasks are accepted and not settled.
    pub outstanding: u64,
    /// How many of its facts wait for their reactions.
    pub pending_reactions: u64,
    /// Which round it is in: the first input begins round 1, and input into an idle episode the next one.
    pub round: u64,
    /// How many facts it has had.
    pub facts: u64,
    /// How many tasks its facts have led to by reactions.
    pub reactions_fired: u64,
    /// Whether a transaction has said that nothing more is expected in this round.
    pub done: bool,
}

impl EpisodeStatus {
    pub(crate) fn begun(record: EpisodeRecord) -> Self {
        Self {
            record,
            outstanding: 0,
            pending_reactions: 0,
            round: 0,
            facts: 0,
            reactions_fired: 0,
            done: false,
        }
    }

    /// Whether nothing is under way: no task is outstanding, and no fact waits for its reactions.
    pub fn is_idle(&self) -> bool {
        self.outstanding == 0 && self.pending_reactions == 0
    }
}
