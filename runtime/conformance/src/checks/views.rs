//! What people are shown of the facts that the answers become.

use std::collections::BTreeSet;

use aimass_runtime::{
    Author, Fact, FactKind, FactView, Namespace, Panel, Provenance, ReportView, Revision, Text,
    json_bytes,
};

use crate::case::{Case, Finding, failed, skipped};
use crate::compare::short;
use crate::stage::Stage;

/// The name of the input that the facts are about.
const SUBJECT: &str = "example";
/// Panels that are larger are not shown.
const MAX_PANEL: u64 = 4 << 20;
/// Letters from which a word of the Latin alphabet is no unit, and no abbreviation.
const LATIN_WORD: usize = 4;
/// The same of words in other scripts.
const OTHER_WORD: usize = 2;

/// Each view knows the answer, does not panic at it, and speaks both languages. A text that is the
/// same in both is a quote: its words are words of the input or of the answer.
pub(crate) fn shown(stage: &Stage, case: &Case) -> Finding {
    let kinds: BTreeSet<FactKind> = stage.runtime.viewed_kinds(case.skill());
    if kinds.is_empty() {
        return Err(skipped("nobody brings a view of what it gives"));
    }
    let (input, output) = (&case.example.input, &case.expected.output);
    let quotable = format!("{SUBJECT} {input} {output}").to_lowercase();
    for kind in kinds {
        let fact = fact(kind.clone(), case);
        let made = stage.runtime.view_made(&fact, SUBJECT);
        let made = made.map_err(|message| {
            let output = short(output);
            failed(format!(
                "the view of `{kind}` panicked at {output}: {message}"
            ))
        })?;
        let view = made.ok_or_else(|| {
            let output = short(output);
            failed(format!(
                "the view of `{kind}` does not know {output}, which its skill gave"
            ))
        })?;
        for text in texts(&view) {
            in_both_languages(text, &quotable)
                .map_err(|why| failed(format!("the view of `{kind}`: {why}")))?;
        }
        if let Some(panel) = &view.panel
            && json_bytes(panel) > MAX_PANEL
        {
            return Err(failed(format!(
                "the view of `{kind}`: expected a panel of at most {MAX_PANEL} bytes as JSON, got {}, which nobody is shown",
                json_bytes(panel)
            )));
        }
    }
    Ok(())
}

/// The answer as a fact.
fn fact(kind: FactKind, case: &Case) -> Fact {
    Fact {
        revision: Revision(1),
        namespace: Namespace::default(),
        kind,
        key: None,
        value: case.expected.output.clone(),
        blobs: Vec::new(),
        supersedes: None,
        episode: None,
        provenance: Provenance::default(),
        at_ms: 0,
    }
}

/// Whatever the author of a view says in words of their own.
fn texts(view: &FactView) -> Vec<&Text> {
    let mut texts = vec![&view.line];
    texts.extend(&view.identity);
    texts.extend(&view.statements);
    match &view.panel {
        Some(Panel::Table { columns, .. }) => texts.extend(columns),
        Some(Panel::Curve { x, y, curves }) => {
            texts.extend([&x.name, &y.name]);
            texts.extend(curves.iter().map(|curve| &curve.name));
        }
        Some(Panel::Report(report)) => texts.extend(report_texts(report)),
        _ => {}
    }
    texts
}

fn report_texts(report: &ReportView) -> impl Iterator<Item = &Text> {
    let parts = || report.sections.iter().chain(&report.details);
    let sentences = parts().flat_map(|part| &part.sentences);
    // What a model wrote is in one language.
    let sentences = sentences.filter(|sentence| sentence.author == Author::Facts);
    let headings = parts().map(|part| &part.heading);
    let headings = headings.chain([&report.title]);
    headings.chain(sentences.map(|sentence| &sentence.text))
}

fn in_both_languages(text: &Text, quotable: &str) -> Result<(), String> {
    let Text { english, chinese } = text;
    if english.is_empty() != chinese.is_empty() {
        return Err(format!(
            "expected a text in both languages, got English “{english}” and Chinese “{chinese}”"
        ));
    }
    if english != chinese {
        return Ok(());
    }
    let said = english.to_lowercase();
    let mut words = said.split(|letter: char| !letter.is_alphabetic());
    let own = words.find(|word| is_word(word) && !quotable.contains(word));
    own.map_or(Ok(()), |word| {
        Err(format!(
            "expected “{english}” in both languages, got the same in both, and “{word}” is no quote; make it with `text!(\"..\", \"..\")`"
        ))
    })
}

fn is_word(word: &str) -> bool {
    let enough = match word.is_ascii() {
        true => LATIN_WORD,
        false => OTHER_WORD,
    };
    word.chars().count() >= enough
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(english: &str, chinese: &str) -> Result<(), String> {
        let text = Text {
            english: english.to_owned(),
            chinese: chinese.to_owned(),
        };
        in_both_languages(&text, "example {\"text\": \"a broken cup\"}")
    }

    #[test]
    fn own_words_are_said_twice_and_quotes_may_stand_as_they_are() {
        for (english, chinese) in [
            ("a cup, 12 MB", "一个杯子"),
            ("“Broken cup”", "“Broken cup”"),
            ("3.5 km", "3.5 km"),
            ("", ""),
        ] {
            assert_eq!(verdict(english, chinese), Ok(()), "{english}");
        }
        for (english, chinese) in [
            ("a broken thing", "a broken thing"),
            ("投诉", "投诉"),
            ("a cup", ""),
            ("", "杯子"),
        ] {
            assert!(verdict(english, chinese).is_err(), "{english}");
        }
    }
}
