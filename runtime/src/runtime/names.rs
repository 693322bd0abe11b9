//! Holding a configuration against the team that it is for, before anything starts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aimass_config::{Config, ConfigError, KnownNames, Problem};
use serde_json::{Value, json};

use crate::agent::{Agent, AgentDefinition};
use crate::episode::{MEDIA, file_kind};
use crate::error::TaskError;
use crate::ids::EpisodeId;
use crate::quiet_rule::QuietRule;
use crate::reaction::Reaction;
use crate::runtime::RuntimeError;
use crate::runtime::assembly::defined;
use crate::skill_entry::Face;

/// What the agents of a team offer and bring, by name.
pub(super) struct Team {
    known: KnownNames,
    faces: HashMap<String, Arc<dyn Face>>,
    quiet_rules: Vec<QuietRule>,
    /// The kinds of facts that somebody is known to write.
    written: BTreeSet<String>,
}

impl Team {
    /// A team of these agents, of which nothing but their names is known yet.
    pub(super) fn of(agents: &[Box<dyn Agent>]) -> Self {
        let kinds = MEDIA.into_iter().filter_map(file_kind);
        Self {
            known: KnownNames {
                agents: agents.iter().map(|agent| agent.name().to_owned()).collect(),
                ..KnownNames::default()
            },
            faces: HashMap::new(),
            quiet_rules: Vec::new(),
            written: kinds.map(|kind| kind.to_string()).collect(),
        }
    }

    /// Notes what an agent offers and brings.
    pub(super) fn note(&mut self, definition: &AgentDefinition) {
        let groups = definition.groups.iter().flat_map(|group| &group.faces);
        let flows = definition.flows.iter().map(|flow| &flow.face);
        for face in groups.chain(flows) {
            let name = &face.spec().name;
            self.known.skills.insert(name.clone());
            self.faces.insert(name.clone(), face.clone());
        }
        self.note_rules(definition);
        let reactions = definition.reactions.iter().map(|rule| &rule.produces);
        let quiet_rules = definition.quiet_rules.iter().map(|rule| &rule.produces);
        let written = reactions
            .chain(quiet_rules)
            .flatten()
            .map(ToString::to_string);
        self.written.extend(written);
        self.quiet_rules
            .extend(definition.quiet_rules.iter().cloned());
    }

    fn note_rules(&mut self, definition: &AgentDefinition) {
        let reactions = definition.reactions.iter().map(Reaction::name);
        let quiet_rules = definition.quiet_rules.iter().map(QuietRule::name);
        let rules = reactions.chain(quiet_rules).map(str::to_owned);
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
        agents: &[Box<dyn Agent>],
    ) -> Result<Vec<Problem>, RuntimeError> {
        if config.check_names(&self.known).is_err() {
            // A rule may be that of an agent which is switched off. What such an agent brings is asked for only where it matters.
            let off = agents
                .iter()
                .filter(|one| !config.agent(one.name()).enabled);
            for agent in off {
                if let Ok(definition) = defined(&**agent) {
                    self.note_rules(&definition);
                }
            }
        }
        config.check_names(&self.known)?;
        self.check_inputs(config)?;
        self.check_quiet_rules(config)?;
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
            let key = format!("reactions[{index}].skill");
            problems.push(Problem::BrokenRule {
                place: config.places.of_key(&key),
                key,
                rule: format!(
                    "a skill that takes `{{\"path\": ...}}`, since that is what a fact of kind `{}` gives it",
                    rule.kind
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
            |rule: &&QuietRule| config.reactions.iter().any(|own| own.name == rule.name());
        for rule in self.quiet_rules.iter().filter(|rule| !replaced(rule)) {
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

    /// Whether the skill can read the input. That there is such a skill is checked elsewhere.
    fn decode(&self, skill: &str, input: &Value) -> Result<(), String> {
        match self.faces.get(skill) {
            Some(face) => {
                let read = face.decode(input.clone()).map(drop);
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
