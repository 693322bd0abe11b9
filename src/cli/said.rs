//! What the program says to people, in each of its languages. What one of them lacks does not compile.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use aimass_config::{Locale, ProcessVariables};

use super::harmless;

/// One thing to say. Made by [`said!`], or of a text that there is in one language only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) english: String,
    pub(crate) chinese: String,
}

/// A [`Said`] of two formats, English and Chinese. Both are checked by the compiler, and both name their values: `said!("wrote {path}", "已写入 {path}")`.
macro_rules! said {
    ($english:literal, $chinese:literal $(,)?) => {
        $crate::cli::said::Said {
            english: format!($english),
            chinese: format!($chinese),
        }
    };
}
pub(crate) use said;

impl Said {
    /// In that language.
    pub(crate) fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::English => &self.english,
            Locale::Chinese => &self.chinese,
        }
    }

    /// As one line on standard error.
    pub(crate) fn say(&self, locale: Locale) {
        say(self.in_locale(locale));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.english.is_empty()
    }
}

/// A text of the system or of a library, which is in English whoever reads it.
impl From<String> for Said {
    fn from(text: String) -> Self {
        Self {
            chinese: text.clone(),
            english: text,
        }
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// One line on standard error. A standard error that is closed is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "aimass: {}", harmless::in_lines(line));
}

/// The language that a command line asks for, else that of the variables.
///
/// It is looked for before the command line is parsed, since help and refusals are in that language. What is no language is left to the parser.
pub(crate) fn locale_of(arguments: impl IntoIterator<Item = OsString>) -> Locale {
    let mut arguments = arguments.into_iter();
    let mut asked = None;
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            break;
        }
        let value = match argument
            .to_str()
            .and_then(|text| text.strip_prefix("--lang"))
        {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(OsString::from),
            None => None,
        };
        let value = value.as_deref().and_then(OsStr::to_str);
        asked = value.and_then(|value| value.parse().ok()).or(asked);
    }
    asked.unwrap_or_else(|| Locale::of_variables(&ProcessVariables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Locale {
        locale_of(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_language_is_found_wherever_it_stands_before_what_is_no_option() {
        assert_eq!(asked("aimass --lang zh run --help"), Locale::Chinese);
        assert_eq!(asked("aimass run --lang=zh-CN"), Locale::Chinese);
        assert_eq!(asked("aimass --lang zh run --lang en"), Locale::English);
        assert_eq!(asked("aimass --lang en run -- --lang zh"), Locale::English);
        assert_eq!(asked("aimass --lang zh --lang tlh"), Locale::Chinese);
    }
}
