//! Names of agents, skills and rules: which of them there are is known to the program that starts the team, and where they were written to this
//! crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::{near, quoted};
use crate::document::{Item, Node};
use crate::error::{Instead, Named, Place, Problem};
use crate::{Config, ConfigError, ReactionConfig};

/// The names that there are in a team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// Its agents, those that are switched off included.
    pub agents: BTreeSet<String>,
    /// What its agents offer.
    pub skills: BTreeSet<String>,
    /// The rules that its agents brought.
    pub rules: BTreeSet<String>,
}

/// Where the names of a configuration were written. It is no part of what the configuration says: all are equal.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<BTreeMap<String, Place>>);

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Places {
    pub(crate) fn of(document: &Node, origin: &str) -> Self {
        let mut places = BTreeMap::new();
        let mut settings = Vec::new();
        if let Some(Item::Table(agents)) = document.at(&["agents"]).map(|node| &node.item) {
            for (name, node) in agents {
                let key = format!("agents.{name}");
                places.insert(key.clone(), node.place(origin));
                settings.push((key, node));
            }
        }
        let defaults = document.at(&["defaults"]);
        settings.extend(defaults.map(|node| ("defaults".to_owned(), node)));
        for (key, node) in settings {
            note_below(&mut places, &key, node, origin);
        }
        if let Some(Item::List(rules)) = document.at(&["reactions"]).map(|node| &node.item) {
            for (index, rule) in rules.iter().enumerate() {
                for key in ["name", "kind", "skill"] {
                    if let Some(node) = rule.at(&[key]) {
                        places.insert(reaction(index, key), node.place(origin));
                    }
                }
            }
        }
        Self(Arc::new(places))
    }

    /// Returns where the value of a key was written, such as `reactions[0].skill`.
    pub fn of_key(&self, key: &str) -> Place {
        self.0.get(key).cloned().unwrap_or(Place::Code)
    }
}

/// Notes where each value below a key was written.
fn note_below(places: &mut BTreeMap<String, Place>, key: &str, node: &Node, origin: &str) {
    let mut note = |key: String, node: &Node| {
        places.insert(key.clone(), node.place(origin));
        note_below(places, &key, node, origin);
    };
    match &node.item {
        Item::Table(table) => table
            .iter()
            .for_each(|(name, node)| note(format!("{key}.{}", quoted(name)), node)),
        Item::List(nodes) => nodes
            .iter()
            .enumerate()
            .for_each(|(index, node)| note(format!("{key}[{index}]"), node)),
        _ => {}
    }
}

/// The key of a reaction's value: `reactions[0].skill`.
fn reaction(index: usize, key: &str) -> String {
    format!("reactions[{index}].{key}")
}

impl Config {
    /// Holds the names that the configuration uses against those that there are: agents that have settings, skills that rules ask, and rules that
    /// are switched off.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with each [`Problem::UnknownName`].
    pub fn check_names(&self, known: &KnownNames) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let mut look_up = |named, key: String, name: &str, known: &BTreeSet<String>| {
            if !known.contains(name) {
                problems.push(Problem::UnknownName {
                    place: self.places.of_key(&key),
                    named,
                    name: name.to_owned(),
                    instead: match near(known.iter().map(String::as_str), name) {
                        Some(nearest) => Instead::Nearest(nearest),
                        None => Instead::Known(known.iter().cloned().collect()),
                    },
                    key,
                });
            }
        };
        for name in self.agents.keys() {
            look_up(Named::Agent, format!("agents.{name}"), name, &known.agents);
        }
        for (index, rule) in self.reactions.iter().enumerate() {
            match rule.enabled {
                true => {
                    let key = reaction(index, "skill");
                    look_up(Named::Skill, key, &rule.skill, &known.skills);
                }
                // It has no other purpose than to take away what an agent brought.
                false => {
                    let key = reaction(index, "name");
                    look_up(Named::Rule, key, &rule.name, &known.rules);
                }
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|one, other| one.place().cmp(other.place()));
        Err(ConfigError::Invalid { problems })
    }

    /// Returns each rule's kind of fact that is not among those which somebody is known to write. It may be meant so, since programs write facts of
    /// their own.
    pub fn unwritten_kinds(&self, written: &BTreeSet<String>) -> Vec<Problem> {
        let rules = self.reactions.iter().enumerate();
        let unwritten = rules.filter(|(_, rule)| rule.enabled && !written.contains(&rule.kind));
        let problem = |(index, rule): (usize, &ReactionConfig)| {
            let key = reaction(index, "kind");
            let nearest = near(written.iter().map(String::as_str), &rule.kind);
            Problem::UnknownName {
                place: self.places.of_key(&key),
                named: Named::Kind,
                name: rule.kind.clone(),
                // There are too many that programs may write to list some of them.
                instead: nearest.map_or(Instead::Known(Vec::new()), Instead::Nearest),
                key,
            }
        };
        unwritten.map(problem).collect()
    }
}
