//! What an agent brings beside its skills: views, kinds of files, settings, rules; and all that can
//! be shown.

use std::path::Path;
use std::time::Duration;

use aimass_runtime::{
    AgentDefinition, Author, Axis, Curve, Edge, Evidence, Excerpt, Extent, Fact, FactDraft,
    FactKind, FactView, Fault, FileKind, FileKinds, FlowContext, FoundLanguage, IdleRule, Locale,
    Meaning, ModelVersion, Noun, Operation, Panel, Passage, PictureBox, Provenance, Reaction,
    Reference, ReportView, Revision, Section, Sentence, SkillSpec, Text, Track, TrackPoint, Views,
    file_kind, text,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Batched, Flowing};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    threshold: f64,
}

pub(super) fn define(definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
    let Settings { threshold } = definition.settings()?;
    assert!(threshold <= 0.0, "nobody has set it");
    let counted = definition.skills().count();
    assert_eq!(counted, 0, "none was added yet");
    let sketch: FactKind = FactKind::new("file.sketch", 1)?;
    let mut spec = SkillSpec::of::<Batched>("Known at run time only");
    spec.name = "frozen.json".to_owned();
    let made = |fact: &Fact| fact.value["count"].clone();
    Ok(definition
        .flow_json(spec, async |input: Value, context: FlowContext| {
            let output = context.ask_json("frozen.batched", input);
            Ok(output.await?)
        })
        .file_kind(FileKind::new(
            "sketch",
            noun(),
            |path: &Path, start: &[u8]| {
                path.extension().is_some_and(|name| name == "sketch")
                    && start.starts_with(b"SKETCH")
            },
        ))
        .view::<Batched>(|output: &u64, subject: &str| line(*output, subject))
        .view_of(sketch.clone(), |fact: &Fact, subject: &str| {
            Some(line(fact.value.as_u64()?, subject))
        })
        .reaction(
            Reaction::of::<Batched>("counted", sketch)
                .produces(FactKind::new("counted", 1)?)
                .input(made),
        )
        .reaction(Reaction::new("read", file_kind::TEXT, "frozen.flowing"))
        .on_idle(IdleRule::of::<Flowing>("last").after("first")))
}

fn noun() -> Noun {
    Noun {
        one: text!("sketch", "草图"),
        several: text!("sketches", "张草图"),
    }
}

fn line(count: u64, subject: &str) -> FactView {
    FactView::new(text!("{subject}: {count} lines", "{subject}：{count} 条线"))
        .identity(text!("{subject} is a sketch.", "{subject} 是一张草图。"))
        .statement(text!("It has {count} lines.", "它有 {count} 条线。"))
        .panel(Panel::Text {
            text: String::new(),
        })
        .language("en", 0.9, Evidence::Writing)
        .excerpt("some words", Extent::Beginning)
        .meaning(vec![1.0], ModelVersion::new("one"))
}

/// All fields of a view, and of all that a panel can show. Never called: that it compiles is the
/// test.
#[expect(dead_code, reason = "its types are what is tested")]
fn shown(locale: Locale) -> FactView {
    let text: Text = Text {
        english: String::new(),
        chinese: String::new(),
    };
    let axis = || Axis {
        name: Text::default(),
        unit: "s".to_owned(),
    };
    let report = ReportView {
        title: text.clone(),
        inputs: 1,
        sections: vec![Section {
            heading: text.clone(),
            sentences: vec![Sentence {
                text: text.clone(),
                references: vec![1],
                author: Author::Facts,
            }],
        }],
        details: Vec::new(),
        references: vec![Reference {
            n: 1,
            revision: Revision(1),
            kind: String::new(),
            source: String::new(),
        }],
    };
    let _: Value = report.to_json(locale);
    let _: [Author; 2] = [Author::Facts, Author::Model];
    let panels = [
        Panel::Text {
            text: String::new(),
        },
        Panel::TimedText {
            passages: vec![Passage {
                start: 0.0,
                end: 1.0,
                speaker: None,
                text: String::new(),
            }],
        },
        Panel::Table {
            columns: vec![text.clone()],
            rows: vec![vec![String::new()]],
        },
        Panel::Picture {
            path: String::new(),
            width: 1,
            height: 1,
            boxes: vec![PictureBox {
                x: 0.0,
                y: 0.0,
                width: 1.0,
                height: 1.0,
                label: String::new(),
                score: Some(0.5),
            }],
        },
        Panel::Tracks {
            path: String::new(),
            width: 1,
            height: 1,
            duration: 1.0,
            tracks: vec![Track {
                id: 1,
                label: String::new(),
                points: vec![TrackPoint {
                    at: 0.0,
                    x: 0.0,
                    y: 0.0,
                    width: 1.0,
                    height: 1.0,
                }],
            }],
        },
        Panel::Sound {
            path: String::new(),
        },
        Panel::Graph {
            nodes: vec![String::new()],
            edges: vec![Edge {
                from: 0,
                to: 0,
                label: String::new(),
            }],
        },
        Panel::Curve {
            x: axis(),
            y: axis(),
            curves: vec![Curve {
                name: text.clone(),
                points: vec![(0.0, 1.0)],
            }],
        },
        Panel::Report(report),
    ];
    FactView {
        line: text,
        identity: None,
        statements: Vec::new(),
        panel: panels.into_iter().next(),
        language: Some(FoundLanguage {
            code: String::new(),
            confidence: 1.0,
            evidence: Evidence::Speech,
        }),
        excerpt: Some(Excerpt {
            text: String::new(),
            extent: Extent::Whole,
        }),
        meaning: Some(Meaning {
            vector: Vec::new(),
            model: ModelVersion::new("one"),
        }),
    }
}

/// What a team knows of its facts and files. Never called.
#[expect(dead_code, reason = "its types are what is tested")]
fn known(views: &Views, fact: &Fact, context: &FlowContext) -> Option<Text> {
    let _: FactView = views.of(fact, "a.sketch");
    let kinds: &FileKinds = views.file_kinds();
    let noun: Option<Noun> = kinds.noun(&fact.kind);
    let _: Views = context.views();
    let _: Option<String> = context.skill_for(Operation::Transcribe);
    let _: fn(&FileKind) -> &str = FileKind::name;
    let _: fn(&Reaction) -> (&str, &str, &FactKind) =
        |rule| (rule.name(), rule.skill(), rule.kind());
    let _: fn(&IdleRule) -> (&str, &str) = |rule| (rule.name(), rule.skill());
    Some(noun?.counted(2))
}

/// The words of the field: none may go. Never called.
#[expect(dead_code, reason = "its types are what is tested")]
fn operations(spec: &SkillSpec) -> [SkillSpec; 19] {
    [
        Operation::Chat,
        Operation::Complete,
        Operation::Summarize,
        Operation::Embed,
        Operation::Classify,
        Operation::DetectLanguage,
        Operation::Search,
        Operation::Analyze,
        Operation::Transcribe,
        Operation::TranslateSpeech,
        Operation::DetectSpeech,
        Operation::Listen,
        Operation::Synthesize,
        Operation::DescribeImage,
        Operation::DetectObjects,
        Operation::ReadImage,
        Operation::Track,
        Operation::Recommend,
        Operation::Report,
    ]
    .map(|operation| spec.clone().operation(operation))
}

/// The kinds of files that the kernel tells apart.
const KINDS: [FactKind; 6] = [
    file_kind::AUDIO,
    file_kind::IMAGE,
    file_kind::TABLE,
    file_kind::TEXT,
    file_kind::UNKNOWN,
    file_kind::VIDEO,
];

#[test]
fn facts_name_the_models_they_rest_on_and_take_the_place_of_others() {
    let draft = FactDraft::new(KINDS[3].clone(), json!({})).superseding(Revision(3));
    assert_eq!(draft.supersedes, Some(Revision(3)));
    let models: Vec<ModelVersion> = Provenance::default().models;
    assert_eq!(models, []);
    let superseded: fn(&Fact) -> Option<Revision> = |fact| fact.supersedes;
    let _: (fn(&Fact) -> Option<Revision>, Duration) = (superseded, Duration::ZERO);
}
