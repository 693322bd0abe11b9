//! The live view: what a team is doing at this moment, and did a moment ago, in bounded memory.
//!
//! An observer folds the runtime's records into sums, windows of the last minute, and the last episodes. Whoever wants to see it takes
//! a [`LiveView`]: a state, not a stream, so a slow reader misses nothing but its own looks and nothing ever waits for one.

mod durations;
mod episodes;
mod happenings;
mod rates;
mod state;
#[cfg(test)]
mod tests;
mod transport;
mod view;

use std::sync::Arc;

use aimass_runtime::{Clock, Observer, Record, Runtime};
use parking_lot::Mutex;

pub use episodes::{EpisodeEnd, SpanError, TaskSpan, Work};
pub use happenings::{Happening, HappeningKind};
use state::{LiveState, Moment};
pub use transport::LiveTransport;
pub use view::{
    Activity, AgentView, LiveView, NodeView, PerSecond, Percentiles, SkillView, WorkerView,
};

/// Keeps the live view of one runtime. Cloning it shares it: give one clone to the runtime and look at the other.
#[derive(Clone)]
pub struct Live {
    clock: Clock,
    state: Arc<Mutex<LiveState>>,
}

impl Live {
    /// A view with nothing in it, whose uptime begins now.
    pub fn start() -> Self {
        Self {
            clock: Clock::start(),
            state: Arc::default(),
        }
    }

    /// What it has seen, with the state of `runtime`, at this moment.
    pub fn view(&self, runtime: &Runtime) -> LiveView {
        let now = self.clock.now();
        let moment = Moment {
            now_ns: self.clock.unix_nanos(now),
            uptime: now.since(Default::default()),
            memory_bytes: resident_bytes(),
            dropped_events: runtime.dropped_events(),
            agents: runtime.agents(),
        };
        self.state.lock().view(moment)
    }
}

impl Observer for Live {
    fn observe(&mut self, record: &Record) {
        self.state.lock().on(record);
    }
}

/// What this process takes of the machine's memory; none where the system does not say so in `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
