//! The generation agent on a runtime: a tiny random model for what holds of any, and SmolLM2 with
//! its real weights.

mod continued;
mod report;
mod smollm2;

use std::path::Path;
use std::sync::Arc;

use aimass_agents::generation::{
    Chat, Complete, GenerationAgent, GenerationInput, GenerationLimits, TextDelta,
};
use aimass_config::Config;
use aimass_conformance::Conformance;
use aimass_models::{Catalogue, Silent, Store, StoreOptions};
use aimass_runtime::{Recorder, Runtime, TaskError};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A store with the tiny random model in it.
struct TinyStore {
    store: Store,
    _folder: TempDir,
}

fn tiny() -> TinyStore {
    let folder = tempfile::tempdir().unwrap();
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/llama");
    let catalogue = folder.path().join("catalogue.toml");
    let entry = format!(
        "[[artefact]]\nname = \"tiny\"\ntask = \"text generation\"\nfamily = \"llama\"\nlicence = \"MIT\"\nmegabytes = 1\ndescription = \"random\"\n\
         [[artefact.source]]\nkind = \"folder\"\npath = {goldens:?}\nfiles = [\"tiny-llama.gguf\"]\n"
    );
    std::fs::write(&catalogue, entry).unwrap();
    let options = StoreOptions {
        offline: false,
        hub_endpoint: "http://localhost:9".to_owned(),
        hub_token: None,
        ..StoreOptions::default()
    };
    let catalogue = Catalogue::with(&[catalogue]).unwrap();
    let store = Store::new(&folder.path().join("cache"), catalogue, options);
    store.pull("tiny", &mut Silent).unwrap();
    TinyStore {
        store,
        _folder: folder,
    }
}

fn limits(cache_bytes: usize) -> GenerationLimits {
    GenerationLimits {
        context: 512,
        cache_bytes,
        annotate: false,
    }
}

async fn start(tiny: &TinyStore, cache_bytes: usize, recorder: Recorder) -> Runtime {
    let agent = GenerationAgent::new(tiny.store.clone(), Some("tiny"));
    Runtime::builder(Config::default())
        .agent(agent.limits(limits(cache_bytes)))
        .observer(recorder)
        .start()
        .await
        .unwrap()
}

fn warm(seed: u64) -> GenerationInput {
    GenerationInput {
        max_tokens: Some(48),
        temperature: Some(1.0),
        seed: Some(seed),
        ..GenerationInput::prompt("hello world")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_text_come_while_it_is_written() {
    let tiny = tiny();
    let recorder = Recorder::default();
    let runtime = start(&tiny, 1 << 24, recorder.clone()).await;
    let mut stream = runtime.stream::<Chat>(warm(1)).unwrap();
    let mut pieces = Vec::new();
    while let Some(TextDelta(piece)) = stream.next().await.transpose().unwrap() {
        pieces.push(piece);
    }
    let output = stream.output().await.unwrap();
    assert_eq!(pieces.concat(), output.text);
    assert!(pieces.len() > 5, "{pieces:?}");
    runtime.shutdown().await;
    let usage = recorder.tasks()[0].usage;
    assert_eq!(usage.input_tokens, output.usage.prompt_tokens);
    assert_eq!(usage.output_tokens, output.usage.completion_tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_what_each_gets_alone() {
    let tiny = tiny();
    let runtime = Arc::new(start(&tiny, 1 << 24, Recorder::default()).await);
    let mut alone = Vec::new();
    for seed in 0..24 {
        alone.push(runtime.ask::<Complete>(warm(seed)).await.unwrap().text);
    }
    let asked = (0..24).map(|seed| {
        let runtime = runtime.clone();
        tokio::spawn(async move { runtime.ask::<Complete>(warm(seed)).await.unwrap().text })
    });
    for (together, alone) in asked.collect::<Vec<_>>().into_iter().zip(alone) {
        assert_eq!(together.await.unwrap(), alone);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_known_to_whichever_worker_it_comes_to() {
    let tiny = tiny();
    let mut config = Config::default();
    let settings = config.agent_mut("generation");
    settings.replicas = 2;
    settings.max_batch = 1;
    let agent = GenerationAgent::new(tiny.store.clone(), Some("tiny"));
    let runtime = Runtime::builder(config)
        .agent(agent.limits(limits(1 << 24)))
        .start()
        .await
        .unwrap();
    let runtime = Arc::new(runtime);
    let first = runtime.ask::<Complete>(warm(1)).await.unwrap();
    assert_eq!(first.usage.cached_tokens, 0);
    let mut asked = tokio::task::JoinSet::new();
    for seed in 0..8 {
        let runtime = runtime.clone();
        asked.spawn(async move { runtime.ask::<Complete>(warm(seed)).await.unwrap() });
    }
    for answer in asked.join_all().await {
        let usage = answer.usage;
        assert_eq!(usage.cached_tokens, usage.prompt_tokens - 1);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_a_text_a_conversation_and_a_form_are_taken() {
    let tiny = tiny();
    let runtime = start(&tiny, 1 << 24, Recorder::default()).await;
    let ask =
        async |skill: &str, input: Value| runtime.ask_json(skill, input, Default::default()).await;
    let plain = ask("generation.chat", json!("hello")).await.unwrap();
    let said = json!({ "messages": [{ "role": "user", "content": "hello" }] });
    let said = ask("generation.chat", said).await.unwrap();
    assert_eq!(plain["text"], said["text"]);
    assert!(said["usage"]["cached_tokens"].as_u64() > Some(0), "{said}");
    assert_eq!(plain["usage"]["cached_tokens"], 0);
    let form = json!({
        "prompt": "hello", "temperature": 1, "max_tokens": 200,
        "schema": { "type": "object", "properties": { "n": { "type": "integer", "maximum": 9, "minimum": 0 } }, "required": ["n"],
            "additionalProperties": false },
    });
    let form = ask("generation.complete", form).await.unwrap();
    let form: Value = serde_json::from_str(form["text"].as_str().unwrap()).unwrap();
    assert!(form["n"].is_u64(), "{form}");
    let told = json!({ "prompt": "hello", "logprobs": 2, "max_tokens": 3 });
    let told = ask("generation.complete", told).await.unwrap();
    assert_eq!(told["finish_reason"], "length");
    assert_eq!(told["logprobs"].as_array().unwrap().len(), 3);
    assert_eq!(told["logprobs"][0]["top"].as_array().unwrap().len(), 2);
    for (input, message) in [
        (json!({}), "prompt"),
        (json!({ "prompt": "x", "temprature": 1 }), ""),
        (json!({ "prompt": "x", "top_p": 7 }), "top_p"),
        (json!({ "prompt": "x", "regex": "(" }), "simpler"),
        (json!({ "prompt": "x".repeat(3000) }), "shorten it"),
    ] {
        let error = ask("generation.chat", input).await.unwrap_err();
        assert_eq!(error.exit_code(), 65, "{error:?}");
        assert!(error.to_string().contains(message), "{error}");
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_longer_than_the_context_is_summarized_passage_by_passage() {
    let tiny = tiny();
    let runtime = start(&tiny, 1 << 24, Recorder::default()).await;
    let long = "the other world is in the world, hello. ".repeat(40);
    let input = json!({ "text": long, "max_tokens": 20 });
    let summary = runtime
        .ask_json("generation.summarize", input, Default::default())
        .await
        .unwrap();
    let passages = summary["passages"].as_u64().unwrap();
    assert!(passages > 5, "{summary}");
    assert!(summary["usage"]["completion_tokens"].as_u64().unwrap() > passages);
    assert!(!summary["text"].as_str().unwrap().is_empty());
    // By the name that it had before.
    let old = runtime.ask_json("generation.summarise", json!({}), Default::default());
    let TaskError::Rejected { skill, .. } = old.await.unwrap_err() else {
        panic!("no text was given");
    };
    assert_eq!(skill, "generation.summarize");
    runtime.shutdown().await;
}

/// A fact about a file that is gone.
fn a_text() -> Value {
    json!({
        "revision": 1,
        "namespace": "default",
        "kind": "file.text@1",
        "value": { "path": "/gone/letter.txt", "bytes": 50 },
        "provenance": {},
        "at_ms": 0,
    })
}

/// The kernel's own suite. Without a cache, so that answers do not tell of one another.
#[tokio::test(flavor = "multi_thread")]
async fn the_generation_agent_conforms() {
    let tiny = tiny();
    let store = tiny.store.clone();
    let make = move || GenerationAgent::new(store.clone(), Some("tiny")).limits(limits(0));
    let text = json!({ "prompt": "hello", "max_tokens": 30, "temperature": 0.8, "seed": 3 });
    let report = Conformance::new(make)
        .example("generation.chat", text.clone())
        .example(
            "generation.chat",
            json!({ "prompt": "the other world", "max_tokens": 12, "json": false }),
        )
        .example("generation.complete", text)
        .example(
            "generation.complete",
            json!({ "prompt": "a date:", "regex": "[0-9]{4}-[0-9]{2}", "temperature": 1 }),
        )
        .example(
            "generation.summarize",
            json!({ "text": "hello world. ".repeat(60), "max_tokens": 12 }),
        )
        .example("generation.report", json!({ "facts": [a_text()] }))
        .example("generation.annotate", json!({ "facts": [a_text()] }))
        .refuses("generation.report", json!({}))
        .refuses("generation.annotate", json!({}))
        .refuses("generation.chat", json!({ "prompt": "" }))
        .refuses(
            "generation.complete",
            json!({ "prompt": "x", "max_tokens": 0 }),
        )
        .refuses("generation.summarize", json!({}))
        .run()
        .await;
    assert!(report.passed(), "{report}");
}
