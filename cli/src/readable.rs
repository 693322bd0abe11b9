//! What a skill says, in the form that a person reads.
//!
//! It goes by the names of fields, and knows no skill: a value with a `start` and an `end` is a line with its times, one with a `score` is a line with
//! that, and an output is those of its values that did not come as items already. Whatever has no such form is shown as JSON. What an output says of its input in the field
//! `incomplete` is a warning.

use aimass_locale::{Locale, harmless, text, timecode};
use serde_json::{Map, Value};

use super::Context;
use super::failure::Failure;
use super::output::Output;
use super::said::say;

/// Characters of a text that a line shows beside a score.
const BEGINNING: usize = 120;

/// The items and the output of one task, as lines.
pub(crate) struct Readable {
    output: Output,
    locale: Locale,
    /// The output has a text in the form that was asked for, and that is all that is wanted.
    formatted: bool,
    /// Words were asked for by name; else they would bury the text.
    words: bool,
    /// Lines with times so far.
    timed: usize,
}

impl Readable {
    /// `input` is what the skill is asked with: it says what is wanted to be seen.
    pub(crate) fn new(context: &Context, input: &Value) -> Self {
        let format = input.get("format").and_then(Value::as_str);
        Self {
            output: context.output,
            locale: context.locale,
            formatted: format.is_some_and(|format| format != "json"),
            words: input.get("words") == Some(&Value::Bool(true)),
            timed: 0,
        }
    }

    /// An item, as it comes.
    pub(crate) fn item(&mut self, item: &Value) -> Result<(), Failure> {
        match Timed::of(item) {
            _ if self.formatted => Ok(()),
            Some(timed) => self.timed(&timed),
            None => self.plain(item),
        }
    }

    /// The output, which comes last.
    pub(crate) fn end(mut self, answer: &Value) -> Result<(), Failure> {
        let incomplete = answer.get("incomplete").and_then(Value::as_str);
        if let Some(why) = incomplete {
            let said = text!(
                "not all of the input could be read: {why}",
                "输入未能全部读取：{why}"
            );
            say(&said, self.locale);
        }
        if let Some(text) = answer.get("formatted").and_then(Value::as_str) {
            return self.output.bytes(text.as_bytes());
        }
        if let Some(all) = timed_values(answer) {
            let shown = self.timed;
            return all.iter().skip(shown).try_for_each(|one| self.timed(one));
        }
        match scored_lines(answer) {
            Some(lines) => lines.iter().try_for_each(|line| self.output.line(line)),
            None => self.plain(answer),
        }
    }

    fn timed(&mut self, timed: &Timed) -> Result<(), Failure> {
        self.timed += 1;
        self.output.line(&timed.line())?;
        let words = timed.fields.get("words").and_then(Value::as_array);
        let words = words.filter(|_| self.words).into_iter().flatten();
        words
            .filter_map(Timed::of)
            .try_for_each(|word| self.output.line(&format!("    {}", word.line())))
    }

    fn plain(&self, value: &Value) -> Result<(), Failure> {
        match value {
            Value::String(text) => self.output.line(text),
            other => self.output.line(&self.output.json(other)?),
        }
    }
}

/// A value that begins and ends, in seconds.
struct Timed<'a> {
    start: f64,
    end: f64,
    fields: &'a Map<String, Value>,
}

impl<'a> Timed<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let fields = value.as_object()?;
        let seconds = |name: &str| fields.get(name).and_then(Value::as_f64);
        Some(Self {
            start: seconds("start")?,
            end: seconds("end")?,
            fields,
        })
    }

    /// `[00:00:01.20 - 00:00:03.40] text`; without a text, the numbers that it has.
    fn line(&self) -> String {
        let said = match self.fields.get("text").and_then(Value::as_str) {
            Some(text) => one_line(text),
            None => self.numbers(),
        };
        let (start, end) = (timecode(self.start, '.', 2), timecode(self.end, '.', 2));
        format!("[{start} - {end}] {said}").trim_end().to_owned()
    }

    fn numbers(&self) -> String {
        let others = self
            .fields
            .iter()
            .filter(|(name, value)| value.is_number() && *name != "start" && *name != "end");
        let others: Vec<String> = others
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        others.join(", ")
    }
}

/// What an output consists of, if that is values with times: itself, or the one list of such values.
fn timed_values(answer: &Value) -> Option<Vec<Timed<'_>>> {
    if let Some(timed) = Timed::of(answer) {
        return Some(vec![timed]);
    }
    let mut lists = answer.as_object()?.values().filter_map(Value::as_array);
    let (list, None) = (lists.next()?, lists.next()) else {
        return None;
    };
    // An empty list of something else must not hide the output; a duration says that it is about time.
    if list.is_empty() && answer.get("duration").is_none() {
        return None;
    }
    list.iter().map(Timed::of).collect()
}

/// What an output consists of, if that is the one list of values with a `score`: `0.71 label`, or `0.71 source: the beginning of its text`.
fn scored_lines(answer: &Value) -> Option<Vec<String>> {
    // What is not complete was said already.
    let fields = answer.as_object()?.iter();
    let mut fields = fields.filter(|(name, _)| *name != "incomplete");
    let (list, None) = (fields.next()?.1.as_array()?, fields.next()) else {
        return None;
    };
    if list.is_empty() {
        return None;
    }
    list.iter().map(scored_line).collect()
}

fn scored_line(value: &Value) -> Option<String> {
    let score = value.get("score")?.as_f64()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(one_line);
    let name = text("label").or_else(|| text("source"))?;
    let Some(said) = text("text") else {
        return Some(format!("{score:.2} {name}"));
    };
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning = harmless::brief(&said, BEGINNING);
    Some(format!("{score:.2} {name}: {beginning}"))
}

/// A text in one line, without what could move the cursor.
fn one_line(text: &str) -> String {
    text.trim().chars().map(harmless::in_line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(value: &Value) -> Option<String> {
        Timed::of(value).map(|timed| timed.line())
    }

    #[test]
    fn what_begins_and_ends_is_a_line_with_its_times() {
        let segment =
            json!({ "start": 1.2, "end": 3723.456, "text": " Good\nmorning.", "no_speech": 0.1 });
        assert_eq!(
            line(&segment).unwrap(),
            "[00:00:01.20 - 01:02:03.46] Good morning."
        );
        let span = json!({ "start": 0, "end": 2.5, "probability": 0.75 });
        assert_eq!(
            line(&span).unwrap(),
            "[00:00:00.00 - 00:00:02.50] probability 0.75"
        );
        assert_eq!(line(&json!({ "start": "now", "end": 1 })), None);
        assert_eq!(line(&json!("start")), None);
        let odd = json!({ "start": -1.0, "end": 1e300, "text": "" });
        assert!(line(&odd).unwrap().starts_with("[00:00:00.00 - "));
    }

    #[test]
    fn what_has_a_score_is_a_line_with_it() {
        let classes = json!({ "classes": [{ "label": "money", "score": 0.714 }, { "label": "health", "score": -0.2 }] });
        assert_eq!(
            scored_lines(&classes).unwrap(),
            ["0.71 money", "-0.20 health"]
        );
        let partly = json!({ "classes": [{ "label": "a", "score": 1 }], "incomplete": "b" });
        assert_eq!(scored_lines(&partly).unwrap(), ["1.00 a"]);
        let long = "ab ".repeat(100);
        let hits = json!({ "hits": [
            { "source": "a.txt", "text": "One\nline.\u{1b}[2J\u{202e}", "score": 0.5 },
            { "source": "b.txt", "text": long, "score": 0.25 },
        ] });
        let lines = scored_lines(&hits).unwrap();
        assert_eq!(lines[0], "0.50 a.txt: One line. [2J");
        assert!(
            lines[1].ends_with("ab…") || lines[1].ends_with(" …"),
            "{lines:?}"
        );
        assert_eq!(
            lines[1].chars().count(),
            "0.25 b.txt: ".len() + BEGINNING + 1
        );
        for other in [
            json!({ "hits": [] }),
            json!({ "hits": [{ "score": 0.5 }] }),
            json!({ "hits": [{ "source": "a", "score": "high" }] }),
            json!({ "hits": [{ "source": "a", "score": 0.5 }], "more": true }),
            json!([0.5]),
        ] {
            assert_eq!(scored_lines(&other), None);
        }
    }

    #[test]
    fn an_output_is_its_values_with_times_and_anything_else_stays_whole() {
        let count = |answer: Value| timed_values(&answer).map(|all| all.len());
        let one = json!({ "start": 0, "end": 1, "text": "a" });
        assert_eq!(count(one.clone()), Some(1));
        assert_eq!(
            count(json!({ "text": "a", "duration": 2, "segments": [one, one] })),
            Some(2)
        );
        assert_eq!(count(json!({ "duration": 2, "speech": [] })), Some(0));
        assert_eq!(count(json!({ "hits": [] })), None);
        assert_eq!(count(json!({ "hits": [{ "text": "a" }] })), None);
        assert_eq!(count(json!({ "labels": [one], "scores": [1] })), None);
        assert_eq!(count(json!([0.5, 0.25])), None);
    }
}
