//! What the team does once an episode is quiet: its rules for quiet, each at most once in a round, whatever dies in between.

use std::sync::Weak;

use tokio::sync::broadcast::error::RecvError;

use crate::environment::{Environment, EnvironmentError, EpisodeStatus, TaskRecord, Transaction};
use crate::episode::root::Root;
use crate::ids::{EpisodeId, SpanId, TraceId};
use crate::quiet_rule::QuietRule;
use crate::runtime::{Inner, Runtime};

/// Asks the rules for quiet about episodes whose end nobody waits for, until the environment closes or the runtime is gone.
pub(crate) async fn watch_over_quiet(runtime: Weak<Inner>, environment: Environment) {
    // Heard of from here on, so that none falls between those that are quiet already and those that will be.
    let Some(mut quiet) = environment.quiet_episodes() else {
        return;
    };
    let mut found = quiet_by_now(&environment);
    loop {
        for episode in std::mem::take(&mut found) {
            let Some(inner) = runtime.upgrade() else {
                return;
            };
            if let Err(error) = (Runtime { inner }).ask_about_quiet(episode).await {
                tracing::warn!(%episode, %error, "nobody was asked about the end of an episode");
            }
        }
        match quiet.recv().await {
            Ok(episode) => found.push(episode),
            Err(RecvError::Lagged(_)) => found = quiet_by_now(&environment),
            Err(RecvError::Closed) => return,
        }
    }
}

/// The quiet episodes that nobody has declared done.
fn quiet_by_now(environment: &Environment) -> Vec<EpisodeId> {
    let all = environment
        .snapshot()
        .and_then(|snapshot| snapshot.episodes());
    let all = all.unwrap_or_default().into_iter();
    all.filter(|status| status.quiescent() && !status.done)
        .map(|status| status.record.id)
        .collect()
}

impl Runtime {
    async fn ask_about_quiet(&self, episode: EpisodeId) -> Result<(), EnvironmentError> {
        let status = self.inner.environment.snapshot()?.episode(episode)?;
        if let Some(status) = status.filter(EpisodeStatus::quiescent) {
            self.go_on_when_quiet(&status).await?;
        }
        Ok(())
    }

    /// Asks the next of the rules for quiet that the round of a quiet episode has not had. No when it has had them all.
    pub(super) async fn go_on_when_quiet(
        &self,
        status: &EpisodeStatus,
    ) -> Result<bool, EnvironmentError> {
        let episode = status.record.id;
        if status.done || status.facts == 0 {
            return Ok(false);
        }
        for rule in &self.inner.quiet_rules {
            let task = rule.task(episode, status.round);
            let (settled, accepted) = {
                let snapshot = self.inner.environment.snapshot()?;
                (snapshot.settled(task)?, snapshot.task(task)?)
            };
            if settled.is_some() {
                continue;
            }
            // Whoever else saw the quiet may have been faster.
            if accepted.is_none() {
                self.ask_rule(rule, status).await?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    async fn ask_rule(
        &self,
        rule: &QuietRule,
        status: &EpisodeStatus,
    ) -> Result<(), EnvironmentError> {
        let episode = status.record.id;
        let root = Root::place(status);
        let record = TaskRecord {
            namespace: status.record.namespace.clone(),
            episode: Some(episode),
            effect: self.effect_of(&rule.skill),
            trace: Some(root.map_or_else(TraceId::random, |(trace, _)| trace)),
            span: Some(SpanId::random()),
            parent: root.map(|(_, span)| span),
            rule: Some(rule.name.to_string()),
            ..TaskRecord::new(
                rule.task(episode, status.round),
                &*rule.skill,
                rule.input(episode),
            )
        };
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            accepted: vec![record.clone()],
            ..Transaction::default()
        };
        let commit = self.inner.environment.commit(transaction).await?;
        if commit.known.is_empty() {
            self.begin_reaction(&record).await?;
        }
        Ok(())
    }
}
