//! The engine of reactions: it reads the log from a durable cursor, and accepts each reaction's task together with the cursor's
//! next step. So a reaction happens exactly once, whatever dies in between.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use serde_json::json;

use crate::environment::{
    Environment, EnvironmentError, FactFilter, REACTIONS_CURSOR, SettledRecord, Snapshot,
    TaskRecord, Transaction,
};
use crate::error::TaskError;
use crate::fact::Fact;
use crate::ids::{EpisodeId, Revision, SpanId, TaskId, TraceId};
use crate::quiet_rule::QuietRule;
use crate::reaction::Reaction;
use crate::runtime::{Inner, Runtime};

/// The id of the task by which `reaction` answers the fact at `revision`: the same after every restart.
pub(super) fn reaction_task(episode: EpisodeId, reaction: &Reaction, revision: Revision) -> TaskId {
    let episode = episode.to_u128().to_be_bytes();
    TaskId::derived(&[
        &episode,
        reaction.name.as_bytes(),
        &revision.0.to_be_bytes(),
    ])
}

/// Answers facts until the environment closes or the runtime is gone.
pub(crate) async fn react(runtime: Weak<Inner>, environment: Environment) {
    let cursor = environment
        .snapshot()
        .and_then(|view| view.cursor(REACTIONS_CURSOR));
    let Ok(mut cursor) = cursor else { return };
    let mut unhandled = HashSet::new();
    // Begun again only where retention has taken facts away: those belong to nobody any more.
    while let Some(oldest) = follow(&runtime, &environment, cursor, &mut unhandled).await {
        cursor = Revision(oldest.0.saturating_sub(1));
    }
}

/// Answers facts after `cursor`; gives the oldest fact that there is when those after `cursor` are past retention.
async fn follow(
    runtime: &Weak<Inner>,
    environment: &Environment,
    cursor: Revision,
    unhandled: &mut HashSet<String>,
) -> Option<Revision> {
    let mut facts = environment.subscribe_from(cursor, FactFilter::default());
    loop {
        let fact = match facts.next().await {
            Ok(fact) => fact,
            Err(EnvironmentError::Compacted { oldest }) => return Some(oldest),
            Err(_) => return None,
        };
        let runtime = Runtime {
            inner: runtime.upgrade()?,
        };
        if let Err(error) = runtime.answer(&fact, unhandled).await {
            let revision = fact.revision;
            tracing::error!(%revision, %error, "reactions rest from this fact on until the next start");
            return None;
        }
    }
}

impl Runtime {
    async fn answer(
        &self,
        fact: &Fact,
        unhandled: &mut HashSet<String>,
    ) -> Result<(), EnvironmentError> {
        let mut transaction = Transaction {
            namespace: fact.namespace.clone(),
            episode: fact.episode,
            cursors: vec![(REACTIONS_CURSOR.to_owned(), fact.revision)],
            ..Transaction::default()
        };
        if let Some(episode) = fact.episode {
            let rules = self.rules_for(fact, episode)?;
            if rules.is_empty()
                && fact.provenance.task.is_none()
                && unhandled.insert(fact.kind.to_string())
            {
                tracing::info!(kind = %fact.kind, "no agent handles facts of this kind yet");
            }
            let task = |rule: &Arc<Reaction>| {
                reaction_record(fact, episode, rule, self.effect_of(&rule.skill))
            };
            transaction.accepted = rules.iter().map(task).collect();
        }
        let accepted = transaction.accepted.clone();
        let commit = self.inner.environment.commit(transaction).await?;
        for record in accepted
            .iter()
            .filter(|record| !commit.known.contains(&record.id))
        {
            self.begin_reaction(record).await?;
        }
        Ok(())
    }

    /// The rules that the fact sets off, unless its episode has had its share of reactions.
    fn rules_for(
        &self,
        fact: &Fact,
        episode: EpisodeId,
    ) -> Result<Vec<Arc<Reaction>>, EnvironmentError> {
        let rules: Vec<_> = self
            .inner
            .reactions
            .iter()
            .filter(|rule| rule.kind == fact.kind && !(rule.input)(fact).is_null())
            .cloned()
            .collect();
        if rules.is_empty() {
            return Ok(rules);
        }
        let limits = &self.inner.config.environment;
        let snapshot = self.inner.environment.snapshot()?;
        let fired = snapshot
            .episode(episode)?
            .map_or(0, |status| status.reactions_fired);
        if fired + rules.len() as u64 > limits.max_reactions_per_episode {
            let most = limits.max_reactions_per_episode;
            tracing::warn!(%episode, most, "the episode has had its share of reactions; raise `environment.max_reactions_per_episode`");
            return Ok(Vec::new());
        }
        if depth(&snapshot, fact, limits.max_reaction_depth)? >= limits.max_reaction_depth {
            let most = limits.max_reaction_depth;
            tracing::warn!(%episode, most, "reactions to reactions go too deep; raise `environment.max_reaction_depth`");
            return Ok(Vec::new());
        }
        Ok(rules)
    }

    pub(super) fn effect_of(&self, skill: &str) -> crate::Effect {
        let route = self.inner.router.find(skill);
        route.map_or(crate::Effect::Pure, |route| {
            route.skill().face.spec().effect
        })
    }

    pub(super) async fn begin_reaction(&self, record: &TaskRecord) -> Result<(), EnvironmentError> {
        let error = match self.begin_accepted(record) {
            // Nobody waits for it: its settlement is a record.
            Ok(pending) => {
                drop(pending.detach());
                return Ok(());
            }
            // The runtime is closing: accepted as it is, the next start takes it up.
            Err(TaskError::ShuttingDown { .. }) => return Ok(()),
            Err(error) => error,
        };
        // Its input is not of the skill's form: it is settled so, else the episode would wait for it for ever.
        let outcome = json!({ "error": error, "message": error.to_string() });
        let transaction = Transaction {
            namespace: record.namespace.clone(),
            episode: record.episode,
            settled: vec![SettledRecord::new(record.id, outcome)],
            ..Transaction::default()
        };
        self.inner.environment.commit(transaction).await.map(drop)
    }
}

fn reaction_record(
    fact: &Fact,
    episode: EpisodeId,
    rule: &Arc<Reaction>,
    effect: crate::Effect,
) -> TaskRecord {
    let id = reaction_task(episode, rule, fact.revision);
    TaskRecord {
        namespace: fact.namespace.clone(),
        episode: Some(episode),
        effect,
        trace: Some(fact.provenance.trace.unwrap_or_else(TraceId::random)),
        span: Some(SpanId::random()),
        parent: fact.provenance.span,
        rule: Some(rule.name.to_string()),
        cause: Some(fact.revision),
        ..TaskRecord::new(id, &*rule.skill, (rule.input)(fact))
    }
}

/// How many reactions led to the fact, counted up to `most`.
fn depth(snapshot: &Snapshot, fact: &Fact, most: u32) -> Result<u32, EnvironmentError> {
    let mut depth = 0;
    let mut cause = fact.provenance.cause;
    while let Some(revision) = cause {
        depth += 1;
        if depth >= most {
            break;
        }
        cause = snapshot
            .fact(revision)?
            .and_then(|fact| fact.provenance.cause);
    }
    Ok(depth)
}

impl Runtime {
    /// Checks that each rule asks a skill that there is, and that no name is used twice.
    pub(crate) fn check_reactions(
        reactions: &[Arc<Reaction>],
        quiet_rules: &[Arc<QuietRule>],
        router: &crate::router::Router,
    ) -> Result<(), TaskError> {
        let mut names = HashSet::new();
        let reactions = reactions.iter().map(|rule| (&rule.name, &rule.skill));
        let quiet_rules = quiet_rules.iter().map(|rule| (&rule.name, &rule.skill));
        for (name, skill) in reactions.chain(quiet_rules) {
            router.find(skill)?;
            if !names.insert(name.clone()) {
                return Err(TaskError::Rejected {
                    skill: skill.to_string(),
                    message: format!("two reactions are named `{name}`; rename one"),
                });
            }
        }
        Ok(())
    }
}
