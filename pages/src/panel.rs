//! Panels on the page: how each kind of them becomes HTML. Drawings are SVG, so that they are sharp at any size and need no script.

use std::collections::HashMap;

use aimass_locale::{Locale, clock, harmless};
use aimass_runtime::{Axis, Curve, Panel, PictureBox, Revision, Track};
use askama::Template;

use crate::media::Media;
use crate::words::Words;

/// Colours that things are told apart by.
const COLOURS: usize = 6;
/// Rows of a table that are shown.
const MAX_ROWS: usize = 200;
/// Width and height of a drawn curve, in the units of its drawing.
const CURVE: (f64, f64) = (640.0, 200.0);

/// A panel as the template takes it.
#[derive(Template)]
#[template(path = "panel.html")]
pub(crate) struct ShownPanel<'a> {
    words: &'a Words,
    /// What it is about.
    pub(crate) subject: &'a str,
    /// The fact that it shows.
    pub(crate) revision: Revision,
    kind: String,
    body: Body<'a>,
}

enum Body<'a> {
    Paragraphs(Vec<String>),
    Passages(Vec<ShownPassage>),
    Table {
        columns: Vec<&'a str>,
        rows: Vec<Vec<String>>,
        left_out: usize,
    },
    Picture {
        source: String,
        width: u32,
        height: u32,
        boxes: Vec<ShownBox>,
    },
    Tracks {
        width: u32,
        height: u32,
        lanes: Vec<Lane>,
    },
    Edges(Vec<(String, String, String)>),
    Curves {
        lines: Vec<Line>,
        x: Range,
        y: Range,
    },
}

/// A passage as the template takes it.
pub(crate) struct ShownPassage {
    /// When it begins, for players.
    pub(crate) start: f64,
    /// The same for people.
    pub(crate) clock: String,
    pub(crate) text: String,
}

struct ShownBox {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    label: String,
    colour: usize,
}

/// A track: a line across the frame, and a bar from when it is seen to when it is gone.
struct Lane {
    label: String,
    colour: usize,
    points: String,
    /// In percent of the clip.
    from: f64,
    length: f64,
    span: String,
}

struct Line {
    name: String,
    colour: usize,
    points: String,
}

struct Range {
    name: String,
    least: String,
    most: String,
}

impl<'a> ShownPanel<'a> {
    /// A panel that stands for itself; none of those that the page shows in other places.
    pub(crate) fn of(
        panel: &'a Panel,
        (revision, kind): (Revision, String),
        subject: &'a str,
        media: &HashMap<String, Media>,
        (words, locale): (&'a Words, Locale),
    ) -> Option<Self> {
        let body = match panel {
            Panel::Text { text } => Body::Paragraphs(text.split("\n\n").map(in_lines).collect()),
            Panel::TimedText { passages } => Body::Passages(shown_passages(passages)),
            Panel::Table { columns, rows } => Body::Table {
                columns: columns.iter().map(|name| name.in_locale(locale)).collect(),
                rows: rows
                    .iter()
                    .take(MAX_ROWS)
                    .map(|row| row.iter().map(|cell| line(cell)).collect())
                    .collect(),
                left_out: rows.len().saturating_sub(MAX_ROWS),
            },
            Panel::Picture {
                path,
                width,
                height,
                boxes,
            } => Body::Picture {
                source: Media::address(media.get(path), path),
                width: *width,
                height: *height,
                boxes: boxes.iter().enumerate().map(shown_box).collect(),
            },
            Panel::Tracks {
                width,
                height,
                duration,
                tracks,
                ..
            } => Body::Tracks {
                width: *width,
                height: *height,
                lanes: tracks.iter().map(|track| lane(track, *duration)).collect(),
            },
            Panel::Graph { nodes, edges } => {
                let node = |at: u32| {
                    nodes
                        .get(at as usize)
                        .map(|name| line(name))
                        .unwrap_or_default()
                };
                let edges = edges
                    .iter()
                    .map(|edge| (node(edge.from), line(&edge.label), node(edge.to)));
                Body::Edges(edges.collect())
            }
            Panel::Curve { x, y, curves } => curves_body(x, y, curves, locale),
            _ => return None,
        };
        Some(Self {
            words,
            subject,
            revision,
            kind,
            body,
        })
    }
}

/// Passages as the template takes them.
pub(crate) fn shown_passages(passages: &[aimass_runtime::Passage]) -> Vec<ShownPassage> {
    let shown = passages.iter().map(|passage| ShownPassage {
        start: passage.start,
        clock: clock(passage.start),
        text: match &passage.speaker {
            Some(speaker) => line(&format!("{speaker}: {}", passage.text)),
            None => line(&passage.text),
        },
    });
    shown.collect()
}

fn line(text: &str) -> String {
    text.chars().map(harmless::in_line).collect()
}

fn in_lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn shown_box((at, one): (usize, &PictureBox)) -> ShownBox {
    ShownBox {
        x: one.x,
        y: one.y,
        width: one.width,
        height: one.height,
        label: match one.score {
            Some(score) => format!("{} {score:.2}", line(&one.label)),
            None => line(&one.label),
        },
        colour: at % COLOURS,
    }
}

fn lane(track: &Track, duration: f64) -> Lane {
    let percent = |seconds: f64| match duration > 0.0 {
        true => (100.0 * seconds / duration).clamp(0.0, 100.0),
        false => 0.0,
    };
    let at = |point: Option<&aimass_runtime::TrackPoint>| point.map_or(0.0, |point| point.at);
    let (begins, ends) = (at(track.points.first()), at(track.points.last()));
    let centre = |point: &aimass_runtime::TrackPoint| {
        format!(
            "{:.1},{:.1}",
            point.x + point.width / 2.0,
            point.y + point.height / 2.0
        )
    };
    Lane {
        label: format!("{} {}", line(&track.label), track.id),
        colour: track.id as usize % COLOURS,
        points: track
            .points
            .iter()
            .map(centre)
            .collect::<Vec<_>>()
            .join(" "),
        from: percent(begins),
        length: percent(ends) - percent(begins),
        span: format!("{} – {}", clock(begins), clock(ends)),
    }
}

fn curves_body<'a>(x: &Axis, y: &Axis, curves: &[Curve], locale: Locale) -> Body<'a> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (left, right) = ends(points().map(|(x, _)| *x));
    let (low, high) = ends(points().map(|(_, y)| *y));
    let drawn = |(x, y): &(f64, f64)| {
        let right = CURVE.0 * share(*x, left, right);
        let down = CURVE.1 * (1.0 - share(*y, low, high));
        format!("{right:.1},{down:.1}")
    };
    let lines = curves.iter().enumerate().map(|(at, curve)| Line {
        name: line(curve.name.in_locale(locale)),
        colour: at % COLOURS,
        points: curve.points.iter().map(drawn).collect::<Vec<_>>().join(" "),
    });
    let range = |axis: &Axis, least: f64, most: f64| Range {
        name: line(axis.name.in_locale(locale)),
        least: number(least, &axis.unit),
        most: number(most, &axis.unit),
    };
    Body::Curves {
        lines: lines.collect(),
        x: range(x, left, right),
        y: range(y, low, high),
    }
}

/// The least and the greatest of numbers; what is none is left out.
fn ends(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let numbers = numbers.filter(|number| number.is_finite());
    let ends = numbers.fold(None, |ends: Option<(f64, f64)>, number| {
        let (least, most) = ends.unwrap_or((number, number));
        Some((least.min(number), most.max(number)))
    });
    ends.unwrap_or((0.0, 1.0))
}

/// How far a number is between two others, from 0 to 1.
fn share(number: f64, least: f64, most: f64) -> f64 {
    match most > least && number.is_finite() {
        true => (number - least) / (most - least),
        false => 0.5,
    }
}

fn number(number: f64, unit: &str) -> String {
    let rounded = (number * 1000.0).round() / 1000.0;
    format!("{rounded} {}", line(unit)).trim_end().to_owned()
}
