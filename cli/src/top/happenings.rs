//! The panel of the last happenings.

use aimass_locale::Locale;
use aimass_observers::live::{Happening, HappeningKind};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::words::{self, Side, fit};

const KIND: usize = 13;

/// The panel for that many columns of the terminal.
pub(super) fn panel(ui: &Ui, width: usize) -> Panel {
    let names = ui.view.agents.iter().map(|agent| words::width(&agent.name));
    let name = names.max().unwrap_or(0).clamp(4, width / 5 + 4);
    let all = ui.view.happenings.iter();
    let mut rows: Vec<Line<'static>> = all.map(|happening| row(ui, happening, name)).collect();
    if rows.is_empty() {
        rows.push(Line::raw(ui.locale.choose(
            "  none: no worker panicked, and no task was given up",
            "  没有：没有工作线程崩溃，也没有任务被放弃",
        )));
    }
    let cursor = ui.cursor(Focus::Happenings);
    Panel {
        cursor: cursor..cursor + 1,
        ..Panel::new(
            Focus::Happenings,
            ui.locale.choose("happenings", "事件"),
            rows,
        )
    }
}

/// The kind in words.
fn words_of(locale: Locale, kind: HappeningKind) -> &'static str {
    let chinese = match kind {
        HappeningKind::Panicked => "崩溃",
        HappeningKind::LoadFailed => "加载失败",
        HappeningKind::Hung => "挂起",
        HappeningKind::Abandoned => "被放弃",
        HappeningKind::TakenDown => "被停止",
        HappeningKind::FellBack => "换用后备",
        HappeningKind::Restarted => "已重启",
        HappeningKind::Swapped => "已换版本",
        HappeningKind::Retried => "已重试",
        HappeningKind::DeadLettered => "成为死信",
        HappeningKind::Failed => "已放弃",
        HappeningKind::Recovered => "已恢复",
    };
    locale.choose(kind.words(), chinese)
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
    let age = words::age_column(ui, happening.at_ns);
    let agent = palette.agent(&ui.view, &happening.agent);
    let times = match happening.times {
        1 => String::new(),
        times => words::of(ui.locale, times, &words::TIMES) + "  ",
    };
    Line::from(vec![
        Span::styled(age, palette.faint()),
        Span::styled(fit(&happening.agent, name, Side::Left), agent),
        Span::raw(" "),
        Span::styled(fit(words_of(ui.locale, kind), KIND, Side::Left), style),
        Span::raw(format!(" {times}{}", happening.text)),
    ])
}
