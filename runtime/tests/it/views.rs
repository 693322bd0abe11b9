//! What people are shown of facts: by the agents that found them, wherever it is asked for.

use std::sync::Arc;

use aimass_config::{Config, EnvironmentConfig};
use aimass_locale::{Locale, text};
use aimass_runtime::{
    Agent, AgentDefinition, Environment, EnvironmentOptions, FactFilter, FactKind, FactView, Fault,
    FileKind, FlowContext, FlowSkill, IdleRule, Noun, Panel, Reaction, Records, Request, Revision,
    Runtime, RuntimeError, ShownFact, Skill, SkillSpec, SocketClient, SocketServer, Transport,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Looks at sketches: files that begin with `SKETCH`.
struct Gallery;

/// Counts the bytes of a sketch.
struct Measure;
/// Puts together what the team shows of all facts.
struct Catalog;

impl Skill for Measure {
    const NAME: &'static str = "gallery.measure";
    type Input = Value;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Measures")
    }
}

impl FlowSkill for Measure {
    async fn run(&self, input: Arc<Value>, context: FlowContext) -> Result<u64, Fault> {
        let path = input["path"].as_str().unwrap().to_owned();
        let read = context.blocking(move || std::fs::read(path).unwrap());
        Ok(read.await?.len() as u64)
    }
}

impl Skill for Catalog {
    const NAME: &'static str = "gallery.catalog";
    type Input = Value;
    type Output = Vec<String>;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Catalogs")
    }
}

impl FlowSkill for Catalog {
    async fn run(&self, _: Arc<Value>, context: FlowContext) -> Result<Vec<String>, Fault> {
        let (views, environment) = (context.views(), context.environment().clone());
        let facts = environment.snapshot().unwrap().facts(FactFilter::default());
        let line = |fact| views.of(&fact, "it").line.english;
        Ok(facts.unwrap().map(|fact| line(fact.unwrap())).collect())
    }
}

impl Agent for Gallery {
    fn name(&self) -> &str {
        "gallery"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let noun = Noun {
            one: text!("sketch", "草图"),
            several: text!("sketches", "张草图"),
        };
        let sketches = FactKind::new("file.sketch", 1).unwrap();
        Ok(definition
            .file_kind(FileKind::new("sketch", noun, |_, start| {
                start.starts_with(b"SKETCH")
            }))
            .flow(Measure)
            .flow(Catalog)
            .reaction(Reaction::new("measure", sketches, Measure::NAME))
            .on_idle(IdleRule::new("catalog", Catalog::NAME))
            .view::<Measure>(|bytes, name| {
                assert!(*bytes < 100, "a sketch that large is not shown");
                FactView::new(text!("{bytes} bytes", "{bytes} 字节"))
                    .identity(text!("{name} is small.", "{name} 很小。"))
                    .statement(text!("It is nice.", "它很漂亮。"))
                    .panel(Panel::Text {
                        text: "nice".to_owned(),
                    })
            }))
    }
}

/// A folder with two sketches, of which the second is shown by nobody.
fn sketches() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "SKETCH of a house").unwrap();
    let large = format!("SKETCH {}", "x".repeat(200));
    std::fs::write(folder.path().join("b.txt"), large).unwrap();
    folder
}

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

async fn shown(transport: &dyn Transport, revisions: &[u64], locale: Locale) -> Vec<ShownFact> {
    let revisions = revisions.iter().copied().map(Revision).collect();
    let mut call = transport.call(Request::Show {
        revisions,
        namespace: None,
        locale,
    });
    let mut shown = Vec::new();
    while let Some(item) = call.next().await {
        shown.push(serde_json::from_value(item).unwrap());
    }
    assert_eq!(call.reply().await.unwrap(), json!(shown.len()));
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_shown_by_their_agents_in_the_process_over_a_socket_and_without_the_team() {
    let (folder, environment) = (sketches(), in_memory());
    let builder = Runtime::builder(Config::default()).agent(Gallery);
    let views = builder.views().unwrap();
    let runtime = builder
        .environment(environment.clone())
        .start()
        .await
        .unwrap();
    let path = folder.path().join("socket");
    let server = SocketServer::bind(&path).unwrap();
    runtime.serve(server, Arc::new(runtime.clone())).await;
    let client = SocketClient::connect(&path).await.unwrap();
    let files = ["a.txt", "b.txt"].map(|name| folder.path().join(name));
    let report = runtime
        .run(aimass_runtime::Episode::from_files(files))
        .await
        .unwrap();
    assert!(
        report.failures.is_empty() && report.unhandled.is_empty(),
        "{report:?}"
    );
    let records = Records::new(environment, views);
    let transports: [&dyn Transport; 3] = [&runtime, &client, &records];
    let kinds: Vec<_> = report
        .facts
        .iter()
        .map(|fact| fact.kind.to_string())
        .collect();
    assert_eq!(kinds[..2], ["file.sketch@1", "file.sketch@1"]);
    let measured = |bytes: u64| {
        let fact = report.facts.iter().find(|fact| fact.value == json!(bytes));
        fact.unwrap().revision.0
    };
    let (small, large) = (measured(17), measured(207));
    for transport in transports {
        let facts = shown(transport, &[1, small, 999, large], Locale::English).await;
        let lines: Vec<_> = facts.iter().map(|fact| &*fact.line).collect();
        assert_eq!(lines, ["sketch, 17 B", "17 bytes", "gallery.measure@1 207"]);
        let subjects: Vec<_> = facts.iter().map(|fact| &*fact.subject).collect();
        assert_eq!(subjects, ["a.txt", "a.txt", "b.txt"]);
        assert_eq!(facts[1].statements, ["a.txt is small.", "It is nice."]);
        let text = "nice".to_owned();
        assert_eq!(facts[1].panel, Some(Panel::Text { text }));
        let facts = shown(transport, &[small], Locale::Chinese).await;
        assert_eq!(facts[0].statements, ["a.txt 很小。", "它很漂亮。"]);
    }
    // The flow that was asked when all was idle saw the same.
    let catalog = report.facts.last().unwrap();
    assert_eq!(catalog.kind.name(), "gallery.catalog");
    let lines: Vec<_> = catalog.value.as_array().unwrap().iter().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.contains(&&json!("17 bytes")), "{lines:?}");
    runtime.shutdown().await;
}

/// Shows facts of a kind that are another agent's.
struct Meddler;

impl Agent for Meddler {
    fn name(&self) -> &str {
        "meddler"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.view::<Measure>(|_, _| FactView::new("mine")))
    }
}

/// Tells apart files of a kind that no fact can have.
struct Shouter;

impl Agent for Shouter {
    fn name(&self) -> &str {
        "shouter"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let kind = FileKind::new("NO KIND", Noun::default(), |_, _| true);
        Ok(definition.file_kind(kind))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_and_kinds_that_cannot_be_are_refused_at_the_start() {
    let builder = || Runtime::builder(Config::default()).agent(Gallery);
    let error = builder().agent(Meddler).start().await.err().unwrap();
    let RuntimeError::Duplicate {
        name,
        first,
        second,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (&**name, &**first, &**second),
        ("the view of gallery.measure@1", "gallery", "meddler")
    );
    assert_eq!(
        builder().agent(Meddler).views().unwrap_err().to_string(),
        error.to_string()
    );
    let error = builder().agent(Shouter).start().await.err().unwrap();
    assert!(error.to_string().contains("file.NO KIND"), "{error}");
}
