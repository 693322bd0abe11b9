//! What can be asked through a transport.

use std::path::PathBuf;

use aimass_environment::{BlobHash, EpisodeId, FactFilter, Namespace, Revision, TaskId, UploadId};
use aimass_locale::Locale;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::{TaskOptions, TraceContext};

/// One thing that a runtime is asked for. The reply is JSON; a request that gives many things sends each as an item.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// One task. Items: those of the skill. Reply: its output.
    Ask {
        /// The whole name of the skill.
        skill: String,
        /// Its input.
        input: Value,
        /// What else is said about the task.
        #[serde(default)]
        options: Box<TaskOptions>,
    },
    /// One task of a skill that takes chunks. Items: first the id by which the stream is called, then those of the skill. Reply: its output.
    Open {
        /// The whole name of the skill.
        skill: String,
        /// Its input.
        input: Value,
        /// What else is said about the task.
        #[serde(default)]
        options: Box<TaskOptions>,
    },
    /// One durable task of a skill whose stream continues: it goes on when its caller or its node is gone. Items: first its id, then those of the
    /// skill. Reply: its output.
    Stream {
        /// The whole name of the skill.
        skill: String,
        /// Its input.
        input: Value,
        /// What else is said about the task.
        #[serde(default)]
        options: Box<TaskOptions>,
    },
    /// A durable stream once more, under way or ended. Items: those from `position` on. Reply: its output.
    Follow {
        /// The stream's task.
        task: TaskId,
        /// How many of its items the caller has.
        #[serde(default)]
        position: u64,
    },
    /// Cancels a durable stream that is under way. Reply: whether there was one.
    CancelStream {
        /// The stream's task.
        task: TaskId,
    },
    /// A chunk for a stream that is open. Reply: nothing, once there is room for it; so the next one is best sent after that.
    Chunk {
        /// The stream.
        stream: TaskId,
        /// The chunk.
        chunk: Value,
    },
    /// All chunks of a stream were sent. Reply: nothing.
    End {
        /// The stream.
        stream: TaskId,
    },
    /// One episode over files. Items: its facts, as they come. Reply: its id, its failures, the inputs that were refused, and
    /// the facts that no agent handles.
    Run {
        /// Files and folders, by their absolute paths.
        paths: Vec<PathBuf>,
        /// The tenant; none for the configured one.
        #[serde(default)]
        namespace: Option<Namespace>,
        /// The caller's span, which becomes the parent of the episode's.
        #[serde(default)]
        trace: Option<TraceContext>,
    },
    /// One episode that was begun before, whoever began it. Items: its facts from the first one, and those that still come. Reply: as that of
    /// [`Self::Run`], without the inputs that were refused: only who began it heard of them.
    Resume {
        /// Which one; when none is named, the last one begun whose end nobody has waited for.
        #[serde(default)]
        episode: Option<EpisodeId>,
    },
    /// Items: the spec of each skill. Reply: how many there are.
    Skills,
    /// Items: each agent with its state. Reply: how many there are.
    Agents,
    /// Items: each part of the runtime with its state, the supervisor first. Reply: how many there are.
    Services,
    /// Reply: what the team is doing now, from a node that keeps a live view. A runtime alone keeps none.
    Live,
    /// Items: each fact that fits, in the order of their revisions. Reply: how many there are.
    Facts {
        /// Which ones.
        #[serde(default)]
        filter: FactFilter,
    },
    /// Reply: the fact.
    Fact {
        /// Its place in the total order.
        revision: Revision,
    },
    /// Items: each of the facts as people are shown it, by the views of the agents; facts that are gone are left out. Reply: how many there were.
    Show {
        /// The facts.
        revisions: Vec<Revision>,
        /// Only those of this tenant.
        #[serde(default)]
        namespace: Option<Namespace>,
        /// The language.
        #[serde(default)]
        locale: Locale,
    },
    /// One part of a blob. Parts come in their order, each once there is a reply to the one before
    /// it; an upload that has failed, or whose call was dropped, begins again under another id.
    /// Reply: nothing; to the last part, the blob's `hash` and its `bytes`, and an input may name it
    /// as `blob:HASH` from then on. [`put_blob`](crate::put_blob) sends them all.
    ///
    /// There are [limits](aimass_environment::Environment::put_blob_part) to how many uploads are
    /// open, and how large a blob may be.
    PutBlob {
        /// The upload, by an id that the caller has chosen at random.
        upload: UploadId,
        /// How many bytes of the blob come before this part.
        #[serde(default)]
        position: u64,
        /// Whether the blob ends with it.
        #[serde(default)]
        is_last: bool,
        /// Its content, which does not become JSON: over a socket it travels behind it, in one frame
        /// of at most 16 MiB.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// A blob's content. Items: its bytes in their order, at most 1 MiB each. Reply: how many bytes
    /// the blob has, whatever part of it was asked for.
    ///
    /// The bytes of a whole blob are [checked](aimass_environment::BlobReader) on the way, those of a
    /// part are not. [`read_blob`](crate::read_blob) reads a whole one.
    ReadBlob {
        /// The blob.
        hash: BlobHash,
        /// The first byte.
        #[serde(default)]
        position: u64,
        /// How many bytes at most; none for all that follow.
        #[serde(default)]
        length: Option<u64>,
    },
    /// Writes the facts that fit into a file, as JSON Lines. Reply: how many there are.
    Export {
        /// Which ones.
        #[serde(default)]
        filter: FactFilter,
        /// The file, by its absolute path; it is made, and replaced where it exists.
        into: PathBuf,
    },
    /// Appends what an export wrote. Reply: how many facts and blobs came.
    Import {
        /// The file, by its absolute path.
        from: PathBuf,
    },
    /// Removes an episode with all that belongs to it. Reply: how much went.
    Forget {
        /// Which one.
        episode: EpisodeId,
    },
    /// Items: each dead letter. Reply: how many there are.
    DeadLetters,
    /// Reply: the dead letter.
    DeadLetter {
        /// Its task.
        task: TaskId,
    },
    /// Removes a dead letter that nobody needs any more. Reply: nothing.
    RemoveDeadLetter {
        /// Its task.
        task: TaskId,
    },
    /// Asks the dead letter's skill again, with the same input. Reply: the new task's id, and its output.
    Redrive {
        /// Its task.
        task: TaskId,
    },
}

impl Request {
    /// Returns the bytes that travel beside the JSON.
    pub(super) fn attachment(&self) -> &[u8] {
        match self {
            Self::PutBlob { bytes, .. } => bytes,
            _ => &[],
        }
    }

    /// Returns where such bytes go, if the request has any.
    pub(super) fn attachment_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::PutBlob { bytes, .. } => Some(bytes),
            _ => None,
        }
    }
}
