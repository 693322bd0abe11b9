//! How often the text agent is right on the labeled texts, and where it is wrong.
//!
//! `cargo bench -p aimass-agents --bench accuracy`, with the half that constants are chosen with; `-- held-out` with the other half, which only
//! stays worth something while nobody chooses by it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stands outside the runtime"
)]

#[path = "../../models/tests/it/cache.rs"]
mod cache;
#[path = "../tests/it/labeled.rs"]
mod labeled;

use std::collections::BTreeMap;

use aimass_agents::text::{
    Classify, ClassifyInput, Labels, Language, TextAgent, TextInput, UNKNOWN_LANGUAGE,
};
use aimass_config::Config;
use aimass_models::Silent;
use aimass_runtime::Runtime;
use labeled::{Half, in_languages, with_labels};

fn main() {
    let half = match std::env::args().any(|argument| argument == "held-out") {
        true => Half::HeldOut,
        false => Half::Development,
    };
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(async {
        let builder = Runtime::builder(Config::default()).agent(TextAgent::new(store, None));
        let runtime = builder.start().await.unwrap();
        languages(&runtime, half).await;
        labels(&runtime, half).await;
        runtime.shutdown().await;
    });
}

/// Right, wrong and unknown, in all and by language.
async fn languages(runtime: &Runtime, half: Half) {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for one in in_languages(half) {
        let input = TextInput::text(one.text.as_str());
        let found = runtime.ask::<Language>(input).await.unwrap();
        let outcome = match found.language.as_str() {
            language if language == one.language => 0,
            language if language == UNKNOWN_LANGUAGE => 2,
            _ => 1,
        };
        if outcome > 0 {
            println!(
                "  {} taken for {}, {:.2}: {}",
                one.language, found.language, found.confidence, one.text
            );
        }
        for key in [one.language, "all".to_owned()] {
            counts.entry(key).or_default()[outcome] += 1;
        }
    }
    for (language, [right, wrong, unknown]) in counts {
        println!("{language:>4}: {right} right, {wrong} wrong, {unknown} unknown");
    }
}

/// How many texts got their label, in all and by the choice of labels; and how surely, as what a right label's score says against.
async fn labels(runtime: &Runtime, half: Half) {
    let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut surprise = 0.0;
    for one in with_labels(half) {
        let input = ClassifyInput {
            text: Some(one.text.clone()),
            path: None,
            labels: Labels::List(one.labels.clone()),
        };
        let classes = runtime.ask::<Classify>(input).await.unwrap().classes;
        let right = classes[0].label == one.label;
        if !right {
            println!(
                "  {} taken for {}, {:.2}: {}",
                one.label, classes[0].label, classes[0].score, one.text
            );
        }
        let mut scores = classes.iter();
        let score = scores.find(|class| class.label == one.label).unwrap().score;
        surprise -= f64::from(score).ln();
        for key in [one.labels.join(", "), "all".to_owned()] {
            let count = counts.entry(key).or_default();
            count[0] += usize::from(right);
            count[1] += 1;
        }
    }
    let texts = counts["all"][1];
    for (labels, [right, texts]) in counts {
        println!("{right} of {texts} right: {labels}");
    }
    println!(
        "mean surprise at the right label: {:.3}",
        surprise / texts as f64
    );
}
