//! The facts on the page: who found what about what, and the whole fact behind it.

use std::collections::HashMap;

use aimass_config::Locale;
use aimass_runtime::{Fact, Revision};
use serde_json::Value;

use super::Content;
use crate::cli::harmless;
use crate::cli::messages::Message;
use crate::cli::run::found::{finding, name_of};
use crate::cli::said::said;

/// Characters of a whole fact that are shown; the page says where the rest is.
const MAX_JSON: usize = 6000;
/// Numbers of a list that are shown: embeddings have hundreds.
const MAX_NUMBERS: usize = 8;

/// A fact in a line of the table.
pub(super) struct Row {
    pub(super) revision: Revision,
    pub(super) time: String,
    pub(super) agent: String,
    /// The input that it is about.
    pub(super) subject: String,
    pub(super) kind: String,
    pub(super) finding: String,
    /// The whole fact, indented.
    pub(super) json: String,
}

pub(super) fn rows(content: &Content<'_>) -> Vec<Row> {
    let begun = content.facts.first().map_or(0, |fact| fact.at_ms);
    let subjects = subjects(content.facts);
    let row = |fact: &Fact| Row {
        revision: fact.revision,
        time: seconds(fact.at_ms.saturating_sub(begun)),
        agent: agent_of(content, fact),
        subject: subjects.get(&fact.revision).cloned().unwrap_or_default(),
        kind: fact.kind.to_string(),
        finding: finding(fact, content.locale),
        json: json(fact, content.locale),
    };
    content.facts.iter().map(row).collect()
}

/// Who said a fact.
pub(super) fn agent_of(content: &Content<'_>, fact: &Fact) -> String {
    let agent = fact.provenance.agent.as_deref();
    agent.map_or_else(|| Message::You.write(content.locale), str::to_owned)
}

/// The name of the input that each fact is about.
pub(super) fn subjects(facts: &[Fact]) -> HashMap<Revision, String> {
    let mut subjects: HashMap<Revision, String> = HashMap::new();
    for fact in facts {
        let cause = fact.provenance.cause;
        let known = cause.and_then(|cause| subjects.get(&cause)).cloned();
        if let Some(subject) = known.or_else(|| name_of(fact)) {
            subjects.insert(fact.revision, subject);
        }
    }
    subjects
}

/// A time since the beginning: `1.25 s`.
pub(super) fn seconds(ms: u64) -> String {
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
            let more = said!(
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
