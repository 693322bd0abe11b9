//! SmolLM2 135M Instruct, as the agent has it when nothing else is configured.

use aimass_agents::generation::{
    Chat, ChatMessage, GenerationAgent, GenerationInput, Speaker, Summarize, SummarizeInput,
};
use aimass_config::Config;
use aimass_models::Silent;
use aimass_runtime::Runtime;

use crate::cache;

async fn start() -> Runtime {
    let store = cache::store();
    let pulling = store.clone();
    tokio::task::spawn_blocking(move || pulling.pull("smollm2", &mut Silent).unwrap())
        .await
        .unwrap();
    Runtime::builder(Config::default())
        .agent(GenerationAgent::new(store, None))
        .start()
        .await
        .unwrap()
}

fn said(role: Speaker, content: &str) -> ChatMessage {
    ChatMessage {
        role,
        content: content.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_gone_on_with() {
    let runtime = start().await;
    let mut messages = vec![said(
        Speaker::User,
        "Explain what an actor is in concurrent programming.",
    )];
    let input = GenerationInput {
        max_tokens: Some(24),
        ..GenerationInput::messages(messages.clone())
    };
    let first = runtime.ask::<Chat>(input).await.unwrap();
    assert!(first.text.contains("an actor refers to"), "{first:?}");
    assert_eq!(first.finish_reason, "length");
    messages.push(said(Speaker::Assistant, &first.text));
    messages.push(said(Speaker::User, "And a thread?"));
    let input = GenerationInput {
        max_tokens: Some(40),
        ..GenerationInput::messages(messages)
    };
    let second = runtime.ask::<Chat>(input).await.unwrap();
    assert_eq!(second.usage.completion_tokens, 40, "{second:?}");
    assert!(
        second.usage.cached_tokens >= first.usage.prompt_tokens,
        "{second:?}"
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_summarized_in_one_passage_and_sorted_by_a_choice() {
    let runtime = start().await;
    let letter =
        "The parcel came two weeks late and the cup inside was broken. I want my money back. "
            .repeat(3);
    let input = SummarizeInput {
        text: Some(letter.clone()),
        max_tokens: Some(60),
        ..SummarizeInput::default()
    };
    let summary = runtime.ask::<Summarize>(input).await.unwrap();
    assert_eq!(summary.passages, 1);
    // What it says is another matter: a model of this size says little that is right.
    assert!(summary.usage.prompt_tokens > 60, "{summary:?}");
    assert!(!summary.text.is_empty(), "{summary:?}");
    let input = GenerationInput {
        choice: vec!["complaint".to_owned(), "recipe".to_owned()],
        ..GenerationInput::prompt(format!("{letter}\n\nIs this a complaint or a recipe?"))
    };
    let sorted = runtime.ask::<Chat>(input).await.unwrap();
    assert!(
        ["complaint", "recipe"].contains(&&*sorted.text),
        "{sorted:?}"
    );
    runtime.shutdown().await;
}
