//! What a digest says, and that it stays a page.

use std::fs;
use std::path::Path;

use aimass_locale::Locale;
use aimass_runtime::Fact;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::super::Report;
use super::super::tests::{embedding, found, given, report};

/// A page of paper: lines, and columns of each.
const LINES: usize = 66;
const COLUMNS: usize = 100;

/// Letters in a folder, with what is found out about each.
fn letters(folder: &Path, letters: &[String]) -> Vec<Fact> {
    let count = letters.len() as u64;
    let mut facts = Vec::new();
    for (at, letter) in (1..).zip(letters) {
        let path = folder.join(format!("{at}-{}.txt", "letter".repeat(at as usize % 20)));
        fs::write(&path, letter).unwrap();
        let value = json!({"path": path, "bytes": letter.len()});
        facts.push(given(at, "file.text@1", value));
    }
    for at in 1..=count {
        let language = json!({"language": "en", "confidence": 1.0});
        facts.push(found(count + at, "text.language@1", at, language));
    }
    for at in 1..=count {
        let angle = (at % 7) as f32;
        let value = embedding(angle.cos(), angle.sin());
        facts.push(found(2 * count + at, "text.embed@1", at, value));
    }
    facts
}

fn said(report: &Report, heading: &str) -> Vec<String> {
    let section = report.sections.iter().find(|one| one.heading == heading);
    let sentences = section.into_iter().flat_map(|one| &one.sentences);
    sentences.map(|one| one.text.clone()).collect()
}

/// The lines that the digest takes on a page.
fn lines(report: &Report) -> usize {
    let lines = |text: &str| text.width().div_ceil(COLUMNS);
    let section = |one: &super::Section| {
        let sentences = one.sentences.iter();
        let sentences =
            sentences.map(|sentence| lines(&format!("  {} [1-3][5][7][9][…]", sentence.text)));
        2 + sentences.sum::<usize>()
    };
    1 + report.sections.iter().map(section).sum::<usize>()
}

#[test]
fn two_letters_are_told_with_what_they_share() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = "Dear Sir or Madam,\n\non the second of March I ordered a pair of glasses, order 48213, and paid 129 euros. \
                     The left lens has a scratch. Please send me a new pair by 14 May.\n\nMargarete Lindholm";
    let answer = "Dear Ms Lindholm,\n\nwe are sorry to hear of order 48213. We send a new pair on May 14th.\n\nTom Albrecht";
    let facts = letters(folder.path(), &[complaint.to_owned(), answer.to_owned()]);
    let report = report(&facts);
    assert_eq!(
        said(&report, "What it is about"),
        [
            "1-letter.txt: “on the second of March I ordered a pair of glasses, order 48213, and paid 129 euros.”",
            "2-letterletter.txt: “we are sorry to hear of order 48213.”",
            "Dates: 14 May; second of March.",
            "Amounts: 129 euros.",
            "Names: Margarete Lindholm; Ms Lindholm; Tom Albrecht.",
        ]
    );
    let about = report
        .sections
        .iter()
        .find(|one| one.heading == "What it is about");
    let names = about.unwrap().sentences.last().unwrap();
    assert_eq!(
        names.references,
        [1, 2],
        "each letter once, whatever it names"
    );
    assert_eq!(
        said(&report, "What is asked or complained of"),
        [
            "1-letter.txt: “Please send me a new pair by 14 May.”",
            "1-letter.txt: “The left lens has a scratch.”",
        ]
    );
    assert_eq!(
        said(&report, "What hangs together")[..2],
        [
            "1-letter.txt and 2-letterletter.txt both speak of 48213.",
            "1-letter.txt and 2-letterletter.txt both speak of 14 May.",
        ]
    );
}

#[test]
fn the_digest_of_3_60_or_600_inputs_is_a_page() {
    let letter = |at: usize| {
        let long = "and then one more thing happened that nobody had foreseen ".repeat(6);
        format!(
            "Dear Ms Number{at},\n\nplease return order 4821{at} of {} March, for which {at} euros were paid, {long}. \
             It was broken, {long}. Mr Albrecht von Lindholm knows of order 99887 and of 129 euros on 14 May 2026.",
            at % 28 + 1
        )
    };
    for count in [3, 60, 600] {
        let folder = tempfile::tempdir().unwrap();
        let texts: Vec<String> = (0..count).map(letter).collect();
        let mut facts = letters(folder.path(), &texts);
        let last = facts.last().unwrap().revision.0;
        // Something that nobody can read, beside them.
        let value = json!({"path": format!("/in/{}.bin", "x".repeat(200)), "bytes": 1});
        facts.push(given(last + 1, "file.unknown@1", value));
        let report = report(&facts);
        let parts: Vec<&str> = report.sections.iter().map(|one| &*one.heading).collect();
        let expected = [
            "What came",
            "What it is about",
            "What is asked or complained of",
            "What hangs together",
            "What came to nothing",
        ];
        assert_eq!(parts, expected);
        // A model adds five sentences of two lines at most, and other agents four findings.
        let room = LINES - (2 + 5 * 2) - (2 + 5 * 2);
        let english = lines(&report);
        let chinese = lines(&report.in_locale(Locale::Chinese));
        assert!(english <= room, "{count} inputs: {english} lines");
        assert!(chinese <= room, "{count} inputs: {chinese} lines");
    }
}
