//! Ends of the process, and the tasks that were running then.
//!
//! A task that aborts, faults in foreign code or takes all memory ends its whole process, and would do so at each start that takes it up
//! again. What tells it from those that ran beside it is only that it does so every time. So each accepted task's record says whether it runs
//! (written with the attempt, which is written down in any case), and each start after a process that did not come to its end
//! counts it. Nothing is counted when the environment was closed.

use serde::{Deserialize, Serialize};

use crate::attempts::{InterruptedAttempt, Life};
use crate::effect::Effect;
use crate::error::EnvironmentError;
use crate::records::TaskRecord;
use crate::store::Store;
use crate::tables::{Batch, Table, decode, encode};

/// Set while a runtime has the environment. It is found at the start only if the process before did not come to its end.
const ALIVE: &[u8] = b"alive";
/// Ends of the process beside others after which a task runs alone.
const SUSPECT: u32 = 3;
/// Ends of the process alone after which a task is given up. Once may have been somebody else's doing.
const CONVICTED: u32 = 2;

/// How the processes ended that ran a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deaths {
    /// Whether the task runs, as far as it was written down.
    #[serde(default)]
    pub running: Running,
    /// How often a process died while the task ran beside others.
    #[serde(default)]
    pub beside: u32,
    /// How often a process died while it ran alone.
    #[serde(default)]
    pub alone: u32,
}

/// Whether a task runs. One whose attempt has failed and that waits for the next counts as running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Running {
    /// It waits, or has never begun.
    #[default]
    Not,
    /// Together with whatever else there is to do.
    Beside,
    /// With nothing else in the process.
    Alone,
}

impl Deaths {
    /// Whether it died of nothing and killed nobody.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the task runs alone from now on.
    pub fn is_suspect(&self) -> bool {
        self.beside >= SUSPECT
    }

    /// Whether it was alone too often when its process died.
    pub fn is_convicted(&self) -> bool {
        self.alone >= CONVICTED
    }

    /// The process died.
    fn count(&mut self) {
        match self.running {
            Running::Not => {}
            Running::Beside => self.beside += 1,
            Running::Alone => self.alone += 1,
        }
    }
}

/// A runtime takes the environment. Gives what became of the process before it.
pub(crate) fn begin_life(store: &mut Store) -> Result<Life, EnvironmentError> {
    store.write(0, |batch| {
        let died = batch.has(Table::Meta, ALIVE)?;
        let mut interrupted = Vec::new();
        for key in batch.keys(Table::Tasks, &[], &[0xff; 16], usize::MAX)? {
            if let Some(task) = batch.get(Table::Tasks, &key)? {
                interrupted.extend(look_back(batch, &key, decode(&task)?, died)?);
            }
        }
        batch.put(Table::Meta, ALIVE, &1_u64.to_be_bytes())?;
        Ok(Life { died, interrupted })
    })
}

/// The environment is closed with nothing running.
pub(crate) fn end_life(store: &mut Store) -> Result<(), EnvironmentError> {
    store.write(0, |batch| batch.remove(Table::Meta, ALIVE))
}

fn look_back(
    batch: &mut Batch<'_>,
    key: &[u8],
    mut task: TaskRecord,
    died: bool,
) -> Result<Option<InterruptedAttempt>, EnvironmentError> {
    let was_running = task.deaths.running != Running::Not;
    if !was_running && task.attempt.is_none() {
        return Ok(None);
    }
    let ended = task.end_attempt();
    if died && was_running {
        task.deaths.count();
        if task.effect != Effect::Once {
            // The attempt came to no end of its own, so it does not count.
            task.attempts = task.attempts.saturating_sub(1);
        }
    }
    task.deaths.running = Running::Not;
    batch.put(Table::Tasks, key, &encode(&task)?)?;
    // What ended with a process that came to its end was told by that.
    Ok(ended.filter(|_| died && was_running))
}
