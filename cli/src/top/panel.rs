//! A panel: a title in a rule, and rows of which those around the cursor are shown.

use std::ops::Range;

use aimass_locale::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::ui::{Focus, Ui};
use super::words::width;

/// A panel that is yet to be drawn.
pub(super) struct Panel {
    pub(super) of: Focus,
    pub(super) title: &'static str,
    /// Names of columns, and where those end.
    pub(super) heads: Vec<(usize, &'static str)>,
    pub(super) rows: Vec<Line<'static>>,
    /// The rows that the cursor is on.
    pub(super) cursor: Range<usize>,
}

impl Panel {
    /// A panel without columns.
    pub(super) fn new(of: Focus, title: &'static str, rows: Vec<Line<'static>>) -> Self {
        Self {
            of,
            title,
            heads: Vec::new(),
            rows,
            cursor: 0..0,
        }
    }

    /// Rows that it would like to have, its title included.
    pub(super) fn height(&self) -> usize {
        1 + self.rows.len()
    }

    pub(super) fn draw(&self, ui: &Ui, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let shown = self.shown(usize::from(area.height) - 1);
        self.draw_title(ui, &shown, area, buffer);
        for (y, at) in (area.y + 1..).zip(shown) {
            put_line(buffer, area, y, &self.rows[at]);
            if self.has_cursor(ui) && self.cursor.contains(&at) {
                let row = Rect::new(area.x, y, area.width, 1);
                buffer.set_style(row, ui.palette.chosen());
            }
        }
    }

    /// The rows that are shown: from the first on, unless the cursor is further down.
    fn shown(&self, room: usize) -> Range<usize> {
        let first = self.cursor.end.saturating_sub(room).min(self.cursor.start);
        first..self.rows.len().min(first + room)
    }

    fn draw_title(&self, ui: &Ui, shown: &Range<usize>, area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(area.width);
        let rule = "─".repeat(columns);
        buffer.set_string(area.x, area.y, rule, ui.palette.faint());
        let mut write = |end: usize, text: &str, style: Style| {
            let text = format!(" {text} ");
            // The blank after the text stands in the gap behind its column.
            let from = (end + 1).saturating_sub(width(&text));
            let room = columns.saturating_sub(from);
            buffer.set_stringn(area.x + from as u16, area.y, text, room, style);
        };
        for (end, head) in &self.heads {
            write(*end, head, ui.palette.faint());
        }
        let mut title = self.title.to_owned();
        if shown.len() < self.rows.len() && !shown.is_empty() {
            let (first, last) = (shown.start + 1, shown.end);
            let all = self.rows.len();
            let shown = text!(" {first}-{last} of {all}", " {first}-{last}，共 {all}");
            title.push_str(shown.in_locale(ui.locale));
        }
        let style = if self.has_cursor(ui) {
            ui.palette.strong()
        } else {
            ui.palette.faint()
        };
        write(width(&title) + 2, &title, style);
    }

    fn has_cursor(&self, ui: &Ui) -> bool {
        ui.focus == self.of
    }
}

/// Puts a line there, with an ellipsis where it is cut.
pub(super) fn put_line(buffer: &mut Buffer, area: Rect, y: u16, line: &Line<'_>) {
    buffer.set_line(area.x, y, line, area.width);
    if line.width() <= usize::from(area.width) || area.width < 2 {
        return;
    }
    let last = area.right() - 1;
    // A wide character before it would reach into its cell.
    if width(buffer[(last - 1, y)].symbol()) > 1 {
        buffer[(last - 1, y)].set_symbol(" ");
    }
    buffer[(last, y)].set_symbol("…");
}
