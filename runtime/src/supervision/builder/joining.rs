//! Agents that join a team at work, and leave it: what other processes offer comes and goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aimass_environment::Environment;

use crate::core::AgentCore;
use crate::core::message::Child;
use crate::core::placement::Placer;
use crate::core::submitter::TaskSubmitter;
use crate::fault::Fault;
use crate::runtime::{Inner, Members, Runtime, RuntimeError};
use crate::skill::definition::Agent;
use crate::skill::reaction::Reaction;
use crate::supervision::builder::added_agent::AddedAgent;
use crate::supervision::builder::assembly::{Assembly, check_rules, register};
use crate::supervision::builder::names::Team;

impl Runtime {
    /// Adds an agent to the team at work. Its skills can be asked, its reactions answer facts that come from now on, and its facts are shown by its views.
    ///
    /// It may bring flows, reactions, views and kinds of files. Models are planned at the start, when devices and memory are shared out, and idle rules
    /// are put in an order then; an agent that brings either is refused.
    ///
    /// # Errors
    /// Those of [`RuntimeBuilder::start`](crate::RuntimeBuilder::start) that an agent can bring about; nothing of it is left then. [`RuntimeError::Agent`] when
    /// the runtime ends.
    pub async fn add_agent(&self, agent: impl Agent) -> Result<(), RuntimeError> {
        let _turn = self.inner.joining.lock().await;
        let agent = AddedAgent::new(agent);
        let refused = |message: &str| RuntimeError::Agent {
            agent: agent.name().to_owned(),
            fault: Fault::rejected(message),
        };
        if self.inner.closing.load(Ordering::Acquire) {
            return Err(refused("the runtime ends and takes no agent any more"));
        }
        let members = self.inner.members();
        if members.core(agent.name()).is_some() {
            let name = agent.name().to_owned();
            return Err(RuntimeError::Duplicate {
                first: name.clone(),
                second: name.clone(),
                name,
            });
        }
        let mut assembly = self.inner.assembly(&members);
        let core = assembly.core(&agent, std::slice::from_ref(&agent))?;
        let has_models = core.groups.iter().any(|group| group.runner.is_model());
        if has_models || !assembly.idle_rules.is_empty() {
            return Err(refused(
                "an agent that joins a team at work brings flows, reactions and views; add one with models or idle rules before the start",
            ));
        }
        let joined = self.inner.register(&core, &members, assembly);
        let joined = joined.inspect_err(|_| self.inner.router.remove(&core))?;
        self.inner.connect(&core);
        let child = Child::Agent(core.clone());
        self.inner.supervision.add(vec![child]).await;
        core.start();
        self.inner.replace_members(joined);
        Ok(())
    }

    /// Takes an agent that joined out of the team again. Nothing is taken for it any more from now on; what it has accepted may end within `limit`, and
    /// is cut off then as at a shutdown. Returns `false` when there is no agent of that name.
    ///
    /// # Errors
    /// A fault for an agent that has been there from the start: its models are shared out with those of others.
    pub async fn remove_agent(&self, name: &str, limit: Duration) -> Result<bool, Fault> {
        let _turn = self.inner.joining.lock().await;
        let members = self.inner.members();
        let Some(core) = members.core(name).cloned() else {
            return Ok(false);
        };
        if core.groups.iter().any(|group| group.runner.is_model()) {
            return Err(Fault::rejected(format!(
                "agent `{name}` has been here from the start; only one that joined later can leave"
            )));
        }
        self.inner.router.remove(&core);
        self.inner.replace_members(members.without(&core));
        let now = self.inner.clock.now();
        core.begin_drain(now + limit);
        core.drained().await;
        core.cut_off();
        self.inner.supervision.remove(&core.name).await;
        Ok(true)
    }
}

impl Inner {
    /// Whatever a core is made from, of a runtime at work.
    fn assembly<'a>(&'a self, members: &Members) -> Assembly<'a> {
        Assembly {
            config: &self.config,
            clock: self.clock,
            placer: Placer::new(Vec::new()),
            environment: Environment::clone(&self.environment),
            events: self.events.clone(),
            spawner: self.spawner.clone(),
            memory: self.memory.clone(),
            #[cfg(feature = "fault-injection")]
            injector: None,
            durable_streams: self.durable_streams.clone(),
            planned_bytes: 0,
            reactions: Vec::new(),
            idle_rules: Vec::new(),
            views: members.views.registry(),
            team: Team::of(&[]),
        }
    }

    /// Opens the way to an agent's skills, and gives the members with it.
    fn register(
        &self,
        core: &Arc<AgentCore>,
        members: &Members,
        assembly: Assembly<'_>,
    ) -> Result<Members, RuntimeError> {
        register(&self.router, core)?;
        let mut joined = members.clone();
        // One that the configuration replaces, or switches off, is not brought along.
        let configured = |name: &str| self.config.reactions.iter().any(|rule| rule.name == name);
        let brought = assembly.reactions.into_iter();
        let brought = brought.filter(|rule| !configured(rule.name()));
        joined.reactions.extend(brought);
        check_rules(&joined.reactions, &joined.idle_rules, &self.router)
            .map_err(RuntimeError::Reaction)?;
        joined.cores.push(core.clone());
        joined.views = assembly.views.into_views();
        Ok(joined)
    }

    /// Lets an agent's flows ask, and its workers be counted.
    pub(super) fn connect(self: &Arc<Self>, core: &AgentCore) {
        let submitter: Arc<dyn TaskSubmitter> = self.clone();
        // A core is new: nobody has set this before.
        let _ = core.submitter.set(Arc::downgrade(&submitter));
        let _ = core.root.set(self.supervision.root());
    }
}

impl Members {
    /// The members when an agent has left.
    fn without(&self, core: &AgentCore) -> Self {
        let mut left = self.clone();
        left.cores.retain(|other| other.name != core.name);
        let offers = |name: &str| core.skills.iter().any(|skill| &*skill.name == name);
        let belongs = |rule: &Reaction| rule.agent.as_ref() == Some(&core.name);
        left.reactions
            .retain(|rule| !belongs(rule) && !offers(rule.skill()));
        let mut registry = left.views.registry();
        registry.remove(&core.name);
        left.views = registry.into_views();
        left
    }
}
