//! The panel of agents and their skills: what each is doing, and how fast.

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
    head: &'static str,
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

const fn column(head: &'static str, figure: Figure, rank: u8) -> Column {
    Column { head, figure, rank }
}

/// In the order in which they stand.
const COLUMNS: [Column; 10] = [
    column("/s", Figure::Rate1, 0),
    column("/s 10", Figure::Rate10, 8),
    column("/s 60", Figure::Rate60, 4),
    column("last min", Figure::History, 6),
    column("errors", Figure::Errors, 2),
    column("p50", Figure::P50, 1),
    column("p95", Figure::P95, 5),
    column("p99", Figure::P99, 3),
    column("wait50", Figure::Wait50, 9),
    column("wait95", Figure::Wait95, 7),
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

    fn heads(&self) -> Vec<(usize, &'static str)> {
        let mut end = self.name;
        let head = |column: &Column| {
            end += self.gap + self.width(column.figure);
            (end, column.head)
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
        0 if rows.is_empty() => rows.push(Line::raw("  there is no agent")),
        0 => {}
        agents => {
            let more = words::of(agents, "agent", "agents");
            rows.push(Line::raw(format!("  and {more} with less to do")));
        }
    }
    let cursor = ui.cursor(Focus::Skills);
    Panel {
        heads: shape.heads(),
        cursor: cursor..cursor + 1,
        ..Panel::new(Focus::Skills, "agents", rows)
    }
}

fn agent_row(ui: &Ui, agent: &AgentView) -> Line<'static> {
    let palette = ui.palette;
    let style = palette.agent(&ui.view, &agent.name).patch(palette.strong());
    let mut row = vec![Span::styled(agent.name.to_string(), style)];
    if let Some(reason) = &agent.failed {
        row.push(Span::styled(format!("  given up: {reason}"), palette.bad()));
    }
    let mut quiet = vec![if agent.tasks == 0 {
        "nothing to do".to_owned()
    } else {
        let tasks = words::of(agent.tasks, "task", "tasks");
        let waiting = words::count(agent.waiting);
        format!("{tasks}, {waiting} waiting, {}", words::bytes(agent.bytes))
    }];
    let mut count = |number: u64, one: &str, many: &str| {
        if number > 0 {
            quiet.push(words::of(number, one, many));
        }
    };
    count(agent.restarts, "restart", "restarts");
    count(agent.retries, "retry", "retries");
    count(agent.dead_letters, "dead letter", "dead letters");
    count(
        u64::from(agent.abandoned),
        "abandoned thread",
        "abandoned threads",
    );
    row.push(Span::raw(format!("  {}", quiet.join(", "))));
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
