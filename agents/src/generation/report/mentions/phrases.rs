//! Patterns that are compiled once, and what they find.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{Kind, Mention};

/// A pattern of this file's family.
pub(super) type Pattern = LazyLock<Option<Regex>>;

/// Compiles a pattern; a test compiles all of them, so that none is missing.
pub(super) fn compiled(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Returns what a pattern finds, where `key` tells things apart; what it cannot tell is none.
pub(super) fn found(
    pattern: &Pattern,
    kind: Kind,
    text: &str,
    key: impl Fn(&Captures<'_>) -> Option<String>,
) -> Vec<Mention> {
    let Some(pattern) = pattern.as_ref() else {
        return Vec::new();
    };
    let mention = |captures: Captures<'_>| {
        let whole = captures.get(0)?;
        let words: Vec<&str> = whole.as_str().split_whitespace().collect();
        Some(Mention {
            kind,
            // The point of a short form, or of the sentence that ends with it.
            text: words.join(" ").trim_end_matches('.').to_owned(),
            key: key(&captures)?,
            place: whole.range(),
        })
    };
    pattern.captures_iter(text).filter_map(mention).collect()
}

/// Returns the digits of a number, without what groups them.
pub(in crate::generation::report) fn digits(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_numeric())
        .collect()
}
