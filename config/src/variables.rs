//! Environment variables `AIMASS_SECTION__KEY`, which come before the file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use aimass_locale::{Text, text};

use crate::document::{Item, Node, Origin};
use crate::error::{Place, Problem};
use crate::keys::{KEYS, Key, Shape};
use crate::rule::{Rule, shorten};

const PREFIX: &str = "AIMASS_";
/// No key lies deeper; the rest of a longer name is one key, which is then unknown.
const DEEPEST: usize = 8;

/// Reads environment variables. Taken as a parameter, so that tests and embedders choose what is seen.
pub trait Variables {
    /// All variables whose names start with `prefix`, in any order.
    fn starting_with(&self, prefix: &str) -> Vec<(String, OsString)>;
}

/// The environment variables of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessVariables;

impl Variables for ProcessVariables {
    fn starting_with(&self, prefix: &str) -> Vec<(String, OsString)> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(prefix))
            .collect()
    }
}

impl Variables for BTreeMap<String, String> {
    fn starting_with(&self, prefix: &str) -> Vec<(String, OsString)> {
        self.iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.clone(), value.into()))
            .collect()
    }
}

/// Writes each variable into the document and returns what could not be written.
///
/// A name without `__` is no setting: `AIMASS_HOME` and `AIMASS_CACHE` are folders that the program looks up itself.
pub(crate) fn overlay(document: &mut Node, variables: &dyn Variables) -> Vec<Problem> {
    let mut all = variables.starting_with(PREFIX);
    all.sort();
    let mut problems = Vec::new();
    for (name, value) in all {
        let path = name
            .strip_prefix(PREFIX)
            .unwrap_or(&name)
            .to_ascii_lowercase();
        let path: Vec<&str> = path.splitn(DEEPEST, "__").collect();
        if path.len() < 2 {
            continue;
        }
        let broken = |rule: Text, found: &str| Problem::BrokenRule {
            key: path.join("."),
            place: Place::Variable(shorten(&name)),
            rule,
            found: found.to_owned(),
        };
        let Some(text) = value.to_str() else {
            problems.push(broken(text!("UTF-8 text", "UTF-8 文本"), "other bytes"));
            continue;
        };
        let item = item_of(rule_at(KEYS, &path), text, &shorten(&name));
        if !insert(document, &path, item, &shorten(&name)) {
            let rule = text!("a key inside tables", "表中的键");
            problems.push(broken(rule, "a list or a value above it"));
        }
    }
    problems
}

/// The rule at the path; `None` where no key takes a value, which the check of the whole document reports.
fn rule_at(keys: &'static [Key], path: &[&str]) -> Option<&'static Rule> {
    let (name, rest) = path.split_first()?;
    match &keys.iter().find(|key| key.name == *name)?.shape {
        Shape::Value(rule) | Shape::Required(rule) => Some(rule).filter(|_| rest.is_empty()),
        Shape::Table(keys) => rule_at(keys, rest),
        Shape::Named(keys) => rule_at(keys, rest.get(1..)?),
        Shape::List(_) | Shape::Settings | Shape::Moved => None,
    }
}

/// A variable holds bare text: its rule says whether that is a number, a switch, a list with commas or as the file has it, or text.
fn item_of(rule: Option<&Rule>, text: &str, name: &str) -> Item {
    match rule {
        Some(rule) if rule.is_bare() => bare(text),
        Some(rule) if rule.is_list() => Item::List(
            parts(text)
                .into_iter()
                .map(|part| Node {
                    origin: Origin::Variable(name.to_owned()),
                    item: Item::Text(part),
                })
                .collect(),
        ),
        _ => Item::Text(text.to_owned()),
    }
}

fn parts(text: &str) -> Vec<String> {
    let as_in_the_file = text.parse::<toml::Value>().ok().and_then(|value| {
        let texts = value
            .as_array()?
            .iter()
            .map(|part| Some(part.as_str()?.to_owned()));
        texts.collect()
    });
    as_in_the_file.unwrap_or_else(|| {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    })
}

fn bare(text: &str) -> Item {
    if let Ok(number) = text.parse() {
        return Item::Integer(number);
    }
    if let Ok(number) = text.parse() {
        return Item::Float(number);
    }
    match text.parse() {
        Ok(switch) => Item::Switch(switch),
        Err(_) => Item::Text(text.to_owned()),
    }
}

fn insert(node: &mut Node, path: &[&str], item: Item, name: &str) -> bool {
    let origin = Origin::Variable(name.to_owned());
    let Some((key, rest)) = path.split_first() else {
        *node = Node { origin, item };
        return true;
    };
    let Item::Table(table) = &mut node.item else {
        return false;
    };
    let child = table.entry((*key).to_owned()).or_insert_with(|| Node {
        origin,
        item: Item::Table(BTreeMap::new()),
    });
    insert(child, rest, item, name)
}
