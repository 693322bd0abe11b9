//! A frame: the header, a page, and the keys.

use aimass_locale::{Text, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panel::{Panel, put_line};
use super::ui::{Pace, Page, Ui};
use super::{episodes, happenings, help, skills, waterfall, words, workers};

/// From this width on there are two columns of panels below the skills.
const WIDE: u16 = 110;
/// Rows that a panel has at least, as long as there is room: its title and what matters most.
const LEAST: [usize; 4] = [5, 5, 3, 3];
/// The tallest frame that goes to no terminal.
const MAX_PLAIN_ROWS: usize = 4096;

/// Draws what is to be seen.
pub(super) fn draw(ui: &Ui, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    put_line(buffer, area, area.y, &header(ui, area.width));
    let rest = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    let Some(footer) = rest.height.checked_sub(1) else {
        return;
    };
    let body = Rect::new(rest.x, rest.y, rest.width, footer);
    put_line(buffer, rest, rest.bottom() - 1, &keys(ui));
    match &ui.page {
        Page::Overview if area.width >= WIDE => draw_wide(ui, body, buffer),
        Page::Overview => draw_narrow(ui, body, buffer),
        Page::Waterfall { work, cursor } => waterfall::draw(ui, work, *cursor, body, buffer),
        Page::Help => help::draw(ui, body, buffer),
    }
}

/// All that there is, in lines of at most that many columns.
pub(super) fn plain(ui: &Ui, width: u16) -> String {
    let panels = panels(ui, usize::from(width));
    let rows: usize = panels.iter().map(Panel::height).sum();
    let rows = (1 + rows).min(MAX_PLAIN_ROWS) as u16;
    let area = Rect::new(0, 0, width, rows);
    let mut buffer = Buffer::empty(area);
    put_line(&mut buffer, area, 0, &header(ui, width));
    let heights = panels.iter().map(Panel::height).collect();
    stack(
        ui,
        &panels,
        heights,
        Rect::new(0, 1, width, rows - 1),
        &mut buffer,
    );
    lines_of(&buffer)
}

/// What stands in a buffer, without the blanks at the ends of its lines.
pub(super) fn lines_of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut lines = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide character stands in its first cell; the next one is empty.
            x += words::width(symbol).max(1) as u16;
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

fn panels(ui: &Ui, width: usize) -> [Panel; 4] {
    [
        skills::panel(ui, width),
        episodes::panel(ui, width),
        happenings::panel(ui, width),
        workers::panel(ui, width),
    ]
}

fn draw_narrow(ui: &Ui, area: Rect, buffer: &mut Buffer) {
    let panels = panels(ui, usize::from(area.width));
    let wanted: Vec<usize> = panels.iter().map(Panel::height).collect();
    let heights = share(usize::from(area.height), &wanted, &LEAST);
    stack(ui, &panels, heights, area, buffer);
}

/// Skills above; below them the episodes at the left, workers and happenings at the right.
fn draw_wide(ui: &Ui, area: Rect, buffer: &mut Buffer) {
    let left = area.width * 11 / 20;
    let right = area.width - left - 2;
    let skills = skills::panel(ui, usize::from(area.width));
    let episodes = episodes::panel(ui, usize::from(left));
    let beside = [
        happenings::panel(ui, usize::from(right)),
        workers::panel(ui, usize::from(right)),
    ];
    let lower = beside
        .iter()
        .map(Panel::height)
        .sum::<usize>()
        .max(episodes.height());
    let heights = share(usize::from(area.height), &[skills.height(), lower], &[8, 8]);
    let upper = Rect {
        height: heights[0] as u16,
        ..area
    };
    skills.draw(ui, upper, buffer);
    let y = upper.bottom();
    let height = area.bottom() - y;
    episodes.draw(ui, Rect::new(area.x, y, left, height), buffer);
    let wanted: Vec<usize> = beside.iter().map(Panel::height).collect();
    let heights = share(usize::from(height), &wanted, &[3, 3]);
    let area = Rect::new(area.x + left + 2, y, right, height);
    stack(ui, &beside, heights, area, buffer);
}

/// Draws panels below each other.
fn stack(ui: &Ui, panels: &[Panel], heights: Vec<usize>, area: Rect, buffer: &mut Buffer) {
    let mut y = area.y;
    for (panel, height) in panels.iter().zip(heights) {
        let height = (height as u16).min(area.bottom() - y);
        panel.draw(ui, Rect::new(area.x, y, area.width, height), buffer);
        y += height;
    }
}

/// Shares rows out: first the least to each while there are any, then one to each in turn until it has what it wants.
fn share(rows: usize, wanted: &[usize], least: &[usize]) -> Vec<usize> {
    let mut left = rows;
    let first = wanted.iter().zip(least).map(|(wanted, least)| {
        let height = *wanted.min(least).min(&left);
        left -= height;
        height
    });
    let mut heights: Vec<usize> = first.collect();
    while left > 0 {
        let before = left;
        for (height, wanted) in heights.iter_mut().zip(wanted) {
            if *height < *wanted && left > 0 {
                *height += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    heights
}

fn header(ui: &Ui, width: u16) -> Line<'static> {
    let (palette, locale) = (ui.palette, ui.locale);
    let say = |text: Text| text.in_locale(locale).to_owned();
    let node = &ui.view.node;
    let team = &ui.view.team;
    let mut parts = vec![Span::styled(
        format!("aimass {}", node.version),
        palette.strong(),
    )];
    if ui.pace == Pace::Paused {
        parts.push(Span::styled(
            locale.choose("PAUSED", "已暂停"),
            palette.chosen(),
        ));
    } else if let Some(silence) = ui.silence {
        let silence = words::duration(silence.as_micros() as u64);
        parts.push(Span::styled(
            say(text!("no answer for {silence}", "已 {silence} 没有答复")),
            palette.bad(),
        ));
    }
    let up = words::whole_seconds(node.uptime_ms);
    parts.push(Span::raw(say(text!("up {up}", "已运行 {up}"))));
    let tasks = words::rate(team.tasks_per_second.last_1_s);
    parts.push(Span::raw(say(text!("{tasks} tasks/s", "{tasks} 任务/s"))));
    let errors = team.errors_per_second.last_1_s;
    let style = if errors > 0.0 {
        palette.bad()
    } else {
        Style::new()
    };
    let errors = words::rate(errors);
    parts.push(Span::styled(
        say(text!("{errors} errors/s", "{errors} 错误/s")),
        style,
    ));
    if let Some(memory) = node.memory_bytes {
        parts.push(Span::raw(words::bytes(memory)));
    }
    let style = if node.dropped_events > 0 {
        palette.bad()
    } else {
        Style::new()
    };
    let dropped = words::of(locale, node.dropped_events, &words::EVENTS_DROPPED);
    parts.push(Span::styled(dropped, style));
    if width >= WIDE {
        let models = words::bytes(node.model_bytes);
        parts.push(Span::raw(say(text!("{models} of models", "模型 {models}"))));
        let tasks = words::of(locale, team.tasks, &words::TASKS);
        let failed = words::count(team.errors);
        let all = text!("{tasks}, {failed} failed", "{tasks}，{failed} 项失败");
        parts.push(Span::raw(say(all)));
    }
    let mut line = Vec::new();
    for part in parts {
        line.push(part);
        line.push(Span::raw("  "));
    }
    Line::from(line)
}

fn keys(ui: &Ui) -> Line<'static> {
    let keys = match ui.page {
        Page::Overview => ui.locale.choose(
            "q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help",
            "q 退出   ↑↓ 移动   Tab 面板   Enter 瀑布图   p 暂停   ? 帮助",
        ),
        Page::Waterfall { .. } => ui.locale.choose(
            "Esc back   ↑↓ move   p pause   ? help   q end",
            "Esc 返回   ↑↓ 移动   p 暂停   ? 帮助   q 退出",
        ),
        Page::Help => ui
            .locale
            .choose("any key goes back   q end", "按任意键返回   q 退出"),
    };
    Line::styled(keys, ui.palette.faint())
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn rows_are_shared_out_and_none_is_lost_while_somebody_wants_it() {
        assert_eq!(share(22, &[9, 30, 4, 2], &[5, 5, 3, 3]), [8, 8, 4, 2]);
        assert_eq!(share(22, &[3, 3, 3, 3], &[5, 5, 3, 3]), [3, 3, 3, 3]);
        assert_eq!(share(7, &[9, 9, 9, 9], &[5, 5, 3, 3]), [5, 2, 0, 0]);
        assert_eq!(share(0, &[9, 9], &[5, 5]), [0, 0]);
    }
}
