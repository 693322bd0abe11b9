//! Callers with an identity, and blobs in the place of files: what a service needs that lets strangers ask.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use aimass_config::{Config, EnvironmentConfig};
use aimass_locale::Locale;
use aimass_runtime::{
    Agent, AgentDefinition, Caller, CallerTransport, Environment, EnvironmentOptions, Episode,
    EpisodeId, FactFilter, Fault, FlowContext, FlowSkill, Namespace, Reaction, Request, Right,
    Runtime, Skill, SkillSpec, TaskError, TaskOptions, Transport, file_kind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Reads files.
pub(crate) struct Library;

/// Gives the text of a file.
struct Lend;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Loan {
    #[schemars(extend("format" = "path"))]
    path: PathBuf,
    #[serde(default)]
    note: String,
}

impl Skill for Lend {
    const NAME: &'static str = "library.lend";
    type Input = Loan;
    type Output = String;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Reads a file.").main_field("path")
    }
}

impl FlowSkill for Lend {
    async fn run(&self, input: Arc<Loan>, context: FlowContext) -> Result<String, Fault> {
        let read = context
            .blocking(move || std::fs::read_to_string(&input.path))
            .await?;
        read.map_err(|error| Fault::rejected(error.to_string()))
    }
}

impl Agent for Library {
    fn name(&self) -> &str {
        "library"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .flow(Lend)
            .reaction(Reaction::new("lend", file_kind::TEXT, Lend::NAME)))
    }
}

async fn library(environment: &Environment) -> Runtime {
    let builder = Runtime::builder(Config::default()).agent(Library);
    builder
        .environment(environment.clone())
        .start()
        .await
        .unwrap()
}

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_path_may_stand_a_blob_may() {
    let folder = tempfile::tempdir().unwrap();
    let options = EnvironmentOptions::from(&EnvironmentConfig::default());
    let on_disk = Environment::open(folder.path(), options).unwrap();
    for environment in [in_memory(), on_disk] {
        let runtime = library(&environment).await;
        let blob = environment.put_blob(&b"Once upon a time"[..]).unwrap();
        let name = format!("blob:{}", blob.hash);
        let lend = |path: &str| {
            let input = json!({"path": path, "note": name});
            runtime.ask_json("library.lend", input, TaskOptions::default())
        };
        assert_eq!(lend(&name).await.unwrap(), "Once upon a time");
        let odd = lend("blob:12").await.unwrap_err();
        assert!(matches!(odd, TaskError::InvalidInput { .. }), "{odd}");
        let gone = lend(&format!("blob:{}", "0".repeat(64))).await.unwrap_err();
        assert!(matches!(gone, TaskError::Rejected { .. }), "{gone}");
        // An episode over it is one over a file, and its fact keeps the blob.
        let report = runtime
            .run(Episode::from_files([&name, "blob:12"]))
            .await
            .unwrap();
        assert_eq!(report.refused.len(), 1);
        assert_eq!(report.facts[0].kind, file_kind::TEXT);
        assert_eq!(report.facts[0].value["given"], name);
        assert_eq!(report.facts[0].blobs, [blob.hash]);
        assert_eq!(report.facts[1].value, "Once upon a time");
        runtime.shutdown().await;
    }
}

fn tenant(name: &str) -> Namespace {
    Namespace(name.into())
}

fn caller(runtime: &Runtime, name: &str, rights: &[Right]) -> CallerTransport {
    let caller = Caller {
        tenant: tenant(name),
        rights: rights.iter().copied().collect::<BTreeSet<_>>(),
    };
    CallerTransport::new(Arc::new(runtime.clone()), caller)
}

async fn asked(
    transport: &dyn Transport,
    request: Request,
) -> (Vec<Value>, Result<Value, TaskError>) {
    let mut call = transport.call(request);
    let mut items = Vec::new();
    while let Some(item) = call.next().await {
        items.push(item);
    }
    (items, call.reply().await)
}

fn lend(path: &str) -> Request {
    Request::Ask {
        skill: "library.lend".to_owned(),
        input: json!({"path": path}),
        options: Box::new(TaskOptions {
            namespace: Some(tenant("somebody_else")),
            ..TaskOptions::default()
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_rights_sees_the_skills_and_nothing_else() {
    let runtime = library(&in_memory()).await;
    let stranger = caller(&runtime, "a", &[]);
    let (skills, count) = asked(&stranger, Request::Skills).await;
    assert_eq!((skills.len(), count.unwrap()), (1, json!(1)));
    let revisions = vec![aimass_runtime::Revision(1)];
    for request in [
        lend("blob:0"),
        Request::Facts {
            filter: FactFilter::default(),
        },
        Request::Show {
            revisions,
            namespace: None,
            locale: Locale::English,
        },
        Request::Agents,
        Request::DeadLetters,
        Request::Resume { episode: None },
        Request::Forget {
            episode: EpisodeId::random(),
        },
        Request::Import {
            from: PathBuf::from("/etc/passwd"),
        },
    ] {
        let what = format!("{request:?}");
        let (items, reply) = asked(&stranger, request).await;
        let refused = reply.unwrap_err().to_string();
        assert!(
            items.is_empty() && refused.contains("needs the right"),
            "{what}: {refused}"
        );
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_works_within_its_tenant_and_without_the_nodes_files() {
    let environment = in_memory();
    let runtime = library(&environment).await;
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"secret").unwrap();
    let path = secret.path().to_str().unwrap();
    let blob = environment.put_blob(&b"public"[..]).unwrap();
    let blob = format!("blob:{}", blob.hash);
    let guest = caller(&runtime, "guest", &[Right::Work]);
    let owner = caller(&runtime, "owner", &[Right::Work, Right::Files]);
    assert_eq!(asked(&guest, lend(&blob)).await.1.unwrap(), "public");
    assert_eq!(asked(&owner, lend(path)).await.1.unwrap(), "secret");
    let run = |path: &str| Request::Run {
        paths: vec![PathBuf::from(path)],
        namespace: Some(tenant("owner")),
        trace: None,
    };
    for request in [lend(path), run(path)] {
        let refused = asked(&guest, request).await.1.unwrap_err().to_string();
        assert!(refused.contains("expected blobs"), "{refused}");
    }
    // What each of them finds is its own, whatever it says.
    let (found, _) = asked(&owner, run(path)).await;
    let hidden = found[0]["revision"].as_u64().unwrap();
    let (found, reply) = asked(&guest, run(&blob)).await;
    reply.unwrap();
    assert!(
        found.iter().all(|fact| fact["namespace"] == "guest"),
        "{found:?}"
    );
    let all = || Request::Facts {
        filter: FactFilter::default(),
    };
    let (facts, _) = asked(&guest, all()).await;
    assert!(!facts.is_empty());
    assert!(
        facts.iter().all(|fact| fact["namespace"] == "guest"),
        "{facts:?}"
    );
    let revision = aimass_runtime::Revision(hidden);
    let fact = asked(&guest, Request::Fact { revision })
        .await
        .1
        .unwrap_err();
    assert!(fact.to_string().contains("no such fact"), "{fact}");
    assert!(asked(&owner, Request::Fact { revision }).await.1.is_ok());
    let show = || Request::Show {
        revisions: vec![revision],
        namespace: None,
        locale: Locale::English,
    };
    assert_eq!(asked(&guest, show()).await.0.len(), 0);
    assert_eq!(asked(&owner, show()).await.0.len(), 1);
    let operator = caller(&runtime, "guest", &[Right::Work, Right::Operate]);
    assert_eq!(asked(&operator, show()).await.0.len(), 1);
    assert!(asked(&operator, all()).await.0.len() > facts.len());
    runtime.shutdown().await;
}
