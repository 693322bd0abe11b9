//! What a text must look like: a schema, a choice, or a pattern that every next token is held to.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory, regex_to_lark};
use serde_json::{Value, json};
use toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};

use super::{LlamaWeights, Vocabulary};
use crate::ModelError;

/// Classes that mean ASCII in ECMA-262, whose patterns a JSON schema has: digits and word
/// characters. White space is Unicode's there.
const ASCII_CLASSES: &str = "dw";

/// The longest schema, pattern or choice, in bytes as JSON.
const MAX_CONSTRAINT_BYTES: usize = 1 << 18;

/// What a text must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    /// A JSON document of this JSON schema.
    Schema(Value),
    /// One of these texts.
    Choice(Vec<String>),
    /// A text that this regular expression matches from its beginning to its end. `\d` and `\w` are
    /// those of ASCII, as in a JSON schema's `pattern`.
    Regex(String),
}

impl Constraint {
    /// Any JSON object.
    #[must_use]
    pub fn any_object() -> Self {
        Self::Schema(json!({ "type": "object" }))
    }

    fn grammar(&self) -> Result<TopLevelGrammar, ModelError> {
        let length = match self {
            Self::Schema(schema) => schema.to_string().len(),
            Self::Choice(texts) => texts.iter().map(String::len).sum(),
            Self::Regex(pattern) => pattern.len(),
        };
        if length > MAX_CONSTRAINT_BYTES {
            return Err(refuse(format!("one of {length} bytes")));
        }
        match self {
            Self::Schema(schema) => {
                let mut schema = schema.clone();
                if let Some(fields) = schema.as_object_mut() {
                    // Without it a model may go on with spaces for ever; and nobody who asks may
                    // change how documents are written.
                    let layout = json!({
                        "whitespace_flexible": false,
                        "item_separator": ", ",
                        "key_separator": ": ",
                    });
                    fields.insert("x-guidance".to_owned(), layout);
                }
                Ok(TopLevelGrammar::from_json_schema(schema))
            }
            Self::Choice(texts) if texts.is_empty() || texts.iter().any(String::is_empty) => {
                Err(refuse("a choice of none, or of an empty text".to_owned()))
            }
            Self::Choice(texts) => {
                let texts = texts
                    .iter()
                    .map(|text| Value::from(text.as_str()).to_string());
                let texts: Vec<String> = texts.collect();
                let grammar = format!("start: {}", texts.join(" | "));
                Ok(TopLevelGrammar::from_lark(grammar))
            }
            Self::Regex(pattern) => {
                let pattern = regex_to_lark(pattern, ASCII_CLASSES);
                Ok(TopLevelGrammar::from_regex(&pattern))
            }
        }
    }

    /// A fresh follower of this constraint in the vocabulary of these weights.
    pub(super) fn matcher(&self, weights: &LlamaWeights) -> Result<Matcher, ModelError> {
        let grammar = self.grammar()?;
        let factory = match weights.grammars.get() {
            Some(factory) => factory,
            None => {
                let made = factory(weights.vocabulary())?;
                weights.grammars.get_or_init(|| made)
            }
        };
        let mut matcher = Matcher::new(factory.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(refuse(reason(&error))),
            None if matcher.is_stopped() => Err(refuse("one that only nothing meets".to_owned())),
            None => {
                drop(matcher.grammar_warnings());
                Ok(matcher)
            }
        }
    }
}

fn factory(vocabulary: &Vocabulary) -> Result<ParserFactory, ModelError> {
    let tokens = 0..vocabulary.len() as u32;
    let words: Vec<Vec<u8>> = tokens
        .map(|id| match vocabulary.bytes(id) {
            // Tokens that are no text are marked by a byte that no text has.
            [] => [
                &[TokTrie::SPECIAL_TOKEN_MARKER][..],
                vocabulary.name(id).as_bytes(),
            ]
            .concat(),
            bytes => bytes.to_vec(),
        })
        .collect();
    let ends = vocabulary.end_tokens();
    let info = TokRxInfo::new(words.len() as u32, ends.first().copied().unwrap_or(0));
    let trie = TokTrie::from(&info, &words).with_eos_tokens(ends);
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let factory = ParserFactory::new_simple(&environment);
    let mut factory = factory.map_err(|error| refuse(reason(&error.to_string())))?;
    factory.quiet();
    factory.limits_mut().verbose_errors = false;
    Ok(factory)
}

/// The line that says why. The parser of regular expressions shows the expression first, with a
/// mark below it, and says so at the end.
fn reason(text: &str) -> String {
    let mut reasons = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("error: "));
    let line = reasons
        .next()
        .or_else(|| text.lines().next())
        .unwrap_or_default();
    line.chars().take(300).collect()
}

pub(super) fn refuse(found: String) -> ModelError {
    ModelError::Input {
        operation: "hold a text to a form",
        expected: "a JSON schema, a choice or a regular expression that can be met".to_owned(),
        found,
        advice: "use a simpler one".to_owned(),
    }
}
