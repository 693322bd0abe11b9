//! The facts on the page: who found what about what, and the whole fact behind it.

use aimass_locale::{Locale, harmless, text};
use aimass_runtime::{Fact, Panel, Revision};
use serde_json::Value;

use crate::words::Words;

/// Characters of a whole fact that are shown; the page says where the rest is.
const MAX_JSON: usize = 6000;
/// Numbers of a list that are shown: embeddings have hundreds.
const MAX_NUMBERS: usize = 8;

/// A fact, and what is said of it.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The fact.
    pub fact: &'a Fact,
    /// The input that it is about, by its name; nothing where it is about all of them.
    pub subject: String,
    /// What it says, in a few words.
    pub finding: String,
    /// The fact at length.
    pub panel: Option<Panel>,
}

/// A row as the template takes it.
pub(crate) struct ShownRow<'a> {
    pub(crate) revision: Revision,
    pub(crate) time: String,
    pub(crate) agent: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) kind: String,
    pub(crate) finding: &'a str,
    /// The whole fact, indented.
    pub(crate) json: String,
}

impl Row<'_> {
    pub(crate) fn shown(&self, begun_ms: u64, words: &Words, locale: Locale) -> ShownRow<'_> {
        ShownRow {
            revision: self.fact.revision,
            time: seconds(self.fact.at_ms.saturating_sub(begun_ms)),
            agent: self.agent(words),
            subject: &self.subject,
            kind: self.fact.kind.to_string(),
            finding: &self.finding,
            json: json(self.fact, locale),
        }
    }

    /// Who said it.
    pub(crate) fn agent(&self, words: &Words) -> &str {
        self.fact.provenance.agent.as_deref().unwrap_or(words.you)
    }
}

/// A time since the beginning: `1.25 s`.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1e3)
}

fn json(fact: &Fact, locale: Locale) -> String {
    let mut value = serde_json::to_value(fact).unwrap_or_default();
    shorten(&mut value);
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    let text = harmless::in_json(&text);
    match text.char_indices().nth(MAX_JSON) {
        Some((end, _)) => {
            let (left_out, revision) = (text[end..].chars().count(), fact.revision);
            let more = text!(
                "{left_out} characters more; `aimass facts show {revision}` shows them",
                "另有 {left_out} 个字符；`aimass facts show {revision}` 可显示"
            );
            format!("{}\n… {}", &text[..end], more.in_locale(locale))
        }
        None => text.into_owned(),
    }
}

/// Leaves the first numbers of long lists of numbers.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => {
            let numbers = items.len();
            if numbers > MAX_NUMBERS && items.iter().all(Value::is_number) {
                items.truncate(MAX_NUMBERS);
                items.push(Value::String(format!("… {numbers}")));
            }
            items.iter_mut().for_each(shorten);
        }
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}
