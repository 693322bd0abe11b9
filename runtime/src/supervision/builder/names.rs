//! Holding a configuration against the team that it is for, before anything starts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aimass_config::{Config, ConfigError, KnownNames, Problem};
use aimass_environment::{EpisodeId, FactKind};
use aimass_locale::text;
use serde_json::{Value, json};

use crate::error::TaskError;
use crate::file_kind::{FileKind, FileKinds};
use crate::runtime::RuntimeError;
use crate::skill::definition::AgentDefinition;
use crate::skill::erased::DynSkill;
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::{Input, Reaction};
use crate::supervision::builder::added_agent::AddedAgent;
use crate::supervision::builder::fit;

/// A kind of facts, and a skill whose outputs become such.
type Writer<'a> = (&'a FactKind, &'a str);

/// What the agents of a team offer and bring, by name.
pub(super) struct Team {
    known: KnownNames,
    dyn_skills: HashMap<String, Arc<dyn DynSkill>>,
    reactions: Vec<Reaction>,
    idle_rules: Vec<IdleRule>,
    /// The kinds of facts that somebody is known to write.
    written: BTreeSet<String>,
}

impl Team {
    /// A team of these agents, of which nothing but their names is known yet.
    pub(super) fn of(agents: &[AddedAgent]) -> Self {
        Self {
            known: KnownNames {
                agents: agents.iter().map(|agent| agent.name().to_owned()).collect(),
                ..KnownNames::default()
            },
            dyn_skills: HashMap::new(),
            reactions: Vec::new(),
            idle_rules: Vec::new(),
            written: FileKinds::default()
                .fact_kinds()
                .map(|kind| kind.to_string())
                .collect(),
        }
    }

    /// Notes what an agent offers and brings.
    pub(super) fn note(&mut self, definition: &AgentDefinition) {
        for dyn_skill in definition.dyn_skills() {
            let spec = dyn_skill.spec();
            for name in spec.aliases.iter().chain([&spec.name]) {
                self.known.skills.insert(name.clone());
                self.dyn_skills.insert(name.clone(), dyn_skill.clone());
            }
        }
        self.note_rules(definition);
        let file_kinds = definition.file_kinds.iter();
        let file_kinds = file_kinds.filter_map(FileKind::fact_kind);
        self.written.extend(file_kinds.map(|kind| kind.to_string()));
        let reactions = definition.reactions.iter().map(|rule| &rule.produces);
        let idle_rules = definition.idle_rules.iter().map(|rule| &rule.produces);
        let written = reactions
            .chain(idle_rules)
            .flatten()
            .map(ToString::to_string);
        self.written.extend(written);
        self.reactions.extend(definition.reactions.iter().cloned());
        self.idle_rules
            .extend(definition.idle_rules.iter().cloned());
    }

    fn note_rules(&mut self, definition: &AgentDefinition) {
        let reactions = definition.reactions.iter().map(Reaction::name);
        let idle_rules = definition.idle_rules.iter().map(IdleRule::name);
        let rules = reactions.chain(idle_rules).map(str::to_owned);
        self.known.rules.extend(rules);
    }

    /// Holds a configuration against the team. Gives what is odd about it and may be meant so.
    ///
    /// # Errors
    /// [`RuntimeError::Config`] for names that stand for nothing and inputs that do not fit, [`RuntimeError::Reaction`] where an agent's own rule does
    /// not fit.
    pub(super) fn check(
        &mut self,
        config: &Config,
        agents: &[AddedAgent],
    ) -> Result<Vec<Problem>, RuntimeError> {
        if config.check_names(&self.known).is_err() {
            // A rule may be that of an agent which is switched off. What such an agent brings is asked for only where it matters.
            let off = agents
                .iter()
                .filter(|one| !config.agent(one.name()).enabled);
            for agent in off {
                if let Ok(definition) = agent.define(config.settings(agent.name())) {
                    self.note_rules(&definition);
                }
            }
        }
        config.check_names(&self.known)?;
        self.check_inputs(config)?;
        self.check_quiet_rules(config)?;
        self.check_chains(config)?;
        let rules = config.reactions.iter().filter(|rule| rule.enabled);
        let own = rules.map(|rule| format!("{}@1", rule.skill));
        let written = self.written.iter().cloned().chain(own).collect();
        Ok(config.unwritten_kinds(&written))
    }

    /// A fact about a file gives its path: known before there is one.
    fn check_inputs(&self, config: &Config) -> Result<(), ConfigError> {
        let input = json!({ "path": "/folder/file" });
        let mut problems = Vec::new();
        for (index, rule) in config.reactions.iter().enumerate() {
            let is_about_a_file = rule.enabled && rule.kind.starts_with("file.");
            if !is_about_a_file {
                continue;
            }
            let Err(message) = self.decode(&rule.skill, &input) else {
                continue;
            };
            let (key, kind) = (format!("reactions[{index}].skill"), &rule.kind);
            problems.push(Problem::BrokenRule {
                place: config.places.of_key(&key),
                key,
                rule: text!(
                    "a skill that takes `{{\"path\": ...}}`, since that is what a fact of kind `{kind}` gives it",
                    "接受 `{{\"path\": ...}}` 的技能，因为 `{kind}` 类的事实给它的就是这个"
                ),
                found: format!("`{}`, which says: {message}", rule.skill),
            });
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ConfigError::Invalid { problems }),
        }
    }

    fn check_quiet_rules(&self, config: &Config) -> Result<(), RuntimeError> {
        let replaced =
            |rule: &&IdleRule| config.reactions.iter().any(|own| own.name == rule.name());
        for rule in self.idle_rules.iter().filter(|rule| !replaced(rule)) {
            let input = rule.input(EpisodeId::from_u128(1));
            self.decode(rule.skill(), &input).map_err(|message| {
                RuntimeError::Reaction(TaskError::InvalidInput {
                    skill: rule.skill().to_owned(),
                    message: format!("rule `{}` gives it {input}: {message}", rule.name()),
                })
            })?;
        }
        Ok(())
    }

    /// What one rule's skill writes is what another's takes, where that is known before there is a fact.
    fn check_chains(&self, config: &Config) -> Result<(), RuntimeError> {
        let replaced = |name: &str| config.reactions.iter().any(|own| own.name == name);
        let own = self.reactions.iter();
        let own: Vec<Reaction> = own.filter(|rule| !replaced(rule.name())).cloned().collect();
        let configured = config.reactions.iter().enumerate();
        let configured = configured.filter(|(_, rule)| rule.enabled);
        let configured: Vec<(usize, Reaction)> = configured
            .filter_map(|(index, rule)| {
                // A kind that is none is told of elsewhere.
                let kind = rule.kind.parse().ok()?;
                Some((index, Reaction::new(&rule.name, kind, &rule.skill)))
            })
            .collect();
        let idle = self.idle_rules.iter();
        let idle = idle.filter(|rule| !replaced(rule.name()));
        let reacting = own.iter().chain(configured.iter().map(|(_, rule)| rule));
        let writers = reacting
            .map(|rule| (&rule.produces, &rule.skill))
            .chain(idle.map(|rule| (&rule.produces, &rule.skill)));
        let writers: Vec<Writer<'_>> = writers
            .filter_map(|(kind, skill)| Some((kind.as_ref()?, &**skill)))
            .collect();
        for rule in &own {
            if let Some((writer, why)) = self.misfit(rule, &writers) {
                return Err(RuntimeError::Reaction(TaskError::InvalidInput {
                    skill: rule.skill().to_owned(),
                    message: format!(
                        "rule `{}` gives it facts of kind `{}`, which `{writer}` writes: {why}",
                        rule.name(),
                        rule.kind(),
                    ),
                }));
            }
        }
        let broken = configured.iter().filter_map(|(index, rule)| {
            let (writer, why) = self.misfit(rule, &writers)?;
            let (key, kind) = (format!("reactions[{index}].skill"), rule.kind());
            Some(Problem::BrokenRule {
                place: config.places.of_key(&key),
                key,
                rule: text!(
                    "a skill that takes what facts of kind `{kind}` hold, which `{writer}` writes",
                    "接受 `{kind}` 类事实所含内容的技能，这类事实由 `{writer}` 写入"
                ),
                found: format!("`{}`, which says: {why}", rule.skill()),
            })
        });
        let problems: Vec<Problem> = broken.collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ConfigError::Invalid { problems }.into()),
        }
    }

    /// A skill whose output the rule gives to one that can never read it, if no skill is known that writes such facts and that it could read.
    fn misfit<'a>(&self, rule: &Reaction, writers: &[Writer<'a>]) -> Option<(&'a str, String)> {
        if !matches!(rule.input, Input::Content) {
            return None;
        }
        let taken = self.dyn_skills.get(rule.skill())?.spec().input.as_value();
        let mut found = None;
        for (_, writer) in writers.iter().filter(|(kind, _)| *kind == rule.kind()) {
            let written = self.dyn_skills.get(*writer)?.written();
            let why = fit::misfit(written.as_value(), taken)?;
            // The reader of the input has the last word.
            let example = fit::example(written.as_value());
            self.decode(rule.skill(), &example).err()?;
            found.get_or_insert((*writer, why));
        }
        found
    }

    /// Whether the skill can read the input. That there is such a skill is checked elsewhere.
    fn decode(&self, skill: &str, input: &Value) -> Result<(), String> {
        match self.dyn_skills.get(skill) {
            Some(dyn_skill) => {
                let read = dyn_skill.decode(input.clone()).map(drop);
                read.map_err(|error| match error {
                    TaskError::InvalidInput { message, .. } | TaskError::Bug { message, .. } => {
                        message
                    }
                    other => other.to_string(),
                })
            }
            None => Ok(()),
        }
    }
}
