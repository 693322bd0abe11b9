//! Replacing a group's model by a new version, without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass_environment::panics;

use crate::core::group_runner::GroupRunner;
use crate::core::{AgentCore, Runner};
use crate::fault::Fault;
use crate::ledger::event::{Event, GroupId};
use crate::model::ModelSource;
use crate::runtime::Runtime;
use crate::skill::model_source::DynModelSource;
use aimass_environment::ModelVersion;

impl Runtime {
    /// Replaces a group's model by a new version, without a pause: its weights are read beside the old ones, then each worker comes for it
    /// between two jobs. A model is built from them first, on each device that holds the old ones (on its first device, for a group that
    /// holds none), so that a version that cannot be built never takes effect. Of several swaps of one group the one that was asked for last
    /// counts. A task that is asked for afterwards runs on the new version, unless its worker has live streams on the old one.
    ///
    /// Until the last job on the old version ends, the weights of both are in memory, and the memory budget counts both: it waits
    /// until there is room for them.
    ///
    /// # Errors
    /// A fault when there is no such group, its models are of another type, the memory budget is too small for both versions, or the
    /// new version cannot be read and built within the agent's `load_limit`; the old version then goes on. Also when a version that was asked
    /// for later is served already.
    pub async fn swap<S: ModelSource>(
        &self,
        agent: &str,
        group: &str,
        source: S,
    ) -> Result<ModelVersion, Fault> {
        let members = self.inner.members();
        let core = members
            .core(agent)
            .ok_or_else(|| Fault::rejected(format!("there is no agent `{agent}`")))?;
        let at = core.groups.iter().position(|known| known.name == group);
        let at = at.ok_or_else(|| {
            Fault::rejected(format!("agent `{agent}` has no worker group `{group}`"))
        })?;
        let Runner::Model(runner) = &core.groups[at].runner else {
            return Err(Fault::rejected(format!(
                "`{group}` of agent `{agent}` is a flow, it has no model"
            )));
        };
        let bytes = panics::caught(|| source.memory_bytes()).map_err(|message| {
            Fault::bug(format!(
                "`memory_bytes` of the new version panicked: {message}"
            ))
        })?;
        let exchange = Exchange {
            core: core.clone(),
            group: GroupId(at as u16),
            runner: runner.clone(),
        };
        exchange.run(Arc::new(source), bytes).await
    }
}

/// A swap under way.
struct Exchange {
    core: Arc<AgentCore>,
    group: GroupId,
    runner: Arc<dyn GroupRunner>,
}

impl Exchange {
    async fn run(self, source: Arc<dyn DynModelSource>, bytes: u64) -> Result<ModelVersion, Fault> {
        let Self {
            core,
            group,
            runner,
        } = self;
        let mut devices = runner.devices();
        let present = if devices.is_empty() {
            0
        } else {
            runner.memory_bytes()
        };
        if devices.is_empty() {
            devices.extend(core.first_device(group));
        }
        let generation = runner.next_generation();
        let room = core.room_beside(group, present, &devices, generation, bytes);
        let shares = room.await?;
        // Either the reader takes the new version, or whoever waits has given it up.
        let decided = Arc::new(AtomicBool::new(false));
        let (reply, read) = tokio::sync::oneshot::channel();
        let (reader, told) = (decided.clone(), core.clone());
        let swap = move || {
            let version = panics::caught(|| {
                let version = runner.read(source, &devices)?;
                if reader.swap(true, Ordering::AcqRel) {
                    return Err(Fault::retryable("it was given up"));
                }
                runner.swap(version, generation, shares)
            });
            let version = version.unwrap_or_else(|message| {
                Err(Fault::bug(format!(
                    "taking the new version panicked: {message}"
                )))
            });
            if version.is_ok() {
                told.tell(Event::Swap(group));
                if told.is_unloaded(group) {
                    runner.forget_unused();
                }
                told.memory.look_again();
            }
            // Whoever asked may be gone; the new version is taken all the same.
            let _ = reply.send(version);
        };
        let spawned = core.spawner.thread(format!("{}-swap", core.name), swap);
        spawned.map_err(|error| Fault::retryable(format!("cannot start a thread: {error}")))?;
        let lost = |_| Fault::bug("the thread that reads the new weights ended without a word");
        let limit = core.load_limit();
        let until = core.clock.instant(core.clock.now() + limit);
        tokio::pin!(read);
        if let Ok(version) = tokio::time::timeout_at(until, &mut read).await {
            return version.map_err(lost)?;
        }
        if decided.swap(true, Ordering::AcqRel) {
            return read.await.map_err(lost)?;
        }
        Err(Fault::retryable(format!(
            "the new version was not read within {limit:?}; raise `load_limit` of agent `{}`",
            core.name
        )))
    }
}
