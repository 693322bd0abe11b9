//! The page that `?` opens.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::ui::Ui;

const ENGLISH: &str = "\
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

const CHINESE: &str = "\
按键
  q, Esc, Ctrl-C    退出
  Tab, ← →          转到另一面板
  ↑ ↓, j k          在面板内移动；也可用 Page Up、Page Down、Home、End
  Enter             打开任务集或调用；Esc 返回
  p, 空格           暂停，继续
  ?                 本页

数字
  /s, /s 10, /s 60  每秒结束的任务：最近 1、10 和 60 秒
  最近一分          同上，画成曲线，最新的在右
  错误              启动以来没有输出的任务
  p50, p95, p99     最近一分钟 50 %、95 %、99 % 的任务至多用了这么久
  等待50, 等待95    以及等待工作线程至多这么久
  ░ █ ✗             等待，运行，失败

这些都由节点保存，所以第一眼就能看到。
`aimass top --once` 打印一帧，`aimass top --json` 打印全部数字。";

pub(super) fn draw(ui: &Ui, area: Rect, buffer: &mut Buffer) {
    for (y, text) in (area.y..area.bottom()).zip(ui.locale.choose(ENGLISH, CHINESE).lines()) {
        let line = match text {
            "keys" | "figures" | "按键" | "数字" => Line::styled(text, ui.palette.strong()),
            _ => Line::raw(text),
        };
        buffer.set_line(area.x, y, &line, area.width);
    }
}
