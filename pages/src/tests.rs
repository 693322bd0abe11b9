//! What the page holds, and that nothing from files can act in it.

use std::collections::HashMap;

use aimass_locale::Locale;
use aimass_runtime::{
    Author, Axis, Curve, Edge, Fact, Panel, Passage, PictureBox, Reference, ReportView, Revision,
    Section, Sentence, Track, TrackPoint,
};
use serde_json::{Value, json};

use super::{EpisodePage, Media, Row};

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
        fact(4, "other@1", json!(EVIL), found(4, "text", 9)),
        fact(5, "other@1", json!(EVIL), json!({})),
        fact(6, "other@1", json!(EVIL), json!({})),
        fact(7, "other@1", json!(EVIL), json!({})),
        fact(8, "other@1", json!(EVIL), json!({})),
        fact(9, "other@1", json!(EVIL), json!({})),
        fact(10, "other@1", json!(EVIL), json!({})),
    ]
}

fn report() -> ReportView {
    ReportView {
        title: EVIL.into(),
        inputs: 1,
        sections: vec![Section {
            heading: EVIL.into(),
            sentences: vec![Sentence {
                text: EVIL.into(),
                author: Author::Model,
                references: vec![1],
            }],
        }],
        details: vec![Section {
            heading: EVIL.into(),
            sentences: Vec::new(),
        }],
        references: vec![Reference {
            n: 1,
            revision: Revision(2),
            kind: "speech.transcribe@1".to_owned(),
            source: EVIL.to_owned(),
        }],
    }
}

/// A panel of each kind, with words that would act if they could.
fn panels() -> Vec<Panel> {
    let point = |at| TrackPoint {
        at,
        x: 1.0,
        y: 2.0,
        width: 3.0,
        height: 4.0,
    };
    let path = format!("/nowhere/{EVIL}.wav");
    let passages = || {
        vec![Passage {
            start: 1.5,
            end: 2.0,
            speaker: Some(EVIL.to_owned()),
            text: EVIL.to_owned(),
        }]
    };
    let axis = || Axis {
        name: EVIL.into(),
        unit: EVIL.to_owned(),
    };
    vec![
        Panel::Sound { path: path.clone() },
        Panel::TimedText {
            passages: passages(),
        },
        Panel::Report(report()),
        Panel::TimedText {
            passages: passages(),
        },
        Panel::Text {
            text: format!("{EVIL}\n\n{EVIL}"),
        },
        Panel::Table {
            columns: vec![EVIL.into()],
            rows: vec![vec![EVIL.to_owned()]; 203],
        },
        Panel::Picture {
            path: path.clone(),
            width: 20,
            height: 10,
            boxes: vec![PictureBox {
                x: 1.0,
                y: 2.0,
                width: 3.0,
                height: 4.0,
                label: EVIL.to_owned(),
                score: Some(0.5),
            }],
        },
        Panel::Tracks {
            path,
            width: 20,
            height: 10,
            duration: 8.0,
            tracks: vec![Track {
                id: 7,
                label: EVIL.to_owned(),
                points: vec![point(2.0), point(4.0)],
            }],
        },
        Panel::Graph {
            nodes: vec![EVIL.to_owned(), EVIL.to_owned()],
            edges: vec![Edge {
                from: 0,
                to: 1,
                label: EVIL.to_owned(),
            }],
        },
        Panel::Curve {
            x: axis(),
            y: axis(),
            curves: vec![Curve {
                name: EVIL.into(),
                points: vec![(0.0, 4.0), (1.0, 2.0), (2.0, f64::NAN)],
            }],
        },
    ]
}

/// A page of nothing but facts.
fn plain(facts: &[Fact], locale: Locale) -> EpisodePage<'_> {
    let row = |fact| Row {
        fact,
        subject: EVIL.to_owned(),
        finding: EVIL.to_owned(),
        panel: None,
    };
    EpisodePage {
        locale,
        episode: "00000000000000000000000000000001".parse().unwrap(),
        begun: String::new(),
        rows: facts.iter().map(row).collect(),
        work: None,
        media: HashMap::new(),
        failures: Vec::new(),
        losses: 0,
        collector: None,
    }
}

fn page(locale: Locale, collector: Option<&str>) -> String {
    let facts = facts();
    let mut plain = plain(&facts, locale);
    for (row, panel) in plain.rows.iter_mut().zip(panels()) {
        row.panel = Some(panel);
    }
    let page = EpisodePage {
        failures: vec![EVIL.to_owned()],
        collector: collector.map(str::to_owned),
        ..plain
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
fn each_panel_is_shown_in_its_place() {
    let page = page(Locale::English, None);
    assert_eq!(page.matches("<audio").count(), 1);
    assert_eq!(
        page.matches("data-start=\"1.5\"").count(),
        1,
        "beside its audio"
    );
    assert_eq!(page.matches("<details class=\"panel\">").count(), 7);
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(page.contains("3 more rows are not shown."));
    assert!(page.contains("<rect x=\"1\" y=\"2\" width=\"3\" height=\"4\"/>"));
    assert!(
        page.contains("left:25%;width:25%"),
        "a track from 2 s to 4 s of 8"
    );
    assert!(page.contains("points=\"2.5,4.0 2.5,4.0\""));
    assert!(page.contains("points=\"0.0,0.0 320.0,200.0 640.0,100.0\""));
}

#[test]
fn what_fits_is_a_part_of_the_page() {
    let facts = [fact(1, "file.audio@1", json!({}), json!({}))];
    let mut page = plain(&facts, Locale::English);
    let path = "/a.flac".to_owned();
    page.rows[0].panel = Some(Panel::Sound { path: path.clone() });
    assert!(page.html().unwrap().contains("src=\"file:///a.flac\""));
    let media = Media {
        media_type: "audio/flac",
        bytes: b"fLaC".to_vec(),
    };
    page.media.insert(path, media);
    let html = page.html().unwrap();
    assert!(html.contains("src=\"data:audio/flac;base64,ZkxhQw==\""));
    assert!(!html.contains("file:///"));
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
