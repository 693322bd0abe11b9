//! What the sentences are worth that a language model adds to a report, and how long a report takes.
//!
//! `cargo bench -p aimass-agents --bench report` gives each input of `tests/data/report` to the team alone, and has the model say a sentence about
//! it. What it says was judged by a reader, in `tests/data/report/judged.tsv`; what nobody judged yet is printed. `-- MODEL [CATALOGUE]` takes
//! another model, from a catalogue file of your own. `-- time` measures the report on 60 short texts beside their embeddings alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../../models/tests/it/cache.rs"]
mod cache;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aimass_agents::generation::{
    Annotate, Annotated, Author, GenerationAgent, Reason, ReportInput,
};
use aimass_agents::speech::SpeechAgent;
use aimass_agents::text::{Embed, TextAgent, TextInput};
use aimass_config::Config;
use aimass_models::{Catalogue, Silent, Store, StoreOptions};
use aimass_runtime::{Episode, Runtime};
use tokio::task::JoinSet;

/// Texts of which a report is timed.
const TEXTS: usize = 60;
const ROUNDS: usize = 5;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // Cargo adds one of its own.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    let model = arguments.first().map_or("smollm2", String::as_str);
    if model == "time" {
        return time().await;
    }
    let store = store(arguments.get(1).map(PathBuf::from));
    for model in ["minilm", "silero-vad", "whisper-base", model] {
        store.pull(model, &mut Silent).unwrap();
    }
    let runtime = Runtime::builder(Config::default())
        .agent(TextAgent::new(store.clone(), None))
        .agent(SpeechAgent::new(store.clone(), None))
        .agent(GenerationAgent::new(store, Some(model)));
    let runtime = runtime.start().await.unwrap();
    for half in ["development", "held_out"] {
        worth(&runtime, half, model).await;
    }
    runtime.shutdown().await;
}

/// The cache that the program itself uses, with a catalogue of one's own.
fn store(own: Option<PathBuf>) -> Store {
    let store = cache::store();
    let Some(own) = own else { return store };
    let model = store.pull("minilm", &mut Silent).unwrap();
    let options = StoreOptions {
        hub_endpoint: String::new(),
        ..StoreOptions::default()
    };
    // Models lie in a folder of it.
    let cache = model.ancestors().nth(2).unwrap();
    Store::new(cache, Catalogue::with(&[own]).unwrap(), options)
}

/// How many sentences of a model are true: all that it says, those that an older check kept (no number and no name of its own), and those that
/// the check keeps.
async fn worth(runtime: &Runtime, half: &str, model: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report");
    let judged = judged(&folder);
    let mut counts: HashMap<&str, [usize; 2]> = HashMap::new();
    let inputs = fs::read_to_string(folder.join(half).join("inputs.tsv")).unwrap();
    let files: Vec<&str> = inputs
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .collect();
    for file in &files {
        let episode = runtime.run(Episode::from_files([folder.join(half).join(file)]));
        let episode = episode.await.unwrap().episode;
        let Annotated { report, left_out } = runtime
            .ask::<Annotate>(ReportInput::on(episode))
            .await
            .unwrap();
        let said = report.sections.iter().flat_map(|one| &one.sentences);
        let said = said.filter(|one| one.author == Author::Model);
        let kept = said.map(|one| (one.text.as_str(), None));
        let dropped = left_out
            .iter()
            .map(|one| (one.text.as_str(), Some(one.reason)));
        for (text, reason) in kept.chain(dropped) {
            let text = text.replace('\n', " ");
            let Some(is_true) = judged.get(&(model.to_owned(), text.clone())) else {
                println!("not judged: {model}\t{file}\t{text}");
                continue;
            };
            let older = !matches!(reason, Some(Reason::Number | Reason::Name | Reason::Form));
            let ways = [
                ("said", true),
                ("older check", older),
                ("check", reason.is_none()),
            ];
            for (way, _) in ways.into_iter().filter(|(_, counts)| *counts) {
                counts.entry(way).or_default()[usize::from(!is_true)] += 1;
            }
        }
    }
    for way in ["said", "older check", "check"] {
        let [right, wrong] = counts.get(way).copied().unwrap_or_default();
        let inputs = files.len();
        println!("{model}, {half}, {way}: {right} true, {wrong} false, of {inputs} inputs");
    }
}

/// What a reader said of a model's sentences.
fn judged(folder: &Path) -> HashMap<(String, String), bool> {
    let table = fs::read_to_string(folder.join("judged.tsv")).unwrap();
    let row = |line: &str| {
        let [model, _file, verdict, text] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else {
            panic!("expected four columns, got {line}");
        };
        ((model.to_owned(), text.to_owned()), verdict == "true")
    };
    table.lines().skip(1).map(row).collect()
}

/// The time from the beginning of an episode of short texts to its report, and that of embedding the same texts.
async fn time() {
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let runtime = Runtime::builder(Config::default())
        .agent(TextAgent::new(store.clone(), None))
        .agent(GenerationAgent::new(store, None));
    let runtime = runtime.start().await.unwrap();
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/labels/development.tsv");
    let table = fs::read_to_string(table).unwrap();
    // The text is the last of the columns.
    let texts = table.lines().skip(1).take(TEXTS);
    let texts: Vec<String> = texts
        .filter_map(|line| Some(line.rsplit('\t').next()?.to_owned()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for (at, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(format!("{at}.txt")), text).unwrap();
    }
    let (mut embedded, mut reported) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut asked = JoinSet::new();
        for text in &texts {
            let (runtime, input) = (runtime.clone(), TextInput::text(text.as_str()));
            asked.spawn(async move { runtime.ask::<Embed>(input).await.unwrap() });
        }
        assert_eq!(asked.join_all().await.len(), TEXTS);
        embedded.push(began.elapsed());
        let began = Instant::now();
        let done = runtime
            .run(Episode::from_files([folder.path()]))
            .await
            .unwrap();
        reported.push(began.elapsed());
        assert!(done.failures.is_empty());
    }
    runtime.shutdown().await;
    let (embedded, reported) = (median(embedded), median(reported));
    let ratio = reported.as_secs_f64() / embedded.as_secs_f64();
    println!(
        "{TEXTS} short texts: embedded in {embedded:.2?}, reported on in {reported:.2?}, {ratio:.1} times as long (medians of {ROUNDS})"
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
