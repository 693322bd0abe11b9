//! Waterfalls: the tasks of an episode as bars over time.

use std::collections::{HashMap, HashSet};

use aimass_locale::{Locale, text};
use aimass_observers::live::{TaskSpan, Work};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panel::put_line;
use super::ui::Ui;
use super::words::{self, Side, fit, width};
use crate::messages::error_kind;

/// How long a task waited.
const WAITED: &str = "░";
/// How long it ran.
const RAN: &str = "█";
/// Columns of a duration.
const DURATION: usize = 6;
/// Steps to the right that are shown.
const MAX_DEPTH: usize = 6;

/// The widths of a row's parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) label: usize,
    pub(super) bar: usize,
    /// The error's kind; nothing where it is 0.
    pub(super) error: usize,
}

impl Shape {
    /// The parts of a row of that width.
    pub(super) fn of(columns: usize) -> Self {
        let error = if columns >= 90 { 18 } else { 0 };
        let label = (columns / 3).clamp(8, 36);
        // One column between two parts.
        let rest = label + 1 + 1 + DURATION + if error > 0 { 1 + error } else { 0 };
        Self {
            label,
            bar: columns.saturating_sub(rest),
            error,
        }
    }
}

/// The spans of a work by who asked for whom, each with its depth; those that began first come first.
pub(super) fn in_tree(work: &Work) -> Vec<(usize, &TaskSpan)> {
    let known: HashSet<_> = work.spans.iter().map(|span| span.span).collect();
    let mut children: HashMap<_, Vec<&TaskSpan>> = HashMap::new();
    let mut open = Vec::new();
    for span in work.spans.iter().rev() {
        match span
            .parent
            .filter(|parent| known.contains(parent) && *parent != span.span)
        {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => open.push((0, span)),
        }
    }
    let mut tree = Vec::with_capacity(work.spans.len());
    // Each list of children is taken out when it is used, so a circle could not turn for ever.
    while let Some((depth, span)) = open.pop() {
        tree.push((depth, span));
        let below = children.remove(&span.span).unwrap_or_default();
        open.extend(below.into_iter().map(|child| (depth + 1, child)));
    }
    tree
}

/// One task in a row.
pub(super) fn row(
    ui: &Ui,
    work: &Work,
    (depth, span): (usize, &TaskSpan),
    shape: Shape,
) -> Vec<Span<'static>> {
    let style = match &span.error {
        Some(_) => ui.palette.bad(),
        None => ui.palette.agent(&ui.view, &span.agent),
    };
    let sign = if span.error.is_some() { "✗ " } else { "" };
    let indent = "  ".repeat(depth.min(MAX_DEPTH));
    let label = fit(
        &format!("{indent}{sign}{}", span.skill),
        shape.label,
        Side::Left,
    );
    let took_us = span.settled_ns.saturating_sub(span.accepted_ns) / 1_000;
    let mut row = vec![Span::styled(label, style), Span::raw(" ")];
    row.extend(bar(work, span, shape.bar, style));
    row.push(Span::raw(format!(
        " {}",
        fit(&words::duration(took_us), DURATION, Side::Right)
    )));
    if shape.error > 0 {
        let kind = span.error.as_ref().map(|error| error_kind(&error.kind));
        let kind = kind.unwrap_or_default();
        let kind = fit(kind.in_locale(ui.locale), shape.error, Side::Left);
        row.push(Span::styled(format!(" {kind}"), style));
    }
    row
}

/// A task's time within that of the whole work.
fn bar(work: &Work, span: &TaskSpan, columns: usize, style: Style) -> [Span<'static>; 3] {
    let whole = u128::from(work.last_ns.saturating_sub(work.begun_ns).max(1));
    let scaled = |at_ns: u64| u128::from(at_ns.saturating_sub(work.begun_ns)) * columns as u128;
    let floor = |at_ns: u64| (scaled(at_ns) / whole) as usize;
    // A task is to be seen however short it is.
    let from = floor(span.accepted_ns).min(columns.saturating_sub(1));
    let to =
        (scaled(span.settled_ns).div_ceil(whole) as usize).clamp(from + 1, columns.max(from + 1));
    let started = span
        .started_ns
        .map_or(to, |started_ns| floor(started_ns).clamp(from, to - 1));
    let to = to.min(columns);
    let started = started.min(to);
    [
        Span::raw(" ".repeat(from.min(to))),
        Span::styled(
            format!(
                "{}{}",
                WAITED.repeat(started.saturating_sub(from)),
                RAN.repeat(to - started)
            ),
            style,
        ),
        Span::raw(" ".repeat(columns - to)),
    ]
}

/// What a work is, in words.
pub(super) fn summary(locale: Locale, work: &Work) -> String {
    let mut parts = vec![words::of(locale, work.tasks, &words::TASKS)];
    if work.errors > 0 {
        let failed = words::count(work.errors);
        parts.push(locale.choose(format!("{failed} failed"), format!("{failed} 项失败")));
    }
    if let Some(end) = work.end {
        parts.push(words::of(locale, end.facts, &words::FACTS));
    }
    let took_us = work.last_ns.saturating_sub(work.begun_ns) / 1_000;
    parts.push(words::duration(took_us));
    parts.join(locale.choose(", ", "，"))
}

/// One work on the whole screen.
pub(super) fn draw(ui: &Ui, work: &Work, cursor: usize, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let shape = Shape::of(columns);
    let tree = in_tree(work);
    let mut head = heading(ui, work);
    head.push(axis(ui, work, shape));
    let foot = tree
        .get(cursor)
        .map(|(_, span)| details(ui, span, columns))
        .unwrap_or_default();
    let room = usize::from(area.height).saturating_sub(head.len() + foot.len());
    let first = (cursor + 1).saturating_sub(room);
    let mut lines = head;
    let mut chosen = None;
    for (at, of) in tree.into_iter().enumerate().skip(first).take(room) {
        if at == cursor {
            chosen = Some(lines.len());
        }
        lines.push(Line::from(row(ui, work, of, shape)));
    }
    let gap = usize::from(area.height).saturating_sub(lines.len() + foot.len());
    lines.extend(std::iter::repeat_n(Line::default(), gap));
    lines.extend(foot);
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        put_line(buffer, area, y, line);
    }
    if let Some(row) = chosen.filter(|row| *row < usize::from(area.height)) {
        let row = Rect::new(area.x, area.y + row as u16, area.width, 1);
        buffer.set_style(row, ui.palette.chosen());
    }
}

fn heading(ui: &Ui, work: &Work) -> Vec<Line<'static>> {
    let locale = ui.locale;
    let trace = locale.choose("trace", "追踪");
    let what = match work.episode {
        Some(episode) => format!("{} {episode}", locale.choose("episode", "任务集")),
        None => locale.choose("call", "调用").to_owned(),
    };
    let ago = match words::age(ui.view.node.at_ns, work.last_ns) {
        None => text!("just now", "刚刚"),
        Some(age) => text!("{age} ago", "{age} 前"),
    };
    let ago = ago.in_locale(locale);
    let left_out = work.tasks.saturating_sub(work.spans.len() as u64);
    let more = if left_out == 0 {
        String::new()
    } else {
        let tasks = words::of(locale, left_out, &words::TASKS);
        let more = text!(", {tasks} are not shown", "，{tasks}未显示");
        more.in_locale(locale).to_owned()
    };
    vec![
        Line::from(vec![
            Span::styled(what, ui.palette.strong()),
            Span::raw(format!("  {}", summary(locale, work))),
        ]),
        Line::styled(
            format!("{trace} {}  {ago}{more}", work.trace),
            ui.palette.faint(),
        ),
    ]
}

/// The scale of time above the bars: its beginning, its middle where there is room, and its end.
fn axis(ui: &Ui, work: &Work, shape: Shape) -> Line<'static> {
    let took_us = work.last_ns.saturating_sub(work.begun_ns) / 1_000;
    let end = words::duration(took_us);
    let middle = words::duration(took_us / 2);
    let half = (shape.bar / 2).saturating_sub(1);
    let mut scale = if shape.bar >= 30 {
        format!("0{}{middle}", " ".repeat(half))
    } else {
        "0".to_owned()
    };
    let gap = shape.bar.saturating_sub(width(&scale) + width(&end));
    scale.push_str(&" ".repeat(gap));
    scale.push_str(&end);
    let indent = " ".repeat(shape.label + 1);
    Line::styled(format!("{indent}{scale}"), ui.palette.faint())
}

/// What there is to say of one task.
fn details(ui: &Ui, span: &TaskSpan, columns: usize) -> Vec<Line<'static>> {
    let us = |from_ns: u64, to_ns: u64| words::duration(to_ns.saturating_sub(from_ns) / 1_000);
    let locale = ui.locale;
    let mut parts = vec![format!("{} {}", locale.choose("task", "任务"), span.task)];
    let waited = span.started_ns.map(|started| us(span.accepted_ns, started));
    let waited = match waited {
        Some(waited) => text!("waited {waited}", "等待 {waited}"),
        None => text!("never ran", "从未运行"),
    };
    parts.push(waited.in_locale(locale).to_owned());
    if let Some(worker) = span.worker {
        parts.push(format!(
            "{} {}",
            locale.choose("worker", "工作线程"),
            worker.0
        ));
    }
    if span.runs > 1 {
        parts.push(words::of(locale, u64::from(span.runs), &words::RUNS));
    }
    let mut lines = vec![Line::raw(parts.join("  "))];
    if let Some(error) = &span.error {
        let (kind, message) = (error_kind(&error.kind), &error.message);
        let (english, chinese) = (kind.english, kind.chinese);
        let error = text!("{english}: {message}", "{chinese}：{message}");
        let wrapped = words::wrap(error.in_locale(locale), columns).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, ui.palette.bad())));
    }
    lines
}
