//! Completions on their way: the environment may have them already, but neither the caller nor the
//! observers have heard.

use std::collections::HashMap;

use aimass_environment::{EnvironmentError, EpisodeId, TaskId, Transaction};
use tokio::sync::watch;

use crate::core::AgentCore;
use crate::pause::{self, Pause};

/// How many tasks of each episode are between their commit and their answer.
#[derive(Default)]
pub(crate) struct Completions {
    under_way: watch::Sender<HashMap<EpisodeId, u32>>,
}

/// One completion on its way, until it is dropped.
pub(crate) struct Completing<'a> {
    completions: &'a Completions,
    episode: EpisodeId,
}

impl Completions {
    /// To be held from before the commit until after the answer. A task without an episode is waited for by nobody.
    pub(crate) fn begin(&self, episode: Option<EpisodeId>) -> Option<Completing<'_>> {
        let episode = episode?;
        self.under_way
            .send_modify(|under_way| *under_way.entry(episode).or_default() += 1);
        Some(Completing {
            completions: self,
            episode,
        })
    }

    /// Returns once no completion of the episode is under way.
    pub(crate) async fn ended(&self, episode: EpisodeId) {
        let mut under_way = self.under_way.subscribe();
        // The sender is in `self`: it cannot go before this returns.
        let _ = under_way
            .wait_for(|under_way| !under_way.contains_key(&episode))
            .await;
    }
}

impl Drop for Completing<'_> {
    fn drop(&mut self) {
        self.completions.under_way.send_modify(|under_way| {
            if let Some(left) = under_way.get_mut(&self.episode) {
                *left -= 1;
                if *left == 0 {
                    under_way.remove(&self.episode);
                }
            }
        });
    }
}

impl AgentCore {
    /// Writes a completion down after the store did not take it: until it does, or the agent ends.
    /// Else its episode would wait for it for ever.
    pub(super) async fn complete_later(
        &self,
        task: TaskId,
        transaction: Transaction,
        mut error: EnvironmentError,
    ) {
        let mut pause = Pause::default();
        while !error.is_refusal() && !self.is_closing() && self.environment.check_open().is_ok() {
            let pause = pause.next();
            tracing::warn!(%task, %error, ?pause, "a completion cannot be written; it is tried again after the pause");
            tokio::select! {
                () = pause::wait(pause) => {}
                () = self.closed() => return,
            }
            match self.environment.commit(transaction.clone()).await {
                Ok(_) => return,
                Err(again) => error = again,
            }
        }
        tracing::error!(%task, %error, "the environment did not take a completion");
    }
}
