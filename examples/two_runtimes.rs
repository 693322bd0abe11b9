//! Two runtimes in one process: nothing is global. `cargo run --example two_runtimes`

use aimass::text::{Language, TextInput};
use aimass::{Config, Priority};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut careful = Config::default();
    careful.defaults.capacity = 1;
    let (first, second) = (
        aimass::start(Config::default()).await?,
        aimass::start(careful).await?,
    );
    let text = || TextInput::text("Guten Morgen, wie geht es Ihnen heute?");
    let (one, other) = tokio::join!(
        first.ask(Language, text()).priority(Priority::Interactive),
        second.ask(Language, text()),
    );
    assert_eq!(
        (one?.language, other?.language),
        ("de".to_owned(), "de".to_owned())
    );
    // Ending one leaves the other at work.
    first.shutdown().await;
    assert_eq!(second.ask(Language, text()).await?.language, "de");
    second.shutdown().await;
    Ok(())
}
