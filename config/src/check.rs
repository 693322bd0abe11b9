//! Holds a document against the table of keys and gathers all that is wrong.

use std::collections::BTreeMap;

use aimass_locale::{Text, text};

use crate::document::{Item, Node};
use crate::error::{Place, Problem};
use crate::keys::{KEYS, Key, Shape};
use crate::rule::{Rule, found, is_name, shorten};
use crate::units::parse_duration;

/// More problems than a user can use at once are not gathered.
const MOST_PROBLEMS: usize = 50;

/// All problems of the document, at most [`MOST_PROBLEMS`] and how many more there are; `origin` names its text.
pub(crate) fn problems_of(document: &Node, origin: &str) -> Vec<Problem> {
    let mut check = Check {
        origin,
        problems: Vec::new(),
        more: 0,
    };
    check.table(KEYS, document, &Path::Root);
    // Rules between keys are about values, so each value must have kept its own rule first.
    if check.problems.is_empty() {
        check.backoff(document);
        check.reaction_names(document);
    }
    if let Some(last) = check.problems.iter().map(Problem::place).max().cloned()
        && check.more > 0
    {
        check.problems.push(Problem::More {
            place: last,
            count: check.more,
        });
    }
    check.problems
}

struct Check<'a> {
    origin: &'a str,
    problems: Vec<Problem>,
    /// Those that are not among them.
    more: usize,
}

/// The way to a key, written out only when a problem needs it.
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(Path::Root, key) => quoted(key),
            Self::Key(path, key) => format!("{}.{}", path.text(), quoted(key)),
            Self::Index(path, index) => format!("{}[{index}]", path.text()),
        }
    }
}

impl Check<'_> {
    fn table(&mut self, keys: &'static [Key], node: &Node, path: &Path<'_>) {
        let Some(table) = self.table_of(node, path) else {
            return;
        };
        for (name, value) in table {
            let path = Path::Key(path, name);
            match keys.iter().find(|key| key.name == name) {
                Some(key) => self.shape(&key.shape, value, &path),
                None => self.unknown(keys, name, value, &path),
            }
        }
        for key in keys {
            if let Shape::Required(rule) = key.shape
                && !table.contains_key(key.name)
            {
                self.report(|place| Problem::MissingKey {
                    key: Path::Key(path, key.name).text(),
                    place: place(node),
                    rule: rule.describe(),
                });
            }
        }
    }

    fn shape(&mut self, shape: &'static Shape, node: &Node, path: &Path<'_>) {
        match shape {
            Shape::Value(rule) | Shape::Required(rule) => self.value(rule, node, path),
            Shape::Table(keys) => self.table(keys, node, path),
            Shape::Named(keys) => {
                let Some(tables) = self.table_of(node, path) else {
                    return;
                };
                for (name, table) in tables {
                    let path = Path::Key(path, name);
                    if !is_name(name) {
                        self.broken(
                            &path,
                            table,
                            Rule::Name.describe(),
                            format!("{:?}", shorten(name)),
                        );
                    }
                    self.table(keys, table, &path);
                }
            }
            Shape::Settings => {
                if self.table_of(node, path).is_some() {
                    self.setting(node, path);
                }
            }
            Shape::Moved => self.setting(node, path),
            Shape::List(keys) => {
                let Item::List(tables) = &node.item else {
                    let path_text = path.text();
                    let rule = text!(
                        "a list of tables, each headed `[[{path_text}]]`",
                        "表的列表，各以 `[[{path_text}]]` 开头"
                    );
                    return self.broken(path, node, rule, found(&node.item));
                };
                for (index, table) in tables.iter().enumerate() {
                    self.table(keys, table, &Path::Index(path, index));
                }
            }
        }
    }

    fn value(&mut self, rule: &Rule, node: &Node, path: &Path<'_>) {
        if !rule.accepts(&node.item) {
            self.broken(path, node, rule.describe(), rule.found(&node.item));
        }
    }

    /// Whether all of a value that only an agent knows can be kept as it is.
    fn setting(&mut self, node: &Node, path: &Path<'_>) {
        match &node.item {
            Item::Other(other) => {
                let rule = text!(
                    "text, a number, a switch, a list or a table",
                    "文本、数字、开关、列表或表"
                );
                self.broken(path, node, rule, shorten(other));
            }
            Item::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    self.setting(node, &Path::Index(path, index));
                }
            }
            Item::Table(table) => {
                for (name, node) in table {
                    self.setting(node, &Path::Key(path, name));
                }
            }
            _ => {}
        }
    }

    fn table_of<'n>(
        &mut self,
        node: &'n Node,
        path: &Path<'_>,
    ) -> Option<&'n BTreeMap<String, Node>> {
        if let Item::Table(table) = &node.item {
            return Some(table);
        }
        self.broken(path, node, text!("a table", "表"), found(&node.item));
        None
    }

    fn unknown(&mut self, keys: &[Key], name: &str, node: &Node, path: &Path<'_>) {
        self.report(|place| Problem::UnknownKey {
            key: path.text(),
            place: place(node),
            nearest: nearest(keys, name),
        });
    }

    fn broken(&mut self, path: &Path<'_>, node: &Node, rule: Text, found: String) {
        self.report(|place| Problem::BrokenRule {
            key: path.text(),
            place: place(node),
            rule,
            found,
        });
    }

    fn report(&mut self, problem: impl FnOnce(&dyn Fn(&Node) -> Place) -> Problem) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.more += 1;
            return;
        }
        let origin = self.origin;
        self.problems.push(problem(&|node| node.place(origin)));
    }

    fn backoff(&mut self, document: &Node) {
        let supervision = ["runtime", "supervision"];
        let defaults = crate::SupervisionConfig::default();
        let wait = |key| {
            let node = document.at(&[supervision[0], supervision[1], key]);
            let Some(Item::Text(text)) = node.map(|node| &node.item) else {
                return None;
            };
            Some((node?, parse_duration(text)?))
        };
        let (initial, most) = (wait("backoff_initial"), wait("backoff_max"));
        let shortest = initial.map_or(defaults.backoff_initial, |(_, wait)| wait);
        let longest = most.map_or(defaults.backoff_max, |(_, wait)| wait);
        let Some((node, _)) = most.or(initial).filter(|_| shortest > longest) else {
            return;
        };
        let root = Path::Key(&Path::Root, supervision[0]);
        let parent = Path::Key(&root, supervision[1]);
        let shortest = crate::units::format_duration(shortest);
        let rule = text!(
            "at least `backoff_initial`, which is {shortest}",
            "不小于 `backoff_initial`，即 {shortest}"
        );
        let found = crate::units::format_duration(longest);
        self.broken(&Path::Key(&parent, "backoff_max"), node, rule, found);
    }

    fn reaction_names(&mut self, document: &Node) {
        let Some(Item::List(reactions)) = document.at(&["reactions"]).map(|node| &node.item) else {
            return;
        };
        let root = Path::Key(&Path::Root, "reactions");
        let mut names = BTreeMap::new();
        for (index, reaction) in reactions.iter().enumerate() {
            let Some(name) = reaction.at(&["name"]) else {
                continue;
            };
            let Item::Text(text) = &name.item else {
                continue;
            };
            if let Some(first) = names.insert(text, index) {
                let rule = text!(
                    "unlike the name of `reactions[{first}]`",
                    "与 `reactions[{first}]` 的名称不同"
                );
                let path = Path::Index(&root, index);
                self.broken(&Path::Key(&path, "name"), name, rule, found(&name.item));
            }
        }
    }
}

/// The known key that the user may have meant: a like name in the same table, else the same name in another one.
fn nearest(keys: &[Key], name: &str) -> Option<String> {
    near(keys.iter().map(|key| key.name), name).or_else(|| elsewhere(KEYS, name, ""))
}

/// The known name that is so like the given one that it may have been meant.
pub(crate) fn near<'k>(known: impl Iterator<Item = &'k str>, name: &str) -> Option<String> {
    let bound = (name.chars().count() / 3).max(1);
    let (near, distance) = aimass_locale::nearest(known, name)?;
    (distance <= bound).then(|| near.to_owned())
}

fn elsewhere(keys: &[Key], name: &str, path: &str) -> Option<String> {
    keys.iter().find_map(|key| match key.shape {
        _ if key.name == name => Some(format!("{path}{name}")),
        Shape::Table(keys) => elsewhere(keys, name, &format!("{path}{}.", key.name)),
        _ => None,
    })
}

/// A key as TOML writes it, shortened where it is long.
pub(crate) fn quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match shorten(key) {
        short if !short.is_empty() && short.bytes().all(bare) => short,
        short => format!("{short:?}"),
    }
}
