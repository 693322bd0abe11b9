//! What a skill says, in the form that a person reads.
//!
//! Its schema says which form that is, by `x-view`: see [`Presentation`]. Whatever has no form is shown as JSON. What an output says of its input in the field
//! `incomplete` is a warning.

use aimass_locale::{Locale, harmless, text, timecode};
use serde_json::{Map, Value};

use super::Context;
use super::columns::aligned;
use super::failure::Failure;
use super::output::{Output, brief};
use super::presentation::{Form, Presentation};
use super::said::say;

/// Characters of a text that a line shows beside a score.
const BEGINNING: usize = 120;
/// Characters of a cell.
const CELL: usize = 60;

/// The items and the output of one task, as lines.
pub(crate) struct Readable {
    output: Output,
    locale: Locale,
    presentation: Presentation,
    /// The output has a text in the form that was asked for, and that is all that is wanted.
    formatted: bool,
    /// Words were asked for by name; else they would bury the text.
    words: bool,
    /// Values shown so far.
    shown: usize,
}

impl Readable {
    /// `input` is what the skill is asked with: it says what is wanted to be seen.
    pub(crate) fn new(context: &Context, presentation: Presentation, input: &Value) -> Self {
        let format = input.get("format").and_then(Value::as_str);
        Self {
            output: context.output,
            locale: context.locale,
            presentation,
            formatted: format.is_some_and(|format| format != "json"),
            words: input.get("words") == Some(&Value::Bool(true)),
            shown: 0,
        }
    }

    /// An item, as it comes: one of the values of the output.
    pub(crate) fn item(&mut self, item: &Value) -> Result<(), Failure> {
        if self.formatted {
            return Ok(());
        }
        match self.value(item)? {
            true => Ok(()),
            false => self.plain(item),
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
        let part = self.presentation.part(answer);
        match (self.presentation.form, part) {
            (Form::Text | Form::File, Some(Value::String(text))) => self.output.line(text),
            (Form::Table, Some(Value::Array(rows))) => {
                let rows = rows.iter().map(cells).collect();
                let lines = aligned(rows, str::to_owned);
                lines.iter().try_for_each(|line| self.output.line(line))
            }
            (Form::Timed | Form::Scored | Form::Boxes, Some(Value::Array(values))) => {
                for value in values.iter().skip(self.shown) {
                    if !self.value(value)? {
                        return self.plain(answer);
                    }
                }
                Ok(())
            }
            _ => self.plain(answer),
        }
    }

    /// Shows one of the values of the output. Returns `false` for one that has not the form that its schema promises.
    fn value(&mut self, value: &Value) -> Result<bool, Failure> {
        let line = match self.presentation.form {
            Form::Timed => match Timed::of(value) {
                Some(timed) => return self.timed(&timed).map(|()| true),
                None => None,
            },
            Form::Scored => scored_line(value),
            Form::Boxes => box_line(value),
            _ => None,
        };
        let Some(line) = line else { return Ok(false) };
        self.shown += 1;
        self.output.line(&line)?;
        Ok(true)
    }

    fn timed(&mut self, timed: &Timed) -> Result<(), Failure> {
        self.shown += 1;
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

/// `0.71 label`, `0.71 source: the beginning of its text`, or `0.71 the text`.
fn scored_line(value: &Value) -> Option<String> {
    let score = value.get("score")?.as_f64()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(one_line);
    let name = text("label").or_else(|| text("source"));
    let said = text("text").map(|said| {
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        harmless::brief(&said, BEGINNING)
    });
    match (name, said) {
        (Some(name), Some(said)) => Some(format!("{score:.2} {name}: {said}")),
        (Some(one), None) | (None, Some(one)) => Some(format!("{score:.2} {one}")),
        (None, None) => None,
    }
}

/// `0.71 cat 12,34 56x78`
fn box_line(value: &Value) -> Option<String> {
    let number = |name: &str| value.get(name).and_then(Value::as_f64);
    let (x, y) = (number("x")?, number("y")?);
    let (width, height) = (number("width")?, number("height")?);
    let name = ["label", "text"].into_iter();
    let name = name.filter_map(|name| value.get(name).and_then(Value::as_str));
    let name = name.map(one_line).next().unwrap_or_default();
    let score = number("score").map(|score| format!("{score:.2} "));
    let score = score.unwrap_or_default();
    Some(format!(
        "{score}{name} {x:.0},{y:.0} {width:.0}x{height:.0}"
    ))
}

/// The values of a row, those that stand for themselves.
fn cells(row: &Value) -> Vec<String> {
    match row {
        Value::Object(fields) => fields.values().map(|cell| brief(cell, CELL)).collect(),
        Value::Array(cells) => cells.iter().map(|cell| brief(cell, CELL)).collect(),
        other => vec![brief(other, CELL)],
    }
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
        let line = |value: Value| scored_line(&value);
        assert_eq!(
            line(json!({ "label": "money", "score": 0.714 })).unwrap(),
            "0.71 money"
        );
        assert_eq!(
            line(json!({ "text": "It\nrains.", "score": -0.2 })).unwrap(),
            "-0.20 It rains."
        );
        let unruly =
            json!({ "source": "a.txt", "text": "One\nline.\u{1b}[2J\u{202e}", "score": 0.5 });
        assert_eq!(line(unruly).unwrap(), "0.50 a.txt: One line. [2J");
        let long = json!({ "source": "b.txt", "text": "ab ".repeat(100), "score": 0.25 });
        let long = line(long).unwrap();
        assert_eq!(long.chars().count(), "0.25 b.txt: ".len() + BEGINNING + 1);
        for other in [
            json!({ "score": 0.5 }),
            json!({ "source": "a", "score": "high" }),
            json!(0.5),
        ] {
            assert_eq!(line(other), None);
        }
    }

    #[test]
    fn what_has_a_place_is_a_line_with_it_and_a_row_is_its_cells() {
        let cat =
            json!({ "label": "cat", "score": 0.5, "x": 1, "y": 2.4, "width": 30, "height": 40 });
        assert_eq!(box_line(&cat).unwrap(), "0.50 cat 1,2 30x40");
        assert_eq!(box_line(&json!({ "label": "cat", "x": 1 })), None);
        assert_eq!(
            cells(&json!({ "a": 1, "b": "two\nlines" })),
            ["1", "two lines"]
        );
        assert_eq!(cells(&json!(["x", null])), ["x", "null"]);
    }
}
