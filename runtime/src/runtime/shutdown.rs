//! The end of a runtime: refuse, drain, flush, report.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aimass_environment::Time;
use serde::Serialize;
use tokio::sync::{OnceCell, watch};

use crate::core::AgentCore;
use crate::ledger::event::Event;
use crate::runtime::Runtime;

/// What whoever only has to hear of the end has for it, whatever the limit: threads that are told to stop, and observers.
const MOMENT: Duration = Duration::from_secs(1);

/// What a shutdown did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShutdownReport {
    /// Tasks that were under way when it began.
    pub under_way: u64,
    /// Those of them that were cut off at the limit: the lost and the kept.
    pub cut_off: u64,
    /// Those cut off that end with this process.
    pub lost: u64,
    /// Those cut off that are durable: a runtime that starts with the same environment goes on with them.
    pub kept: u64,
    /// Workers whose threads did not end within their grace.
    pub left_behind: bool,
    /// Records that never reached the observers, since the start.
    pub dropped_events: u64,
    /// Why the environment could not be closed cleanly, if so.
    pub environment: Option<String>,
}

/// When a shutdown goes from one of its stages to the next.
#[derive(Clone, Copy)]
struct Stages {
    /// What is not done by then is cut off, and its callers are answered.
    cut_off: Time,
    /// Threads that have not ended by then are left behind.
    end: Time,
}

impl Stages {
    /// The grace of the threads is part of the limit, and at most half of it: the rest is for the work.
    fn of(limit: Duration, grace: Duration, now: Time) -> Self {
        let grace = grace.min((limit / 2).max(MOMENT));
        let cut_off = now + limit.saturating_sub(grace);
        Self {
            cut_off,
            end: cut_off + grace,
        }
    }
}

/// The end of a runtime. There is one, however many ask for it.
pub(crate) struct Ending {
    /// The shortest limit that anybody has set, once somebody has.
    stages: watch::Sender<Option<Stages>>,
    report: OnceCell<ShutdownReport>,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            stages: watch::Sender::new(None),
            report: OnceCell::new(),
        }
    }
}

impl Ending {
    /// Sets the limit, unless there is one that ends sooner.
    fn bring_forward(&self, new: Stages) {
        self.stages.send_if_modified(|stages| {
            let is_sooner = stages.is_none_or(|old| new.cut_off < old.cut_off);
            if is_sooner {
                *stages = Some(new);
            }
            is_sooner
        });
    }
}

impl Runtime {
    /// Refuses new work, drains accepted work within `shutdown_limit`, flushes observers and environment, and reports.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shutdown_within(self.inner.config.runtime.shutdown_limit)
            .await
    }

    /// As [`Self::shutdown`], with a limit of its own. Zero cuts off at once.
    ///
    /// The grace of the agents is part of the limit: work is cut off, and its callers are answered, so long before it. Threads and observers
    /// that only have to hear of the end have a second each for it where the limit leaves them less; the environment has as long as its
    /// last write takes.
    ///
    /// A runtime ends once. Whoever asks while it ends, or later, gets the same report, and brings the limit forward if that of the new call is
    /// shorter. Dropping the future of the only caller stops the shutdown where it is; the next call goes on with it.
    pub async fn shutdown_within(&self, limit: Duration) -> ShutdownReport {
        let stages = Stages::of(limit, self.grace(), self.inner.clock.now());
        let ending = &self.inner.ending;
        ending.bring_forward(stages);
        ending.report.get_or_init(|| self.end()).await.clone()
    }

    /// The longest time that an agent gives a thread to end.
    fn grace(&self) -> Duration {
        let members = self.inner.members();
        let graces = members.cores.iter().map(|core| core.grace());
        graces.max().unwrap_or_default()
    }

    async fn end(&self) -> ShutdownReport {
        let inner = &self.inner;
        // Whoever joins after this finds the runtime closing.
        inner.closing.store(true, Ordering::Release);
        drop(inner.joining.lock().await);
        let members = inner.members();
        let mut report = ShutdownReport {
            under_way: members.cores.iter().map(|core| core.load().tasks).sum(),
            ..ShutdownReport::default()
        };
        inner.durable_streams.close();
        let end = self.drain(&members.cores).await;
        for core in &members.cores {
            let (lost, kept) = core.cut_off();
            report.lost += lost;
            report.kept += kept;
        }
        report.cut_off = report.lost + report.kept;
        // Where all work was done early, the threads have their grace and no more.
        let threads_end = end.min(inner.clock.now() + self.grace().max(MOMENT));
        let threads_end = inner.clock.instant(threads_end);
        let ended = tokio::time::timeout_at(threads_end, inner.spawner.ended()).await;
        report.left_behind = ended.is_err();
        inner.supervision.end_work().await;
        let nodes = std::mem::take(&mut *inner.nodes.lock());
        for node in nodes {
            node.stop(Box::pin(inner.supervision.gone())).await;
        }
        // A slow observer has what is left and no more, be it to take in what waits or to end.
        let patience = end.since(inner.clock.now()).max(MOMENT);
        let ended = tokio::time::timeout(patience, inner.events.close(patience)).await;
        if ended.is_err() {
            tracing::warn!(
                "the observers did not end within {patience:?}; what they had not written or sent by then is lost"
            );
        }
        report.dropped_events = inner.events.dropped();
        if report.dropped_events > 0 {
            let dropped = report.dropped_events;
            tracing::warn!(
                dropped,
                "records did not reach the observers; raise `runtime.event_capacity`"
            );
        }
        if inner.supervision.is_gone() {
            // Nobody would start the writer again.
            inner.environment.give_writer_up();
        }
        report.environment = inner
            .environment
            .close()
            .await
            .err()
            .map(|error| error.to_string());
        inner.supervision.ended(MOMENT).await;
        report
    }

    /// Lets the agents come to the end of their work, and cuts off what is left at the limit, which somebody may bring forward meanwhile. Returns when the
    /// threads are to have ended.
    async fn drain(&self, cores: &[Arc<AgentCore>]) -> Time {
        let ending = &self.inner.ending;
        let mut stages = ending.stages.subscribe();
        tokio::select! {
            () = idle(cores) => {}
            () = self.limit_comes(&mut stages) => {}
        }
        loop {
            // What is left by then is cut off by the ledgers.
            let Some(Stages { cut_off, end }) = *stages.borrow_and_update() else {
                return self.inner.clock.now();
            };
            for core in cores {
                core.begin_drain(cut_off);
            }
            let drained = async {
                for core in cores {
                    core.drained().await;
                }
            };
            tokio::pin!(drained);
            tokio::select! {
                () = &mut drained => return end,
                Ok(()) = stages.changed() => continue,
                () = tokio::time::sleep_until(self.inner.clock.instant(cut_off)) => {}
            }
            // The agents' timers say so as well, unless the tree is gone.
            for core in cores {
                core.tell(Event::Tick);
            }
            drained.await;
            return end;
        }
    }

    /// Returns once what is left is to be cut off.
    async fn limit_comes(&self, stages: &mut watch::Receiver<Option<Stages>>) {
        loop {
            let limit = stages.borrow_and_update().map(|stages| stages.cut_off);
            let limit = self.inner.clock.instant(limit.unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep_until(limit) => return,
                Ok(()) = stages.changed() => {}
            }
        }
    }
}

/// Returns once no agent holds a task. A flow keeps its own agent busy while it asks others, so a round in which nobody was
/// waited for is the end of all work.
async fn idle(cores: &[Arc<AgentCore>]) {
    loop {
        let mut waited_for = 0;
        for core in cores {
            waited_for += core.emptied().await;
        }
        if waited_for == 0 {
            return;
        }
    }
}
