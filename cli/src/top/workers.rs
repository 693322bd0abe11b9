//! The panel of workers: what holds which model, and how often it had to start again.

use aimass_locale::Locale;
use aimass_observers::live::WorkerView;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::words::{self, Side, fit, width};

/// Columns that the version of a model has at least, while there are others to leave out.
const MIN_MODEL: usize = 16;

/// A worker in words.
struct Words<'a> {
    agent: &'a str,
    worker: &'a WorkerView,
    name: String,
    state: String,
    restarts: String,
    memory: String,
}

/// The widths of a row's parts: as wide as their longest words; 0 where a part is left out.
struct Shape {
    name: usize,
    state: usize,
    device: usize,
    model: usize,
    restarts: usize,
    memory: usize,
}

/// The panel for that many columns of the terminal.
pub(super) fn panel(ui: &Ui, columns: usize) -> Panel {
    let agents = ui.view.agents.iter();
    let all: Vec<Words<'_>> = agents
        .flat_map(|agent| {
            agent
                .workers
                .iter()
                .map(|worker| words_of(ui.locale, &agent.name, worker))
        })
        .collect();
    let shape = Shape::of(&all, columns);
    let mut rows: Vec<Line<'static>> = all.iter().map(|words| row(ui, words, &shape)).collect();
    if rows.is_empty() {
        rows.push(Line::raw(ui.locale.choose(
            "  no agent has a worker that holds a model",
            "  没有智能体的工作线程持有模型",
        )));
    }
    let cursor = ui.cursor(Focus::Workers);
    Panel {
        cursor: cursor..cursor + 1,
        ..Panel::new(
            Focus::Workers,
            ui.locale.choose("workers", "工作线程"),
            rows,
        )
    }
}

fn words_of<'a>(locale: Locale, agent: &'a str, worker: &'a WorkerView) -> Words<'a> {
    Words {
        agent,
        worker,
        state: state(locale, &worker.state),
        name: format!("{agent} {} {}", worker.group, worker.worker),
        restarts: match worker.restarts {
            0 => String::new(),
            restarts => words::of(locale, restarts, &words::RESTARTS),
        },
        memory: match worker.model_bytes {
            bytes if bytes > 0 && worker.holds_weights() => words::bytes(bytes),
            _ => String::new(),
        },
    }
}

/// What a worker does, as its node says it.
fn state(locale: Locale, state: &str) -> String {
    let chinese = match state {
        "unloaded" => "未加载",
        "starting" => "启动中",
        "backing_off" => "等待重试",
        "idle" => "空闲",
        "busy" => "忙碌",
        "leaving" => "正在退出",
        "unloading" => "正在卸载",
        "failed" => "已失效",
        // Of a later version.
        other => other,
    };
    locale.choose(state.replace('_', " "), chinese.to_owned())
}

impl Shape {
    fn of(all: &[Words<'_>], columns: usize) -> Self {
        let longest = |part: fn(&Words<'_>) -> usize| all.iter().map(part).max().unwrap_or(0);
        let mut shape = Self {
            name: longest(|words| width(&words.name)).min(columns / 3),
            state: longest(|words| width(&words.state)),
            device: longest(|words| width(&words.worker.device)).min(8),
            model: 0,
            restarts: longest(|words| width(&words.restarts)),
            memory: longest(|words| width(&words.memory)),
        };
        if shape.rest(columns) < MIN_MODEL {
            shape.memory = 0;
        }
        if shape.rest(columns) < MIN_MODEL {
            shape.device = 0;
        }
        shape.model = shape.rest(columns);
        shape
    }

    /// What is left for the model, with two columns between two parts.
    fn rest(&self, columns: usize) -> usize {
        let others = [
            self.name,
            self.state,
            self.device,
            self.restarts,
            self.memory,
        ];
        let taken: usize = others
            .iter()
            .filter(|part| **part > 0)
            .map(|part| part + 2)
            .sum();
        columns.saturating_sub(taken)
    }
}

fn row(ui: &Ui, words: &Words<'_>, shape: &Shape) -> Line<'static> {
    let palette = ui.palette;
    let state = match words.worker.state.as_str() {
        "busy" => palette.strong(),
        "failed" => palette.bad(),
        "starting" | "backing_off" | "leaving" | "unloading" => palette.unsettled(),
        "unloaded" => palette.faint(),
        _ => Style::new(),
    };
    let agent = palette.agent(&ui.view, words.agent);
    let plain = Style::new();
    let parts = [
        (words.name.as_str(), shape.name, Side::Left, agent),
        (&words.state, shape.state, Side::Left, state),
        (&words.worker.device, shape.device, Side::Left, plain),
        (&words.worker.model, shape.model, Side::Left, plain),
        (&words.restarts, shape.restarts, Side::Right, plain),
        (&words.memory, shape.memory, Side::Right, plain),
    ];
    let mut row = Vec::new();
    for (text, columns, side, style) in parts.into_iter().filter(|(_, columns, ..)| *columns > 0) {
        if !row.is_empty() {
            row.push(Span::raw("  "));
        }
        row.push(Span::styled(fit(text, columns, side), style));
    }
    Line::from(row)
}
