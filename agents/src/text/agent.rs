//! The text agent's parts.

use aimass_locale::text;
use aimass_models::Store;
use aimass_runtime::{
    Agent, AgentDefinition, Fact, FactKind, Fault, Fresh, Reaction, WorkerGroup, file_kind,
};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::manifest::{AgentManifest, KnownSettings, ModelSlot};
use crate::text::encoder::EncoderSource;
use crate::text::search::SearchFlow;
use crate::text::{Classify, DetectedLanguage, Embed, Embedding, Language, SearchFolder};

/// What is known of the agent before it is built.
pub const MANIFEST: AgentManifest = AgentManifest {
    name: "text",
    subject: || text!("text", "文本"),
    models: &[MODEL],
    settings: KnownSettings::default,
    build: |store, config| Box::new(TextAgent::new(store.clone(), Some(&MODEL.model(config)))),
};

/// The model that compares texts.
const MODEL: ModelSlot = ModelSlot {
    key: Some("model"),
    default: "minilm",
    inputs: &["file.text", "file.audio", "file.image"],
    switch: None,
    purpose: || text!("texts are compared with it", "用于比较文本"),
    without: None,
};

/// What is said in a recording.
const TRANSCRIPT: FactKind = FactKind::constant("speech.transcribe", 1);

/// What a picture shows.
const PICTURE: FactKind = FactKind::constant("image.describe", 1);

/// Words of a transcript, or in a picture, whose language is worth telling.
const MIN_WORDS: usize = 4;

/// The agent for texts.
#[derive(Debug, Clone)]
pub struct TextAgent {
    store: Store,
    model: String,
}

impl TextAgent {
    /// An agent that finds its model in `store`; `model` is a name of the catalogue, that of its slot when none is given.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(MODEL.default).to_owned(),
        }
    }

    /// The catalogue's name of its model.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for TextAgent {
    fn name(&self) -> &str {
        MANIFEST.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let source = EncoderSource::new(self.store.clone(), &self.model)?;
        let encoder = WorkerGroup::new("encoder", source)
            .skill(Embed)
            .skill(Classify)
            .skill(SearchFolder);
        // Language needs no weights, and must not wait behind those that do.
        let language = WorkerGroup::new("language", Fresh(|| ())).skill(Language);
        Ok(definition
            .view::<Language>(DetectedLanguage::view)
            .view::<Embed>(Embedding::view)
            .group(encoder)
            .group(language)
            .flow(SearchFlow::default())
            .reaction(Reaction::new("text-embed", file_kind::TEXT, "text.embed"))
            .reaction(Reaction::new(
                "text-language",
                file_kind::TEXT,
                "text.language",
            ))
            .reaction(Reaction::new("picture-embed", PICTURE, "text.embed").input(described))
            .reaction(Reaction::new("picture-language", PICTURE, "text.language").input(written))
            .reaction(Reaction::new("transcript-embed", TRANSCRIPT, "text.embed").input(spoken))
            .reaction(
                Reaction::new("transcript-language", TRANSCRIPT, "text.language")
                    .input(spoken_at_length),
            ))
    }
}

/// The text of a transcript; null, which lets the fact pass, where nobody speaks.
fn spoken(transcript: &Fact) -> Value {
    match transcript.value.get("text").and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => text.into(),
        _ => Value::Null,
    }
}

/// The same of a transcript with words enough to tell its language by. Of one with fewer the
/// recognizer has heard it, which is surer than what two words look like.
fn spoken_at_length(transcript: &Fact) -> Value {
    let spoken = spoken(transcript);
    let words = spoken
        .as_str()
        .map_or(0, |text| text.unicode_words().count());
    let heard = transcript
        .value
        .get("language")
        .is_some_and(Value::is_string);
    match heard && words < MIN_WORDS {
        true => Value::Null,
        false => spoken,
    }
}

/// What a picture shows, and all words in it.
fn described(picture: &Fact) -> Value {
    let said = picture.value.get("text").and_then(Value::as_str);
    let text = [said.unwrap_or_default(), &words_in(picture)].join("\n");
    text.trim_end().into()
}

/// The words in a picture; null where there are hardly any.
fn written(picture: &Fact) -> Value {
    let words = words_in(picture);
    match words.unicode_words().count() < MIN_WORDS {
        true => Value::Null,
        false => words.into(),
    }
}

/// The words in a picture, line by line.
fn words_in(picture: &Fact) -> String {
    let lines = picture.value.get("lines").and_then(Value::as_array);
    let lines = lines.into_iter().flatten();
    let lines = lines.filter_map(|line| line.get("text")?.as_str());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_language_of_two_words_is_the_one_that_was_heard() {
        let asked = |value: Value| {
            let fact = json!({
                "revision": 1, "namespace": "default", "kind": "speech.transcribe@1",
                "value": value, "provenance": {}, "at_ms": 0,
            });
            spoken_at_length(&serde_json::from_value(fact).unwrap())
        };
        assert_eq!(
            asked(json!({"text": "Front, center.", "language": "en"})),
            Value::Null
        );
        // Where nothing was heard, the letters are all there is.
        assert_eq!(asked(json!({"text": "Front, center."})), "Front, center.");
        let long = "Front and center, please.";
        assert_eq!(asked(json!({"text": long, "language": "en"})), long);
    }
}
