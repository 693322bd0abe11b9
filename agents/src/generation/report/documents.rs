//! Documents: each input of an episode with what was found out about it.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use aimass_config::files::{NotText, open, text_of};
use aimass_runtime::{Fact, Revision};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::quotes::clean;
use crate::speech::Transcript;
use crate::text::{DetectedLanguage, Embedding, UNKNOWN_LANGUAGE};

/// How much of a text is read for its beginning, in bytes.
pub(super) const BEGINNING: u64 = 16 << 10;
/// Characters of a name that are shown.
const NAME: usize = 200;

/// An input with what was found out about it.
pub(super) struct Document<'a> {
    pub(super) input: &'a Fact,
    /// How it is called, differently from all others.
    pub(super) name: String,
    pub(super) medium: Medium,
    pub(super) language: Option<Found<'a, DetectedLanguage>>,
    pub(super) transcript: Option<Found<'a, Transcript>>,
    pub(super) embedding: Option<Found<'a, Embedding>>,
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    Recording,
    Text,
    /// A file that is neither.
    Other,
    /// No file at all.
    StringOr,
}

/// A fact, and what it says.
pub(super) struct Found<'a, T> {
    pub(super) fact: &'a Fact,
    pub(super) value: T,
}

/// The documents of an episode, in the order in which they were given. Facts come in the order of
/// their revisions.
pub(super) fn documents(facts: &[Fact]) -> Vec<Document<'_>> {
    let mut documents: Vec<Document<'_>> = Vec::new();
    let mut about: HashMap<Revision, usize> = HashMap::new();
    for fact in facts {
        if fact.provenance.task.is_none() {
            about.insert(fact.revision, documents.len());
            documents.push(Document::new(fact));
            continue;
        }
        let cause = fact.provenance.cause;
        let Some(at) = cause.and_then(|cause| about.get(&cause)).copied() else {
            continue;
        };
        about.insert(fact.revision, at);
        if let Some(document) = documents.get_mut(at) {
            document.learn(fact);
        }
    }
    tell_apart(&mut documents);
    documents
}

/// Documents of the same name are called by their whole paths.
fn tell_apart(documents: &mut [Document<'_>]) {
    let mut uses: HashMap<String, u32> = HashMap::new();
    for document in &*documents {
        *uses.entry(document.name.clone()).or_default() += 1;
    }
    for document in documents {
        let shared = uses.get(&document.name).is_some_and(|uses| *uses > 1);
        if shared && let Some(path) = path_of(document.input) {
            document.name = clean(path, NAME);
        }
    }
}

fn path_of(fact: &Fact) -> Option<&str> {
    fact.value.get("path").and_then(Value::as_str)
}

impl<'a> Document<'a> {
    fn new(input: &'a Fact) -> Self {
        let medium = match input.kind.name() {
            "file.audio" => Medium::Recording,
            "file.text" => Medium::Text,
            kind if kind.starts_with("file.") => Medium::Other,
            _ => Medium::StringOr,
        };
        let file = path_of(input).and_then(|path| Path::new(path).file_name()?.to_str());
        let name = file.map_or_else(
            || format!("{} #{}", input.kind, input.revision),
            |file| clean(file, NAME),
        );
        Self {
            input,
            name,
            medium,
            language: None,
            transcript: None,
            embedding: None,
        }
    }

    /// Takes in what a fact says about it. Of two facts that say the same thing the later one
    /// stands.
    fn learn(&mut self, fact: &'a Fact) {
        match fact.kind.name() {
            "text.language" => self.language = read(fact).or(self.language.take()),
            "speech.transcribe" => self.transcript = read(fact).or(self.transcript.take()),
            "text.embed" => self.embedding = read(fact).or(self.embedding.take()),
            _ => {}
        }
    }

    /// The language that its letters look like, if they look like one.
    pub(super) fn read_language(&self) -> Option<&Found<'a, DetectedLanguage>> {
        let found = self.language.as_ref();
        found.filter(|found| found.value.language != UNKNOWN_LANGUAGE)
    }

    /// The beginning of its text, from its file; nothing when that is not to be had any more.
    /// Blocks.
    pub(super) fn beginning(&self) -> Option<String> {
        if self.medium != Medium::Text {
            return None;
        }
        let mut bytes = Vec::new();
        let (file, _) = open(Path::new(path_of(self.input)?)).ok()?;
        file.take(BEGINNING).read_to_end(&mut bytes).ok()?;
        let text = beginning_of(bytes)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The size of its file, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = self.input.value.get("bytes").and_then(Value::as_u64);
        bytes.unwrap_or_default()
    }
}

/// The text of bytes that may end within a character.
fn beginning_of(mut bytes: Vec<u8>) -> Option<String> {
    match text_of(bytes.clone()) {
        Ok(text) => Some(text),
        Err(NotText::Utf8(whole) | NotText::Utf16(whole)) => {
            bytes.truncate(whole);
            text_of(bytes).ok()
        }
    }
}

/// What a fact says, if it says it in the form that is known here.
fn read<T: DeserializeOwned>(fact: &Fact) -> Option<Found<'_, T>> {
    let value = T::deserialize(&fact.value).ok()?;
    Some(Found { fact, value })
}
