//! What the value of a key must be: the check, and the words for it.

use std::time::Duration;

use aimass_locale::{Text, text};

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
    /// The same without a user and a password, for the configuration is shown.
    OpenAddress,
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
    pub(crate) fn describe(&self) -> Text {
        match self {
            Self::Switch => text!("`true` or `false`", "`true` 或 `false`"),
            Self::Count {
                least,
                most: i64::MAX,
            } => text!("a whole number from {least} up", "不小于 {least} 的整数"),
            Self::Count { least, most } => text!(
                "a whole number from {least} to {most}",
                "{least} 到 {most} 的整数"
            ),
            Self::Size { least, most } => {
                let (least, most) = (format_size(*least), format_size(*most));
                text!(
                    "a size from {least} to {most} such as \"256MiB\", or a whole number of bytes",
                    "{least} 到 {most} 的大小，如 \"256MiB\"，或整数字节数"
                )
            }
            Self::Duration { least } => {
                let (least, most) = (format_duration(*least), format_duration(LONGEST));
                text!(
                    "a duration from {least} to {most} such as \"250ms\" or \"10s\"",
                    "{least} 到 {most} 的时长，如 \"250ms\" 或 \"10s\""
                )
            }
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                one_of(&words)
            }
            Self::Fsync => text!(
                "\"always\", \"never\", or \"every\" with a duration such as \"every 50ms\"",
                "\"always\"、\"never\"，或 \"every\" 加时长，如 \"every 50ms\""
            ),
            Self::Name => text!(
                "a name of 1 to {LONGEST_NAME} lower-case letters, digits, `_` or `-`",
                "1 到 {LONGEST_NAME} 个小写字母、数字、`_` 或 `-` 组成的名称"
            ),
            Self::Text => text!(
                "text of 1 to {LONGEST_TEXT} bytes without control characters",
                "1 到 {LONGEST_TEXT} 字节、不含控制字符的文本"
            ),
            Self::Address => text!(
                "an address that starts with `http://` or `https://` and does not end with `/`",
                "以 `http://` 或 `https://` 开头、不以 `/` 结尾的地址"
            ),
            Self::OpenAddress => text!(
                "an address that starts with `http://` or `https://`, does not end with `/`, and has no user or password (those may stand in `PIP_INDEX_URL`, pip.conf and .npmrc)",
                "以 `http://` 或 `https://` 开头、不以 `/` 结尾、不含用户名和密码的地址（它们可写在 `PIP_INDEX_URL`、pip.conf 和 .npmrc 中）"
            ),
            Self::Socket => text!(
                "an IP address with a port such as \"127.0.0.1:9464\"",
                "带端口的 IP 地址，如 \"127.0.0.1:9464\""
            ),
            Self::Ratio => text!("a number from 0 to 1", "0 到 1 的数"),
            Self::Headers => text!(
                "a list of at most {LONGEST_LIST} headers such as \"x-token: secret\"",
                "至多 {LONGEST_LIST} 个标头的列表，如 \"x-token: secret\""
            ),
            Self::VariableName => text!(
                "the name of an environment variable: letters, digits and `_`",
                "环境变量名：字母、数字和 `_`"
            ),
            Self::FactKind => text!(
                "a kind of fact with its version such as \"file.text@1\"",
                "带版本的事实类型，如 \"file.text@1\""
            ),
            Self::Skill => text!(
                "a skill with its agent such as \"text.embed\"",
                "带智能体名的技能，如 \"text.embed\""
            ),
            Self::Placement => text!(
                "a list of 1 to {LONGEST_LIST} devices: \"cpu\", \"cuda:N\", \"metal:N\" or \"auto\"",
                "1 到 {LONGEST_LIST} 个设备的列表：\"cpu\"、\"cuda:N\"、\"metal:N\" 或 \"auto\""
            ),
            Self::Paths => text!(
                "a list of at most {LONGEST_LIST} paths",
                "至多 {LONGEST_LIST} 个路径的列表"
            ),
            Self::OrNone(rule) => {
                let none = text!(", or \"none\"", "，或 \"none\"");
                rule.describe().then(&none)
            }
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

    /// The value in words that follow "found". What may hold a password is not shown.
    pub(crate) fn found(&self, item: &Item) -> String {
        match (self, item) {
            (Self::OrNone(rule), item) => rule.found(item),
            (Self::OpenAddress, Item::Text(text)) if text.contains('@') => {
                "an address with `@`".to_owned()
            }
            (_, item) => found(item),
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
            Self::OpenAddress => {
                let host = text
                    .split("://")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next());
                Self::Address.accepts_text(text) && host.is_some_and(|host| !host.contains('@'))
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

/// One of these words.
pub(crate) fn one_of(words: &[String]) -> Text {
    let (english, chinese) = (words.join(", "), words.join("、"));
    text!("one of {english}", "{chinese} 之一")
}

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
