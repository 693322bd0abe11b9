//! The panel of the last episodes and calls, as small waterfalls.

use aimass_observers::live::{TaskSpan, Work};
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::waterfall::{Shape, in_tree, row, summary};
use super::words::{self, shorten};

/// Columns before a waterfall: how long ago it was.
const INDENT: usize = words::AGE + 2;
/// Tasks of an episode that are shown; the rest is on a page of its own.
const MAX_ROWS: usize = 5;

/// The panel for that many columns of the terminal.
pub(super) fn panel(ui: &Ui, width: usize) -> Panel {
    let mut rows = Vec::new();
    let mut cursor = 0..0;
    for (at, work) in ui.works().enumerate() {
        let first = rows.len();
        rows.extend(lines(ui, work, width));
        if at == ui.cursor(Focus::Episodes) {
            cursor = first..rows.len();
        }
    }
    if rows.is_empty() {
        let none = ui.locale.choose(
            "  none yet; `aimass run PATH` and `aimass ask SKILL INPUT` make some",
            "  还没有；`aimass run 路径` 和 `aimass ask 技能 输入` 会产生",
        );
        rows.push(Line::raw(shorten(none, width)));
    }
    let title = ui
        .locale
        .choose("last episodes and calls", "最近的任务集和调用");
    Panel {
        cursor,
        ..Panel::new(Focus::Episodes, title, rows)
    }
}

fn lines(ui: &Ui, work: &Work, width: usize) -> Vec<Line<'static>> {
    let age = Span::styled(words::age_column(ui, work.last_ns), ui.palette.faint());
    let shape = Shape::of(width.saturating_sub(INDENT));
    let tree = in_tree(work);
    // A call of one task says all of itself in its one row.
    if let ([only], None) = (tree.as_slice(), work.episode) {
        let mut line = vec![age];
        line.extend(row(ui, work, *only, shape));
        return vec![Line::from(line)];
    }
    let name = match work.episode {
        Some(episode) => {
            let what = ui.locale.choose("episode", "任务集");
            format!("{what} {}", &episode.to_string()[..8])
        }
        None => ui.locale.choose("call", "调用").to_owned(),
    };
    let summary = format!("  {}", summary(ui.locale, work));
    let mut lines = vec![Line::from(vec![
        age,
        Span::styled(name, ui.palette.strong()),
        Span::raw(summary),
    ])];
    // Where all but one would be shown, that one is shown too rather than spoken of.
    let shown = if work.tasks as usize <= MAX_ROWS {
        MAX_ROWS
    } else {
        MAX_ROWS - 1
    };
    for of in most_telling(&tree, shown) {
        let mut line = vec![Span::raw(" ".repeat(INDENT))];
        line.extend(row(ui, work, of, shape));
        lines.push(Line::from(line));
    }
    let more = work.tasks.saturating_sub(lines.len() as u64 - 1);
    if more > 0 {
        let more = words::of(ui.locale, more, &words::TASKS);
        let more = ui
            .locale
            .choose(format!("and {more} more"), format!("还有 {more}"));
        let line = format!("{}{more}", " ".repeat(INDENT));
        lines.push(Line::styled(line, ui.palette.faint()));
    }
    lines
}

/// So many of the tasks: failed ones rather than others, and early ones rather than late ones.
fn most_telling<'a>(tree: &[(usize, &'a TaskSpan)], shown: usize) -> Vec<(usize, &'a TaskSpan)> {
    let mut places: Vec<usize> = (0..tree.len()).collect();
    places.sort_by_key(|place| tree[*place].1.error.is_none());
    places.truncate(shown);
    places.sort_unstable();
    places.into_iter().map(|place| tree[place]).collect()
}
