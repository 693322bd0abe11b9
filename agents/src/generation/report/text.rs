//! Reports as one text: plain, or in Markdown.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Author, Reference, Report, Sentence};

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// Fields.
    #[default]
    Json,
    /// Plain lines.
    Txt,
    /// Markdown.
    Md,
}

impl Report {
    /// The report in that form; none in fields, which it has already.
    pub fn write(&self, format: ReportFormat) -> Option<String> {
        match format {
            ReportFormat::Json => None,
            ReportFormat::Txt => Some(self.plain()),
            ReportFormat::Md => Some(self.markdown()),
        }
    }

    /// The report in plain lines. A sentence that a model wrote says so.
    pub fn plain(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for section in self.sections.iter().chain(&self.details) {
            let _ = write!(text, "\n{}\n", section.heading);
            for sentence in &section.sentences {
                let numbers = numbers(&sentence.references);
                let _ = writeln!(
                    text,
                    "  {}{} {numbers}",
                    sentence.text,
                    self.author(sentence)
                );
            }
        }
        let _ = write!(text, "\n{}\n", self.language.choose("References", "引用"));
        for reference in &self.references {
            let _ = writeln!(text, "  [{}] {}", reference.n, self.described(reference));
        }
        text
    }

    /// The report in Markdown. What was quoted is text there too, whatever characters it has.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        for section in self.sections.iter().chain(&self.details) {
            let _ = write!(text, "\n## {}\n\n", escaped(&section.heading));
            for sentence in &section.sentences {
                let said = escaped(&sentence.text);
                let numbers = escaped(&numbers(&sentence.references));
                let _ = writeln!(text, "- {said}{} {numbers}", self.author(sentence));
            }
        }
        let _ = write!(
            text,
            "\n## {}\n\n",
            self.language.choose("References", "引用")
        );
        for reference in &self.references {
            let described = escaped(&self.described(reference));
            let _ = writeln!(text, "{}. {described}", reference.n);
        }
        text
    }

    fn author(&self, sentence: &Sentence) -> String {
        match sentence.author {
            Author::Facts => String::new(),
            Author::Model => self
                .language
                .choose(" (written by the model)", " (由模型撰写)")
                .to_owned(),
        }
    }

    fn described(&self, reference: &Reference) -> String {
        let Reference {
            revision,
            kind,
            source,
            ..
        } = reference;
        let fact = self.language.choose("fact", "事实");
        format!("{source}: {kind}, {fact} {revision}")
    }
}

/// `[1][2]`; three and more that follow each other as `[1-3]`.
fn numbers(references: &[u32]) -> String {
    let mut sorted = references.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let follow = |one: &u32, next: &u32| one + 1 == *next;
    let runs = sorted.chunk_by(follow).map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("[{first}-{last}]"),
        few => few.iter().map(|number| format!("[{number}]")).collect(),
    });
    runs.collect()
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_run() {
        assert_eq!(numbers(&[1, 2]), "[1][2]");
        assert_eq!(numbers(&[4, 2, 3, 9, 2]), "[2-4][9]");
    }

    #[test]
    fn markdown_shows_what_looks_like_markup() {
        let shown = escaped("a <b> *c* [d](e)");
        assert_eq!(shown, "a &lt;b&gt; \\*c\\* \\[d\\](e)");
    }
}
