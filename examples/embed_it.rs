//! Embed the team in your own program. `cargo run --example embed_it`, after `aimass models pull minilm`.

use aimass::text::{Embed, Search, SearchInput, TextInput};
use aimass::{Config, Episode};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = aimass::start(Config::default()).await?;

    // Typed: the compiler knows what a skill takes and gives.
    let embedding = runtime
        .ask(Embed, TextInput::text("A letter of complaint."))
        .await?;
    assert_eq!(embedding.embedding.len(), 384);

    // The team works on files by reactions; every fact knows where it came from.
    let report = runtime
        .run(Episode::from_files(["examples/letters"]))
        .await?;
    assert!(report.failures.is_empty() && !report.facts.is_empty());

    let query = SearchInput {
        query: "something broke".to_owned(),
        over: None,
        limit: 1,
    };
    for hit in runtime.ask(Search, query).await?.hits {
        assert!(hit.score > 0.0 && !hit.source.is_empty());
    }
    runtime.shutdown().await;
    Ok(())
}
