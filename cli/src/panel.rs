//! Panels in a terminal: facts at length, as lines.

use aimass_locale::{Locale, clock, harmless, text};
use aimass_runtime::{Author, Axis, Curve, Panel, ReportView, Section, Sentence, Track};

use crate::columns::aligned;
use crate::output::Output;

/// Rows and points that are shown.
const MAX_ROWS: usize = 100;
/// Columns of a drawn curve.
const CURVE: usize = 60;
/// Heights of a drawn curve.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines of a panel.
pub(crate) fn lines(panel: &Panel, output: Output, locale: Locale) -> Vec<String> {
    match panel {
        Panel::Text { text } => text.lines().map(clean).collect(),
        Panel::TimedText { passages } => {
            let rows = passages.iter().map(|passage| {
                let speaker = passage.speaker.as_deref().map(|name| format!("{name}: "));
                let said = format!("{}{}", speaker.unwrap_or_default(), passage.text);
                vec![clock(passage.start), clean(&said)]
            });
            table(rows.collect(), output, locale)
        }
        Panel::Table { columns, rows } => {
            let heading = columns.iter().map(|name| clean(name.in_locale(locale)));
            let rows = rows
                .iter()
                .map(|row| row.iter().map(|cell| clean(cell)).collect());
            let rows = std::iter::once(heading.collect()).chain(rows);
            table(rows.collect(), output, locale)
        }
        Panel::Picture {
            path,
            width,
            height,
            boxes,
        } => {
            let mut lines = vec![format!("{} ({width}x{height})", clean(path))];
            let rows = boxes.iter().map(|one| {
                let score = one.score.map(|score| format!("{score:.2}"));
                let place = format!(
                    "{:.0},{:.0} {:.0}x{:.0}",
                    one.x, one.y, one.width, one.height
                );
                vec![clean(&one.label), score.unwrap_or_default(), place]
            });
            lines.extend(table(rows.collect(), output, locale));
            lines
        }
        Panel::Tracks {
            path,
            duration,
            tracks,
            ..
        } => {
            let mut lines = vec![format!("{} ({})", clean(path), clock(*duration))];
            lines.extend(table(tracks.iter().map(track).collect(), output, locale));
            lines
        }
        Panel::Sound { path } => vec![clean(path)],
        Panel::Graph { nodes, edges } => {
            let node = |at: u32| nodes.get(at as usize).map(|name| clean(name));
            let rows = edges.iter().filter_map(|edge| {
                let label = format!("{} →", clean(&edge.label)).trim().to_owned();
                Some(vec![node(edge.from)?, label, node(edge.to)?])
            });
            table(rows.collect(), output, locale)
        }
        Panel::Curve { x, y, curves } => curves_lines((x, y), curves, output, locale),
        Panel::Report(view) => report(view, Extent::Whole, output, locale),
        // A node of a newer version may know more kinds.
        _ => Vec::new(),
    }
}

/// How much of a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A page at most.
    Digest,
    /// The digest, a section for each input, and the facts that all rests on.
    Whole,
}

/// The lines of a report: headings, and sentences with the numbers of their references.
pub(crate) fn report(
    report: &ReportView,
    extent: Extent,
    output: Output,
    locale: Locale,
) -> Vec<String> {
    let heading = |text: &str| output.strong(&clean(text));
    let mut lines = vec![heading(report.title.in_locale(locale))];
    lines.extend(sections(&report.sections, output, locale));
    if extent == Extent::Digest {
        return lines;
    }
    lines.extend(sections(&report.details, output, locale));
    lines.push(String::new());
    lines.push(heading(locale.choose("References", "引用")));
    let references = report.references.iter().map(|reference| {
        let (n, kind, revision) = (reference.n, &reference.kind, reference.revision);
        let source = clean(&reference.source);
        let line = text!(
            "  [{n}] {source}: {kind}, fact {revision}",
            "  [{n}] {source}: {kind}, 事实 {revision}"
        );
        line.in_locale(locale).to_owned()
    });
    lines.extend(references);
    lines
}

/// The lines of parts of a report, each below an empty line.
pub(crate) fn sections(sections: &[Section], output: Output, locale: Locale) -> Vec<String> {
    let lines = sections.iter().flat_map(|section| {
        let heading = output.strong(&clean(section.heading.in_locale(locale)));
        let sentences = section.sentences.iter().map(|one| sentence(one, locale));
        [String::new(), heading].into_iter().chain(sentences)
    });
    lines.collect()
}

fn sentence(sentence: &Sentence, locale: Locale) -> String {
    let author = match sentence.author {
        Author::Facts => "",
        Author::Model => locale.choose(" (written by the model)", " (由模型撰写)"),
    };
    let said = clean(sentence.text.in_locale(locale));
    format!("  {said}{author} {}", numbers(&sentence.references))
}

/// Runs of references that are shown. A sentence about all inputs rests on facts of each.
const MAX_RUNS: usize = 4;

/// `[1][2]`; three and more that follow each other as `[1-3]`; behind the first few of them `[…]`.
fn numbers(references: &[u32]) -> String {
    let mut sorted = references.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let follow = |one: &u32, next: &u32| one.checked_add(1) == Some(*next);
    let runs: Vec<&[u32]> = sorted.chunk_by(follow).collect();
    let shown = runs.iter().take(MAX_RUNS).map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("[{first}-{last}]"),
        few => few.iter().map(|number| format!("[{number}]")).collect(),
    });
    let more = (runs.len() > MAX_RUNS).then(|| "[…]".to_owned());
    shown.chain(more).collect()
}

/// When a thing comes and goes, and from where to where.
fn track(track: &Track) -> Vec<String> {
    let name = format!("{} {}", clean(&track.label), track.id);
    let (Some(first), Some(last)) = (track.points.first(), track.points.last()) else {
        return vec![name];
    };
    let place = |x: f32, y: f32| format!("{x:.0},{y:.0}");
    let span = format!("{} - {}", clock(first.at), clock(last.at));
    let way = format!("{} → {}", place(first.x, first.y), place(last.x, last.y));
    vec![name, span, way]
}

fn curves_lines(
    (x, y): (&Axis, &Axis),
    curves: &[Curve],
    output: Output,
    locale: Locale,
) -> Vec<String> {
    let axis = |axis: &Axis| {
        let name = clean(axis.name.in_locale(locale));
        match axis.unit.is_empty() {
            true => name,
            false => format!("{name} ({})", clean(&axis.unit)),
        }
    };
    let (x, y) = (axis(x), axis(y));
    let title = text!("{y} over {x}", "{y}，随 {x} 变化");
    let mut lines = vec![title.in_locale(locale).to_owned()];
    let rows = curves.iter().map(|curve| {
        let values: Vec<f64> = curve.points.iter().map(|(_, y)| *y).collect();
        let end =
            |value: Option<&f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
        let name = clean(curve.name.in_locale(locale));
        vec![
            name,
            end(values.first()),
            drawn(&values),
            end(values.last()),
        ]
    });
    lines.extend(table(rows.collect(), output, locale));
    lines
}

/// Numbers as bars of eight heights.
fn drawn(values: &[f64]) -> String {
    let values: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let columns = values.len().min(CURVE);
    let bar = |column: usize| {
        let value = values
            .get(column * values.len() / columns)
            .copied()
            .unwrap_or(least);
        let share = if most > least {
            (value - least) / (most - least)
        } else {
            0.5
        };
        let at = (share * (HEIGHTS.len() - 1) as f64).round() as usize;
        HEIGHTS.get(at).copied().unwrap_or(' ')
    };
    (0..columns).map(bar).collect()
}

/// Rows below each other, and how many more there are.
fn table(mut rows: Vec<Vec<String>>, output: Output, locale: Locale) -> Vec<String> {
    let more = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    let mut lines = aligned(rows, |first| output.faint(first));
    if more > 0 {
        let said = text!("… {more} more", "… 另有 {more} 行");
        lines.push(said.in_locale(locale).to_owned());
    }
    lines
}

fn clean(text: &str) -> String {
    text.chars().map(harmless::in_line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::Format;

    fn shown(panel: Value) -> Vec<String> {
        let panel: Panel = serde_json::from_value(panel).unwrap();
        lines(&panel, Output::new(Format::Text), Locale::English)
    }

    #[test]
    fn each_kind_of_panel_has_its_lines() {
        let point =
            |at: f64, x: f64| json!({"at": at, "x": x, "y": 5.0, "width": 1.0, "height": 1.0});
        for (panel, expected) in [
            (
                json!({"panel": "text", "text": "One\n\x1b[2Jtwo"}),
                vec!["One", " [2Jtwo"],
            ),
            (
                json!({"panel": "timed_text", "passages": [
                    {"start": 1.0, "end": 2.0, "text": "Hello."},
                    {"start": 62.0, "end": 63.0, "speaker": "Ann", "text": "Bye."},
                ]}),
                vec!["0:01  Hello.", "1:02  Ann: Bye."],
            ),
            (
                json!({"panel": "table", "columns": [{"en": "city", "zh": "城市"}, {"en": "count", "zh": "数量"}], "rows": [["Rome", "12"]]}),
                vec!["city  count", "Rome  12"],
            ),
            (
                json!({"panel": "picture", "path": "/a.png", "width": 20, "height": 10, "boxes": [
                    {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "cat", "score": 0.5},
                ]}),
                vec!["/a.png (20x10)", "cat  0.50  1,2 3x4"],
            ),
            (
                json!({"panel": "tracks", "path": "/a.mp4", "width": 20, "height": 10, "duration": 9.0, "tracks": [
                    {"id": 3, "label": "car", "points": [point(1.0, 2.0), point(4.0, 8.0)]},
                    {"id": 4, "label": "dog", "points": []},
                ]}),
                vec!["/a.mp4 (0:09)", "car 3  0:01 - 0:04  2,5 → 8,5", "dog 4"],
            ),
            (json!({"panel": "sound", "path": "/a.wav"}), vec!["/a.wav"]),
            (
                json!({"panel": "graph", "nodes": ["Ann", "Bob"], "edges": [{"from": 0, "to": 1, "label": "knows"}, {"from": 0, "to": 9}]}),
                vec!["Ann  knows →  Bob"],
            ),
            (
                json!({"panel": "curve", "x": {"name": {"en": "step", "zh": ""}}, "y": {"name": {"en": "loss", "zh": ""}, "unit": "nats"},
                    "curves": [{"name": {"en": "train", "zh": ""}, "points": [[0.0, 4.0], [1.0, 2.0], [2.0, 0.0]]}]}),
                vec!["loss (nats) over step", "train  4.000  █▅▁  0.000"],
            ),
        ] {
            assert_eq!(shown(panel), expected);
        }
    }

    #[test]
    fn a_report_has_headings_and_the_numbers_of_its_facts() {
        let text = |text: &str| json!({"en": text, "zh": text});
        let report = json!({
            "panel": "report", "title": text("Report on 1 input"),
            "sections": [{"heading": text("a.txt"), "sentences": [
                {"text": text("It rains."), "references": [1], "author": "model"},
                {"text": text("It pours."), "references": [3, 1, 2, 9], "author": "facts"},
                {"text": text("It snows."), "references": [1, 3, 5, 7, 9, 11], "author": "facts"},
            ]}],
            "details": [{"heading": text("All of a.txt"), "sentences": [
                {"text": text("It hails."), "references": [1], "author": "facts"},
            ]}],
            "references": [{"n": 1, "revision": 7, "kind": "file.text@1", "source": "a.txt"}],
        });
        assert_eq!(
            shown(report),
            [
                "Report on 1 input",
                "",
                "a.txt",
                "  It rains. (written by the model) [1]",
                "  It pours. [1-3][9]",
                "  It snows. [1][3][5][7][…]",
                "",
                "All of a.txt",
                "  It hails. [1]",
                "",
                "References",
                "  [1] a.txt: file.text@1, fact 7",
            ]
        );
    }

    #[test]
    fn a_long_table_says_how_much_is_left_out() {
        let rows = vec![vec!["x"]; 103];
        let lines = shown(json!({"panel": "table", "columns": [], "rows": rows}));
        assert_eq!(lines.len(), MAX_ROWS + 1);
        assert_eq!(lines.last().unwrap(), "… 4 more");
    }
}
