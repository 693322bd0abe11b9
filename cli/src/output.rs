//! Standard output: plain lines or one JSON document; colours on a terminal only.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

use aimass_locale::{Locale, Text, harmless, text};
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use serde_json::Value;

use super::columns::aligned;
use super::failure::Failure;
use super::styles;

/// What standard output is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines for a person.
    Text,
    /// Exactly one JSON document.
    Json,
}

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    is_terminal: bool,
    colours: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let stdout = io::stdout();
        Self {
            format,
            is_terminal: stdout.is_terminal(),
            colours: AutoStream::choice(&stdout) != ColorChoice::Never,
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// The one JSON document.
    pub(crate) fn document(&self, document: &Value) -> Result<(), Failure> {
        self.line(&self.json(document)?)
    }

    /// JSON for the reader at hand: indented for a person, in one line for a program.
    pub(crate) fn json(&self, value: &Value) -> Result<String, Failure> {
        if !self.is_terminal {
            return Ok(value.to_string());
        }
        let pretty = serde_json::to_string_pretty(value)?;
        Ok(harmless::in_json(&pretty).into_owned())
    }

    /// A line. A reader that has seen enough, as `head` has, is no failure: the program ends there, as others do.
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Bytes as they are; on a terminal, the harmless ones.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        if !self.is_terminal {
            return self.write(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        self.write(styles::in_lines(&text).as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        match io::stdout().write_all(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(cannot_write(&error)),
            Ok(()) => Ok(()),
        }
    }

    /// A piece of a line, shown at once.
    pub(crate) fn piece(&self, piece: &str) -> Result<(), Failure> {
        self.bytes(piece.as_bytes())?;
        match io::stdout().flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(cannot_write(&error)),
            Ok(()) => Ok(()),
        }
    }

    /// One document that is a list, written item by item; nothing at all as text.
    pub(crate) fn list(&self) -> List {
        List {
            output: *self,
            items: 0,
        }
    }

    /// Text that stands out.
    pub(crate) fn strong(&self, text: &str) -> String {
        self.styled(styles::STRONG, text)
    }

    /// Text of what went wrong.
    pub(crate) fn bad(&self, text: &str) -> String {
        self.styled(styles::BAD, text)
    }

    /// Text of lesser weight.
    pub(crate) fn faint(&self, text: &str) -> String {
        self.styled(styles::FAINT, text)
    }

    fn styled(&self, style: Style, text: &str) -> String {
        match self.colours {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

/// Whether the terminal says that it can do nothing but show characters.
pub(crate) fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|name| name == "dumb")
}

fn cannot_write(error: &io::Error) -> Failure {
    Failure::unavailable(text!(
        "cannot write to standard output: {error}",
        "无法写入标准输出：{error}"
    ))
}

/// A JSON list whose items are written as they come, so that its length costs no memory.
pub(crate) struct List {
    output: Output,
    items: u64,
}

impl List {
    pub(crate) fn item(&mut self, item: &Value) -> Result<(), Failure> {
        let before = if self.items == 0 { "[" } else { "," };
        self.items += 1;
        let item = item.to_string();
        let item = match self.output.is_terminal {
            true => harmless::in_json(&item),
            false => item.into(),
        };
        self.output.bytes(format!("{before}{item}").as_bytes())
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        match (self.output.is_json(), self.items) {
            (false, _) => Ok(()),
            (true, 0) => self.output.line("[]"),
            (true, _) => self.output.line("]"),
        }
    }
}

/// A value in one line of bounded length, without what could move the cursor.
pub(crate) fn brief(value: &Value, characters: usize) -> String {
    match value {
        Value::String(text) => harmless::brief(text, characters),
        other => harmless::brief(&other.to_string(), characters),
    }
}

/// Values with their names before them, a line for each; what there is not is left out.
pub(crate) fn labelled<const N: usize>(
    rows: [(Text, Option<String>); N],
    locale: Locale,
) -> Vec<String> {
    let rows = rows.into_iter();
    let rows =
        rows.filter_map(|(name, value)| Some(vec![name.in_locale(locale).to_owned(), value?]));
    aligned(rows.collect(), str::to_owned)
}
