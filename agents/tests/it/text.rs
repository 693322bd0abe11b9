//! The text agent on a runtime, with MiniLM.

use aimass_agents::text::{
    Classify, ClassifyInput, Embed, Labels, Search, SearchInput, TextAgent, TextInput,
};
use aimass_config::Config;
use aimass_conformance::Conformance;
use aimass_models::{Catalogue, Silent, Store, StoreOptions};
use aimass_runtime::{
    Episode, Fact, FactDraft, Provenance, Recorder, Runtime, TaskError, Transaction, Usage,
};
use serde_json::json;

use crate::cache;

pub(crate) async fn start() -> Runtime {
    start_observed(Recorder::default()).await
}

async fn start_observed(recorder: Recorder) -> Runtime {
    start_with(Config::default(), recorder).await
}

async fn start_with(config: Config, recorder: Recorder) -> Runtime {
    let store = cache::store();
    let pulling = store.clone();
    tokio::task::spawn_blocking(move || pulling.pull("minilm", &mut Silent).unwrap())
        .await
        .unwrap();
    Runtime::builder(config)
        .agent(TextAgent::new(store, None))
        .observer(recorder)
        .start()
        .await
        .unwrap()
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_not_there_is_left_for_its_fallback() {
    for (placement, works) in [(vec!["cuda:0", "cpu"], true), (vec!["cuda:0"], false)] {
        let mut config = Config::default();
        config.defaults.placement = placement.into_iter().map(str::to_owned).collect();
        let runtime = start_with(config, Recorder::default()).await;
        let asked = runtime.ask::<Embed>(TextInput::text("Rain")).await;
        match asked {
            Ok(_) => assert!(works),
            Err(error) => {
                assert!(
                    !works && matches!(error, TaskError::Unavailable { .. }),
                    "{error}"
                );
                assert!(
                    error.to_string().contains("place the worker on `cpu`"),
                    "{error}"
                );
            }
        }
        runtime.shutdown().await;
    }
}

/// With those at its two ends, which the model adds.
#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_that_a_text_has_are_counted() {
    let recorder = Recorder::default();
    let runtime = start_observed(recorder.clone()).await;
    let texts = ["A letter of complaint.", "Rain"];
    for text in texts {
        runtime.ask::<Embed>(TextInput::text(text)).await.unwrap();
    }
    let input = ClassifyInput {
        text: Some(texts[1].to_owned()),
        path: None,
        labels: Labels::List(vec!["weather".to_owned(), "music".to_owned()]),
    };
    runtime.ask::<Classify>(input).await.unwrap();
    let worker = runtime.agents().remove(0).workers.remove(0);
    // 22.7 million numbers of 4 bytes, and the tokenizer beside them.
    assert!(
        (90_000_000..100_000_000).contains(&worker.model_bytes),
        "{worker:?}"
    );
    let declared = 88 << 20;
    assert_ne!(worker.model_bytes, declared, "it is counted");
    runtime.shutdown().await;
    let read: Vec<Usage> = recorder.tasks().iter().map(|task| task.usage).collect();
    let tokens = |input_tokens| Usage {
        input_tokens,
        output_tokens: 0,
    };
    // The sentences about a label are `This is music.`, `category: music` and `a message about music`.
    assert_eq!(read, [tokens(7), tokens(3), tokens(3 + 2 * (6 + 5 + 6))]);
}

const LETTERS: [(&str, &str); 4] = [
    (
        "complaint.txt",
        "The parcel came two weeks late and the cup inside was broken. I want my money back.",
    ),
    (
        "recipe.txt",
        "Knead flour, water and yeast, let the dough rise for an hour and bake it until golden.",
    ),
    (
        "weather.txt",
        "Heavy rain and gales are expected along the coast tonight, with floods in low places.",
    ),
    (
        "music.txt",
        "The orchestra played the symphony's slow movement with great tenderness.",
    ),
];

fn letters() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in LETTERS {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_searched_by_meaning() {
    let runtime = start().await;
    let folder = letters();
    for (query, file) in [
        ("a customer who wants a refund", "complaint.txt"),
        ("how to make bread", "recipe.txt"),
        ("storm warning", "weather.txt"),
        ("a concert review", "music.txt"),
    ] {
        let over = Some(folder.path().to_owned());
        let input = SearchInput {
            query: query.to_owned(),
            over,
            limit: 2,
        };
        let hits = runtime.ask::<Search>(input).await.unwrap().hits;
        assert!(hits[0].source.ends_with(file), "{query}: {hits:?}");
        assert_eq!(hits.len(), 2);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_embedded_by_reaction_and_then_found_among_the_facts() {
    let runtime = start().await;
    let folder = letters();
    let report = runtime
        .run(Episode::from_files([folder.path()]))
        .await
        .unwrap();
    assert_eq!(report.failures, []);
    let count = |kind: &str| {
        report
            .facts
            .iter()
            .filter(|fact| fact.kind.name() == kind)
            .count()
    };
    assert_eq!(
        (
            count("file.text"),
            count("text.embed"),
            count("text.language")
        ),
        (4, 4, 4)
    );
    let input = SearchInput {
        query: "baking bread".to_owned(),
        over: None,
        limit: 1,
    };
    let hits = runtime.ask::<Search>(input).await.unwrap().hits;
    assert!(
        hits[0].source.ends_with("recipe.txt") && hits[0].text.contains("dough"),
        "{hits:?}"
    );
    runtime.shutdown().await;
}

/// An embedder of another version may give vectors of the same length; nothing can be told from comparing them.
#[tokio::test(flavor = "multi_thread")]
async fn embeddings_of_another_model_are_left_out_of_a_search() {
    let runtime = start().await;
    let folder = letters();
    let report = runtime
        .run(Episode::from_files([folder.path()]))
        .await
        .unwrap();
    let fact = |kind: &str, name: &str| {
        let of_file = |fact: &&Fact| fact.value["path"].as_str().unwrap().ends_with(name);
        let files = || {
            report
                .facts
                .iter()
                .filter(|fact| fact.kind.name() == "file.text")
        };
        let file = files().find(of_file).unwrap().clone();
        if kind == "file.text" {
            return file;
        }
        let embedded =
            |fact: &&Fact| fact.kind.name() == kind && fact.provenance.cause == Some(file.revision);
        report.facts.iter().find(embedded).unwrap().clone()
    };
    let music = fact("file.text", "music.txt");
    let mut forged = fact("text.embed", "recipe.txt");
    forged.value["model"] = json!("another@1");
    let provenance = Provenance {
        cause: Some(music.revision),
        ..Provenance::default()
    };
    let transaction = Transaction {
        facts: vec![(FactDraft::new(forged.kind, forged.value), provenance)],
        ..Transaction::default()
    };
    runtime.environment().commit(transaction).await.unwrap();
    let input = SearchInput {
        query: "baking bread".to_owned(),
        over: None,
        limit: 4,
    };
    let hits = runtime.ask::<Search>(input).await.unwrap().hits;
    assert_eq!(hits.len(), 4);
    assert!(hits[0].source.ends_with("recipe.txt"), "{hits:?}");
    assert!(hits[0].score > hits[1].score + 0.1, "{hits:?}");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_classified_by_labels_of_the_users() {
    let runtime = start().await;
    for (text, best) in LETTERS
        .map(|(_, text)| text)
        .into_iter()
        .zip(["shopping", "cooking", "weather", "music"])
    {
        let labels = Labels::Commas("cooking, weather, music, shopping".to_owned());
        let input = ClassifyInput {
            text: Some(text.to_owned()),
            path: None,
            labels,
        };
        let classes = runtime.ask::<Classify>(input).await.unwrap().classes;
        assert_eq!(classes[0].label, best, "{text}: {classes:?}");
        assert!((classes.iter().map(|class| class.score).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedding_does_not_depend_on_its_batch_and_bad_texts_fail_alone() {
    let runtime = start().await;
    let alone = runtime
        .ask::<Embed>(TextInput::text("a cat on a mat"))
        .await
        .unwrap()
        .embedding;
    let length: f32 = alone.iter().map(|value| value * value).sum();
    assert!((alone.len() == 384) && (length - 1.0).abs() < 1e-5);
    let ask = |text: String| {
        let runtime = runtime.clone();
        tokio::task::spawn(async move { runtime.ask::<Embed>(TextInput::text(text)).await })
    };
    let others: Vec<_> = (0..20)
        .map(|number| ask(format!("sentence number {number}")))
        .collect();
    let (same, empty) = (ask("a cat on a mat".to_owned()), ask(" ".to_owned()));
    let same = same.await.unwrap().unwrap().embedding;
    let dot: f32 = same
        .iter()
        .zip(&alone)
        .map(|(one, other)| one * other)
        .sum();
    assert!(dot > 0.99999, "{dot}");
    let refused = empty.await.unwrap();
    assert!(
        matches!(refused, Err(TaskError::Rejected { .. })),
        "{refused:?}"
    );
    for other in others {
        other.await.unwrap().unwrap();
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_model_says_what_to_type() {
    let cache = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        offline: true,
        hub_endpoint: String::new(),
        hub_token: None,
        ..StoreOptions::default()
    };
    let store = Store::new(cache.path(), Catalogue::with(&[]).unwrap(), options);
    let agent = TextAgent::new(store, None);
    let runtime = Runtime::builder(Config::default())
        .agent(agent)
        .start()
        .await
        .unwrap();
    let error = runtime
        .ask::<Embed>(TextInput::text("hello"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("aimass models pull minilm"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 69);
    runtime.shutdown().await;
}

/// The kernel's own suite: panics, hangs, cancellation, overload, a new version, a process that is gone, on the real model.
#[tokio::test(flavor = "multi_thread")]
async fn the_text_agent_conforms() {
    let store = cache::store();
    let pulling = store.clone();
    tokio::task::spawn_blocking(move || pulling.pull("minilm", &mut Silent).unwrap())
        .await
        .unwrap();
    let folder = letters();
    let report = Conformance::new(move || TextAgent::new(store.clone(), None))
        .example("text.embed", json!({ "text": "a cup of tea" }))
        .example(
            "text.embed",
            json!({ "text": "a much longer sentence, of which no other member of its batch has the length" }),
        )
        .example("text.language", json!({ "text": "Guten Morgen, wie geht es Ihnen?" }))
        .example(
            "text.classify",
            json!({ "text": "the doctor called", "labels": ["health", "money"] }),
        )
        .example(
            "text.search",
            json!({ "query": "bread", "over": folder.path() }),
        )
        .example(
            "text.search_folder",
            json!({ "query": "bread", "over": folder.path() }),
        )
        .refuses("text.embed", json!({ "text": "" }))
        .refuses("text.embed", json!({ "path": "there/is/no/such/file.txt" }))
        .example("text.language", json!({ "text": "12345" }))
        .refuses("text.classify", json!({ "text": "x", "labels": [] }))
        .refuses("text.search", json!({ "query": "x", "over": "no/such/folder" }))
        .tolerance(1e-4)
        .run()
        .await;
    assert!(report.passed(), "{report}");
}
