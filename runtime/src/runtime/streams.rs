//! Streaming calls: items on their way back, chunks on their way in. They are volatile: a live stream cannot outlive its process.

use serde_json::Value;

use crate::core::call::Call;
use crate::core::ticket::{Inlet, ItemLog, ItemReader, Keeping};
use crate::error::TaskError;
use crate::runtime::Runtime;
use crate::runtime::ask::{Chunks, JsonChunks, JsonStream, RawChunks, RawStream, TaskStream};
use crate::skill::{ClientStreaming, ServerStreaming};
use crate::task::TaskOptions;

impl Runtime {
    /// Asks a skill that sends items while it works. [`Ask::stream`](crate::Ask::stream) does so with a deadline and the like.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`]; everything else ends the stream.
    pub fn stream<S: ServerStreaming>(&self, input: S::Input) -> Result<TaskStream<S>, TaskError> {
        self.ask::<S>(input).stream()
    }

    /// As [`Self::stream`], by the skill's name and in JSON.
    ///
    /// # Errors
    /// As [`Self::ask_json`].
    pub fn stream_json(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<JsonStream, TaskError> {
        let call = self.decode(skill, input, options)?;
        Ok(JsonStream::new(skill, self.listen(call)?))
    }

    /// Asks a skill that takes chunks while it works, and sends items. Drop the chunks' end to say that all is said.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`]; everything else ends the stream.
    pub fn open<S: ClientStreaming + ServerStreaming>(
        &self,
        input: S::Input,
    ) -> Result<(Chunks<S>, TaskStream<S>), TaskError> {
        self.ask::<S>(input).open()
    }

    /// As [`Self::open`], by the skill's name and in JSON.
    ///
    /// # Errors
    /// As [`Self::ask_json`].
    pub fn open_json(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<(JsonChunks, JsonStream), TaskError> {
        let dyn_skill = self.inner.router.find(skill)?.skill().dyn_skill.clone();
        let call = self.decode(skill, input, options)?;
        let (chunks, items) = self.converse(call)?;
        Ok((
            JsonChunks::new(chunks, dyn_skill),
            JsonStream::new(skill, items),
        ))
    }

    /// Adds a log for its items to a call, and returns the reader of it.
    fn with_items(&self, call: &mut Call) -> Result<ItemReader, TaskError> {
        let continues = self
            .inner
            .router
            .find(&call.skill)?
            .skill()
            .dyn_skill
            .spec()
            .continues;
        let keeping = match continues {
            true => Keeping::All,
            false => Keeping::Untaken,
        };
        let items = ItemLog::new(keeping, 0);
        call.items = Some(items.clone());
        Ok(items.reader())
    }

    pub(crate) fn listen(&self, mut call: Call) -> Result<RawStream, TaskError> {
        let reader = self.with_items(&mut call)?;
        Ok(RawStream::new(reader, self.call(call)?))
    }

    pub(crate) fn converse(&self, mut call: Call) -> Result<(RawChunks, RawStream), TaskError> {
        let (inlet, chunks) = Inlet::open();
        let reader = self.with_items(&mut call)?;
        call.chunks = Some(chunks);
        let pending = self.call(call)?;
        let chunks = RawChunks::new(inlet, pending.ticket.clone());
        Ok((chunks, RawStream::new(reader, pending)))
    }
}
