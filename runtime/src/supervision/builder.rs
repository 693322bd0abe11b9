//! Starting a runtime: from configuration and agents to cores.

mod added_agent;
mod assembly;
mod fit;
mod joining;
mod names;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aimass_config::{Config, Problem};
use aimass_environment::{Clock, Environment, EnvironmentOptions};
use parking_lot::RwLock;
use tokio::runtime::Handle;

use crate::core::AgentCore;
use crate::core::board::Board;
use crate::core::durable_streams::DurableStreams;
use crate::core::memory::Memory;
use crate::core::message::{Child, Service};
use crate::core::placement::{DeviceCapacity, Placer};
use crate::core::router::Router;
#[cfg(feature = "fault-injection")]
use crate::fault_injector::FaultInjector;
use crate::observer::{EventSink, Observer, Pump};
use crate::restart::RestartSettings;
use crate::runtime::{CurrentSpan, Ending, Inner, LiveStreams, Members, Runtime, RuntimeError};
use crate::skill::definition::{Agent, AgentDefinition};
use crate::skill::idle_rule::IdleRule;
use crate::skill::views::{ViewRegistry, Views};
use crate::spawn::Spawner;
use crate::supervision;
use crate::supervision::services::{
    EnvironmentService, IdleRuleService, MemoryService, ObserverService, ReactionService,
    RecoveryService,
};
use crate::supervision::supervisor::Team;
use crate::task::TraceContext;
use added_agent::AddedAgent;
use assembly::{Assembly, add_views, check_rules, configured, register};
use names::Team as Names;

/// Collects what a runtime is made of.
pub struct RuntimeBuilder {
    config: Config,
    agents: Vec<AddedAgent>,
    observers: Vec<Box<dyn Observer>>,
    environment: Option<Environment>,
    devices: Vec<DeviceCapacity>,
    #[cfg(feature = "fault-injection")]
    injector: Option<Arc<FaultInjector>>,
    current_span: Option<CurrentSpan>,
}

impl RuntimeBuilder {
    fn new(config: Config) -> Self {
        Self {
            config,
            agents: Vec::new(),
            observers: Vec::new(),
            environment: None,
            devices: Vec::new(),
            #[cfg(feature = "fault-injection")]
            injector: None,
            current_span: None,
        }
    }

    /// Adds an agent.
    #[must_use]
    pub fn agent(mut self, agent: impl Agent) -> Self {
        self.agents.push(AddedAgent::new(agent));
        self
    }

    /// Adds an observer.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// The environment to work in; one in memory when none is given.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Keeps the environment in the folder `dir`, which is made where there is none, as the configuration says. What an earlier process accepted there
    /// is taken up again at the start.
    ///
    /// # Errors
    /// [`RuntimeError::Environment`]: another process works in it, its files are damaged, or they cannot be made, read or written.
    pub fn store(self, dir: impl AsRef<Path>) -> Result<Self, RuntimeError> {
        let options = EnvironmentOptions::from(&self.config.environment);
        let environment = Environment::open(dir.as_ref(), options)?;
        Ok(self.environment(environment))
    }

    /// The devices that `auto` may choose from, besides the processor.
    #[must_use]
    pub fn devices(mut self, devices: Vec<DeviceCapacity>) -> Self {
        self.devices = devices;
        self
    }

    /// How the embedder's current span is found. It becomes the parent of whatever is asked without a trace of its own, so that the
    /// team's work shows up inside the embedder's traces.
    ///
    /// It is called on the thread that polls the asking future, once for each task and episode.
    #[must_use]
    pub fn current_span(
        mut self,
        find: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.current_span = Some(Arc::new(find));
        self
    }

    /// Lets the holder of `injector` plant faults on the threads of workers.
    #[must_use]
    #[cfg(feature = "fault-injection")]
    pub fn injector(mut self, injector: Arc<FaultInjector>) -> Self {
        self.injector = Some(injector);
        self
    }

    /// Holds the configuration against the agents, and starts nothing. Gives what is odd about it and may be meant so: a rule for a kind of fact
    /// that nothing in the team is known to write, a setting at its old place.
    ///
    /// # Errors
    /// [`RuntimeError::Config`] for a value that breaks its rule and for a name that stands for nothing, [`RuntimeError::Agent`] when an agent cannot
    /// work, [`RuntimeError::Reaction`] when an agent's own rule does not fit what it asks.
    pub fn check(&self) -> Result<Vec<Problem>, RuntimeError> {
        self.config.validate()?;
        let mut team = Names::of(&self.agents);
        let mut doubts = Vec::new();
        for agent in &self.agents {
            if !self.config.agent(agent.name()).enabled {
                continue;
            }
            let (definition, odd) = agent.configured(&self.config, &self.agents)?;
            doubts.extend(odd);
            team.note(&definition);
        }
        doubts.extend(team.check(&self.config, &self.agents)?);
        Ok(doubts)
    }

    /// Returns what the agents show of facts, and starts nothing.
    ///
    /// # Errors
    /// As [`Self::check`], as far as agents are asked for their definitions.
    pub fn views(&self) -> Result<Views, RuntimeError> {
        let mut registry = ViewRegistry::default();
        let agents = self.agents.iter();
        for agent in agents.filter(|agent| self.config.agent(agent.name()).enabled) {
            let (definition, _) = agent.configured(&self.config, &self.agents)?;
            let AgentDefinition {
                views, file_kinds, ..
            } = definition;
            add_views(&mut registry, agent.name(), views, file_kinds)?;
        }
        Ok(registry.into_views())
    }

    /// Starts the agents; tasks that an earlier process accepted are taken up again.
    ///
    /// # Errors
    /// [`RuntimeError`]; nothing is left running then.
    pub async fn start(self) -> Result<Runtime, RuntimeError> {
        if cfg!(panic = "abort") {
            return Err(RuntimeError::PanicAborts);
        }
        self.config.validate()?;
        let spawner = Arc::new(Spawner::new(Handle::try_current()?));
        let environment = match self.environment {
            Some(environment) => environment,
            None => Environment::in_memory(EnvironmentOptions::from(&self.config.environment))?,
        };
        let (sink, pump) = EventSink::new(self.config.runtime.event_capacity, self.observers);
        let durable_streams = Arc::new(DurableStreams::default());
        let mut assembly = Assembly {
            config: &self.config,
            clock: Clock::start(),
            placer: Placer::new(self.devices),
            environment: environment.clone(),
            events: Arc::new(sink),
            spawner: spawner.clone(),
            memory: Memory::new(self.config.runtime.memory_budget),
            #[cfg(feature = "fault-injection")]
            injector: self.injector,
            durable_streams: durable_streams.clone(),
            planned_bytes: 0,
            reactions: Vec::new(),
            idle_rules: Vec::new(),
            views: ViewRegistry::default(),
            team: Names::of(&self.agents),
        };
        let made = cores(&self.agents, &mut assembly);
        let doubts = made
            .is_ok()
            .then(|| assembly.team.check(&self.config, &self.agents));
        drop(self.agents);
        let (cores, router) = made?;
        for doubt in doubts.transpose()?.unwrap_or_default() {
            tracing::warn!("{doubt}");
        }
        let mut idle_rules = assembly.idle_rules;
        let reactions = configured(assembly.reactions, &mut idle_rules, &self.config)?;
        let idle_rules = IdleRule::in_order(idle_rules).map_err(RuntimeError::IdleRules)?;
        check_rules(&reactions, &idle_rules, &router).map_err(RuntimeError::Reaction)?;
        let views = assembly.views.into_views();
        let (clock, events, memory) = (assembly.clock, assembly.events, assembly.memory);
        let settings = &self.config.runtime.supervision;
        let team = Arc::new(Team {
            strategy: settings.strategy,
            restart: RestartSettings::of(settings),
            spawner: spawner.clone(),
            cores: cores.clone(),
        });
        let board = Arc::new(Board::new(events.clone(), clock));
        let supervision = supervision::start(team, board).await?;
        let inner = Arc::new(Inner {
            config: self.config,
            clock,
            members: RwLock::new(Arc::new(Members {
                cores,
                reactions,
                idle_rules,
                views,
            })),
            joining: tokio::sync::Mutex::default(),
            router,
            memory,
            environment,
            events,
            spawner,
            closing: AtomicBool::new(false),
            ending: Ending::default(),
            supervision,
            nodes: parking_lot::Mutex::default(),
            durable_streams,
            live_streams: LiveStreams::default(),
            current_span: self.current_span,
        });
        let runtime = Runtime { inner };
        runtime.inner.events.begin(runtime.downgrade());
        runtime.begin(pump).await?;
        Ok(runtime)
    }
}

/// The cores of all agents that are enabled, and the way to their skills.
fn cores(
    agents: &[AddedAgent],
    assembly: &mut Assembly<'_>,
) -> Result<(Vec<Arc<AgentCore>>, Router), RuntimeError> {
    let (mut cores, router) = (Vec::<Arc<AgentCore>>::new(), Router::default());
    for agent in agents {
        let name = agent.name();
        if !assembly.config.agent(name).enabled {
            continue;
        }
        if cores.iter().any(|core| &*core.name == name) {
            let name = name.to_owned();
            return Err(RuntimeError::Duplicate {
                first: name.clone(),
                second: name.clone(),
                name,
            });
        }
        let core = assembly.core(agent, agents)?;
        register(&router, &core)?;
        cores.push(core);
    }
    Ok((cores, router))
}

impl Runtime {
    /// A runtime of this configuration, to which agents are added before it starts.
    pub fn builder(config: Config) -> RuntimeBuilder {
        RuntimeBuilder::new(config)
    }

    /// Starts the tree: first what agents need, then the agents, what an earlier process left behind, and what gives them work.
    async fn begin(&self, pump: Option<Pump>) -> Result<(), RuntimeError> {
        let Inner {
            supervision,
            environment,
            events,
            memory,
            ..
        } = &*self.inner;
        let members = self.inner.members();
        let cores = &members.cores;
        let service = |name: &str, service| Child::Service(name.to_owned(), service);
        let last = |name: &str, service| Child::LastService(name.to_owned(), service);
        cores.iter().for_each(|core| self.inner.connect(core));
        let writing = EnvironmentService::new(environment.clone());
        let mut first = vec![last("environment", Arc::new(writing) as Arc<dyn Service>)];
        if let Some(pump) = pump {
            let observing = ObserverService::new(events.clone(), pump);
            first.push(last("observer", Arc::new(observing)));
        }
        let granting = MemoryService::new(memory.clone(), cores.clone());
        first.push(service("memory", Arc::new(granting)));
        first.extend(cores.iter().cloned().map(Child::Agent));
        supervision.add(first).await;
        let unsettled = self.take_up_suspects().await?;
        cores.iter().for_each(|core| core.start());
        let weak = || (Arc::downgrade(&self.inner), environment.clone());
        let mut then = Vec::new();
        for unsettled in unsettled {
            let (inner, environment) = weak();
            let recovery = RecoveryService::new(inner, environment, unsettled);
            then.push(service("recovery", Arc::new(recovery) as Arc<dyn Service>));
        }
        let (inner, environment) = weak();
        let reacting = ReactionService::new(inner, environment);
        then.push(service("reactions", Arc::new(reacting)));
        if !members.idle_rules.is_empty() {
            let (inner, environment) = weak();
            let rules = IdleRuleService::new(inner, environment);
            then.push(service("idle rules", Arc::new(rules)));
        }
        supervision.add(then).await;
        Ok(())
    }
}
