//! A TOML text as a tree in which each value knows its place.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::error::{Place, Problem};
use crate::nesting;
use crate::rule::shorten;

/// No rule allows a value deeper than this; what lies below is cut off before it can exhaust the stack.
const DEEPEST: usize = 8;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) item: Item,
}

/// Where a node was written: small, because a file may hold a hundred thousand nodes.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Line(usize),
    Variable(String),
    Code,
}

/// The value of a node.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Text(String),
    Integer(i64),
    Float(f64),
    Switch(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// What no rule accepts, in words: a number beyond 64 bits, a date, nesting without end.
    Other(String),
}

impl Node {
    /// Reads a document. Deep nesting is refused before it is built; the first error of syntax ends the reading.
    pub(crate) fn parse(text: &str, origin: &str) -> Result<Self, Box<Problem>> {
        let lines = Lines::of(text);
        if let Some(at) = nesting::too_deep(text) {
            return Err(Box::new(Problem::Syntax {
                place: Place::Line {
                    origin: origin.to_owned(),
                    line: lines.at(at),
                },
                message: format!("a value nests deeper than {} levels", nesting::MAX_DEPTH),
            }));
        }
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                origin: Origin::Line(1),
                item: item_of_table(table.get_ref(), &lines, 0),
            }),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let found = text.get(span.clone()).unwrap_or_default().trim();
                Err(Box::new(Problem::Syntax {
                    place: Place::Line {
                        origin: origin.to_owned(),
                        line: lines.at(span.start),
                    },
                    message: match found {
                        "" => error.message().to_owned(),
                        found => format!("{}, found {:?}", error.message(), shorten(found)),
                    },
                }))
            }
        }
    }

    /// Wraps a value that was built in code.
    pub(crate) fn from_value(value: toml::Value) -> Self {
        let item = match value {
            toml::Value::String(text) => Item::Text(text),
            toml::Value::Integer(number) => Item::Integer(number),
            toml::Value::Float(number) => Item::Float(number),
            toml::Value::Boolean(switch) => Item::Switch(switch),
            toml::Value::Datetime(date) => Item::Other(date.to_string()),
            toml::Value::Array(values) => {
                Item::List(values.into_iter().map(Self::from_value).collect())
            }
            toml::Value::Table(table) => Item::Table(
                table
                    .into_iter()
                    .map(|(key, value)| (key, Self::from_value(value)))
                    .collect(),
            ),
        };
        Self {
            origin: Origin::Code,
            item,
        }
    }

    /// The bare value, without its places.
    pub(crate) fn into_value(self) -> toml::Value {
        match self.item {
            Item::Text(text) | Item::Other(text) => toml::Value::String(text),
            Item::Integer(number) => toml::Value::Integer(number),
            Item::Float(number) => toml::Value::Float(number),
            Item::Switch(switch) => toml::Value::Boolean(switch),
            Item::List(nodes) => {
                toml::Value::Array(nodes.into_iter().map(Self::into_value).collect())
            }
            Item::Table(table) => toml::Value::Table(
                table
                    .into_iter()
                    .map(|(key, node)| (key, node.into_value()))
                    .collect(),
            ),
        }
    }

    /// The node at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        let Some((key, rest)) = path.split_first() else {
            return Some(self);
        };
        match &self.item {
            Item::Table(table) => table.get(*key)?.at(rest),
            _ => None,
        }
    }

    /// Where the node was written, in words that a user can follow.
    pub(crate) fn place(&self, origin: &str) -> Place {
        match &self.origin {
            Origin::Line(line) => Place::Line {
                origin: origin.to_owned(),
                line: *line,
            },
            Origin::Variable(name) => Place::Variable(name.clone()),
            Origin::Code => Place::Code,
        }
    }
}

fn item_of(value: &DeValue<'_>, lines: &Lines, depth: usize) -> Item {
    if depth > DEEPEST {
        return Item::Other("a value that is nested too deeply".to_owned());
    }
    match value {
        DeValue::String(text) => Item::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Item::Other(number.to_string()), Item::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Item::Other(number.to_string()), Item::Float),
        DeValue::Boolean(switch) => Item::Switch(*switch),
        DeValue::Datetime(date) => Item::Other(date.to_string()),
        DeValue::Array(values) => Item::List(
            values
                .iter()
                .map(|value| Node {
                    origin: Origin::Line(lines.at(value.span().start)),
                    item: item_of(value.get_ref(), lines, depth + 1),
                })
                .collect(),
        ),
        DeValue::Table(table) => item_of_table(table, lines, depth),
    }
}

fn item_of_table(table: &DeTable<'_>, lines: &Lines, depth: usize) -> Item {
    let nodes = table.iter().map(|(key, value)| {
        let node = Node {
            origin: Origin::Line(lines.at(key.span().start)),
            item: item_of(value.get_ref(), lines, depth + 1),
        };
        (key.get_ref().clone().into_owned(), node)
    });
    Item::Table(nodes.collect())
}

/// The offsets at which lines start, so that each place costs a binary search rather than a walk over the text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self(std::iter::once(0).chain(ends).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}
