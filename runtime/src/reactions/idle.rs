//! What the team does once an episode is idle: its idle rules, each at most once in a round, whatever dies in between.

use std::sync::Weak;

use aimass_environment::{
    Environment, EnvironmentError, EpisodeId, EpisodeStatus, SpanId, TaskRecord, TraceId,
    Transaction,
};
use tokio::sync::broadcast::error::RecvError;

use crate::pause::{self, Pause};
use crate::reactions::accept::{Accepted, Asked, accept};
use crate::reactions::engine::effect_of;
use crate::reactions::host::RuleHost;
use crate::reactions::root::Root;
use crate::skill::idle_rule::IdleRule;

/// Asks the idle rules about episodes whose end nobody waits for, until the environment closes or the runtime is gone. When the store
/// fails, it tries again, for as long as it takes.
///
/// # Errors
/// Why it cannot go on, although both are there.
pub(crate) async fn watch_over_idle(
    host: Weak<dyn RuleHost>,
    environment: Environment,
) -> Result<(), String> {
    // Heard of from here on, so that none falls between those that are idle already and those that will be.
    let Some(mut idle) = environment.idle_episodes() else {
        return Ok(());
    };
    let mut pause = Pause::default();
    let mut found = None;
    loop {
        match look_after(&host, &environment, &mut found).await {
            Ok(Looked::AtAll) => {}
            Ok(Looked::AtTheEnd) | Err(EnvironmentError::Closed) => return Ok(()),
            Err(error @ EnvironmentError::Corrupt { .. }) => {
                return Err(format!(
                    "nobody is asked about the ends of episodes any more: {error}"
                ));
            }
            Err(error) => {
                let pause = pause.next();
                tracing::warn!(%error, ?pause, "nobody can be asked about the end of an episode; it is tried again after the pause");
                pause::wait(pause).await;
                continue;
            }
        }
        pause = Pause::default();
        match idle.recv().await {
            Ok(episode) => found = Some(vec![episode]),
            Err(RecvError::Lagged(_)) => found = None,
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// How a look at idle episodes ended.
enum Looked {
    AtAll,
    /// The runtime is gone, or takes nothing any more.
    AtTheEnd,
}

/// Asks about the episodes that were found; about all that are idle by now when it is not known which. Whatever it came to is taken out.
async fn look_after(
    host: &Weak<dyn RuleHost>,
    environment: &Environment,
    found: &mut Option<Vec<EpisodeId>>,
) -> Result<Looked, EnvironmentError> {
    let episodes = match found {
        Some(episodes) => episodes,
        None => found.insert(quiet_by_now(environment)?),
    };
    while let Some(episode) = episodes.last().copied() {
        let status = environment.snapshot()?.episode(episode)?;
        if let Some(status) = status.filter(EpisodeStatus::is_idle)
            && let Next::Closing = go_on_when_quiet(host, environment, &status).await?
        {
            return Ok(Looked::AtTheEnd);
        }
        episodes.pop();
    }
    Ok(Looked::AtAll)
}

/// The idle episodes that nobody has declared done.
fn quiet_by_now(environment: &Environment) -> Result<Vec<EpisodeId>, EnvironmentError> {
    let all = environment.snapshot()?.episodes()?.into_iter();
    let idle = all.filter(|status| status.is_idle() && !status.done);
    Ok(idle.map(|status| status.record.id).collect())
}

/// What comes next in an idle episode.
pub(crate) enum Next {
    /// A rule is under way.
    Rule,
    /// Nothing: the round has had all its rules.
    Nothing,
    /// The runtime is gone, or takes nothing any more.
    Closing,
}

/// Asks the next of the idle rules that the round of an idle episode has not had.
pub(crate) async fn go_on_when_quiet(
    host: &Weak<dyn RuleHost>,
    environment: &Environment,
    status: &EpisodeStatus,
) -> Result<Next, EnvironmentError> {
    let episode = status.record.id;
    if status.done || status.facts == 0 {
        return Ok(Next::Nothing);
    }
    let Some(running) = host.upgrade() else {
        return Ok(Next::Closing);
    };
    for rule in running.idle_rules() {
        let task = rule.task(episode, status.round);
        let (settled, accepted) = {
            let snapshot = environment.snapshot()?;
            (snapshot.settled(task)?, snapshot.task(task)?)
        };
        if settled.is_some() {
            continue;
        }
        // Whoever else saw it may have been faster.
        if accepted.is_some() {
            return Ok(Next::Rule);
        }
        let record = record_of(&*running, &rule, status);
        let asked = Asked::new(&*running, record);
        drop(running);
        let transaction = Transaction {
            namespace: status.record.namespace.clone(),
            episode: Some(episode),
            ..Transaction::default()
        };
        return match accept(host, environment, transaction, vec![asked]).await? {
            Accepted::Yes => Ok(Next::Rule),
            Accepted::Closing => Ok(Next::Closing),
        };
    }
    Ok(Next::Nothing)
}

fn record_of(host: &dyn RuleHost, rule: &IdleRule, status: &EpisodeStatus) -> TaskRecord {
    let episode = status.record.id;
    let root = Root::place(status);
    TaskRecord {
        namespace: status.record.namespace.clone(),
        episode: Some(episode),
        effect: effect_of(host, &rule.skill),
        trace: Some(root.map_or_else(TraceId::random, |root| root.trace)),
        span: Some(SpanId::random()),
        parent: root.map(|root| root.span),
        sampled: root.is_none_or(|root| root.sampled),
        rule: Some(rule.name.to_string()),
        ..TaskRecord::new(
            rule.task(episode, status.round),
            &*rule.skill,
            rule.input(episode),
        )
    }
}
