//! Two teams in one process, at work on the same files: nothing is global. `cargo run --example two_runtimes`, after
//! `aimass models pull minilm silero-vad whisper-base smollm2`.

use aimass::generation::{Chat, GenerationInput};
use aimass::text::{Language, TextInput};
use aimass::{Config, Episode, EpisodeReport, Priority};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut careful = Config::default();
    careful.defaults.max_batch = 1;
    let (first, second) = (
        aimass::start(Config::default()).await?,
        aimass::start(careful).await?,
    );

    let files = || {
        Episode::from_files([
            "examples/inbox/reading.flac",
            "examples/letters/invoice.txt",
        ])
    };
    let (one, other) = tokio::join!(first.run(files()), second.run(files()));
    assert_eq!(found(&one?), found(&other?));

    // Each has its own environment, queues and models.
    let question = || GenerationInput {
        max_tokens: Some(8),
        ..GenerationInput::prompt("What is an actor?")
    };
    let (one, other) = tokio::join!(
        first
            .ask::<Chat>(question())
            .priority(Priority::Interactive),
        second.ask::<Chat>(question()),
    );
    assert_eq!(one?.text, other?.text);

    // Ending one leaves the other at work.
    first.shutdown().await;
    let greeting = TextInput::text("Guten Morgen, wie geht es Ihnen heute?");
    assert_eq!(second.ask::<Language>(greeting).await?.language, "de");
    second.shutdown().await;
    Ok(())
}

/// What a team found, by kind; the two may have found it in another order.
fn found(report: &EpisodeReport) -> Vec<String> {
    let of_models = report
        .facts
        .iter()
        .filter(|fact| fact.kind.name() != "generation.report");
    let mut found: Vec<String> = of_models
        .map(|fact| format!("{} {}", fact.kind, fact.value))
        .collect();
    found.sort_unstable();
    found
}
