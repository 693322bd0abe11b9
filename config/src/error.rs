//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use aimass_locale::Text;

/// Why a configuration could not be had. Each line of the message stands for itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The path names a folder.
    #[error("cannot read the configuration {}: expected a file, found a folder", path.display())]
    Folder {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The text is larger than a configuration can sensibly be; it was not read whole.
    #[error("{origin}: a configuration may have at most {limit} bytes, found more")]
    TooLarge {
        /// The file, or the name that the caller gave the text.
        origin: String,
        /// The largest text that is read, in bytes.
        limit: u64,
    },
    /// The file is not text.
    #[error("{origin}:{line}: expected UTF-8 text, found other bytes")]
    NotText {
        /// The file, or the name that the caller gave the text.
        origin: String,
        /// The line of the first byte that is not UTF-8, counted from 1.
        line: usize,
    },
    /// Keys or values are not what they must be. All that could be found are listed, up to a limit.
    #[error("{}", lines(problems))]
    Invalid {
        /// At least one problem, in the order of their places.
        problems: Vec<Problem>,
    },
    /// A value built in code has no form in TOML, such as a path that is not UTF-8.
    #[error("cannot write the configuration as TOML: {source}")]
    Write {
        /// What the serialiser answered.
        source: toml::ser::Error,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where the text stops being TOML.
        place: Place,
        /// What the parser expected.
        message: String,
    },
    /// The file or a variable sets a key that does not exist.
    #[error("{place}: unknown key `{key}`{}", hint(nearest.as_deref()))]
    UnknownKey {
        /// The key with its sections, such as `runtime.shutdwon_limit`.
        key: String,
        /// Where it was found.
        place: Place,
        /// The known key that is most like it.
        nearest: Option<String>,
    },
    /// A table lacks a key that it cannot do without.
    #[error("{place}: `{key}` is missing: it must be {}", rule.english)]
    MissingKey {
        /// The key with its sections.
        key: String,
        /// Where its section was found.
        place: Place,
        /// What the value must be.
        rule: Text,
    },
    /// A value breaks the rule of its key.
    #[error("{place}: `{key}` must be {}, found {found}", rule.english)]
    BrokenRule {
        /// The key with its sections.
        key: String,
        /// Where the value was found.
        place: Place,
        /// What the value must be.
        rule: Text,
        /// The value, shortened where it is long.
        found: String,
    },
    /// A name that must stand for something stands for nothing.
    #[error("{place}: {named} `{name}` (`{key}`){instead}")]
    UnknownName {
        /// The key with its sections.
        key: String,
        /// Where the name was found.
        place: Place,
        /// What it should stand for.
        named: Named,
        /// The name.
        name: String,
        /// What it could have been.
        instead: Instead,
    },
    /// A setting is not what its agent can work with.
    #[error("{place}: `{key}`: {message}, found {found}")]
    Refused {
        /// The key with its sections.
        key: String,
        /// Where the value was found.
        place: Place,
        /// What the agent says of it.
        message: String,
        /// The value, shortened where it is long.
        found: String,
    },
    /// A key is where it once was. It holds; no error.
    #[error("{place}: `{key}` holds, and is written `{now}` now")]
    Moved {
        /// The key with its sections.
        key: String,
        /// Where the value was found.
        place: Place,
        /// The key that says the same.
        now: String,
    },
    /// A key that once was there for all agents says nothing to this one. No error.
    #[error("{place}: `{key}` says nothing to this agent; take it away")]
    Idle {
        /// The key with its sections.
        key: String,
        /// Where the value was found.
        place: Place,
    },
    /// There are more problems than are listed.
    #[error("{count} more problems are not listed; mend these first")]
    More {
        /// How many more.
        count: usize,
        /// The last place of those that are listed.
        place: Place,
    },
}

/// What a name that stands for nothing could have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// The known name that is so like it that it may have been meant.
    Nearest(String),
    /// None is like it; these there are, as far as they are to be listed.
    Known(Vec<String>),
}

impl fmt::Display for Instead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match self {
            Self::Nearest(nearest) => return formatter.write_str(&hint(Some(nearest))),
            Self::Known(known) => known,
        };
        if known.is_empty() {
            return Ok(());
        }
        let listed = known.iter().take(MOST_LISTED);
        let listed: Vec<String> = listed.map(|name| format!("`{name}`")).collect();
        let more = match known.len() > MOST_LISTED {
            true => ", ...",
            false => "",
        };
        write!(formatter, "; there are {}{more}", listed.join(", "))
    }
}

/// What a name in the configuration stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Named {
    /// An agent that has settings.
    Agent,
    /// A skill that a rule asks.
    Skill,
    /// A rule that is switched off.
    Rule,
    /// A kind of fact that a rule waits for.
    Kind,
}

impl fmt::Display for Named {
    /// The beginning of the sentence that says that there is none of the name.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Agent => "no agent is named",
            Self::Skill => "no agent offers",
            Self::Rule => "no agent brought a rule to switch off that is named",
            Self::Kind => "nothing in the team is known to write facts of kind",
        })
    }
}

impl Problem {
    /// Where the problem was found.
    pub fn place(&self) -> &Place {
        match self {
            Self::Syntax { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::MissingKey { place, .. }
            | Self::BrokenRule { place, .. }
            | Self::UnknownName { place, .. }
            | Self::Refused { place, .. }
            | Self::Moved { place, .. }
            | Self::Idle { place, .. }
            | Self::More { place, .. } => place,
        }
    }
}

/// Where a value comes from; in the order in which problems are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a file, counted from 1.
    Line {
        /// The file, or the name that the caller gave the text.
        origin: String,
        /// The line.
        line: usize,
    },
    /// An environment variable of this name.
    Variable(String),
    /// A value that was built in code.
    Code,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { origin, line } => write!(formatter, "{origin}:{line}"),
            Self::Variable(name) => write!(formatter, "environment variable {name}"),
            Self::Code => formatter.write_str("configuration built in code"),
        }
    }
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!(", did you mean `{nearest}`?"),
        None => String::new(),
    }
}

/// The most names that are listed.
const MOST_LISTED: usize = 20;

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
