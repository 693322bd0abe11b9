//! Phrasing: sentences of a model about documents. What does not pass the check is left out.

use aimass_runtime::{FlowContext, Operation, TaskError};
use serde_json::{Value, json};

use super::annotate::{LeftOut, Reason};
use super::check::flaw;
use super::compose::Excerpt;
use super::near::cosine;
use super::opening::first_sentence;
use crate::in_order::InOrder;

/// Tokens of the answer that are waited for.
const MAX_TOKENS: u32 = 60;
/// Words that a text needs for a sentence about it to be shorter.
const MIN_WORDS: usize = 12;
/// A sentence that is less alike to its text, by the cosine of their embeddings, means something else.
const CLOSE: f32 = 0.5;

/// What a model said of documents.
#[derive(Default)]
pub(super) struct Phrased {
    /// Sentences that passed the check, each with the number of the fact that it rests on.
    pub(super) kept: Vec<(String, u32)>,
    /// Sentences that did not.
    pub(super) left_out: Vec<LeftOut>,
}

/// Asks a model about the first documents that are long enough, `most` of them at most. A team that
/// has nobody who completes or embeds texts says nothing.
pub(super) async fn phrase(
    context: &FlowContext,
    excerpts: Vec<Excerpt>,
    most: usize,
) -> Result<Phrased, TaskError> {
    let complete = context.skill_for(Operation::Complete);
    let embed = context.skill_for(Operation::Embed);
    let (Some(complete), Some(embed)) = (complete, embed) else {
        return Ok(Phrased::default());
    };
    let long = excerpts
        .into_iter()
        .filter(|excerpt| excerpt.text.split_whitespace().count() >= MIN_WORDS);
    let mut answers = InOrder::new();
    for excerpt in long.take(most) {
        let (context, complete, embed) = (context.clone(), complete.clone(), embed.clone());
        answers
            .push(async move {
                let said = sentence(&context, &complete, &excerpt).await?;
                let wrong = wrong(&context, &embed, &said, &excerpt.text).await?;
                Ok::<_, TaskError>((excerpt, said, wrong))
            })
            .await;
    }
    let mut phrased = Phrased::default();
    while let Some(answer) = answers.next().await {
        let (excerpt, said, wrong) = match answer {
            // A model that is not here costs its sentences only.
            Err(error @ TaskError::Unavailable { .. }) => {
                tracing::info!(said = %error, "the report goes without sentences of a model");
                break;
            }
            answer => answer?,
        };
        match wrong {
            None => phrased.kept.push((said, excerpt.reference)),
            Some(reason) => phrased.left_out.push(LeftOut {
                source: excerpt.name,
                text: said,
                reason,
            }),
        }
    }
    Ok(phrased)
}

/// A model's sentence about a document.
async fn sentence(
    context: &FlowContext,
    complete: &str,
    excerpt: &Excerpt,
) -> Result<String, TaskError> {
    let prompt = format!(
        "Text:\n{}\n\nWhat the text is about, in one short sentence:\n",
        excerpt.text
    );
    // At temperature 0, so that the same facts give the same sentences.
    let input = json!({"prompt": prompt, "max_tokens": MAX_TOKENS, "temperature": 0.0, "seed": 0});
    let answer = context.ask_json(complete, input).await?;
    let text = answer.get("text").and_then(Value::as_str);
    let text = text.unwrap_or_default().trim();
    Ok(first_sentence(text).unwrap_or_else(|| text.to_owned()))
}

/// What is wrong with a sentence about a text, if anything is.
async fn wrong(
    context: &FlowContext,
    embed: &str,
    sentence: &str,
    text: &str,
) -> Result<Option<Reason>, TaskError> {
    if let Some(flaw) = flaw(sentence, text) {
        return Ok(Some(flaw));
    }
    let (said, whole) = (
        vector(context, embed, sentence).await?,
        vector(context, embed, text).await?,
    );
    Ok((cosine(&said, &whole) < CLOSE).then_some(Reason::Meaning))
}

async fn vector(context: &FlowContext, embed: &str, text: &str) -> Result<Vec<f32>, TaskError> {
    let answer = context.ask_json(embed, json!({"text": text})).await?;
    let numbers = answer.get("embedding").and_then(Value::as_array);
    let numbers = numbers.into_iter().flatten().filter_map(Value::as_f64);
    Ok(numbers.map(|number| number as f32).collect())
}
