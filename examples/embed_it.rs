//! Embed the team in your own program. `cargo run --example embed_it`, after
//! `aimass models pull minilm silero-vad whisper-base smollm2`.

use std::io::Write;

use aimass::generation::{Author, Chat, GenerationInput, Report};
use aimass::speech::{Transcribe, TranscribeInput};
use aimass::text::{Search, SearchInput};
use aimass::{Config, Episode};
use serde::Deserialize;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = aimass::start(Config::default()).await?;
    let mut out = std::io::stdout();

    // Typed: the compiler knows what a skill takes and gives.
    let recording = TranscribeInput {
        path: Some("examples/inbox/reading.flac".into()),
        ..TranscribeInput::default()
    };
    let transcript = runtime.ask::<Transcribe>(recording).await?;
    for segment in &transcript.segments {
        writeln!(out, "{:>5.1} s {}", segment.start, segment.text)?;
    }

    // Streamed: the text comes while it is written.
    let question = GenerationInput {
        max_tokens: Some(24),
        ..GenerationInput::prompt("In one sentence: what is an actor in a program?")
    };
    let mut answer = runtime.stream::<Chat>(question)?;
    while let Some(piece) = answer.next().await {
        write!(out, "{}", piece?.0)?;
    }
    let usage = answer.output().await?.usage;
    writeln!(out, " ... ({} tokens)", usage.completion_tokens)?;

    // The team works on files by reactions; every fact knows where it came from.
    let files = ["reading.flac", "complaint.txt"].map(|name| format!("examples/inbox/{name}"));
    let episode = runtime.run(Episode::from_files(files)).await?;
    assert!(episode.failures.is_empty() && episode.refused.is_empty());
    let report = episode
        .facts
        .iter()
        .find(|fact| fact.kind.name() == "generation.report");
    let report = Report::deserialize(&report.ok_or("no report was written")?.value)?;
    for sentence in report
        .sections
        .iter()
        .flat_map(|section| &section.sentences)
    {
        let author = match sentence.author {
            Author::Facts => "",
            Author::Model => " (in the words of a model)",
        };
        writeln!(out, "{} {:?}{author}", sentence.text, sentence.references)?;
    }

    // What was said in recordings is found like what was written.
    let query = SearchInput {
        query: "Christmas dinner and the season".to_owned(),
        over: None,
        limit: 1,
    };
    for hit in runtime.ask::<Search>(query).await?.hits {
        writeln!(out, "{:.2} {}", hit.score, hit.source)?;
    }
    runtime.shutdown().await;
    Ok(())
}
