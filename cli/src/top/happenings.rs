//! The panel of the last happenings.

use aimass_observers::live::{Happening, HappeningKind};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::words::{self, Side, fit};

const AGE: usize = 6;
const KIND: usize = 13;

/// The panel for that many columns of the terminal.
pub(super) fn panel(ui: &Ui, width: usize) -> Panel {
    let names = ui.view.agents.iter().map(|agent| words::width(&agent.name));
    let name = names.max().unwrap_or(0).clamp(4, width / 5 + 4);
    let all = ui.view.happenings.iter();
    let mut rows: Vec<Line<'static>> = all.map(|happening| row(ui, happening, name)).collect();
    if rows.is_empty() {
        rows.push(Line::raw(
            "  none: no worker panicked, and no task was given up",
        ));
    }
    let cursor = ui.cursor(Focus::Happenings);
    Panel {
        cursor: cursor..cursor + 1,
        ..Panel::new(Focus::Happenings, "happenings", rows)
    }
}

fn row(ui: &Ui, happening: &Happening, name: usize) -> Line<'static> {
    let palette = ui.palette;
    let kind = happening.kind;
    let style = match kind {
        HappeningKind::Swapped | HappeningKind::Recovered => Style::new(),
        HappeningKind::Restarted | HappeningKind::Retried | HappeningKind::TakenDown => {
            palette.unsettled()
        }
        _ => palette.bad(),
    };
    let age = words::age(ui.view.node.at_ns, happening.at_ns);
    let age = format!("{}  ", fit(&age, AGE, Side::Right));
    let agent = palette.agent(&ui.view, &happening.agent);
    let times = match happening.times {
        1 => String::new(),
        times => format!("{} times  ", words::count(times)),
    };
    Line::from(vec![
        Span::styled(age, palette.faint()),
        Span::styled(fit(&happening.agent, name, Side::Left), agent),
        Span::raw(" "),
        Span::styled(fit(kind.words(), KIND, Side::Left), style),
        Span::raw(format!(" {times}{}", happening.text)),
    ])
}
