//! The panel of the last episodes and calls, as small waterfalls.

use aimass_observers::live::{TaskSpan, Work};
use ratatui::text::{Line, Span};

use super::panel::Panel;
use super::ui::{Focus, Ui};
use super::waterfall::{Shape, in_tree, row, summary};
use super::words::{self, Side, fit, shorten};

/// Columns before a waterfall: how long ago it was.
const AGE: usize = 6;
const INDENT: usize = AGE + 2;
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
        rows.push(Line::raw(shorten(
            "  none yet; `aimass run PATH` and `aimass ask SKILL INPUT` make some",
            width,
        )));
    }
    Panel {
        cursor,
        ..Panel::new(Focus::Episodes, "last episodes and calls", rows)
    }
}

fn lines(ui: &Ui, work: &Work, width: usize) -> Vec<Line<'static>> {
    let age = words::age(ui.view.node.at_ns, work.last_ns);
    let age = Span::styled(
        format!("{}  ", fit(&age, AGE, Side::Right)),
        ui.palette.faint(),
    );
    let shape = Shape::of(width.saturating_sub(INDENT));
    let tree = in_tree(work);
    // A call of one task says all of itself in its one row.
    if let ([only], None) = (tree.as_slice(), work.episode) {
        let mut line = vec![age];
        line.extend(row(ui, work, *only, shape));
        return vec![Line::from(line)];
    }
    let name = match work.episode {
        Some(episode) => format!("episode {}", &episode.to_string()[..8]),
        None => "call".to_owned(),
    };
    let summary = format!("  {}", summary(work));
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
        let more = words::of(more, "task more", "tasks more");
        let line = format!("{}and {more}", " ".repeat(INDENT));
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
