//! What the generation agent takes: a text or a conversation, and how it is to be written on.

use aimass_models::llama::{Constraint, GenerationOptions, Message, Role};
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::given::Given;

/// The longest text, in bytes, all messages together.
const MAX_BYTES: usize = 1 << 20;
/// The most messages of a conversation.
const MAX_MESSAGES: usize = 4096;
/// The most texts that may end what is written, and the bytes of each.
const MAX_STOPS: (usize, usize) = (16, 256);
/// The most likely tokens that may be asked for.
const MAX_LOGPROBS: u32 = 20;
/// What `max_tokens` is when nothing is said.
const DEFAULT_MAX_TOKENS: u32 = 512;

/// A text or a conversation, and how it is to be written on. In JSON also a plain string, which is the text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Given<Box<Fields>>")]
pub struct GenerationInput {
    /// The text: what the user says, or what is to be written on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation so far, instead of a text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ChatMessage>,
    /// What holds for the whole conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The most tokens that are written; 512 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How much chance there is, from 0 to 2: with 0, which it is when nothing is said, the likeliest token is always taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Only the likeliest tokens are taken that together have this probability, above 0 and up to 1; 1 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Only tokens are taken that have this share of the likeliest one's probability, from 0 to 1; 0 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// How much less likely tokens become that were there before, from 0.1 to 10; 1, which changes nothing, when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// What decides chance. 0 when nothing is said: the same input gives the same text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Texts that end what is written, and are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Tells how probable each token was, and so many of the likeliest in its place, at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Whether the text must be a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<bool>,
    /// The JSON schema that the text must meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// The texts of which it must be one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choice: Vec<String>,
    /// The regular expression that must match the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// Who said it.
    pub role: Speaker,
    /// What was said.
    pub content: String,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Whoever sets the rules, at the beginning.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// The same fields; a name that is none of them is a mistake.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    prompt: Option<String>,
    messages: Vec<ChatMessage>,
    system: Option<String>,
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    seed: Option<u64>,
    /// Texts that end what is written, and are left out. White space counts.
    #[schemars(extend("format" = "exact"))]
    stop: Vec<String>,
    logprobs: Option<u32>,
    json: Option<bool>,
    schema: Option<Value>,
    choice: Vec<String>,
    regex: Option<String>,
}

impl From<Given<Box<Fields>>> for GenerationInput {
    fn from(given: Given<Box<Fields>>) -> Self {
        match given {
            Given::Plain(text) => Self::prompt(text),
            Given::Whole(fields) => Self {
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

    /// The text that is to be written on.
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

    /// The conversation that is to be gone on with.
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

    /// How it is to be written on.
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
            "expected texts of at most {MAX_BYTES} bytes, got {bytes}; ask `generation.summarise` about long ones"
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
