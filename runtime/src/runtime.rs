//! The runtime: a value that owns agents, environment and observers. Two live side by side in one process.

pub(crate) mod ask;
mod calls;
#[cfg(feature = "fault-injection")]
mod conformance;
mod durable_streams;
mod episodes;
mod error;
mod interrupted;
mod live_streams;
mod members;
mod outcomes;
mod redrive;
mod resume;
mod rule_host;
mod shutdown;
mod state;
mod streams;
mod swap;
mod tickets;
mod weak;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aimass_config::Config;
use aimass_environment::{Clock, DeadLetterRecord, Environment, EnvironmentError};
use parking_lot::RwLock;
use serde_json::Value;

pub use error::RuntimeError;
pub(crate) use live_streams::LiveStreams;
pub(crate) use members::Members;
pub(crate) use shutdown::Ending;
pub use shutdown::ShutdownReport;
pub use state::{AgentState, WorkerStatus};

pub(crate) use resume::{Unsettled, take_up};

use crate::core::durable_streams::DurableStreams;
use crate::core::memory::Memory;
use crate::core::router::Router;
use crate::core::submitter::TaskSubmitter;
use crate::core::tree::Supervision;
use crate::error::TaskError;
use crate::observer::EventSink;
use crate::runtime::ask::Ask;
use crate::skill::context::BoxFuture;
use crate::skill::operation::Operation;
use crate::skill::reaction::Reaction;
use crate::skill::views::Views;
use crate::skill::{Skill, SkillSpec};
use crate::spawn::Spawner;
use crate::task::{TaskOptions, TraceContext};

/// A team of agents over one environment. Cloning it shares it.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) members: RwLock<Arc<Members>>,
    /// One agent joins or leaves at a time.
    pub(crate) joining: tokio::sync::Mutex<()>,
    pub(crate) router: Router,
    pub(crate) memory: Arc<Memory>,
    pub(crate) environment: Environment,
    pub(crate) events: Arc<EventSink>,
    pub(crate) spawner: Arc<Spawner>,
    /// Nothing is taken from outside any more; flows under way still ask.
    pub(crate) closing: AtomicBool,
    pub(crate) ending: Ending,
    pub(crate) supervision: Supervision,
    /// What serves the runtime to others.
    pub(crate) nodes: parking_lot::Mutex<Vec<Arc<dyn Served>>>,
    pub(crate) durable_streams: Arc<DurableStreams>,
    /// Streams that take chunks through a transport.
    pub(crate) live_streams: LiveStreams,
    /// How the embedder's current span is found.
    pub(crate) current_span: Option<CurrentSpan>,
}

/// What serves the runtime to others.
pub(crate) trait Served: Send + Sync {
    /// Lets open calls reply, and returns once all connections have ended. Once the tree is gone, which `gone` tells, nobody else ends them.
    fn stop<'a>(&'a self, gone: BoxFuture<'a, ()>) -> BoxFuture<'a, ()>;
}

/// Gives the embedder's current span, on whose behalf the runtime is being asked.
pub(crate) type CurrentSpan = Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>;

impl Inner {
    /// The agents at this moment, and what they bring.
    pub(crate) fn members(&self) -> Arc<Members> {
        self.members.read().clone()
    }

    /// Puts other members in their place.
    pub(crate) fn replace_members(&self, members: Members) {
        let before = std::mem::replace(&mut *self.members.write(), Arc::new(members));
        // Outside the lock: it may be the last of its kind.
        drop(before);
    }
}

impl Drop for Inner {
    /// A runtime that is dropped without a shutdown stops as a crash would: what is durable goes on at the next start.
    fn drop(&mut self) {
        let members = self.members.get_mut();
        members.cores.iter().for_each(|core| core.dismiss());
        self.supervision.end();
        // Whoever goes on with the environment is told when its writer panics.
        self.environment.give_writer_up();
    }
}

impl Runtime {
    /// Asks a skill. Await the answer; dropping the future cancels the task.
    pub fn ask<S: Skill>(&self, input: S::Input) -> Ask<S> {
        Ask::new(self.clone(), input)
    }

    /// Asks a skill so that the task outlives this process: accepted and settled are records in the environment.
    pub fn ask_durable<S: Skill>(&self, input: S::Input) -> Ask<S> {
        self.ask::<S>(input).durable()
    }

    /// Asks a skill by its name, in JSON.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`] and [`TaskError::InvalidInput`] at once; else what becomes of the task.
    pub async fn ask_json(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<Value, TaskError> {
        let call = self.decode(skill, input, options)?;
        let durable = call.options.episode.is_some();
        let pending = if durable {
            self.call_durable(call).await?
        } else {
            self.call(call)?
        };
        let output = pending.await?;
        output.to_json().map_err(|message| TaskError::Bug {
            skill: skill.to_owned(),
            message,
        })
    }

    /// All skills of all agents, by name.
    pub fn skills(&self) -> Vec<SkillSpec> {
        let members = self.inner.members();
        let cores = members.cores.iter();
        let mut specs: Vec<SkillSpec> = cores
            .flat_map(|core| {
                core.skills
                    .iter()
                    .map(|skill| skill.dyn_skill.spec().clone())
            })
            .collect();
        specs.sort_by(|one, other| one.name.cmp(&other.name));
        specs
    }

    /// Returns the name of a skill that does this, the first one by the order of its agents; none when no agent offers one.
    pub fn skill_for(&self, operation: Operation) -> Option<String> {
        self.inner.skill_for(operation)
    }

    /// The rules by which the team reacts to facts: the agents' own, then the configured ones.
    pub fn reactions(&self) -> Vec<Reaction> {
        let members = self.inner.members();
        members
            .reactions
            .iter()
            .map(|rule| (**rule).clone())
            .collect()
    }

    /// What the team shows of facts.
    pub fn views(&self) -> Views {
        self.inner.members().views.clone()
    }

    /// The shared environment.
    pub fn environment(&self) -> &Environment {
        &self.inner.environment
    }

    /// The configuration that it was started with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Tasks that were given up, with input and cause.
    ///
    /// # Errors
    /// [`TaskError::Environment`] when the store cannot be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetterRecord>, TaskError> {
        let read = || self.inner.environment.snapshot()?.dead_letters();
        read().map_err(|error| environment_error("dead letters", &error))
    }

    /// How many records did not reach the observers.
    pub fn dropped_events(&self) -> u64 {
        self.inner.events.dropped()
    }

    /// Returns once the observers have taken in and flushed everything up to now.
    pub async fn flush_observers(&self) {
        self.inner.events.flush().await;
    }
}

pub(crate) fn environment_error(skill: &str, error: &EnvironmentError) -> TaskError {
    TaskError::Environment {
        skill: skill.to_owned(),
        message: error.to_string(),
    }
}
