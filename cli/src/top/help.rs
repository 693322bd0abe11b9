//! The page that `?` opens.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::ui::Ui;

const TEXT: &str = "\
keys
  q, Esc, Ctrl-C    end
  Tab, ← →          go to another panel
  ↑ ↓, j k          move in a panel; Page Up, Page Down, Home, End too
  Enter             open an episode or call; Esc goes back
  p, Space          pause, and go on
  ?                 this page

figures
  /s, /s 10, /s 60  tasks that ended, a second: over the last 1, 10 and 60 s
  last min          the same as a curve, the newest at the right
  errors            tasks without an output since the start
  p50, p95, p99     half, 95 %, 99 % of the last minute took at most this
  wait50, wait95    and waited at most this for a worker
  ░ █ ✗             waiting, running, failed

The node keeps all of this, so it is there from the first look on.
`aimass top --once` prints one frame, `aimass top --json` all figures.";

pub(super) fn draw(ui: &Ui, area: Rect, buffer: &mut Buffer) {
    for (y, text) in (area.y..area.bottom()).zip(TEXT.lines()) {
        let line = match text {
            "keys" | "figures" => Line::styled(text, ui.palette.strong()),
            _ => Line::raw(text),
        };
        buffer.set_line(area.x, y, &line, area.width);
    }
}
