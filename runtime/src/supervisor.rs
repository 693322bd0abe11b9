//! Supervision among agents: which of them restart together, and which give up their memory for others.
//!
//! Workers restart on their own behalf, whatever the strategy says. What counts as a restart of the agent is what is nobody's task's fault:
//! a model that cannot be read, a lost device, a panic without a task. Of those the supervisor hears, and takes other agents' workers
//! down as the strategy says; their queues stay, and the tasks that they were running run again at no cost. An agent that has used up
//! its restarts is given up: that escalates to whoever owns the runtime, through [`Runtime::failure`](crate::Runtime::failure).

use std::ops::Range;

use aimass_config::Strategy;

use crate::memory::WeightsKey;
use crate::runtime::Inner;

/// Hears of the restarts that count.
pub(crate) trait Supervisor: Send + Sync {
    /// A worker of `agent` is restarted, for a reason that counts against the agent.
    fn restarted(&self, agent: &str, cause: &str);

    /// Has weights unloaded that nobody uses, the longest unused first, if that brings `missing` bytes.
    fn make_room(&self, missing: u64, held: Vec<(WeightsKey, u64)>);
}

impl Supervisor for Inner {
    fn restarted(&self, agent: &str, cause: &str) {
        let Some(at) = self.cells.iter().position(|cell| &*cell.name == agent) else {
            return;
        };
        let strategy = self.config.runtime.supervision.strategy;
        let cause = format!("agent `{agent}` restarts: {cause}");
        for (other, cell) in self.cells.iter().enumerate() {
            if other != at && taken_along(strategy, at, self.cells.len()).contains(&other) {
                cell.take_down(&cause);
            }
        }
    }

    fn make_room(&self, missing: u64, held: Vec<(WeightsKey, u64)>) {
        let mut unused = Vec::new();
        for (key, bytes) in held {
            let cell = self.cells.iter().find(|cell| cell.name == key.agent);
            if let Some(cell) = cell
                && let Some(since) = cell.idle_since(key.group)
            {
                unused.push((since, bytes, key.group, cell));
            }
        }
        // While too much is in use to make enough room, nobody is unloaded in vain.
        if unused.iter().map(|(_, bytes, ..)| bytes).sum::<u64>() < missing {
            return;
        }
        unused.sort_by_key(|(since, ..)| *since);
        let mut freed = 0;
        for (_, bytes, group, cell) in unused {
            if freed >= missing {
                return;
            }
            cell.unload(group);
            freed += bytes;
        }
    }
}

/// The agents that restart when agent `at` of `agents` does, by the order in which they were added.
fn taken_along(strategy: Strategy, at: usize, agents: usize) -> Range<usize> {
    match strategy {
        Strategy::OneForOne => at..at,
        Strategy::OneForAll => 0..agents,
        Strategy::RestForOne => at..agents,
    }
}
