//! Dates: days, months with a year, days of the week; in English, German, French, Spanish and
//! Chinese, and in figures.
//!
//! Words end where ASCII letters end: the Unicode rule would take the automaton's fast way from the
//! patterns.

use std::sync::LazyLock;

use regex::Captures;

use super::phrases::{Pattern, compiled, found};
use super::{Kind, Mention};

/// The names of the months, by number from 1. A short form of one has three letters and more.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "janvier", "enero", "jan"],
    &["february", "februar", "février", "febrero", "feb"],
    &["march", "märz", "mars", "marzo", "mar"],
    &["april", "avril", "abril", "apr"],
    &["may", "mai", "mayo"],
    &["june", "juni", "juin", "junio", "jun"],
    &["july", "juli", "juillet", "julio", "jul"],
    &["august", "août", "agosto", "aug"],
    &["september", "septembre", "septiembre", "sept", "sep"],
    &["october", "oktober", "octobre", "octubre", "oct", "okt"],
    &["november", "novembre", "noviembre", "nov"],
    &[
        "december",
        "dezember",
        "décembre",
        "diciembre",
        "dec",
        "dez",
    ],
];

/// Days in words: `the second of March`.
const ORDINALS: [&str; 31] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
];

/// Days of the week that mean nothing else.
const WEEKDAYS: &str = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|\
    mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|lundi|mardi|mercredi|jeudi|vendredi|\
    samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo";

static DAY_MONTH: Pattern = LazyLock::new(|| {
    let (months, ordinals) = (months(), ORDINALS.join("|"));
    compiled(&format!(
        r"(?i)(?-u:\b)(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th|\.|er|º)?|(?P<word>{ordinals}))\s+(?:of\s+|de\s+)?(?P<month>{months})(?-u:\b)\.?(?:,?\s+(?:de\s+)?(?P<year>[12]\d{{3}})(?-u:\b))?"
    ))
});

static MONTH_DAY: Pattern = LazyLock::new(|| {
    let months = months();
    compiled(&format!(
        r"(?i)(?-u:\b)(?P<month>{months})\.?\s+(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?-u:\b)(?:,?\s+(?P<year>[12]\d{{3}})(?-u:\b))?"
    ))
});

static MONTH_YEAR: Pattern = LazyLock::new(|| {
    let months = months();
    compiled(&format!(
        r"(?i)(?-u:\b)(?P<month>{months})\.?,?\s+(?:de\s+)?(?P<year>[12]\d{{3}})(?-u:\b)"
    ))
});

/// `in March`, `end of May`: the small words keep `may` and `march` apart from the verbs.
static MONTH: Pattern = LazyLock::new(|| {
    let months = months();
    compiled(&format!(
        r"(?:(?-u:\b)(?i:in|since|until|till|by|during|last|next|early|late|of|im|seit|bis|en|depuis|desde|hasta)\s+)(?P<month>(?i:{months}))(?-u:\b)"
    ))
});

static WEEKDAY: Pattern =
    LazyLock::new(|| compiled(&format!(r"(?i)(?-u:\b)(?P<weekday>{WEEKDAYS})(?-u:\b)")));

static ISO: Pattern = LazyLock::new(|| {
    compiled(r"(?-u:\b)(?P<year>[12]\d{3})-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?-u:\b)")
});

static POINTS: Pattern = LazyLock::new(|| {
    compiled(r"(?-u:\b)(?P<day>[0-3]?\d)\.\s?(?P<month>[01]?\d)\.\s?(?P<year>[12]\d{3})(?-u:\b)")
});

static CHINESE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?:(?P<year>[12]\d{3})\s?年\s?)?(?P<month>1[0-2]|[1-9])\s?月(?:\s?(?P<day>[1-3]?\d)\s?[日号])?",
    )
});

static CHINESE_WEEKDAY: Pattern =
    LazyLock::new(|| compiled(r"(?:星期|礼拜|周)(?P<weekday>[一二三四五六日天])"));

/// Returns the dates of a text. Of two that overlap the longer form stands.
pub(super) fn find(text: &str) -> Vec<Mention> {
    let mut all = Vec::new();
    for pattern in [&DAY_MONTH, &ISO, &POINTS, &CHINESE] {
        super::add(&mut all, found(pattern, Kind::Date, text, day));
    }
    for pattern in [&MONTH_DAY, &MONTH_YEAR] {
        super::add(&mut all, found(pattern, Kind::Date, text, named_day));
    }
    let mut months = found(&MONTH, Kind::Date, text, month_alone);
    for month in &mut months {
        // The word before it belongs to the sentence.
        if let Some((_, name)) = month.text.rsplit_once(' ') {
            month.text = name.to_owned();
        }
    }
    super::add(&mut all, months);
    let weekday = |captures: &Captures<'_>| Some(captures.name("weekday")?.as_str().to_lowercase());
    for pattern in [&WEEKDAY, &CHINESE_WEEKDAY] {
        super::add(&mut all, found(pattern, Kind::Date, text, weekday));
    }
    all
}

/// Returns whether a word, in small letters, names a month.
pub(in crate::generation::report) fn is_month(word: &str) -> bool {
    MONTHS.iter().any(|names| names.contains(&word))
}

/// `2026-3-2`, with 0 for what is not said; none of a day or a month that there is not.
fn day(captures: &Captures<'_>) -> Option<String> {
    let part = |name: &str| captures.name(name).map(|part| part.as_str());
    let year: u32 = part("year").map_or(Some(0), |year| year.parse().ok())?;
    let month = number_of_month(part("month")?)?;
    let in_words = || {
        let word = part("word")?.to_lowercase();
        ORDINALS.iter().position(|known| *known == word)
    };
    let day = match part("day") {
        Some(day) => day.parse().ok()?,
        None => in_words().map_or(0, |at| at + 1),
    };
    (day <= 31).then(|| format!("{year}-{month}-{day}"))
}

/// A day whose month comes first: `May 5`, but not `may 5 people come`.
fn named_day(captures: &Captures<'_>) -> Option<String> {
    day(captures).filter(|_| !is_word(captures))
}

/// A month without a day.
fn month_alone(captures: &Captures<'_>) -> Option<String> {
    let month = number_of_month(captures.name("month")?.as_str())?;
    (!is_word(captures)).then(|| format!("0-{month}-0"))
}

/// Whether the month is written as a word that means something else.
fn is_word(captures: &Captures<'_>) -> bool {
    let month = captures.name("month").map(|month| month.as_str());
    month.is_some_and(|month| ["may", "march", "mar", "mars"].contains(&month))
}

fn number_of_month(named: &str) -> Option<usize> {
    if let Ok(number) = named.parse() {
        return (1..=12).contains(&number).then_some(number);
    }
    let named = named.to_lowercase();
    let at = MONTHS.iter().position(|names| names.contains(&&*named))?;
    Some(at + 1)
}

fn months() -> String {
    let mut names: Vec<&str> = MONTHS
        .iter()
        .flat_map(|names| names.iter().copied())
        .collect();
    // The first that fits is taken.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_can_be_compiled() {
        for pattern in [
            &DAY_MONTH,
            &MONTH_DAY,
            &MONTH_YEAR,
            &MONTH,
            &WEEKDAY,
            &ISO,
            &POINTS,
            &CHINESE,
            &CHINESE_WEEKDAY,
        ] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn words_and_versions_are_no_dates() {
        for text in [
            "You may go, and they march on.",
            "Version 1.2.3 of 10.0.0.1 costs 3.5 marks.",
            "He is second to none.",
            "The 45 March hares.",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
        assert_eq!(find("by the end of May, or in may")[0].text, "May");
    }
}
