//! The engine of reactions: it reads the log from a durable cursor, and accepts each reaction's task together with the cursor's
//! next step. So a reaction happens exactly once, whatever dies in between.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use aimass_environment::{
    Effect, Environment, EnvironmentError, EpisodeId, Fact, FactFilter, REACTIONS_CURSOR, Revision,
    Snapshot, SpanId, TaskId, TaskRecord, TraceId, Transaction, panics::Caught,
};
use parking_lot::Mutex;
use serde_json::Value;

use crate::pause::{self, Pause};
use crate::reactions::accept::{Accepted, Asked, accept};
use crate::reactions::host::RuleHost;
use crate::reactions::root::Root;
use crate::skill::reaction::Reaction;

/// The id of the task by which `reaction` answers the fact at `revision`: the same after every restart.
pub(super) fn reaction_task(episode: EpisodeId, reaction: &Reaction, revision: Revision) -> TaskId {
    let episode = episode.to_u128().to_be_bytes();
    TaskId::derived(&[
        &episode,
        reaction.name.as_bytes(),
        &revision.0.to_be_bytes(),
    ])
}

/// Panics of the engine at one fact, after which the fact's reactions are given up.
const MAX_PANICS: u32 = 3;

/// What the engine keeps over its restarts: at which fact it panicked last, and how often. Only a panic in the work at that fact
/// counts: an engine that is stopped from outside while it waits, be it ever so often, says nothing about the fact.
#[derive(Default)]
pub(crate) struct Reacting(Mutex<Option<(Revision, u32)>>);

impl Reacting {
    /// Returns how often the engine has panicked at the fact.
    fn panics(&self, revision: Revision) -> u32 {
        match *self.0.lock() {
            Some((same, panics)) if same == revision => panics,
            _ => 0,
        }
    }

    fn panicked(&self, revision: Revision) {
        let panics = self.panics(revision) + 1;
        *self.0.lock() = Some((revision, panics));
    }
}

/// Answers facts until the environment closes or the runtime is gone. When the store fails, it tries again, for as long as it takes.
///
/// # Errors
/// Why it cannot go on, although both are there.
pub(crate) async fn react(
    host: Weak<dyn RuleHost>,
    environment: Environment,
    reacting: Arc<Reacting>,
) -> Result<(), String> {
    let mut engine = Engine {
        host,
        environment,
        oldest: Revision(0),
        unhandled: HashSet::new(),
        pause: Pause::default(),
        reacting,
    };
    loop {
        let Err(stopped) = engine.follow().await else {
            return Ok(());
        };
        let error = match stopped {
            Stopped::Panicked(why) => return Err(why),
            Stopped::Store(error) => error,
        };
        match error {
            EnvironmentError::Closed => return Ok(()),
            // Begun again only where retention has taken facts away: those belong to nobody any more.
            EnvironmentError::Compacted { oldest } => engine.oldest = oldest,
            EnvironmentError::Corrupt { .. } => {
                return Err(format!("facts cannot be reacted to any more: {error}"));
            }
            _ => {
                let pause = engine.pause.next();
                tracing::warn!(%error, ?pause, "facts cannot be reacted to; it is tried again after the pause");
                pause::wait(pause).await;
            }
        }
    }
}

/// Why the engine cannot go on.
enum Stopped {
    Store(EnvironmentError),
    /// Its own work at a fact panicked.
    Panicked(String),
}

impl From<EnvironmentError> for Stopped {
    fn from(error: EnvironmentError) -> Self {
        Self::Store(error)
    }
}

/// Answers facts, one after the other.
struct Engine {
    host: Weak<dyn RuleHost>,
    environment: Environment,
    /// Facts before this one are past retention.
    oldest: Revision,
    /// Kinds of which it was said that nobody handles them.
    unhandled: HashSet<String>,
    pause: Pause,
    reacting: Arc<Reacting>,
}

impl Engine {
    /// Answers facts after the cursor until the runtime is gone or takes nothing any more.
    async fn follow(&mut self) -> Result<(), Stopped> {
        let cursor = self.environment.snapshot()?.cursor(REACTIONS_CURSOR)?;
        let before_oldest = Revision(self.oldest.0.saturating_sub(1));
        let cursor = cursor.max(before_oldest);
        let everything = FactFilter::default();
        let mut facts = self.environment.subscribe_from(cursor, everything);
        let reacting = self.reacting.clone();
        loop {
            let fact = facts.next().await?;
            let panics = reacting.panics(fact.revision);
            let answered = Caught::new(Box::pin(self.answer(&fact, panics))).await;
            let accepted = answered.map_err(|message| {
                reacting.panicked(fact.revision);
                Stopped::Panicked(format!("panic at fact {}: {message}", fact.revision))
            })?;
            if let Accepted::Closing = accepted? {
                return Ok(());
            }
            self.pause = Pause::default();
        }
    }

    /// Answers one fact, at which the engine has panicked so often before.
    async fn answer(&mut self, fact: &Fact, panics: u32) -> Result<Accepted, EnvironmentError> {
        let Some(asked) = self.asked(fact, panics)? else {
            return Ok(Accepted::Closing);
        };
        let cursors = vec![(REACTIONS_CURSOR.to_owned(), fact.revision)];
        let transaction = Transaction {
            namespace: fact.namespace.clone(),
            episode: fact.episode,
            cursors: cursors.clone(),
            ..Transaction::default()
        };
        let accepted = accept(&self.host, &self.environment, transaction, asked).await;
        match accepted {
            // Its episode was forgotten meanwhile: the fact belongs to nobody any more.
            Err(error) if error.is_refusal() => {
                tracing::debug!(revision = %fact.revision, %error, "a fact is passed over");
                let transaction = Transaction {
                    cursors,
                    ..Transaction::default()
                };
                self.environment.commit(transaction).await?;
                Ok(Accepted::Yes)
            }
            accepted => accepted,
        }
    }

    /// What the rules ask for at the fact; none when the runtime takes nothing any more.
    fn asked(&mut self, fact: &Fact, panics: u32) -> Result<Option<Vec<Asked>>, EnvironmentError> {
        let host = self.host.upgrade();
        let Some(host) = host.filter(|host| !host.is_closing()) else {
            return Ok(None);
        };
        let Some(episode) = fact.episode else {
            return Ok(Some(Vec::new()));
        };
        let asked = set_off(&*host, &self.environment, fact, episode, panics)?;
        if asked.is_empty()
            && fact.provenance.task.is_none()
            && self.unhandled.insert(fact.kind.to_string())
        {
            tracing::info!(kind = %fact.kind, "no agent handles facts of this kind yet");
        }
        match has_had_its_share(&*host, &self.environment, fact, episode, asked.len())? {
            true => Ok(Some(Vec::new())),
            false => Ok(Some(asked)),
        }
    }
}

/// The tasks that the fact sets off. A rule that panics at it leaves one that is given up.
fn set_off(
    host: &dyn RuleHost,
    environment: &Environment,
    fact: &Fact,
    episode: EpisodeId,
    panics: u32,
) -> Result<Vec<Asked>, EnvironmentError> {
    let mut rules = host.reactions();
    rules.retain(|rule| rule.kind == fact.kind);
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let status = environment.snapshot()?.episode(episode)?;
    let root = status.as_ref().and_then(Root::place);
    let set_off = |rule: &Arc<Reaction>| {
        let record = |input| TaskRecord {
            sampled: root.is_none_or(|root| root.sampled),
            ..reaction_record(fact, episode, rule, effect_of(host, &rule.skill), input)
        };
        if panics >= MAX_PANICS {
            let cause = format!("the engine of reactions panicked {panics} times at this fact");
            return Some(Asked::given_up(record(Value::Null), cause));
        }
        match rule.input_from(fact) {
            Ok(Value::Null) => None,
            Ok(input) => Some(Asked::new(host, record(input))),
            Err(cause) => Some(Asked::given_up(record(Value::Null), cause)),
        }
    };
    Ok(rules.iter().filter_map(set_off).collect())
}

/// Whether its episode may not have so many reactions more, or the fact none.
fn has_had_its_share(
    host: &dyn RuleHost,
    environment: &Environment,
    fact: &Fact,
    episode: EpisodeId,
    more: usize,
) -> Result<bool, EnvironmentError> {
    if more == 0 {
        return Ok(false);
    }
    let limits = host.limits();
    let snapshot = environment.snapshot()?;
    let fired = snapshot
        .episode(episode)?
        .map_or(0, |status| status.reactions_fired);
    if fired + more as u64 > limits.max_reactions_per_episode {
        let most = limits.max_reactions_per_episode;
        tracing::warn!(%episode, most, "the episode has had its share of reactions; raise `environment.max_reactions_per_episode`");
        return Ok(true);
    }
    if depth(&snapshot, fact, limits.max_reaction_depth)? >= limits.max_reaction_depth {
        let most = limits.max_reaction_depth;
        tracing::warn!(%episode, most, "reactions to reactions go too deep; raise `environment.max_reaction_depth`");
        return Ok(true);
    }
    Ok(false)
}

pub(super) fn effect_of(host: &dyn RuleHost, skill: &str) -> Effect {
    let route = host.router().find(skill);
    route.map_or(Effect::Pure, |route| route.skill().dyn_skill.spec().effect)
}

fn reaction_record(
    fact: &Fact,
    episode: EpisodeId,
    rule: &Arc<Reaction>,
    effect: Effect,
    input: Value,
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
        ..TaskRecord::new(id, &*rule.skill, input)
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
