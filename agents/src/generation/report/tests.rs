//! What reports say, and what they must not.

use aimass_locale::Locale;
use aimass_models::{Catalogue, Store, StoreOptions};
use aimass_runtime::{Fact, Runtime, Views};
use serde_json::{Value, json};

use super::compose::compose;
use super::{Author, Report};
use crate::AGENTS;

/// A fact that was given.
pub(super) fn given(revision: u64, kind: &str, value: Value) -> Fact {
    fact(revision, kind, value, json!({}))
}

/// A fact that `agent` found about another.
pub(super) fn found(revision: u64, kind: &str, cause: u64, value: Value) -> Fact {
    let agent = kind.split('.').next();
    let task = format!("{revision:032x}");
    fact(
        revision,
        kind,
        value,
        json!({"agent": agent, "task": task, "cause": cause}),
    )
}

#[expect(clippy::needless_pass_by_value, reason = "its calls read better")]
fn fact(revision: u64, kind: &str, value: Value, provenance: Value) -> Fact {
    let fact = json!({
        "revision": revision,
        "namespace": "default",
        "kind": kind,
        "value": value,
        "provenance": provenance,
        "at_ms": 0,
    });
    serde_json::from_value(fact).unwrap()
}

pub(super) fn transcript(segments: &[(f64, &str)]) -> Value {
    let each = segments.iter().map(
        |(start, text)| json!({"start": start, "end": start + 1.0, "text": text, "no_speech": 0.0}),
    );
    let text: String = segments.iter().map(|(_, text)| *text).collect();
    json!({
        "text": text.trim(),
        "language": "en",
        "duration": 65.5,
        "segments": each.collect::<Vec<_>>(),
    })
}

pub(super) fn embedding(x: f32, y: f32) -> Value {
    json!({"embedding": [x, y], "model": "test"})
}

/// A recording and two letters, of which the second is near the recording. Nothing was found out about a picture.
fn facts(letter: &str) -> Vec<Fact> {
    vec![
        given(
            3,
            "file.audio@1",
            json!({"path": "/in/call.wav", "bytes": 9}),
        ),
        given(4, "file.text@1", json!({"path": letter, "bytes": 1234})),
        given(
            5,
            "file.text@1",
            json!({"path": "/in/gone.txt", "bytes": 50}),
        ),
        given(
            6,
            "file.image@1",
            json!({"path": "/in/photo.jpg", "bytes": 7}),
        ),
        found(
            7,
            "text.language@1",
            4,
            json!({"language": "de", "confidence": 1.0}),
        ),
        found(
            8,
            "speech.transcribe@1",
            3,
            transcript(&[(0.2, " Go ahead."), (62.0, " Stop.")]),
        ),
        found(9, "text.embed@1", 8, embedding(1.0, 0.0)),
        found(10, "text.embed@1", 4, embedding(0.0, 1.0)),
        found(11, "text.embed@1", 5, embedding(0.8, 0.6)),
        found(12, "nobody.knows@1", 8, json!(1)),
    ]
}

/// What this build's agents show.
pub(super) fn views() -> Views {
    let cache = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::with(&[]).unwrap();
    let options = StoreOptions {
        offline: true,
        hub_endpoint: String::new(),
        hub_token: None,
        ..StoreOptions::default()
    };
    let store = Store::new(cache.path(), catalogue, options);
    let config = aimass_config::Config::default();
    let agents = AGENTS
        .iter()
        .map(|one| (one.build)(&store, &config.agent(one.name)));
    let builder = agents.fold(Runtime::builder(config.clone()), |all, one| all.agent(one));
    builder.views().unwrap()
}

pub(super) fn report(facts: &[Fact]) -> Report {
    compose(facts, &views()).checked(facts)
}

fn letter() -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".txt").tempfile().unwrap();
    std::fs::write(
        file.path(),
        "Sehr geehrte Frau Kollegin,\n\nIhr Patient klagt seit drei Wochen über Kopfschmerzen, die morgens am\nstärksten sind. Mehr nicht.",
    )
    .unwrap();
    file
}

#[test]
fn a_report_says_what_the_facts_hold_and_on_which_it_rests() {
    let letter = letter();
    let path = letter.path().to_str().unwrap().to_owned();
    let name = letter.path().file_name().unwrap().to_str().unwrap();
    let text = report(&facts(&path)).plain().replace(name, "letter.txt");
    let expected = "\
Report on 4 inputs

What came
  1 recording, 2 texts and 1 image were given. [1-4]
  Of those whose language is known, 1 is in German and 1 in English. [5][6]

What it is about
  call.wav: “Go ahead.” [5]
  letter.txt: “Ihr Patient klagt seit drei Wochen über Kopfschmerzen, die morgens am stärksten sind.” [2]

What hangs together
  The closest in meaning are call.wav and gone.txt (similarity 0.80). [7][8]

What came to nothing
  Nothing was found out about photo.jpg. [4]

call.wav
  call.wav is a recording of 1:05 in English. [1][5]
  At 0:00 it says: “Go ahead.” [5]
  At 1:02 it says: “Stop.” [5]
  The closest to it in meaning is gone.txt (similarity 0.80). [7][8]

letter.txt
  letter.txt is a text of 1.2 kB, in German. [2][6]
  It begins: “Sehr geehrte Frau Kollegin, Ihr Patient klagt seit drei Wochen über Kopfschmerzen, die morgens am stärksten sind. Mehr nicht.” [2]
  The closest to it in meaning is gone.txt (similarity 0.60). [8][9]

gone.txt
  gone.txt is a text of 50 B. [3]
  The closest to it in meaning is call.wav (similarity 0.80). [7][8]

photo.jpg
  Nothing was found out about photo.jpg. [4]

References
  [1] call.wav: file.audio@1, fact 3
  [2] letter.txt: file.text@1, fact 4
  [3] gone.txt: file.text@1, fact 5
  [4] photo.jpg: file.image@1, fact 6
  [5] call.wav: speech.transcribe@1, fact 8
  [6] letter.txt: text.language@1, fact 7
  [7] call.wav: text.embed@1, fact 9
  [8] gone.txt: text.embed@1, fact 11
  [9] letter.txt: text.embed@1, fact 10
";
    assert_eq!(text, expected);
}

#[test]
fn the_order_in_which_facts_were_found_does_not_show() {
    let letter = letter();
    let path = letter.path().to_str().unwrap();
    let mut facts = facts(path);
    let once = report(&facts);
    // The second run found the embeddings before the language.
    for (fact, revision) in facts.iter_mut().skip(4).zip([11, 7, 8, 9, 10, 12]) {
        fact.revision.0 = revision;
    }
    facts[6].provenance.cause = Some(facts[5].revision);
    facts.sort_by_key(|fact| fact.revision);
    let again = report(&facts);
    assert_eq!(once.sections, again.sections);
    assert_eq!(once.details, again.details);
}

#[test]
fn every_statement_names_a_fact_that_there_is() {
    let facts = facts("/in/none.txt");
    let mut draft = compose(&facts, &views());
    draft.report.details[0].sentences[0].references.clear();
    draft.report.details[0].sentences[1].references.push(99);
    draft.report.references.retain(|one| one.n != 4);
    let report = draft.checked(&facts);
    let headings: Vec<&str> = report.details.iter().map(|one| &*one.heading).collect();
    assert_eq!(headings, ["call.wav", "none.txt", "gone.txt"]);
    // What came to nothing rested on the reference that is gone, and so did the counts.
    assert_eq!(report.sections[0].heading, "What came");
    assert_eq!(report.sections[0].sentences.len(), 1);
    assert_eq!(report.details[0].sentences.len(), 2);
    // A fact that is none of the episode's is no ground either.
    let others: Vec<Fact> = facts[..1].to_vec();
    let report = compose(&facts, &views()).checked(&others);
    assert_eq!(report.references.len(), 1);
    let all = report.sections.iter().chain(&report.details);
    assert_eq!(all.flat_map(|one| &one.sentences).count(), 0);
}

#[test]
fn a_report_is_said_again_in_chinese_except_for_quotes_and_what_a_model_wrote() {
    let facts = facts("/in/none.txt");
    let mut draft = compose(&facts, &views());
    assert_eq!(draft.excerpts.len(), 1, "only the recording can be read");
    draft.add(vec![("Somebody is told to go ahead.".to_owned(), 5)]);
    let english = draft.checked(&facts);
    let chinese = english.clone().in_locale(Locale::Chinese);
    assert_eq!(chinese.title, "关于 4 份输入的报告");
    assert_eq!(chinese.sections[0].heading, "收到的内容");
    let said: Vec<&str> = chinese.details[0]
        .sentences
        .iter()
        .map(|sentence| &*sentence.text)
        .collect();
    assert_eq!(
        said[..2],
        [
            "call.wav 是一段时长 1:05 的录音，语言为英语。",
            "0:00 处说道：“Go ahead.”"
        ]
    );
    let last = chinese.sections.last().unwrap();
    assert_eq!(last.heading, "语言模型的概括");
    assert_eq!(last.sentences[0].text, "Somebody is told to go ahead.");
    assert_eq!(last.sentences[0].author, Author::Model);
    assert!(chinese.plain().contains("（由模型撰写）") || chinese.plain().contains("(由模型撰写)"));
    assert_eq!(chinese.in_locale(Locale::English), english);
}

#[test]
fn inputs_of_the_same_name_are_told_apart_and_controls_are_no_part_of_one() {
    let facts = [
        given(1, "file.text@1", json!({"path": "/a/note.txt"})),
        given(2, "file.text@1", json!({"path": "/b/note.txt"})),
        given(3, "file.text@1", json!({"path": "/b/x\u{1b}[2J.txt"})),
        given(4, "order@1", json!({"path": 7})),
    ];
    let headings: Vec<String> = report(&facts)
        .details
        .into_iter()
        .map(|section| section.heading)
        .collect();
    let expected = ["/a/note.txt", "/b/note.txt", "x [2J.txt", "order@1 #4"];
    assert_eq!(headings, expected);
}

/// Digits and signs are in no language, which is nothing to count.
#[test]
fn a_text_of_no_language_is_a_text_like_others() {
    let letter = letter();
    let path = letter.path().to_str().unwrap();
    let mut facts = facts(path);
    let nothing = json!({"language": "unknown", "confidence": 0.0});
    facts.push(found(13, "text.language@1", 5, nothing.clone()));
    // What was heard comes before what its letters look like.
    facts.push(found(14, "text.language@1", 8, nothing));
    let text = report(&facts).plain();
    assert!(
        text.contains("Of those whose language is known, 1 is in German and 1 in English."),
        "{text}"
    );
    assert!(text.contains("gone.txt is a text of 50 B."), "{text}");
    assert!(
        text.contains("call.wav is a recording of 1:05 in English."),
        "{text}"
    );
    assert!(!text.contains("unknown"), "{text}");
}

#[test]
fn inputs_that_are_not_compared_are_told_of() {
    let letters = |count: u64| -> Vec<Fact> {
        let path = |at| json!({"path": format!("/in/{at}.txt"), "bytes": 1});
        let given = (1..=count).map(|at| given(at, "file.text@1", path(at)));
        let embedded =
            (1..=count).map(|at| found(count + at, "text.embed@1", at, embedding(1.0, 0.0)));
        given.chain(embedded).collect()
    };
    let told = |count| {
        let facts = letters(count);
        let said = report(&facts).plain();
        said.contains("Only the first 1000 inputs were compared")
    };
    assert!(!told(1000) && told(1001));
}
