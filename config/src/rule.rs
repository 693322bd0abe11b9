//! What the value of a key must be: the check, and the words for it.

use std::time::Duration;

use crate::document::{Item, Node};
use crate::units::{format_duration, format_size, parse_duration, parse_size};

/// No duration is longer, so that adding one to a clock cannot overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The longest text, in bytes.
const LONGEST_TEXT: usize = 4096;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;
/// The most elements of a list.
const LONGEST_LIST: usize = 64;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// `true` or `false`.
    Switch,
    /// A whole number between bounds.
    Count { least: i64, most: i64 },
    /// Bytes, as a whole number or with a unit.
    Size { least: u64, most: u64 },
    /// A whole number with a unit of time.
    Duration { least: Duration },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `always`, `never`, or `every` with a duration.
    Fsync,
    /// The name of an agent, a namespace or a reaction.
    Name,
    /// Text that is not empty.
    Text,
    /// The address of an HTTP server.
    Address,
    /// An IP address with a port, to listen on.
    Socket,
    /// A number from 0 to 1.
    Ratio,
    /// A list of headers.
    Headers,
    /// The name of an environment variable.
    VariableName,
    /// A kind of fact with its version.
    FactKind,
    /// A skill with its agent.
    Skill,
    /// A list of devices.
    Placement,
    /// A list of paths.
    Paths,
    /// What the inner rule says, or `none`.
    OrNone(&'static Rule),
}

impl Rule {
    /// The rule in words that follow "must be".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Count {
                least,
                most: i64::MAX,
            } => format!("a whole number from {least} up"),
            Self::Count { least, most } => format!("a whole number from {least} to {most}"),
            Self::Size { least, most } => format!(
                "a size from {} to {} such as \"256MiB\", or a whole number of bytes",
                format_size(*least),
                format_size(*most)
            ),
            Self::Duration { least } => format!(
                "a duration from {} to {} such as \"250ms\" or \"10s\"",
                format_duration(*least),
                format_duration(LONGEST)
            ),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Fsync => {
                "\"always\", \"never\", or \"every\" with a duration such as \"every 50ms\""
                    .to_owned()
            }
            Self::Name => {
                format!("a name of 1 to {LONGEST_NAME} lower-case letters, digits, `_` or `-`")
            }
            Self::Text => format!("text of 1 to {LONGEST_TEXT} bytes without control characters"),
            Self::Address => {
                "an address that starts with `http://` or `https://` and does not end with `/`"
                    .to_owned()
            }
            Self::Socket => "an IP address with a port such as \"127.0.0.1:9464\"".to_owned(),
            Self::Ratio => "a number from 0 to 1".to_owned(),
            Self::Headers => {
                format!("a list of at most {LONGEST_LIST} headers such as \"x-token: secret\"")
            }
            Self::VariableName => {
                "the name of an environment variable: letters, digits and `_`".to_owned()
            }
            Self::FactKind => "a kind of fact with its version such as \"file.text@1\"".to_owned(),
            Self::Skill => "a skill with its agent such as \"text.embed\"".to_owned(),
            Self::Placement => {
                format!(
                    "a list of 1 to {LONGEST_LIST} devices: \"cpu\", \"cuda:N\", \"metal:N\" or \"auto\""
                )
            }
            Self::Paths => format!("a list of at most {LONGEST_LIST} paths"),
            Self::OrNone(rule) => format!("{}, or \"none\"", rule.describe()),
        }
    }

    /// Whether the value keeps the rule.
    pub(crate) fn accepts(&self, item: &Item) -> bool {
        match (self, item) {
            (Self::OrNone(_), Item::Text(text)) if text == "none" => true,
            (Self::OrNone(rule), item) => rule.accepts(item),
            (Self::Switch, Item::Switch(_)) => true,
            (Self::Count { least, most }, Item::Integer(number)) => {
                (least..=most).contains(&number)
            }
            (Self::Size { least, most }, Item::Integer(number)) => {
                u64::try_from(*number).is_ok_and(|bytes| (*least..=*most).contains(&bytes))
            }
            (Self::Placement, Item::List(nodes)) => {
                !nodes.is_empty() && all_texts(nodes, is_device)
            }
            (Self::Ratio, Item::Float(number)) => (0.0..=1.0).contains(number),
            (Self::Ratio, Item::Integer(number)) => (0..=1).contains(number),
            (Self::Headers, Item::List(nodes)) => all_texts(nodes, is_header),
            (Self::Paths, Item::List(nodes)) => all_texts(nodes, is_text),
            (_, Item::Text(text)) => self.accepts_text(text),
            _ => false,
        }
    }

    /// Whether the value is a list of texts.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Placement | Self::Paths | Self::Headers)
    }

    /// Whether the value may be a whole number or a switch, which TOML writes without quotes.
    pub(crate) fn is_bare(&self) -> bool {
        match self {
            Self::Switch | Self::Count { .. } | Self::Size { .. } | Self::Ratio => true,
            Self::OrNone(rule) => rule.is_bare(),
            _ => false,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Size { least, most } => {
                parse_size(text).is_some_and(|bytes| (*least..=*most).contains(&bytes))
            }
            Self::Duration { least } => {
                parse_duration(text).is_some_and(|value| (*least..=LONGEST).contains(&value))
            }
            Self::Choice(words) => words.contains(&text),
            Self::Fsync => is_fsync(text),
            Self::Name => is_name(text),
            Self::Text => is_text(text),
            Self::Address => {
                let host = text
                    .strip_prefix("https://")
                    .or_else(|| text.strip_prefix("http://"));
                is_text(text)
                    && !text.contains(' ')
                    && host.is_some_and(|host| !host.is_empty() && !host.ends_with('/'))
            }
            Self::Socket => text.parse::<std::net::SocketAddr>().is_ok(),
            Self::VariableName => {
                is_text(text)
                    && !text.starts_with(|first: char| first.is_ascii_digit())
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
            Self::FactKind => text.split_once('@').is_some_and(|(name, version)| {
                is_dotted(name) && parse_number(version).is_some_and(|version| version > 0)
            }),
            Self::Skill => text.contains('.') && is_dotted(text),
            _ => false,
        }
    }
}

/// A duration that must only not be longer than [`LONGEST`].
pub(crate) const ANY_DURATION: Rule = Rule::Duration {
    least: Duration::ZERO,
};

/// A duration in which something must be able to happen.
pub(crate) const SOME_DURATION: Rule = Rule::Duration {
    least: Duration::from_millis(1),
};

/// The value in words that follow "found".
pub(crate) fn found(item: &Item) -> String {
    match item {
        Item::Text(text) => format!("{:?}", shorten(text)),
        Item::Integer(number) => number.to_string(),
        Item::Float(number) => number.to_string(),
        Item::Switch(switch) => switch.to_string(),
        Item::Table(_) => "a table".to_owned(),
        Item::Other(text) => shorten(text),
        Item::List(nodes) if nodes.len() > 4 => format!("a list of {}", nodes.len()),
        Item::List(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(|node| found_flat(&node.item)).collect();
            format!("[{}]", nodes.join(", "))
        }
    }
}

fn found_flat(item: &Item) -> String {
    match item {
        Item::List(_) => "a list".to_owned(),
        item => found(item),
    }
}

/// At most 60 characters of a text.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The number that is written in plain digits; Rust's own parser would also accept a sign.
fn parse_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn all_texts(nodes: &[Node], accepts: fn(&str) -> bool) -> bool {
    nodes.len() <= LONGEST_LIST
        && nodes
            .iter()
            .all(|node| matches!(&node.item, Item::Text(text) if accepts(text)))
}

fn is_device(text: &str) -> bool {
    if matches!(text, "cpu" | "auto") {
        return true;
    }
    text.split_once(':').is_some_and(|(kind, number)| {
        matches!(kind, "cuda" | "metal") && parse_number(number).is_some()
    })
}

/// A name of a token's characters (RFC 9110), and a visible value.
fn is_header(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    text.split_once(':').is_some_and(|(name, value)| {
        !name.is_empty() && name.bytes().all(token) && is_text(value.trim()) && value.is_ascii()
    })
}

fn is_fsync(text: &str) -> bool {
    match text.strip_prefix("every ") {
        Some(interval) => SOME_DURATION.accepts_text(interval),
        None => matches!(text, "always" | "never"),
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_name)
}

fn is_text(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}
