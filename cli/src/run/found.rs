//! What the team finds, as it happens: one line for each fact, with its time, who found it, and about what.

use std::collections::HashMap;
use std::path::Path;

use aimass::text::UNKNOWN_LANGUAGE;
use aimass_locale::{Locale, clock};
use aimass_runtime::{Fact, Revision};
use serde_json::Value;

use crate::messages::{Medium, Message};
use crate::output::{Output, brief, padded};

/// Characters of a transcript or an unknown content that a line shows.
const SHOWN: usize = 90;

/// Turns facts into lines. They come in the order of their revisions.
pub(super) struct Finder {
    output: Output,
    locale: Locale,
    begun_ms: Option<u64>,
    subjects: HashMap<Revision, String>,
}

impl Finder {
    pub(super) fn new(output: Output, locale: Locale) -> Self {
        Self {
            output,
            locale,
            begun_ms: None,
            subjects: HashMap::new(),
        }
    }

    /// The line of the next fact.
    pub(super) fn line(&mut self, fact: &Fact) -> String {
        let begun = *self.begun_ms.get_or_insert(fact.at_ms);
        let seconds = fact.at_ms.saturating_sub(begun) as f64 / 1e3;
        let subject = self.subject(fact);
        let agent = fact.provenance.agent.as_deref();
        let agent = agent.map_or_else(|| Message::You.write(self.locale), str::to_owned);
        let about = match subject.is_empty() {
            true => String::new(),
            false => format!("{}: ", self.output.strong(&subject)),
        };
        format!(
            "{}  {}  {about}{}",
            self.output.faint(&format!("{seconds:>7.2} s")),
            padded(&agent, 10),
            finding(fact, self.locale)
        )
    }

    /// The input that a fact is about, by its name; nothing of one that is about all of them.
    fn subject(&mut self, fact: &Fact) -> String {
        let cause = fact.provenance.cause;
        let subject = match cause.and_then(|cause| self.subjects.get(&cause)) {
            Some(subject) => subject.clone(),
            None => name_of(fact).unwrap_or_default(),
        };
        self.subjects.insert(fact.revision, subject.clone());
        subject
    }
}

/// What a fact says, in a few words, with the name of the file that it is about.
pub(crate) fn summary(fact: &Fact, locale: Locale) -> String {
    let said = message(fact, locale).unwrap_or_else(|| brief(&fact.value, SHOWN));
    match name_of(fact) {
        Some(name) => format!("{name}: {said}"),
        None => said,
    }
}

/// The name of the file that a fact is about.
pub(super) fn name_of(fact: &Fact) -> Option<String> {
    let path = Path::new(fact.value.get("path")?.as_str()?);
    let name = path.file_name()?.to_str()?;
    Some(brief(&Value::String(name.to_owned()), SHOWN))
}

/// What a fact says, in a few words.
pub(super) fn finding(fact: &Fact, locale: Locale) -> String {
    let said = message(fact, locale);
    said.unwrap_or_else(|| format!("{} {}", fact.kind, brief(&fact.value, SHOWN)))
}

/// As a message, if the fact is of a known form.
fn message(fact: &Fact, locale: Locale) -> Option<String> {
    let value = &fact.value;
    let number = |name: &str| value.get(name).and_then(Value::as_f64);
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let list = |name: &str| value.get(name).and_then(Value::as_array);
    let kind = fact.kind.name();
    if let Some(medium) = Medium::of(kind) {
        let bytes = value.get("bytes").and_then(Value::as_u64)?;
        return Some(Message::File { medium, bytes }.write(locale));
    }
    let message = match kind {
        "text.language" if text("language") == Some(UNKNOWN_LANGUAGE) => Message::NoLanguage,
        "text.language" => Message::Language {
            code: text("language")?,
            confidence: number("confidence")?,
        },
        "text.embed" => Message::Embedding {
            numbers: list("embedding")?.len(),
        },
        "speech.transcribe" => {
            let duration = clock(number("duration")?);
            let begins = brief(&Value::String(text("text")?.to_owned()), SHOWN);
            let message = match begins.is_empty() {
                true => Message::Silence {
                    duration: &duration,
                },
                false => Message::Transcript {
                    duration: &duration,
                    code: text("language"),
                    begins: &begins,
                },
            };
            let said = message.write(locale);
            return Some(match text("incomplete") {
                Some(why) => format!("{said} ({why})"),
                None => said,
            });
        }
        "generation.report" => {
            let sections = list("sections")?.iter();
            let sentences = sections.filter_map(|section| section.get("sentences")?.as_array());
            Message::Report {
                sentences: sentences.map(Vec::len).sum(),
                facts: list("references")?.len(),
            }
        }
        _ => return None,
    };
    Some(message.write(locale))
}
