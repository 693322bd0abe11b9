//! Phrasing: a model's sentence about a document, where the team has a skill that completes texts.

use aimass_runtime::{Extent, FlowContext, Operation, TaskError};
use serde_json::{Value, json};

use super::check::is_borne_out;
use super::compose::{Draft, Excerpt};
use super::opening::first_sentence;
use crate::in_order::InOrder;

/// Tokens of the answer that are waited for.
const MAX_TOKENS: u32 = 60;
/// Documents about which a model is asked: it costs seconds for each. The report says which are
/// beyond.
const MAX_ASKED: usize = 64;
/// Questions under way at once, which may share batches.
const AT_ONCE: usize = 8;

/// Lets a model add a sentence about each document. What it gets wrong is left out; a model that
/// cannot be asked costs the sentences only.
pub(super) async fn phrase(context: &FlowContext, draft: &mut Draft) {
    let Some(complete) = context.skill_for(Operation::Complete) else {
        return;
    };
    let mut excerpts = std::mem::take(&mut draft.excerpts);
    let beyond = excerpts.split_off(excerpts.len().min(MAX_ASKED));
    let mut excerpts = excerpts.into_iter();
    let mut beginnings = Vec::new();
    let mut answers = InOrder::new();
    loop {
        while answers.len() < AT_ONCE
            && let Some(excerpt) = excerpts.next()
        {
            answers
                .push(ask(context.clone(), complete.clone(), excerpt))
                .await;
        }
        let Some((excerpt, answer)) = answers.next().await else {
            draft.tell_of_unasked(MAX_ASKED as u32, &beyond);
            break;
        };
        match answer {
            Ok(answer) => {
                let sentence = first_sentence(&answer);
                if let Some(sentence) =
                    sentence.filter(|sentence| is_borne_out(sentence, &excerpt.text))
                {
                    if excerpt.extent == Extent::Beginning {
                        beginnings.push(excerpt.reference);
                    }
                    draft.add(excerpt.section, excerpt.reference, sentence);
                }
            }
            Err(error) => {
                tracing::info!(said = %error, "the report goes without sentences of a model");
                break;
            }
        }
    }
    draft.tell_of_beginnings(beginnings);
}

async fn ask(
    context: FlowContext,
    complete: String,
    excerpt: Excerpt,
) -> (Excerpt, Result<String, TaskError>) {
    let prompt = format!(
        "Text:\n{}\n\nWhat the text is about, in one short sentence:\n",
        excerpt.text
    );
    // At temperature 0, so that the same facts give the same report.
    let input = json!({"prompt": prompt, "max_tokens": MAX_TOKENS, "temperature": 0.0, "seed": 0});
    let answer = context.ask_json(&complete, input).await;
    let text = answer.map(|answer| {
        let text = answer.get("text").and_then(Value::as_str);
        text.unwrap_or_default().trim().to_owned()
    });
    (excerpt, text)
}
