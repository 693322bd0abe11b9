//! Starting a runtime: from configuration and agents to cells.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use aimass_config::{AgentConfig, Config, ConfigError};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::agent::{Agent, AgentDefinition};
use crate::cell::{Cell, CellGroup, CellParts, CellSkill, Runner};
use crate::clock::Clock;
use crate::environment::{Environment, EnvironmentError, EnvironmentOptions};
use crate::episode::react;
use crate::error::TaskError;
use crate::events::{EventSink, Observer};
use crate::fault::Fault;
use crate::flow::{Asker, FLOW_WORKERS};
use crate::ledger::event::{GroupId, SkillId};
use crate::ledger::settings::{GroupSettings, LedgerSettings, RestartSettings, StartWhen};
use crate::placement::{DeviceCapacity, Placer};
use crate::reaction::Reaction;
use crate::router::{Route, Router};
use crate::runtime::{Inner, Runtime};
use crate::spawn::Spawner;
use crate::supervisor::Supervisor;

/// Why a runtime did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// Panics end this process, so no guarantee could be kept.
    #[error(
        "this program is built with `panic = \"abort\"`, which ends it where a worker should restart; build it with `panic = \"unwind\"`"
    )]
    PanicAborts,
    /// There is no async runtime to run on.
    #[error("start the runtime inside a tokio runtime: {0}")]
    NoTokio(#[from] tokio::runtime::TryCurrentError),
    /// The configuration breaks a rule.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The environment could not be opened.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// An agent cannot work with what it was made with.
    #[error("agent `{agent}` cannot start: {fault}")]
    Agent {
        /// The agent.
        agent: String,
        /// What it says.
        fault: Fault,
    },
    /// Two agents have one name, or offer one skill.
    #[error("`{name}` is offered twice: by agent `{first}` and by agent `{second}`")]
    Duplicate {
        /// The name.
        name: String,
        /// Who has it.
        first: String,
        /// Who wants it too.
        second: String,
    },
    /// A skill's name does not begin with its agent's.
    #[error(
        "agent `{agent}` offers `{skill}`; the name of a skill begins with its agent's, like `{agent}.embed`"
    )]
    ForeignSkill {
        /// The agent.
        agent: String,
        /// The skill.
        skill: String,
    },
    /// A task of an earlier process cannot be taken up again.
    #[error("task {task} of an earlier run cannot be taken up: {error}")]
    Resume {
        /// The task.
        task: crate::TaskId,
        /// Why.
        error: TaskError,
    },
    /// A reaction asks a skill that there is not, or its name is used twice.
    #[error("a reaction cannot work: {0}")]
    Reaction(TaskError),
    /// A configured reaction names no kind of fact.
    #[error("reaction `{name}`: {error}")]
    ReactionKind {
        /// The reaction.
        name: String,
        /// What is wrong with its kind.
        error: crate::ParseKindError,
    },
    /// A setting is known, and not built yet.
    #[error("`{key}` cannot be `{found}` in this version; leave it out")]
    NotYet {
        /// The setting.
        key: &'static str,
        /// Its value.
        found: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Collects what a runtime is made of.
pub struct RuntimeBuilder {
    config: Config,
    agents: Vec<Box<dyn Agent>>,
    observers: Vec<Box<dyn Observer>>,
    environment: Option<Environment>,
    devices: Vec<DeviceCapacity>,
}

impl RuntimeBuilder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            agents: Vec::new(),
            observers: Vec::new(),
            environment: None,
            devices: Vec::new(),
        }
    }

    /// Adds an agent.
    #[must_use]
    pub fn agent(mut self, agent: impl Agent) -> Self {
        self.agents.push(Box::new(agent));
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

    /// The devices that `auto` may choose from, besides the processor.
    #[must_use]
    pub fn devices(mut self, devices: Vec<DeviceCapacity>) -> Self {
        self.devices = devices;
        self
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
        refuse_what_is_not_built(&self.config)?;
        let spawner = Arc::new(Spawner::new(Handle::try_current()?));
        let environment = match self.environment {
            Some(environment) => environment,
            None => Environment::in_memory(EnvironmentOptions::from(&self.config.environment))?,
        };
        let (sink, service) = EventSink::new(self.config.runtime.event_capacity, self.observers);
        let observers = match service {
            Some(service) => {
                let builder = std::thread::Builder::new().name("aimass-observers".to_owned());
                Some(builder.spawn(move || service.serve())?)
            }
            None => None,
        };
        let mut assembly = Assembly {
            config: &self.config,
            clock: Clock::start(),
            placer: Placer::new(self.devices),
            environment: environment.clone(),
            events: Arc::new(sink),
            spawner: spawner.clone(),
            reactions: Vec::new(),
        };
        let mut cells: Vec<Arc<Cell>> = Vec::new();
        let router = Router::default();
        for agent in &self.agents {
            let name = agent.name();
            if !self.config.agent(name).enabled {
                continue;
            }
            if cells.iter().any(|cell| &*cell.name == name) {
                let name = name.to_owned();
                return Err(RuntimeError::Duplicate {
                    first: name.clone(),
                    second: name.clone(),
                    name,
                });
            }
            let cell = assembly.cell(&**agent)?;
            register(&router, &cell)?;
            cells.push(cell);
        }
        let reactions = configured(assembly.reactions, &self.config)?;
        Runtime::check_reactions(&reactions, &router).map_err(RuntimeError::Reaction)?;
        let (clock, events) = (assembly.clock, assembly.events);
        let inner = Arc::new(Inner {
            config: self.config,
            clock,
            cells,
            router,
            reactions,
            environment,
            events,
            spawner,
            closing: AtomicBool::new(false),
            observers: parking_lot::Mutex::new(observers),
        });
        let runtime = Runtime { inner };
        runtime.begin().await?;
        Ok(runtime)
    }
}

impl Runtime {
    async fn begin(&self) -> Result<(), RuntimeError> {
        let asker: Weak<dyn Asker> = Arc::downgrade(&(self.inner.clone() as Arc<dyn Asker>));
        let supervisor: Weak<dyn Supervisor> =
            Arc::downgrade(&(self.inner.clone() as Arc<dyn Supervisor>));
        for cell in &self.inner.cells {
            // A cell is new: nobody has set this before.
            let _ = cell.asker.set(asker.clone());
            let _ = cell.supervisor.set(supervisor.clone());
            cell.start();
        }
        self.take_up_unsettled()?;
        let environment = self.inner.environment.clone();
        self.inner
            .spawner
            .service(react(Arc::downgrade(&self.inner), environment));
        Ok(())
    }

    fn take_up_unsettled(&self) -> Result<(), RuntimeError> {
        for record in self.inner.environment.snapshot()?.unsettled()? {
            match self.resume(&record) {
                // Nobody waits for it: its settlement is a record.
                Ok(pending) => drop(pending.detach()),
                Err(error @ (TaskError::UnknownSkill { .. } | TaskError::InvalidInput { .. })) => {
                    tracing::warn!(task = %record.id, %error, "a task of an earlier run waits for its agent");
                }
                Err(error) => {
                    return Err(RuntimeError::Resume {
                        task: record.id,
                        error,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Whatever cells are made from.
struct Assembly<'a> {
    config: &'a Config,
    clock: Clock,
    placer: Placer,
    environment: Environment,
    events: Arc<EventSink>,
    spawner: Arc<Spawner>,
    reactions: Vec<Arc<Reaction>>,
}

impl Assembly<'_> {
    fn cell(&mut self, agent: &dyn Agent) -> Result<Arc<Cell>, RuntimeError> {
        let name: Arc<str> = agent.name().into();
        let settings = self.config.agent(&name);
        let cannot = |fault| RuntimeError::Agent {
            agent: name.to_string(),
            fault,
        };
        let definition = agent.define(AgentDefinition::default()).map_err(cannot)?;
        let AgentDefinition {
            groups: models,
            flows,
            reactions,
        } = definition;
        self.reactions.extend(reactions.into_iter().map(Arc::new));
        let (mut groups, mut skills, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        for group in models {
            let id = GroupId(groups.len() as u16);
            for (at, face) in group.faces.into_iter().enumerate() {
                let name = face.spec().name.as_str().into();
                skills.push(CellSkill {
                    name,
                    face,
                    group: id,
                    at,
                });
            }
            let mut placement = Vec::new();
            for _ in 0..settings.replicas {
                let placed = self.placer.place(&settings.placement, group.memory_bytes);
                placement.push(placed.map_err(|error| cannot(Fault::rejected(error.to_string())))?);
            }
            shapes.push(model_group(&settings));
            groups.push(CellGroup {
                name: group.name,
                runner: Runner::Model(group.runner),
                placement,
            });
        }
        for flow in flows {
            let name: Arc<str> = flow.face.spec().name.as_str().into();
            let id = GroupId(groups.len() as u16);
            groups.push(CellGroup {
                name: name.to_string(),
                runner: Runner::Flow(flow.flow_face),
                placement: Vec::new(),
            });
            shapes.push(flow_group());
            skills.push(CellSkill {
                name,
                face: flow.face,
                group: id,
                at: 0,
            });
        }
        let prefix = format!("{name}.");
        if let Some(foreign) = skills.iter().find(|skill| !skill.name.starts_with(&prefix)) {
            let skill = foreign.name.to_string();
            return Err(RuntimeError::ForeignSkill {
                agent: name.to_string(),
                skill,
            });
        }
        Ok(Cell::new(CellParts {
            name,
            clock: self.clock,
            groups,
            skills,
            environment: self.environment.clone(),
            events: self.events.clone(),
            spawner: self.spawner.clone(),
            settings: ledger_settings(self.config, &settings, shapes),
        }))
    }
}

fn register(router: &Router, cell: &Arc<Cell>) -> Result<(), RuntimeError> {
    for (at, skill) in cell.skills.iter().enumerate() {
        let route = Route {
            cell: cell.clone(),
            skill: SkillId(at as u16),
        };
        if let Some(first) = router.add(skill.name.clone(), route) {
            return Err(RuntimeError::Duplicate {
                name: skill.name.to_string(),
                first: first.to_string(),
                second: cell.name.to_string(),
            });
        }
    }
    Ok(())
}

/// A setting that would be ignored is refused instead.
fn refuse_what_is_not_built(config: &Config) -> Result<(), RuntimeError> {
    if let Some(budget) = config.runtime.memory_budget {
        return Err(RuntimeError::NotYet {
            key: "runtime.memory_budget",
            found: budget.to_string(),
        });
    }
    Ok(())
}

/// The agents' own rules, and after them those of the configuration.
fn configured(
    mut reactions: Vec<Arc<Reaction>>,
    config: &Config,
) -> Result<Vec<Arc<Reaction>>, RuntimeError> {
    for rule in &config.reactions {
        let kind = rule
            .kind
            .parse()
            .map_err(|error| RuntimeError::ReactionKind {
                name: rule.name.clone(),
                error,
            })?;
        // One of the agents' own can be replaced, or switched off, by its name.
        reactions.retain(|known| known.name() != rule.name);
        if rule.enabled {
            reactions.push(Arc::new(Reaction::new(&rule.name, kind, &rule.skill)));
        }
    }
    Ok(reactions)
}

fn model_group(agent: &AgentConfig) -> GroupSettings {
    GroupSettings {
        workers: agent.replicas,
        max_batch: agent.max_batch,
        max_wait: agent.max_wait,
        start: if agent.lazy {
            StartWhen::Needed
        } else {
            StartWhen::AtOnce
        },
    }
}

fn flow_group() -> GroupSettings {
    GroupSettings {
        workers: FLOW_WORKERS,
        max_batch: 1,
        max_wait: std::time::Duration::ZERO,
        start: StartWhen::Needed,
    }
}

fn ledger_settings(
    config: &Config,
    agent: &AgentConfig,
    groups: Vec<GroupSettings>,
) -> LedgerSettings {
    let supervision = &config.runtime.supervision;
    LedgerSettings {
        capacity: agent.capacity,
        capacity_bytes: agent.capacity_bytes,
        max_attempts: agent.max_attempts,
        max_abandoned: agent.max_abandoned,
        step_limit: agent.step_limit,
        grace: agent.grace,
        idle_unload: agent.idle_unload,
        restart: RestartSettings {
            max_restarts: supervision.max_restarts,
            window: supervision.window,
            backoff_initial: supervision.backoff_initial,
            backoff_max: supervision.backoff_max,
        },
        groups,
        seed: crate::SpanId::random().to_u64(),
    }
}
