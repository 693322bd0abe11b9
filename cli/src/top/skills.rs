//! The panel of agents and their skills: what each is doing, and how fast.

use aimass_locale::{Locale, text};
use aimass_observers::live::{Activity, AgentView, Percentiles};
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::words::{self, Side, fit};

/// Columns that a name has at least, while there are others to leave out.
const MIN_NAME: usize = 20;

/// A column of figures.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// In English and in Chinese.
    head: (&'static str, &'static str),
    figure: Figure,
    /// Those of a lower rank stay longer when the terminal is narrow.
    rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Rate1,
    Rate10,
    Rate60,
    History,
    Errors,
    P50,
    P95,
    P99,
    Wait50,
    Wait95,
}

const fn column(head: (&'static str, &'static str), figure: Figure, rank: u8) -> Column {
    Column { head, figure, rank }
}

/// In the order in which they stand.
const COLUMNS: [Column; 10] = [
    column(("/s", "/s"), Figure::Rate1, 0),
    column(("/s 10", "/s 10"), Figure::Rate10, 8),
    column(("/s 60", "/s 60"), Figure::Rate60, 4),
    column(("last min", "最近一分"), Figure::History, 6),
    column(("errors", "错误"), Figure::Errors, 2),
    column(("p50", "p50"), Figure::P50, 1),
    column(("p95", "p95"), Figure::P95, 5),
    column(("p99", "p99"), Figure::P99, 3),
    column(("wait50", "等待50"), Figure::Wait50, 9),
    column(("wait95", "等待95"), Figure::Wait95, 7),
];

/// What stands in a row of that many columns of the terminal.
struct Shape {
    columns: Vec<Column>,
    name: usize,
    gap: usize,
    history: usize,
}

impl Shape {
    fn of(width: usize) -> Self {
        let mut shape = Self {
            columns: COLUMNS.to_vec(),
            name: 0,
            gap: if width < 100 { 1 } else { 2 },
            history: if width < 120 { 10 } else { 20 },
        };
        loop {
            let figures = shape.columns.iter();
            let taken: usize = figures
                .map(|column| shape.gap + shape.width(column.figure))
                .sum();
            shape.name = width.saturating_sub(taken);
            let dearest = shape.columns.iter().map(|column| column.rank).max();
            match dearest {
                Some(rank) if shape.name < MIN_NAME => {
                    shape.columns.retain(|column| column.rank < rank);
                }
                _ => return shape,
            }
        }
    }

    fn width(&self, figure: Figure) -> usize {
        match figure {
            Figure::Rate1 | Figure::Rate10 | Figure::Rate60 => 5,
            Figure::History => self.history,
            _ => 6,
        }
    }

    fn heads(&self, locale: Locale) -> Vec<(usize, &'static str)> {
        let mut end = self.name;
        let head = |column: &Column| {
            end += self.gap + self.width(column.figure);
            (end, locale.choose(column.head.0, column.head.1))
        };
        self.columns.iter().map(head).collect()
    }
}

/// The panel for a terminal of that width.
pub(super) fn panel(ui: &Ui, width: usize) -> Panel {
    let shape = Shape::of(width);
    let mut rows = Vec::new();
    for agent in &ui.view.agents {
        rows.push(agent_row(ui, agent));
        let skills = agent.skills.iter();
        rows.extend(skills.map(|skill| skill_row(ui, &shape, &skill.name, &skill.activity)));
    }
    match ui.view.agents_left_out {
        0 if rows.is_empty() => {
            rows.push(Line::raw(
                ui.locale.choose("  there is no agent", "  没有智能体"),
            ));
        }
        0 => {}
        agents => {
            let more = words::of(ui.locale, agents, &words::AGENTS);
            rows.push(Line::raw(ui.locale.choose(
                format!("  and {more} with less to do"),
                format!("  还有 {more}，任务较少"),
            )));
        }
    }
    let cursor = ui.cursor(Focus::Skills);
    Panel {
        heads: shape.heads(ui.locale),
        cursor: cursor..cursor + 1,
        ..Panel::new(Focus::Skills, ui.locale.choose("agents", "智能体"), rows)
    }
}

fn agent_row(ui: &Ui, agent: &AgentView) -> Line<'static> {
    let (palette, locale) = (ui.palette, ui.locale);
    let style = palette.agent(&ui.view, &agent.name).patch(palette.strong());
    let mut row = vec![Span::styled(agent.name.to_string(), style)];
    if let Some(reason) = &agent.failed {
        let given_up = text!("  given up: {reason}", "  已放弃：{reason}");
        let given_up = given_up.in_locale(locale).to_owned();
        row.push(Span::styled(given_up, palette.bad()));
    }
    let busy = if agent.tasks == 0 {
        text!("nothing to do", "没有任务")
    } else {
        let tasks = |locale| words::of(locale, agent.tasks, &words::TASKS);
        let (waiting, bytes) = (words::count(agent.waiting), words::bytes(agent.bytes));
        let (english, chinese) = (tasks(Locale::English), tasks(Locale::Chinese));
        text!(
            "{english}, {waiting} waiting, {bytes}",
            "{chinese}，{waiting} 项等待，{bytes}"
        )
    };
    let mut quiet = vec![busy.in_locale(locale).to_owned()];
    for (number, what) in [
        (agent.restarts, words::RESTARTS),
        (agent.retries, words::RETRIES),
        (agent.dead_letters, words::DEAD_LETTERS),
        (u64::from(agent.abandoned), words::ABANDONED_THREADS),
    ] {
        if number > 0 {
            quiet.push(words::of(locale, number, &what));
        }
    }
    let between = locale.choose(", ", "，");
    row.push(Span::raw(format!("  {}", quiet.join(between))));
    Line::from(row)
}

fn skill_row(ui: &Ui, shape: &Shape, name: &str, activity: &Activity) -> Line<'static> {
    let name = fit(&format!("  {name}"), shape.name, Side::Left);
    let mut row = vec![Span::raw(name)];
    for column in &shape.columns {
        let columns = shape.width(column.figure);
        let text = figure(column.figure, activity, columns);
        let recent = activity.errors_per_second.last_60_s > 0.0;
        let style = match column.figure {
            Figure::Errors if recent => ui.palette.bad(),
            _ if text == "0" || text == "-" => ui.palette.faint(),
            _ => ratatui::style::Style::new(),
        };
        row.push(Span::raw(" ".repeat(shape.gap)));
        row.push(Span::styled(fit(&text, columns, Side::Right), style));
    }
    Line::from(row)
}

fn figure(figure: Figure, activity: &Activity, columns: usize) -> String {
    let rates = &activity.tasks_per_second;
    let share = |of: &Option<Percentiles>, share: fn(&Percentiles) -> u64| {
        of.as_ref()
            .map_or_else(|| "-".to_owned(), |of| words::duration(share(of)))
    };
    match figure {
        Figure::Rate1 => words::rate(rates.last_1_s),
        Figure::Rate10 => words::rate(rates.last_10_s),
        Figure::Rate60 => words::rate(rates.last_60_s),
        Figure::History => words::sparkline(&activity.history, columns),
        Figure::Errors => words::count(activity.errors),
        Figure::P50 => share(&activity.duration, |of| of.p50_us),
        Figure::P95 => share(&activity.duration, |of| of.p95_us),
        Figure::P99 => share(&activity.duration, |of| of.p99_us),
        Figure::Wait50 => share(&activity.wait, |of| of.p50_us),
        Figure::Wait95 => share(&activity.wait, |of| of.p95_us),
    }
}
