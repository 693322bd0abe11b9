//! Agents: what an author says about one. A runtime turns that into supervised workers.

use std::future::Future;
use std::sync::Arc;

use crate::fault::Fault;
use crate::file_kind::FileKind;
use crate::model::ModelSource;
use crate::skill::context::FlowContext;
use crate::skill::erased::{DynSkill, FlowEntry, SkillEntry};
use crate::skill::idle_rule::IdleRule;
use crate::skill::model_source::DynModelSource;
use crate::skill::reaction::Reaction;
use crate::skill::settings::OwnSettings;
use crate::skill::views::{ViewFn, typed};
use crate::skill::{FlowSkill, ModelSkill, Skill, SkillSpec};
use crate::view::FactView;
use aimass_environment::{Fact, FactKind, ModelVersion};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A supervised actor that owns models and offers skills. Implement this to bring your own.
pub trait Agent: Send + Sync + 'static {
    /// Its name: the first part of its skills' names, and its section in the configuration.
    fn name(&self) -> &str;

    /// Says which worker groups and flows it consists of. Called once, when the runtime starts; models are not loaded here.
    ///
    /// # Errors
    /// A fault when what it was made with cannot work; the runtime does not start then.
    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault>;
}

impl<A: Agent + ?Sized> Agent for Box<A> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        (**self).define(definition)
    }
}

/// The parts of an agent.
#[derive(Default)]
pub struct AgentDefinition {
    pub(crate) groups: Vec<GroupParts>,
    pub(crate) flows: Vec<FlowEntry>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) idle_rules: Vec<IdleRule>,
    pub(crate) views: Vec<(FactKind, ViewFn)>,
    pub(crate) file_kinds: Vec<FileKind>,
    pub(crate) settings: OwnSettings,
}

impl AgentDefinition {
    pub(crate) fn with_settings(settings: OwnSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Reads what the configuration says to this agent alone: `[agents.NAME.settings]`, all of it at once. `T` gives what nobody set by
    /// `#[serde(default)]`. Whatever `T` does not have is refused, and so is every setting of an agent that never asks for any.
    ///
    /// # Errors
    /// A fault for `define` to pass on. The runtime does not start then, and its error names file and line, or the variable, the key, what was
    /// expected and what came.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        self.settings.read()
    }

    /// What it says of its skills.
    pub fn skills(&self) -> impl Iterator<Item = &SkillSpec> {
        self.dyn_skills().map(|skill| skill.spec())
    }

    pub(crate) fn dyn_skills(&self) -> impl Iterator<Item = &Arc<dyn DynSkill>> {
        let groups = self.groups.iter().flat_map(|group| &group.skills);
        let models = groups.map(|skill| &skill.dyn_skill);
        models.chain(self.flows.iter().map(|flow| &flow.dyn_skill))
    }

    /// Adds a worker group.
    #[must_use]
    pub fn group<S: ModelSource>(mut self, group: WorkerGroup<S>) -> Self {
        self.groups.push(group.into_parts());
        self
    }

    /// Adds a skill that asks other skills.
    #[must_use]
    pub fn flow<F: FlowSkill>(mut self, flow: F) -> Self {
        self.flows.push(FlowEntry::new(flow));
        self
    }

    /// Adds a flow whose skill is known at run time only, by its spec: what another process offers becomes a skill of this team. `run` is given the
    /// input in JSON and gives the output; [`FlowContext::emit`] sends items of `serde_json::Value`. Callers may ask it by its name, or by a
    /// [`Skill`] of that name, whose types are then read from JSON.
    ///
    /// Who asks waits for `run` within the limits of every flow; a fault of it is tried again as its kind says.
    #[must_use]
    pub fn flow_json<F, W>(mut self, spec: SkillSpec, run: F) -> Self
    where
        F: Fn(Value, FlowContext) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, Fault>> + Send + 'static,
    {
        self.flows.push(FlowEntry::json(spec, run));
        self
    }

    /// Adds a rule by which the team reacts to facts.
    #[must_use]
    pub fn reaction(mut self, reaction: Reaction) -> Self {
        self.reactions.push(reaction);
        self
    }

    /// Adds a rule for what the team does once an episode is idle.
    #[must_use]
    pub fn on_idle(mut self, rule: IdleRule) -> Self {
        self.idle_rules.push(rule);
        self
    }

    /// Shows facts that are outputs of `S`: they have its name, in version 1. `view` is given the output and the name of the input that it is about. It
    /// may block, for one to read a file, and is called where blocking harms nobody. A fact that is no such output is shown without it.
    #[must_use]
    pub fn view<S: Skill>(
        mut self,
        view: impl Fn(&S::Output, &str) -> FactView + Send + Sync + 'static,
    ) -> Self {
        // A skill whose name is none is refused with its agent.
        if let Ok(kind) = FactKind::new(S::NAME, 1) {
            self.views.push((kind, typed(view)));
        }
        self
    }

    /// As [`Self::view`], for facts of any kind. Where `view` gives none, the fact is shown without it.
    #[must_use]
    pub fn view_of(
        mut self,
        kind: FactKind,
        view: impl Fn(&Fact, &str) -> Option<FactView> + Send + Sync + 'static,
    ) -> Self {
        self.views.push((kind, Arc::new(view)));
        self
    }

    /// Adds a kind of files that the team is to tell apart from others.
    #[must_use]
    pub fn file_kind(mut self, kind: FileKind) -> Self {
        self.file_kinds.push(kind);
        self
    }
}

/// One model of an agent, the workers that hold it, and the skills that they serve.
pub struct WorkerGroup<S: ModelSource> {
    name: String,
    source: S,
    skills: Vec<SkillEntry>,
}

impl<S: ModelSource> WorkerGroup<S> {
    /// A group of that name, whose workers build their model from `source`.
    pub fn new(name: &str, source: S) -> Self {
        Self {
            name: name.to_owned(),
            source,
            skills: Vec::new(),
        }
    }

    /// Adds a skill that the group's workers serve.
    #[must_use]
    pub fn skill<K: ModelSkill<Model = S::Model>>(mut self, skill: K) -> Self {
        self.skills.push(SkillEntry::new(skill));
        self
    }

    fn into_parts(self) -> GroupParts {
        let Self {
            name,
            source,
            skills,
        } = self;
        GroupParts {
            name,
            memory_bytes: source.memory_bytes(),
            version: source.version(),
            source: Arc::new(source),
            skills,
        }
    }
}

/// A worker group whose model's type is erased. What its source says of itself is kept: nobody but who builds calls a source again.
pub(crate) struct GroupParts {
    pub(crate) name: String,
    pub(crate) memory_bytes: u64,
    pub(crate) version: ModelVersion,
    pub(crate) source: Arc<dyn DynModelSource>,
    pub(crate) skills: Vec<SkillEntry>,
}
