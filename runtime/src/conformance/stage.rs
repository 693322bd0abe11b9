//! Stages: a runtime with the agent on it, whose workers can be harmed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aimass_config::{AgentConfig, Config};
use serde_json::Value;

use crate::agent_core::{AgentCore, Runner};
use crate::ask::{JsonChunks, JsonHeard, JsonStream, Pending};
use crate::conformance::case::{Answer, Work, failed};
use crate::conformance::report::Verdict;
use crate::conformance::{Conformance, Example};
use crate::environment::Environment;
use crate::error::TaskError;
use crate::events::{Recorder, TaskOutcome};
use crate::fault_injector::{FaultInjector, Harm, InjectionPoint};
use crate::runtime::{Runtime, RuntimeError};
use crate::skill::Delivery;
use crate::spawn::Spawner;
use crate::task::TaskOptions;

/// A runtime with the agent on it.
pub(super) struct Stage {
    pub(super) runtime: Runtime,
    pub(super) agent: String,
    pub(super) injector: Arc<FaultInjector>,
    recorder: Recorder,
    releaser: Releaser,
}

/// A task that was handed over and is not answered yet. Dropping it cancels.
pub(super) enum Started {
    Unary(Pending),
    Stream(JsonStream, Option<(JsonChunks, Vec<Value>)>),
}

impl Stage {
    /// One worker for each model, no limit in the way, and what `change` makes of it.
    pub(super) async fn set(
        suite: &Conformance,
        environment: Option<Environment>,
        change: impl FnOnce(&mut AgentConfig),
    ) -> Result<Self, RuntimeError> {
        let agent = (suite.make)();
        let name = agent.name().to_owned();
        let mut config: Config = suite.config.clone();
        let settings = config
            .agents
            .entry(name.clone())
            .or_insert_with(|| suite.config.agent(&name).clone());
        settings.enabled = true;
        settings.replicas = 1;
        settings.lazy = true;
        settings.idle_unload = None;
        settings.step_limit = Duration::from_secs(3600);
        settings.max_attempts = settings.max_attempts.max(3);
        change(settings);
        let injector = Arc::new(FaultInjector::default());
        let recorder = Recorder::default();
        let mut builder = Runtime::builder(config)
            .injector(injector.clone())
            .observer(recorder.clone())
            .agent(agent);
        for other in &suite.beside {
            builder = builder.agent(other());
        }
        if let Some(environment) = environment {
            builder = builder.environment(environment);
        }
        Ok(Self {
            runtime: builder.start().await?,
            agent: name,
            releaser: Releaser(injector.clone()),
            injector,
            recorder,
        })
    }

    pub(super) fn core(&self) -> Option<&Arc<AgentCore>> {
        let mut cores = self.runtime.inner.cores.iter();
        cores.find(|core| *core.name == *self.agent)
    }

    pub(super) fn work(&self, skill: &str) -> Work {
        let route = self.runtime.inner.router.find(skill).ok();
        let is_flow = route.is_some_and(|route| {
            let group = usize::from(route.skill().group.0);
            matches!(route.core.groups[group].runner, Runner::Flow(_))
        });
        if is_flow { Work::Flow } else { Work::Model }
    }

    /// Hands a task over.
    pub(super) fn start(
        &self,
        example: &Example,
        options: TaskOptions,
    ) -> Result<Started, TaskError> {
        let (skill, input) = (&example.skill, example.input.clone());
        let route = self.runtime.inner.router.find(skill)?;
        Ok(match route.skill().dyn_skill.spec().delivery {
            Delivery::Unary => {
                let call = self.runtime.decode(skill, input, options)?;
                Started::Unary(self.runtime.call(call)?)
            }
            Delivery::ServerStreaming => {
                Started::Stream(self.runtime.stream_json(skill, input, options)?, None)
            }
            Delivery::ClientStreaming => {
                let (chunks, stream) = self.runtime.open_json(skill, input, options)?;
                Started::Stream(stream, Some((chunks, example.chunks.clone())))
            }
        })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, example: &Example) -> Result<Answer, TaskError> {
        self.start(example, TaskOptions::default())?.answer().await
    }

    /// The types of the items that a task sends, be they declared or not.
    pub(super) async fn item_types(
        &self,
        example: &Example,
    ) -> Result<BTreeSet<&'static str>, TaskError> {
        let (skill, input) = (&example.skill, example.input.clone());
        let dyn_skill = self
            .runtime
            .inner
            .router
            .find(skill)?
            .skill()
            .dyn_skill
            .clone();
        let call = self.runtime.decode(skill, input, TaskOptions::default())?;
        let takes_chunks = dyn_skill.spec().delivery == Delivery::ClientStreaming;
        let (chunks, mut stream) = match takes_chunks {
            true => {
                let (chunks, stream) = self.runtime.converse(call)?;
                (Some(JsonChunks::new(chunks, dyn_skill)), stream)
            }
            false => (None, self.runtime.listen(call)?),
        };
        // What becomes of the task is for other checks to say.
        let sending = async move {
            let Some(chunks) = chunks else { return };
            for chunk in &example.chunks {
                let _ = chunks.send(chunk.clone()).await;
            }
        };
        let hearing = async {
            let mut types = BTreeSet::new();
            while let Some(item) = stream.next_item().await {
                types.insert(item.type_name());
            }
            types
        };
        let ((), types) = tokio::join!(sending, hearing);
        Ok(types)
    }

    /// Hands a task over, and returns once its worker stands still before its next step. It does so until the second of what is
    /// given is told to release it, or goes.
    pub(super) async fn hold(&self, example: &Example) -> Result<(Started, Releaser), Verdict> {
        self.hold_before(InjectionPoint::Step(0), example).await
    }

    /// As [`Self::hold`], before another of the skill's calls.
    pub(super) async fn hold_before(
        &self,
        point: InjectionPoint,
        example: &Example,
    ) -> Result<(Started, Releaser), Verdict> {
        let injections = self.injector.injections();
        self.injector.plant(&example.skill, point, Harm::Hold);
        let releaser = Releaser(self.injector.clone());
        let started = self.start(example, TaskOptions::default());
        let started = started.map_err(|error| failed(error.to_string()))?;
        self.injector.injected(injections + 1).await;
        Ok((started, releaser))
    }

    /// The runtime is gone, as after a crash; a thread that stands still is left so until it is released.
    pub(super) fn leave(self) -> LeftBehind {
        LeftBehind {
            releaser: self.releaser,
            spawner: self.runtime.inner.spawner.clone(),
        }
    }

    /// How the calls of the skill have ended so far.
    pub(super) async fn ended(&self, skill: &str) -> Ended {
        self.runtime.flush_observers().await;
        let mut ended = Ended::default();
        for task in self.recorder.tasks() {
            match task.outcome {
                _ if *task.skill != *skill => {}
                TaskOutcome::Error { error, .. } if error == "cancelled" => ended.cancelled += 1,
                TaskOutcome::Error { .. } => {}
                TaskOutcome::Done => ended.done += 1,
            }
        }
        ended
    }

    /// Returns once the agent holds no task.
    pub(super) async fn quiet(&self) {
        if let Some(core) = self.core() {
            core.emptied().await;
        }
    }
}

/// How many calls ended in each way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ended {
    pub(super) done: usize,
    /// Because nobody waited for them any more.
    pub(super) cancelled: usize,
}

/// Releases whoever still stands still when it goes.
pub(super) struct Releaser(Arc<FaultInjector>);

/// The threads of a runtime that is gone.
pub(super) struct LeftBehind {
    releaser: Releaser,
    spawner: Arc<Spawner>,
}

impl LeftBehind {
    /// Releases the threads, and returns once they have ended.
    pub(super) async fn wake(self) {
        self.releaser.release();
        self.spawner.ended().await;
    }
}

impl Releaser {
    pub(super) fn release(&self) {
        self.0.release();
    }
}

impl Drop for Releaser {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Started {
    pub(super) async fn answer(self) -> Result<Answer, TaskError> {
        match self {
            Self::Unary(pending) => {
                let skill = pending.ticket.skill_name.to_string();
                let output = pending.await?.to_json();
                let output = output.map_err(|message| TaskError::Bug { skill, message })?;
                let items = Vec::new();
                Ok(Answer { items, output })
            }
            Self::Stream(stream, None) => collect(stream).await,
            Self::Stream(stream, Some((chunks, values))) => {
                let sending = async move {
                    for chunk in values {
                        chunks.send(chunk).await?;
                    }
                    Ok::<(), TaskError>(())
                };
                let (sent, answer) = tokio::join!(sending, collect(stream));
                match sent {
                    Err(error @ TaskError::InvalidInput { .. }) => Err(error),
                    _ => answer,
                }
            }
        }
    }
}

async fn collect(mut stream: JsonStream) -> Result<Answer, TaskError> {
    let mut answer = Answer::default();
    while let Some(heard) = stream.next().await {
        match heard? {
            JsonHeard::Item(item) => answer.items.push(item),
            JsonHeard::Output(output) => answer.output = output,
        }
    }
    Ok(answer)
}
