//! What the program says to people on standard error, and in which language.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use aimass_locale::{Locale, Text};

use super::styles;

/// One line on standard error. A standard error that is closed is no reason to fail.
pub(crate) fn say(text: &Text, locale: Locale) {
    say_line(text.in_locale(locale));
}

/// As [`say`], of a line that is in the reader's language already.
pub(crate) fn say_line(line: &str) {
    let _ = writeln!(io::stderr(), "aimass: {}", styles::in_lines(line));
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
    asked.unwrap_or_else(|| Locale::of_variables(|name| std::env::var_os(name)))
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
