//! What the team finds, as it happens: one line for each fact, with its time, who found it, and about what.

use std::collections::HashMap;
use std::path::Path;

use aimass::generation::language_name;
use aimass::text::UNKNOWN_LANGUAGE;
use aimass_locale::{Locale, Text, clock, harmless, size, text};
use aimass_runtime::{Fact, Revision};
use serde_json::Value;

use crate::columns::padded;
use crate::output::{Output, brief};

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
        let agent = agent.unwrap_or(self.locale.choose("you", "用户"));
        let about = match subject.is_empty() {
            true => String::new(),
            false => format!("{}: ", self.output.strong(&subject)),
        };
        format!(
            "{}  {}  {about}{}",
            self.output.faint(&format!("{seconds:>7.2} s")),
            padded(agent, 10),
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
    let said = message(fact).map(|said| said.in_locale(locale).to_owned());
    let said = said.unwrap_or_else(|| brief(&fact.value, SHOWN));
    match name_of(fact) {
        Some(name) => format!("{name}: {said}"),
        None => said,
    }
}

/// The name of the file that a fact is about.
pub(super) fn name_of(fact: &Fact) -> Option<String> {
    let path = Path::new(fact.value.get("path")?.as_str()?);
    let name = path.file_name()?.to_str()?;
    Some(harmless::brief(name, SHOWN))
}

/// What a fact says, in a few words.
pub(super) fn finding(fact: &Fact, locale: Locale) -> String {
    match message(fact) {
        Some(said) => said.in_locale(locale).to_owned(),
        None => format!("{} {}", fact.kind, brief(&fact.value, SHOWN)),
    }
}

/// What a fact of a known form says.
fn message(fact: &Fact) -> Option<Text> {
    let value = &fact.value;
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    let list = |name: &str| value.get(name).and_then(Value::as_array);
    let kind = fact.kind.name();
    if let Some(content) = kind.strip_prefix("file.") {
        let size = size(value.get("bytes").and_then(Value::as_u64)?);
        let Text { english, chinese } = medium(content);
        return Some(text!("{english}, {size}", "{chinese}，{size}"));
    }
    Some(match kind {
        "text.language" if word("language") == Some(UNKNOWN_LANGUAGE) => {
            text!("no language found", "未能识别语言")
        }
        "text.language" => {
            let Text { english, chinese } = language_name(word("language")?);
            let confidence = value.get("confidence").and_then(Value::as_f64)?;
            text!(
                "{english} (confidence {confidence:.2})",
                "{chinese}（置信度 {confidence:.2}）"
            )
        }
        "text.embed" => {
            let numbers = list("embedding")?.len();
            text!("embedding of {numbers} numbers", "{numbers} 维向量")
        }
        "speech.transcribe" => transcript(value)?,
        "generation.report" => {
            let sections = list("sections")?.iter();
            let sentences = sections.filter_map(|section| section.get("sentences")?.as_array());
            let sentences: usize = sentences.map(Vec::len).sum();
            let facts = list("references")?.len();
            text!(
                "report of {sentences} sentences on {facts} facts",
                "报告：{sentences} 句，依据 {facts} 条事实"
            )
        }
        _ => return None,
    })
}

/// What a file holds, by what stands behind `file.` in its fact's kind.
fn medium(content: &str) -> Text {
    match content {
        "audio" => text!("recording", "录音"),
        "text" => text!("text", "文本"),
        "image" => text!("image", "图像"),
        "video" => text!("video", "视频"),
        "table" => text!("table", "表格"),
        _ => text!("file of unknown content", "内容未知的文件"),
    }
}

/// How long a recording is, in which language, and how it begins.
fn transcript(value: &Value) -> Option<Text> {
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    let duration = clock(value.get("duration").and_then(Value::as_f64)?);
    let begins = harmless::brief(word("text")?, SHOWN);
    let said = if begins.is_empty() {
        text!("{duration} in which nobody speaks", "{duration}，无人说话")
    } else {
        let spoken = word("language").map(|code| {
            let Text { english, chinese } = language_name(code);
            text!(" of {english}", "，{chinese}")
        });
        let Text { english, chinese } = spoken.unwrap_or_default();
        text!(
            "{duration}{english}: “{begins}”",
            "{duration}{chinese}：“{begins}”"
        )
    };
    Some(match word("incomplete") {
        Some(why) => said.then(&format!(" ({why})").into()),
        None => said,
    })
}
