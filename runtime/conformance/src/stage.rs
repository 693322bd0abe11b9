//! Stages: a runtime with the agent on it, whose workers can be harmed.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aimass_config::{AgentConfig, Config};
use aimass_runtime::{
    Delivery, Environment, FaultInjector, Harm, InjectionPoint, JsonChunks, JsonReceived,
    JsonStream, Recorder, Runtime, RuntimeError, TaskError, TaskOptions, TaskOutcome,
};
use serde_json::Value;

use crate::case::{Answer, Work, failed};
use crate::conformance::{Conformance, Example};
use crate::report::Verdict;

/// A runtime with the agent on it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) agent: String,
    pub(crate) injector: Arc<FaultInjector>,
    recorder: Recorder,
    releaser: Releaser,
}

/// A task that was handed over and is not answered yet. Dropping it cancels.
pub(crate) enum Started {
    Unary(Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>),
    Stream(Box<JsonStream>, Option<(JsonChunks, Vec<Value>)>),
}

impl Stage {
    /// One worker for each model, no limit in the way, and what `change` makes of it.
    pub(crate) async fn set(
        suite: &Conformance,
        environment: Option<Environment>,
        change: impl FnOnce(&mut AgentConfig),
    ) -> Result<Self, RuntimeError> {
        let agent = (suite.make)();
        let name = agent.name().to_owned();
        let mut config: Config = suite.config.clone();
        let settings = config.agent_mut(&name);
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

    pub(crate) fn work(&self, skill: &str) -> Work {
        match self.runtime.is_flow(skill) {
            true => Work::Flow,
            false => Work::Model,
        }
    }

    /// Hands a task over.
    pub(crate) fn start(
        &self,
        example: &Example,
        options: TaskOptions,
    ) -> Result<Started, TaskError> {
        let (skill, input) = (&example.skill, example.input.clone());
        let specs = self.runtime.skills();
        let spec = specs.iter().find(|spec| spec.name == *skill);
        // A skill that is not there is refused like any other.
        let delivery = spec.map_or(Delivery::Unary, |spec| spec.delivery);
        Ok(match delivery {
            Delivery::Unary => {
                let output = self.runtime.call_json(skill, input, options)?;
                Started::Unary(Box::pin(output))
            }
            Delivery::ServerStreaming => {
                let stream = self.runtime.stream_json(skill, input, options)?;
                Started::Stream(Box::new(stream), None)
            }
            Delivery::ClientStreaming => {
                let (chunks, stream) = self.runtime.open_json(skill, input, options)?;
                Started::Stream(Box::new(stream), Some((chunks, example.chunks.clone())))
            }
        })
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, example: &Example) -> Result<Answer, TaskError> {
        self.start(example, TaskOptions::default())?.answer().await
    }

    /// The types of the items that a task sends, be they declared or not.
    pub(crate) async fn item_types(
        &self,
        example: &Example,
    ) -> Result<BTreeSet<&'static str>, TaskError> {
        // What becomes of the task is for other checks to say.
        let (skill, input) = (&example.skill, example.input.clone());
        let types = self.runtime.item_types(skill, input, &example.chunks);
        types.await
    }

    /// Hands a task over, and returns once its worker stands still before its next step. It does so until the second of what is
    /// given is told to release it, or goes.
    pub(crate) async fn hold(&self, example: &Example) -> Result<(Started, Releaser), Verdict> {
        self.hold_before(InjectionPoint::Step(0), example).await
    }

    /// As [`Self::hold`], before another of the skill's calls.
    pub(crate) async fn hold_before(
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
    pub(crate) fn leave(self) -> LeftBehind {
        LeftBehind {
            releaser: self.releaser,
            ended: Box::pin(self.runtime.threads_ended()),
        }
    }

    /// How the calls of the skill have ended so far.
    pub(crate) async fn ended(&self, skill: &str) -> Ended {
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
    pub(crate) async fn idle(&self) {
        self.runtime.emptied(&self.agent).await;
    }
}

/// How many calls ended in each way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ended {
    pub(crate) done: usize,
    /// Because nobody waited for them any more.
    pub(crate) cancelled: usize,
}

/// Releases whoever still stands still when it goes.
pub(crate) struct Releaser(Arc<FaultInjector>);

/// The threads of a runtime that is gone.
pub(crate) struct LeftBehind {
    releaser: Releaser,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl LeftBehind {
    /// Releases the threads, and returns once they have ended.
    pub(crate) async fn wake(self) {
        self.releaser.release();
        self.ended.await;
    }
}

impl Releaser {
    pub(crate) fn release(&self) {
        self.0.release();
    }
}

impl Drop for Releaser {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Started {
    pub(crate) async fn answer(self) -> Result<Answer, TaskError> {
        match self {
            Self::Unary(output) => Ok(Answer {
                items: Vec::new(),
                output: output.await?,
            }),
            Self::Stream(stream, None) => collect(*stream).await,
            Self::Stream(stream, Some((chunks, values))) => {
                let sending = async move {
                    for chunk in values {
                        chunks.send(chunk).await?;
                    }
                    Ok::<(), TaskError>(())
                };
                let (sent, answer) = tokio::join!(sending, collect(*stream));
                match sent {
                    Err(error @ TaskError::InvalidInput { .. }) => Err(error),
                    _ => answer,
                }
            }
        }
    }
}

/// All that is left of a stream.
pub(crate) async fn collect(mut stream: JsonStream) -> Result<Answer, TaskError> {
    let mut answer = Answer::default();
    while let Some(received) = stream.next().await {
        match received? {
            JsonReceived::Item(item) => answer.items.push(item),
            JsonReceived::Output(output) => answer.output = output,
        }
    }
    Ok(answer)
}
