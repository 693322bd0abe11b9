//! From configuration and an agent's definition to its core.

use std::collections::HashSet;
use std::sync::Arc;

use aimass_config::{AgentConfig, Config};
use aimass_environment::{Clock, Environment, FactKind, SpanId};

use crate::core::durable_streams::DurableStreams;
use crate::core::memory::Memory;
use crate::core::placement::Placer;
use crate::core::router::{Route, Router};
use crate::core::{AgentCore, CoreGroup, CoreParts, CoreSkill, Runner};
use crate::error::TaskError;
use crate::fault::Fault;
#[cfg(feature = "fault-injection")]
use crate::fault_injector::FaultInjector;
use crate::file_kind::FileKind;
use crate::ledger::event::{GroupId, SkillId};
use crate::ledger::settings::{Crew, GroupSettings, LedgerSettings, StartWhen};
use crate::observer::EventSink;
use crate::restart::RestartSettings;
use crate::runtime::RuntimeError;
use crate::skill::definition::{AgentDefinition, GroupParts};
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::Reaction;
use crate::skill::views::{ViewFn, ViewRegistry};
use crate::spawn::Spawner;
use crate::supervision::builder::added_agent::AddedAgent;
use crate::supervision::builder::names::Team;
use crate::worker::flow::FLOW_WORKERS;
use crate::worker::group::Group;

/// Whatever cores are made from.
pub(super) struct Assembly<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: Clock,
    pub(super) placer: Placer,
    pub(super) environment: Environment,
    pub(super) events: Arc<EventSink>,
    pub(super) spawner: Arc<Spawner>,
    pub(super) memory: Arc<Memory>,
    #[cfg(feature = "fault-injection")]
    pub(super) injector: Option<Arc<FaultInjector>>,
    pub(super) durable_streams: Arc<DurableStreams>,
    /// What the groups that start with the runtime take.
    pub(super) planned_bytes: u64,
    pub(super) reactions: Vec<Arc<Reaction>>,
    pub(super) idle_rules: Vec<Arc<IdleRule>>,
    pub(super) views: ViewRegistry,
    pub(super) team: Team,
}

impl Assembly<'_> {
    /// The core of one of the agents.
    pub(super) fn core(
        &mut self,
        agent: &AddedAgent,
        agents: &[AddedAgent],
    ) -> Result<Arc<AgentCore>, RuntimeError> {
        let name: Arc<str> = agent.name().into();
        let settings = self.config.agent(&name);
        let cannot = |fault| RuntimeError::Agent {
            agent: name.to_string(),
            fault,
        };
        let (definition, doubts) = agent.configured(self.config, agents)?;
        for doubt in doubts {
            tracing::warn!("{doubt}");
        }
        self.team.note(&definition);
        let AgentDefinition {
            groups: models,
            flows,
            reactions,
            idle_rules,
            views,
            file_kinds,
            settings: _,
        } = definition;
        add_views(&mut self.views, &name, views, file_kinds)?;
        let brought = reactions.into_iter().map(|mut rule| {
            rule.agent = Some(name.clone());
            Arc::new(rule)
        });
        self.reactions.extend(brought);
        self.idle_rules.extend(idle_rules.into_iter().map(Arc::new));
        let (mut groups, mut skills, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        for group in models {
            let id = GroupId(groups.len() as u16);
            let start = self.plan(&name, &group, settings.lazy)?;
            for (at, skill) in group.skills.iter().enumerate() {
                let dyn_skill = skill.dyn_skill.clone();
                let name = dyn_skill.spec().name.as_str().into();
                skills.push(CoreSkill {
                    name,
                    dyn_skill,
                    group: id,
                    inner_group: id,
                    at,
                });
            }
            let mut placement = Vec::new();
            for _ in 0..settings.replicas {
                let placed = self.placer.place(&settings.placement, group.memory_bytes);
                placement.push(placed.map_err(|error| cannot(Fault::rejected(error.to_string())))?);
            }
            shapes.push(model_group(&settings, start));
            groups.push(CoreGroup {
                name: group.name.clone(),
                runner: Runner::Model(Arc::new(Group::new(group))),
                placement,
            });
        }
        for flow in flows {
            let name: Arc<str> = flow.dyn_skill.spec().name.as_str().into();
            let id = GroupId(groups.len() as u16);
            // Those that flows ask for have workers of their own, or all might wait for each other.
            for crew in [Crew::Fixed, Crew::AsNeeded] {
                groups.push(CoreGroup {
                    name: name.to_string(),
                    runner: Runner::Flow(flow.dyn_flow.clone()),
                    placement: Vec::new(),
                });
                shapes.push(flow_group(crew));
            }
            skills.push(CoreSkill {
                name,
                dyn_skill: flow.dyn_skill,
                group: id,
                inner_group: GroupId(id.0 + 1),
                at: 0,
            });
        }
        for skill in &skills {
            if let Some(why) = skill.dyn_skill.spec().why_it_cannot_continue() {
                let message = format!("`{}`: {why}", skill.name);
                return Err(cannot(Fault::rejected(message)));
            }
        }
        let prefix = format!("{name}.");
        if let Some(foreign) = skills.iter().find(|skill| !skill.name.starts_with(&prefix)) {
            let skill = foreign.name.to_string();
            return Err(RuntimeError::ForeignSkill {
                agent: name.to_string(),
                skill,
            });
        }
        Ok(AgentCore::new(CoreParts {
            name,
            clock: self.clock,
            groups,
            skills,
            environment: self.environment.clone(),
            events: self.events.clone(),
            spawner: self.spawner.clone(),
            memory: self.memory.clone(),
            #[cfg(feature = "fault-injection")]
            injector: self.injector.clone(),
            durable_streams: self.durable_streams.clone(),
            settings: ledger_settings(self.config, &settings, shapes),
        }))
    }

    /// When a group's weights are read: with the runtime, unless it is lazy or the memory is planned for others.
    fn plan(
        &mut self,
        agent: &str,
        group: &GroupParts,
        lazy: bool,
    ) -> Result<StartWhen, RuntimeError> {
        let (bytes, budget) = (group.memory_bytes, self.memory.budget());
        if bytes > budget {
            return Err(RuntimeError::MemoryBudget {
                agent: agent.to_owned(),
                group: group.name.clone(),
                bytes,
                budget,
            });
        }
        let planned = self.planned_bytes.saturating_add(bytes);
        if lazy || planned > budget {
            return Ok(StartWhen::Needed);
        }
        self.planned_bytes = planned;
        Ok(StartWhen::AtOnce)
    }
}

/// Takes in what an agent shows of facts, and the kinds of files that it tells apart.
pub(super) fn add_views(
    registry: &mut ViewRegistry,
    agent: &str,
    views: Vec<(FactKind, ViewFn)>,
    file_kinds: Vec<FileKind>,
) -> Result<(), RuntimeError> {
    if let Some(odd) = file_kinds.iter().find(|kind| kind.fact_kind().is_none()) {
        let message = format!("`{odd:?}` cannot be a kind of facts; name it in lower-case letters");
        return Err(RuntimeError::Agent {
            agent: agent.to_owned(),
            fault: Fault::rejected(message),
        });
    }
    let added = registry.add(agent, views, file_kinds);
    added.map_err(|(kind, first)| RuntimeError::Duplicate {
        name: format!("the view of {kind}"),
        first,
        second: agent.to_owned(),
    })
}

pub(super) fn register(router: &Router, core: &Arc<AgentCore>) -> Result<(), RuntimeError> {
    for (at, skill) in core.skills.iter().enumerate() {
        let route = Route {
            core: core.clone(),
            skill: SkillId(at as u16),
        };
        let duplicate = |name: &str, first: Arc<str>| RuntimeError::Duplicate {
            name: name.to_owned(),
            first: first.to_string(),
            second: core.name.to_string(),
        };
        if let Some(first) = router.add(skill.name.clone(), route.clone()) {
            return Err(duplicate(&skill.name, first));
        }
        for alias in &skill.dyn_skill.spec().aliases {
            if let Some(first) = router.add_alias(alias, route.clone()) {
                return Err(duplicate(alias, first));
            }
        }
    }
    Ok(())
}

/// The agents' own rules, and after them those of the configuration.
pub(super) fn configured(
    mut reactions: Vec<Arc<Reaction>>,
    idle_rules: &mut Vec<Arc<IdleRule>>,
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
        idle_rules.retain(|known| known.name() != rule.name);
        if rule.enabled {
            reactions.push(Arc::new(Reaction::new(&rule.name, kind, &rule.skill)));
        }
    }
    Ok(reactions)
}

fn model_group(agent: &AgentConfig, start: StartWhen) -> GroupSettings {
    GroupSettings {
        workers: agent.replicas,
        crew: Crew::Fixed,
        max_batch: agent.max_batch,
        max_wait: agent.max_wait,
        start,
    }
}

fn flow_group(crew: Crew) -> GroupSettings {
    GroupSettings {
        workers: match crew {
            Crew::Fixed => FLOW_WORKERS,
            Crew::AsNeeded => 1,
        },
        crew,
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
    LedgerSettings {
        capacity: agent.capacity,
        capacity_bytes: agent.capacity_bytes,
        max_attempts: agent.max_attempts,
        max_abandoned: agent.max_abandoned,
        step_limit: agent.step_limit,
        load_limit: agent.load_limit,
        grace: agent.grace,
        idle_unload: agent.idle_unload,
        restart: RestartSettings::of(&config.runtime.supervision),
        groups,
        seed: SpanId::random().to_u64(),
    }
}

/// Checks that each rule asks a skill that there is, and that no name is used twice.
pub(super) fn check_rules(
    reactions: &[Arc<Reaction>],
    idle_rules: &[Arc<IdleRule>],
    router: &Router,
) -> Result<(), TaskError> {
    let mut names = HashSet::new();
    let reactions = reactions.iter().map(|rule| (&rule.name, &rule.skill));
    let idle_rules = idle_rules.iter().map(|rule| (&rule.name, &rule.skill));
    for (name, skill) in reactions.chain(idle_rules) {
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
