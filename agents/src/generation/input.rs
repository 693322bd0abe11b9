//! The input of the generation agent: a prompt or a conversation, and how to continue it.

use aimass_models::llama::{Constraint, GenerationOptions, Message, Role};
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::string_or::StringOr;

/// The maximum bytes of a prompt, or of all messages together.
const MAX_BYTES: usize = 1 << 20;
/// The maximum number of messages of a conversation.
const MAX_MESSAGES: usize = 4096;
/// The maximum number of stop sequences, and of bytes of each.
const MAX_STOPS: (usize, usize) = (16, 256);
/// The maximum of `logprobs`.
const MAX_LOGPROBS: u32 = 20;
/// The default of `max_tokens`.
const DEFAULT_MAX_TOKENS: u32 = 512;

/// A prompt or a conversation, and how to continue it. In JSON also a string, which is the prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StringOr<Box<Fields>>")]
pub struct GenerationInput {
    /// A message of the user, or the text to continue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation so far, instead of a prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ChatMessage>,
    /// The system message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Maximum number of tokens to generate; default: 512.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2; default: 0, which takes the most likely token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Total probability of the most likely tokens to sample from, up to 1; default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Least probability relative to the most likely token, 0 to 1; default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// Repetition penalty, 0.1 to 10; default: 1, which has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// Random seed; default: 0. The same input gives the same text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Stop sequences, which are not part of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Gives log probabilities, with this many of the most likely tokens, at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Whether the text must be a JSON object; default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<bool>,
    /// JSON schema that the text must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Texts, one of which must be generated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choice: Vec<String>,
    /// Regular expression that must match the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// Its author.
    pub role: Speaker,
    /// What was said.
    pub content: String,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Instructions, at the start.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// The same fields, as the schema has them; unknown names are refused.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    /// A message of the user, or the text to continue.
    prompt: Option<String>,
    /// The conversation so far, instead of a prompt.
    messages: Vec<ChatMessage>,
    /// The system message.
    system: Option<String>,
    /// Maximum number of tokens to generate; default: 512.
    max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2; default: 0, which takes the most likely token.
    temperature: Option<f32>,
    /// Total probability of the most likely tokens to sample from, up to 1; default: 1.
    top_p: Option<f32>,
    /// Least probability relative to the most likely token, 0 to 1; default: 0.
    min_p: Option<f32>,
    /// Repetition penalty, 0.1 to 10; default: 1, which has no effect.
    repetition_penalty: Option<f32>,
    /// Random seed; default: 0. The same input gives the same text.
    seed: Option<u64>,
    /// Stop sequences, which are not part of the text. White space counts.
    #[schemars(extend("format" = "exact"))]
    stop: Vec<String>,
    /// Gives log probabilities, with this many of the most likely tokens, at most 20.
    logprobs: Option<u32>,
    /// Whether the text must be a JSON object; default: false.
    json: Option<bool>,
    /// JSON schema that the text must match.
    schema: Option<Value>,
    /// Texts, one of which must be generated.
    choice: Vec<String>,
    /// Regular expression that must match the whole text.
    regex: Option<String>,
}

impl From<StringOr<Box<Fields>>> for GenerationInput {
    fn from(input: StringOr<Box<Fields>>) -> Self {
        match input {
            StringOr::String(text) => Self::prompt(text),
            StringOr::Value(fields) => Self {
                prompt: fields.prompt,
                messages: fields.messages,
                system: fields.system,
                max_tokens: fields.max_tokens,
                temperature: fields.temperature,
                top_p: fields.top_p,
                min_p: fields.min_p,
                repetition_penalty: fields.repetition_penalty,
                seed: fields.seed,
                stop: fields.stop,
                logprobs: fields.logprobs,
                json: fields.json,
                schema: fields.schema,
                choice: fields.choice,
                regex: fields.regex,
            },
        }
    }
}

impl GenerationInput {
    /// This text, written on as usual.
    pub fn prompt(text: impl Into<String>) -> Self {
        Self {
            prompt: Some(text.into()),
            ..Self::default()
        }
    }

    /// This conversation, gone on with as usual.
    pub fn messages(messages: impl IntoIterator<Item = ChatMessage>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The bytes of the agent's capacity that it takes.
    pub(super) fn bytes(&self) -> u64 {
        let said = self
            .messages
            .iter()
            .map(|message| message.content.len() + 16);
        let texts = [&self.prompt, &self.system, &self.regex];
        let texts = texts.into_iter().flatten().map(String::len);
        let lists = self.stop.iter().chain(&self.choice).map(String::len);
        let schema = self
            .schema
            .as_ref()
            .map_or(0, |schema| schema.to_string().len());
        (said.chain(texts).chain(lists).sum::<usize>() + schema) as u64 + 128
    }

    /// The text to continue.
    pub(super) fn text(&self) -> Result<&str, Fault> {
        if !self.messages.is_empty() || self.system.is_some() {
            return refuse(
                "expected a `prompt` only, got `messages` or `system`; ask `generation.chat`",
            );
        }
        match self.prompt.as_deref() {
            Some(text) if !text.is_empty() => bounded(text.len()).map(|()| text),
            _ => refuse("expected a `prompt` that is not empty, got none"),
        }
    }

    /// The conversation to continue.
    pub(super) fn conversation(&self) -> Result<Vec<Message>, Fault> {
        if self.prompt.is_some() != self.messages.is_empty() {
            return refuse("expected either `prompt` or `messages`; give one of them");
        }
        if self.messages.len() > MAX_MESSAGES {
            let count = self.messages.len();
            return refuse(format!(
                "expected at most {MAX_MESSAGES} messages, got {count}; leave out the oldest"
            ));
        }
        let said = |role, content: &String| Message {
            role,
            content: content.clone(),
        };
        let system = self.system.iter().map(|text| said(Role::System, text));
        let messages = self.messages.iter().map(|message| {
            let role = match message.role {
                Speaker::System => Role::System,
                Speaker::User => Role::User,
                Speaker::Assistant => Role::Assistant,
            };
            said(role, &message.content)
        });
        let prompt = self.prompt.iter().map(|text| said(Role::User, text));
        let all: Vec<Message> = system.chain(messages).chain(prompt).collect();
        bounded(all.iter().map(|message| message.content.len()).sum())?;
        match all.last() {
            Some(last) if !last.content.trim().is_empty() => Ok(all),
            _ => refuse("expected a last message that is not empty"),
        }
    }

    /// How to continue it.
    ///
    /// # Errors
    /// A fault that names the field whose value cannot be.
    pub(super) fn options(&self) -> Result<GenerationOptions, Fault> {
        let max_tokens = self.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
        if max_tokens == 0 {
            return refuse("expected `max_tokens` of 1 or more, got 0");
        }
        let usual = GenerationOptions::default();
        let temperature = within("temperature", self.temperature, 0.0, 2.0)?;
        let top_p = within("top_p", self.top_p, f32::MIN_POSITIVE, 1.0)?;
        let min_p = within("min_p", self.min_p, 0.0, 1.0)?;
        let penalty = within("repetition_penalty", self.repetition_penalty, 0.1, 10.0)?;
        let (count, length) = MAX_STOPS;
        let long = |stop: &String| stop.is_empty() || stop.len() > length;
        if self.stop.len() > count || self.stop.iter().any(long) {
            return refuse(format!(
                "expected at most {count} texts in `stop`, each of 1 to {length} bytes"
            ));
        }
        if let Some(asked) = self.logprobs.filter(|asked| *asked > MAX_LOGPROBS) {
            return refuse(format!(
                "expected `logprobs` of at most {MAX_LOGPROBS}, got {asked}"
            ));
        }
        let constraint = self.constraint()?;
        if constraint.is_some() && !self.stop.is_empty() {
            return refuse("expected no `stop` where the form of the text is given; leave it out");
        }
        Ok(GenerationOptions {
            max_tokens: max_tokens as usize,
            temperature: temperature.unwrap_or(usual.temperature),
            top_p: top_p.unwrap_or(usual.top_p),
            min_p: min_p.unwrap_or(usual.min_p),
            repetition_penalty: penalty.unwrap_or(usual.repetition_penalty),
            seed: self.seed.unwrap_or(usual.seed),
            stop: self.stop.clone(),
            logprobs: self.logprobs.map(|count| count as usize),
            constraint,
        })
    }

    fn constraint(&self) -> Result<Option<Constraint>, Fault> {
        let json = self.json.unwrap_or(false).then(Constraint::any_object);
        let schema = self.schema.clone().map(Constraint::Schema);
        let choice = (!self.choice.is_empty()).then(|| Constraint::Choice(self.choice.clone()));
        let regex = self.regex.clone().map(Constraint::Regex);
        let mut given = [json, schema, choice, regex].into_iter().flatten();
        match (given.next(), given.next()) {
            (first, None) => Ok(first),
            _ => refuse("expected one of `json`, `schema`, `choice` and `regex`, got several"),
        }
    }
}

fn within(name: &str, value: Option<f32>, least: f32, most: f32) -> Result<Option<f32>, Fault> {
    match value {
        Some(value) if !(least..=most).contains(&value) => refuse(format!(
            "expected a `{name}` of {least} to {most}, got {value}"
        )),
        value => Ok(value),
    }
}

fn bounded(bytes: usize) -> Result<(), Fault> {
    match bytes {
        0..=MAX_BYTES => Ok(()),
        _ => refuse(format!(
            "expected texts of at most {MAX_BYTES} bytes, got {bytes}; ask `generation.summarize` about long ones"
        )),
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::rejected(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> GenerationInput {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_plain_string_is_what_the_user_says() {
        let said = parse("\"hello\"").conversation().unwrap();
        assert_eq!(said.len(), 1);
        assert_eq!(
            (said[0].role, said[0].content.as_str()),
            (Role::User, "hello")
        );
        let input = parse(r#"{"prompt": "hello", "system": "be brief"}"#);
        assert_eq!(input.conversation().unwrap()[0].role, Role::System);
        assert!(serde_json::from_str::<GenerationInput>(r#"{"promt": "x"}"#).is_err());
        let same: GenerationInput =
            serde_json::from_value(serde_json::to_value(&input).unwrap()).unwrap();
        assert_eq!(same, input);
    }

    #[test]
    fn values_that_cannot_be_are_refused_with_those_that_can() {
        assert!(
            parse(r#"{"temperature": 0.9, "top_p": 1, "seed": 7}"#)
                .options()
                .is_ok()
        );
        for (json, field) in [
            (r#"{"max_tokens": 0}"#, "max_tokens"),
            (r#"{"temperature": -0.1}"#, "temperature"),
            (r#"{"temperature": 3}"#, "temperature"),
            (r#"{"top_p": 0}"#, "top_p"),
            (r#"{"min_p": 1.1}"#, "min_p"),
            (r#"{"repetition_penalty": 0}"#, "repetition_penalty"),
            (r#"{"stop": [""]}"#, "stop"),
            (r#"{"logprobs": 21}"#, "logprobs"),
            (r#"{"json": true, "regex": "a"}"#, "regex"),
            (r#"{"json": true, "stop": ["a"]}"#, "stop"),
        ] {
            let refused = parse(json).options().unwrap_err().message;
            assert!(refused.contains(field), "{refused}");
        }
        for json in [
            r#"{}"#,
            r#"{"prompt": ""}"#,
            r#"{"prompt": "a", "messages": [{"role": "user", "content": "b"}]}"#,
            r#"{"messages": [{"role": "user", "content": " "}]}"#,
        ] {
            assert!(parse(json).conversation().is_err(), "{json}");
        }
        let messages = r#"{"messages": [{"role": "user", "content": "b"}]}"#;
        assert!(parse(messages).text().is_err());
        let long = GenerationInput::prompt("x".repeat(MAX_BYTES + 1));
        assert!(long.text().unwrap_err().message.contains("got 1048577"));
    }
}
