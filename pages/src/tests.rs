//! What the page holds, and that nothing from files can act in it.

use aimass_locale::Locale;
use aimass_runtime::{Fact, Revision};
use serde_json::{Value, json};

use super::{EpisodePage, Passage, Recording, Reference, Report, Row, Section, Sentence, Sound};

const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

#[expect(clippy::needless_pass_by_value, reason = "its calls read better")]
fn fact(revision: u64, kind: &str, value: Value, provenance: Value) -> Fact {
    let fact = json!({
        "revision": revision,
        "namespace": "default",
        "kind": kind,
        "value": value,
        "provenance": provenance,
        "at_ms": 1_700_000_000_000_u64 + revision * 100,
    });
    serde_json::from_value(fact).unwrap()
}

/// A recording and what was heard in it, both with names and words that would act if they could.
fn facts() -> Vec<Fact> {
    let trace = "0123456789abcdef0123456789abcdef";
    let root = json!({"trace": trace, "span": "00000000000000aa"});
    let found = |task: u64, agent: &str, cause: u64| {
        json!({
            "agent": agent, "task": format!("{task:032x}"), "cause": cause, "trace": trace, "span": format!("{task:016x}"),
        })
    };
    let heard = json!({
        "text": EVIL, "language": EVIL, "duration": 9.0,
        "segments": [{"start": 1.5, "end": 2.0, "text": EVIL, "no_speech": 0.0}],
    });
    vec![
        fact(
            1,
            "file.audio@1",
            json!({"path": format!("/nowhere/{EVIL}.wav"), "bytes": 10}),
            root,
        ),
        fact(2, "speech.transcribe@1", heard, found(2, EVIL, 1)),
        fact(3, "other@1", json!({EVIL: EVIL}), found(3, "text", 2)),
    ]
}

fn report() -> Report {
    Report {
        title: EVIL.to_owned(),
        sections: vec![Section {
            heading: EVIL.to_owned(),
            sentences: vec![Sentence {
                text: EVIL.to_owned(),
                by_model: true,
                references: vec![1],
            }],
        }],
        references: vec![Reference {
            n: 1,
            revision: Revision(2),
            kind: "speech.transcribe@1".to_owned(),
            source: EVIL.to_owned(),
        }],
    }
}

fn recording() -> Recording {
    Recording {
        name: EVIL.to_owned(),
        transcript: Revision(2),
        sound: Sound::Beside {
            path: format!("/nowhere/{EVIL}.wav"),
        },
        passages: vec![Passage {
            start: 1.5,
            text: EVIL.to_owned(),
        }],
    }
}

/// A page of nothing but facts.
fn plain(facts: &[Fact], locale: Locale) -> EpisodePage<'_> {
    let row = |fact| Row {
        fact,
        subject: EVIL.to_owned(),
        finding: EVIL.to_owned(),
    };
    EpisodePage {
        locale,
        episode: "00000000000000000000000000000001".parse().unwrap(),
        begun: String::new(),
        rows: facts.iter().map(row).collect(),
        report: None,
        work: None,
        recordings: Vec::new(),
        failures: Vec::new(),
        losses: 0,
        collector: None,
    }
}

fn page(locale: Locale, collector: Option<&str>) -> String {
    let facts = facts();
    let page = EpisodePage {
        report: Some(report()),
        recordings: vec![recording()],
        failures: vec![EVIL.to_owned()],
        collector: collector.map(str::to_owned),
        ..plain(&facts, locale)
    };
    page.html().unwrap()
}

#[test]
fn nothing_that_comes_from_files_can_act_in_the_page() {
    let page = page(Locale::English, None);
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(!page.contains("<img"), "a tag of somebody else's");
    // Attributes hold it as well: no quote of it ends one.
    assert!(!page.contains(EVIL) && !page.contains("\"'><"));
    assert!(page.matches("&#60;script&#62;").count() + page.matches("&lt;script&gt;").count() > 8);
    assert!(page.contains("file:///nowhere/%3Cscript%3Ealert%281%29%3C/script%3E"));
}

#[test]
fn references_lead_to_facts_that_the_page_has() {
    let page = page(Locale::English, None);
    let targets: Vec<&str> = page
        .split("href=\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(targets.len() > 8, "{targets:?}");
    for target in targets {
        assert!(page.contains(&format!("id=\"{target}\"")), "#{target}");
    }
}

#[test]
fn what_a_long_fact_holds_beyond_is_counted_and_can_be_found() {
    let long = fact(7, "other@1", json!("x".repeat(7000)), json!({}));
    let short = fact(8, "other@1", json!("x".repeat(5000)), json!({}));
    let facts = [long.clone(), short];
    let page = |locale| plain(&facts, locale).html().unwrap();
    let shown = "x".repeat(4000);
    let (english, chinese) = (page(Locale::English), page(Locale::Chinese));
    assert_eq!(english.matches(&shown).count(), 2);
    assert_eq!(english.matches(" characters more; ").count(), 1);
    assert!(english.contains("`aimass facts show 7` shows them"));
    assert!(chinese.contains("`aimass facts show 7` 可显示"));
    let counted = english.split(" characters more; ").next().unwrap();
    let counted: usize = counted.rsplit(' ').next().unwrap().parse().unwrap();
    let whole = serde_json::to_string_pretty(&long).unwrap().chars().count();
    assert_eq!(counted, whole - 6000);
}

#[test]
fn the_page_speaks_chinese_and_names_its_language() {
    let page = page(Locale::Chinese, None);
    assert!(page.contains("<html lang=\"zh-Hans\">"));
    for word in ["报告", "时间线", "录音", "事实", "用户"] {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn a_collector_brings_a_link_to_the_trace() {
    let trace = "trace/0123456789abcdef0123456789abcdef\"";
    for (collector, host) in [
        ("http://localhost:4317", "localhost"),
        ("https://user@collector.example/v1", "collector.example"),
        ("http://[::1]:4318", "[::1]"),
    ] {
        let link = format!("http://{host}:16686/{trace}");
        assert!(
            page(Locale::English, Some(collector)).contains(&link),
            "{link}"
        );
    }
    assert!(!page(Locale::English, None).contains(trace));
}
