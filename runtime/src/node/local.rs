//! The transport within a process: a runtime answers each request itself.

use aimass_environment::{EnvironmentError, EpisodeId, FactFilter, Revision, Snapshot};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, ItemSender, Request, Transport, live, records, show};
use crate::error::TaskError;
use crate::fault::FaultKind;
use crate::reactions::{Episode, RunningEpisode};
use crate::runtime::Runtime;
use crate::runtime::ask::{JsonReceived, JsonStream};
use crate::skill::Delivery;
use crate::task::TaskOptions;

impl Transport for Runtime {
    fn call(&self, request: Request) -> Call {
        let runtime = self.clone();
        Call::new(|items| async move { answer(runtime, request, items).await })
    }
}

async fn answer(runtime: Runtime, request: Request, items: ItemSender) -> Result<Value, TaskError> {
    match request {
        Request::Ask {
            skill,
            input,
            options,
        } => ask(&runtime, &skill, input, *options, items).await,
        Request::Open {
            skill,
            input,
            options,
        } => live::open(&runtime, &skill, input, *options, items).await,
        Request::Stream {
            skill,
            input,
            options,
        } => {
            let stream = runtime.stream_json_durable(&skill, input, *options);
            let stream = stream.await?;
            // A caller that is gone has dropped the call, and this future with it; the task goes on.
            let _ = items.send(json!(stream.task())).await;
            forward(stream, &skill, &items).await
        }
        Request::Follow { task, position } => {
            let stream = runtime.resume_stream_json(task, position).await?;
            let skill = stream.skill().to_owned();
            forward(stream, &skill, &items).await
        }
        Request::CancelStream { task } => Ok(json!(runtime.cancel_stream(task))),
        Request::Chunk { stream, chunk } => runtime.inner.live_streams.send(stream, chunk).await,
        Request::End { stream } => runtime.inner.live_streams.end(stream),
        Request::Skills => send_all(runtime.skills(), &items).await,
        Request::Agents => send_all(runtime.agents(), &items).await,
        Request::Services => send_all(runtime.services(), &items).await,
        Request::Live => Err(TaskError::Refused {
            kind: FaultKind::Unavailable,
            message: "this node keeps no live view; `aimass start` starts one that does".to_owned(),
        }),
        Request::Run {
            paths,
            namespace,
            trace,
        } => {
            let mut episode = Episode::from_files(paths);
            if let Some(namespace) = namespace {
                episode = episode.namespace(namespace);
            }
            if let Some(trace) = trace {
                episode = episode.trace(trace);
            }
            run(&runtime, episode, &items).await
        }
        Request::Resume { episode } => resume(&runtime, episode, &items).await,
        Request::Redrive { task } => {
            let (task, output) = runtime.redrive(task).await?;
            Ok(json!({"task": task, "output": output}))
        }
        Request::Show {
            revisions,
            namespace,
            locale,
        } => {
            let (environment, views) = (runtime.environment().clone(), runtime.views());
            let wanted = show::Wanted {
                revisions,
                namespace,
                locale,
            };
            show::show(environment, views, wanted, items).await
        }
        other => records::answer(runtime.environment().clone(), other, items).await,
    }
}

async fn ask(
    runtime: &Runtime,
    skill: &str,
    input: Value,
    options: TaskOptions,
    items: ItemSender,
) -> Result<Value, TaskError> {
    let route = runtime.inner.router.find(skill)?;
    if route.skill().dyn_skill.spec().delivery != Delivery::ServerStreaming {
        return runtime.ask_json(skill, input, options).await;
    }
    let stream = runtime.stream_json(skill, input, options)?;
    forward(stream, skill, &items).await
}

/// Sends the items of a stream, and gives its output.
pub(super) async fn forward(
    mut stream: JsonStream,
    skill: &str,
    items: &ItemSender,
) -> Result<Value, TaskError> {
    while let Some(received) = stream.next().await {
        match received? {
            JsonReceived::Output(output) => return Ok(output),
            // A caller that no longer takes items has dropped the call, and this future with it.
            JsonReceived::Item(item) => drop(items.send(item).await),
        }
    }
    Err(TaskError::Bug {
        skill: skill.to_owned(),
        message: "its stream ended without an output".to_owned(),
    })
}

async fn run(runtime: &Runtime, episode: Episode, items: &ItemSender) -> Result<Value, TaskError> {
    let before = runtime.environment().snapshot()?.head()?;
    let running = runtime.begin_episode(episode).await?;
    follow(runtime, running, before, items).await
}

async fn resume(
    runtime: &Runtime,
    episode: Option<EpisodeId>,
    items: &ItemSender,
) -> Result<Value, TaskError> {
    let (id, before) = begun_before(&runtime.environment().snapshot()?, episode)?;
    let running = RunningEpisode {
        id,
        refused: Vec::new(),
    };
    follow(runtime, running, before, items).await
}

/// An episode that was begun before, and the revision before its first fact: the one that is named, else the last one whose end nobody has waited for.
fn begun_before(
    snapshot: &Snapshot,
    episode: Option<EpisodeId>,
) -> Result<(EpisodeId, Revision), TaskError> {
    let found = match episode {
        Some(episode) => {
            let found = snapshot.episode(episode)?;
            Some(found.ok_or(EnvironmentError::UnknownEpisode { episode })?)
        }
        None => {
            let unfinished = snapshot.episodes()?.into_iter().filter(|one| !one.done);
            unfinished.max_by_key(|one| one.record.at_ms)
        }
    };
    let found = found.ok_or_else(|| TaskError::Refused {
        kind: FaultKind::Rejected,
        message:
            "every episode here has come to its end; `aimass run --resume=EPISODE` shows one again"
                .to_owned(),
    })?;
    let id = found.record.id;
    let first = snapshot.facts(of(id))?.next().transpose()?;
    let before = first.map_or(0, |first| first.revision.0.saturating_sub(1));
    Ok((id, Revision(before)))
}

fn of(episode: EpisodeId) -> FactFilter {
    FactFilter {
        episode: Some(episode),
        ..FactFilter::default()
    }
}

/// Sends the episode's facts as they come; the reply has the rest of its report, so that neither has to fit into one frame.
async fn follow(
    runtime: &Runtime,
    RunningEpisode { id, refused }: RunningEpisode,
    before: Revision,
    items: &ItemSender,
) -> Result<Value, TaskError> {
    let mut facts = runtime.environment().subscribe_from(before, of(id));
    let report = runtime.report(id);
    tokio::pin!(report);
    let report = loop {
        tokio::select! {
            fact = facts.next() => send(&fact?, items).await?,
            report = &mut report => break report?,
        }
    };
    let sent = facts.position();
    for fact in report.facts.iter().filter(|fact| fact.revision > sent) {
        send(fact, items).await?;
    }
    Ok(json!({
        "episode": id,
        "failures": report.failures,
        "refused": refused,
        "unhandled": report.unhandled,
    }))
}

async fn send_all<T: Serialize>(all: Vec<T>, items: &ItemSender) -> Result<Value, TaskError> {
    for one in &all {
        send(one, items).await?;
    }
    Ok(json!(all.len()))
}

async fn send<T: Serialize>(item: &T, items: &ItemSender) -> Result<(), TaskError> {
    let item = serde_json::to_value(item).map_err(|error| TaskError::Refused {
        kind: FaultKind::Bug,
        message: error.to_string(),
    })?;
    // As above: nobody is left to hear of it.
    let _ = items.send(item).await;
    Ok(())
}
