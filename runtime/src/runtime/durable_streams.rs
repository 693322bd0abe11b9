//! Durable streams: a caller who was away, or whose node was, comes back with the task's id and the number of items it has.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_environment::{SettledRecord, TaskId, TaskRecord};
use serde_json::Value;

use crate::core::call::Call;
use crate::core::ticket::{ItemLog, Keeping};
use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::runtime::Runtime;
use crate::runtime::ask::{JsonStream, RawStream, TaskStream};
use crate::runtime::outcomes::outcome_of;
use crate::skill::ServerStreaming;
use crate::task::TaskOptions;

impl Runtime {
    /// As [`Self::stream_json`], of a task that outlives its listener and its process: [`Self::resume_stream_json`] finds it again.
    ///
    /// # Errors
    /// As [`Self::ask_json`]; [`TaskError::Rejected`] when the skill's stream cannot go on.
    pub async fn stream_json_durable(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<JsonStream, TaskError> {
        let call = self.decode(skill, input, options)?;
        Ok(JsonStream::new(skill, self.listen_durably(call).await?))
    }

    /// Listens to a durable stream again, from the item number `position` on: one that is under way, or is taken up again after a restart, or has ended. What is not
    /// kept of its items is made again. Another listener hears that this one has taken its place.
    ///
    /// # Errors
    /// [`TaskError::Refused`] when there is no such stream; [`TaskError::Rejected`] when the task is of another skill,
    /// [`TaskError::UnknownSkill`] when no agent has its skill any more.
    pub async fn resume_stream<S: ServerStreaming>(
        &self,
        task: TaskId,
        position: u64,
    ) -> Result<TaskStream<S>, TaskError> {
        // Before anybody's place is taken.
        let skill = self.skill_of_stream(task)?;
        if skill != S::NAME {
            return Err(TaskError::Rejected {
                skill: S::NAME.to_owned(),
                message: format!("task {task} is one of `{skill}`"),
            });
        }
        let stream = self.listen_again(task, position).await?;
        Ok(TaskStream::new(stream))
    }

    /// As [`Self::resume_stream`], in JSON.
    ///
    /// # Errors
    /// As [`Self::resume_stream`].
    pub async fn resume_stream_json(
        &self,
        task: TaskId,
        position: u64,
    ) -> Result<JsonStream, TaskError> {
        let stream = self.listen_again(task, position).await?;
        let skill = stream.skill_name();
        Ok(JsonStream::new(&skill, stream))
    }

    /// Cancels a durable stream that is under way. Returns whether there was one.
    pub fn cancel_stream(&self, task: TaskId) -> bool {
        let found = self.inner.durable_streams.find(task);
        let core = found.and_then(|stream| stream.core.upgrade());
        core.map(|core| core.cancel(task)).is_some()
    }

    pub(crate) async fn listen_durably(&self, mut call: Call) -> Result<RawStream, TaskError> {
        let route = self.inner.router.find(&call.skill)?;
        if !route.skill().dyn_skill.spec().continues {
            return Err(TaskError::Rejected {
                skill: call.skill.to_string(),
                message: "its stream cannot go on in another process; ask without durability"
                    .to_owned(),
            });
        }
        let keeping = match call.options.keep_items {
            true => Keeping::PastItsEnd,
            false => Keeping::All,
        };
        let items = ItemLog::new(keeping, 0);
        let reader = items.reader();
        call.items = Some(items);
        let pending = self.call_durable(call).await?;
        let ticket = pending.ticket.clone();
        pending.let_go();
        Ok(RawStream::attached(
            reader,
            ticket,
            Arc::downgrade(&route.core),
        ))
    }

    async fn listen_again(&self, task: TaskId, position: u64) -> Result<RawStream, TaskError> {
        loop {
            // Seen from here on: what changes while this looks is not missed.
            let change = self.inner.durable_streams.change();
            tokio::pin!(change);
            change.as_mut().enable();
            if let Some(stream) = self.inner.durable_streams.find(task) {
                let items = stream.ticket.items.as_ref();
                if let Some(reader) = items.and_then(|items| items.read(position)) {
                    return Ok(RawStream::attached(reader, stream.ticket, stream.core));
                }
                let record = self.unsettled_stream(task)?;
                if let Some(record) = record {
                    return self.make_again(&record, position);
                }
            }
            if let Some(stream) = self.inner.durable_streams.find_kept(task) {
                let items = stream.ticket.items.as_ref();
                if let Some(reader) = items.and_then(|items| items.read(position)) {
                    return Ok(RawStream::attached(reader, stream.ticket, stream.core));
                }
            }
            let snapshot = self.inner.environment.snapshot()?;
            if let Some(settled) = snapshot.settled(task)? {
                return self.listen_to_settled(task, settled, position);
            }
            let record = self.unsettled_stream(task)?;
            let record = record.ok_or_else(|| no_stream(task))?;
            self.inner.router.find(&record.skill)?;
            if self.inner.closing.load(Ordering::Acquire) {
                return Err(TaskError::ShuttingDown {
                    skill: record.skill,
                });
            }
            // An earlier process accepted it, and it waits for room at its agent.
            change.await;
        }
    }

    /// The skill of a durable stream, be it under way or ended.
    fn skill_of_stream(&self, task: TaskId) -> Result<String, TaskError> {
        if let Some(stream) = self.inner.durable_streams.find(task) {
            return Ok(stream.ticket.skill_name.to_string());
        }
        if let Some(record) = self.unsettled_stream(task)? {
            return Ok(record.skill);
        }
        let settled = self.inner.environment.snapshot()?.settled(task)?;
        let streamed = settled.and_then(|settled| settled.streamed);
        let record = streamed.ok_or_else(|| no_stream(task))?;
        Ok(record.skill)
    }

    fn unsettled_stream(&self, task: TaskId) -> Result<Option<TaskRecord>, TaskError> {
        let record = self.inner.environment.snapshot()?.task(task)?;
        Ok(record.filter(|record| record.streams))
    }

    fn listen_to_settled(
        &self,
        task: TaskId,
        settled: SettledRecord,
        position: u64,
    ) -> Result<RawStream, TaskError> {
        let record = settled.streamed.clone().ok_or_else(|| no_stream(task))?;
        outcome_of(settled)?;
        self.make_again(&record, position)
    }

    /// Asks again for the items of a task that are not kept. It is another task, which nobody finds by the first one's id, and which costs nothing but its work.
    fn make_again(&self, record: &TaskRecord, position: u64) -> Result<RawStream, TaskError> {
        let options = TaskOptions {
            priority: record.priority,
            namespace: Some(record.namespace.clone()),
            ..TaskOptions::default()
        };
        let mut call = self.decode(&record.skill, record.input.clone(), options)?;
        let items = ItemLog::new(Keeping::All, position);
        let reader = items.reader();
        call.items = Some(items);
        Ok(RawStream::new(reader, self.call(call)?))
    }
}

fn no_stream(task: TaskId) -> TaskError {
    TaskError::Refused {
        kind: FaultKind::Rejected,
        message: format!(
            "expected the task of a durable stream, got {task}, which was never one or is past retention"
        ),
    }
}
