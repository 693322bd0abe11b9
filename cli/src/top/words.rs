//! Figures and texts in few characters.

use ratatui::style::Style;
use ratatui::symbols::bar;
use ratatui::text::Span;

use aimass_locale::Locale;

use super::ui::Ui;
pub(super) use crate::columns::width;

/// Columns of how long ago something was.
pub(super) const AGE: usize = 6;

/// To which side a text is moved in a wider column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The text in exactly that many columns of the terminal: padded, or cut with an ellipsis.
pub(super) fn fit(text: &str, columns: usize, side: Side) -> String {
    let text = shorten(text, columns);
    let room = " ".repeat(columns - width(&text));
    match side {
        Side::Left => text + &room,
        Side::Right => room + &text,
    }
}

/// The text in at most that many columns of the terminal.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    let span = Span::raw(text);
    let graphemes = || span.styled_graphemes(Style::new());
    // Without what takes no room, such as control characters.
    let all: String = graphemes().map(|grapheme| grapheme.symbol).collect();
    if width(&all) <= columns {
        return all;
    }
    let mut short = String::new();
    let mut room = columns.saturating_sub(1);
    for grapheme in graphemes() {
        match room.checked_sub(width(grapheme.symbol)) {
            Some(left) => room = left,
            None => break,
        }
        short.push_str(grapheme.symbol);
    }
    if columns > 0 {
        short.push('…');
    }
    short
}

/// The text in lines of at most that many columns, broken between words.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shorten(word, columns)),
        }
    }
    lines
}

/// A duration in at most six columns.
pub(super) fn duration(us: u64) -> String {
    const MS: u64 = 1_000;
    const S: u64 = 1_000 * MS;
    const MIN: u64 = 60 * S;
    const H: u64 = 60 * MIN;
    let tenths = |unit: u64, name: &str| format!("{:.1} {name}", us as f64 / unit as f64);
    let whole = |unit: u64, name: &str| format!("{} {name}", (us + unit / 2) / unit);
    // The limits are those of the rounded figure.
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..9_950 => tenths(MS, "ms"),
        9_950..999_500 => whole(MS, "ms"),
        999_500..9_950_000 => tenths(S, "s"),
        9_950_000..119_500_000 => whole(S, "s"),
        _ if us < 99 * MIN => whole(MIN, "min"),
        _ if us < 9 * H => tenths(H, "h"),
        _ if us < 72 * H => whole(H, "h"),
        _ => whole(24 * H, "d"),
    }
}

/// How long ago something was, in at most six columns; none where it was just now.
pub(super) fn age(now_ns: u64, then_ns: u64) -> Option<String> {
    let ms = now_ns.saturating_sub(then_ns) / 1_000_000;
    (ms >= 1_000).then(|| whole_seconds(ms))
}

/// How long ago something was, in a column of its own before a row.
pub(super) fn age_column(ui: &Ui, then_ns: u64) -> String {
    let now = || ui.locale.choose("now", "刚刚").to_owned();
    let age = age(ui.view.node.at_ns, then_ns).unwrap_or_else(now);
    format!("{}  ", fit(&age, AGE, Side::Right))
}

/// A duration without parts of seconds, in at most six columns.
pub(super) fn whole_seconds(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..10 => format!("{seconds} s"),
        seconds => duration(seconds * 1_000_000),
    }
}

/// A number of things per second, in at most five columns.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_owned(),
        _ if per_second < 9.995 => format!("{per_second:.2}"),
        _ if per_second < 99.95 => format!("{per_second:.1}"),
        _ => count(per_second.round() as u64),
    }
}

/// A number of things, in at most five columns.
pub(super) fn count(count: u64) -> String {
    let in_units = |unit: u64, name: &str| {
        let value = count as f64 / unit as f64;
        if value < 9.995 {
            format!("{value:.2}{name}")
        } else if value < 99.95 {
            format!("{value:.1}{name}")
        } else {
            format!("{value:.0}{name}")
        }
    };
    match count {
        0..10_000 => count.to_string(),
        10_000..999_500 => in_units(1_000, "k"),
        999_500..999_500_000 => in_units(1_000_000, "M"),
        _ => in_units(1_000_000_000, "G"),
    }
}

/// A number of bytes, in at most seven columns.
pub(super) fn bytes(bytes: u64) -> String {
    let in_units = |unit: u64, name: &str| {
        let value = bytes as f64 / unit as f64;
        if value < 9.95 {
            format!("{value:.1} {name}")
        } else {
            format!("{value:.0} {name}")
        }
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..999_500 => in_units(1_000, "kB"),
        999_500..999_500_000 => in_units(1_000_000, "MB"),
        _ => in_units(1_000_000_000, "GB"),
    }
}

/// What is counted, in each language.
pub(super) struct Counted {
    one: &'static str,
    many: &'static str,
    /// With the measure word before it.
    chinese: &'static str,
}

const fn counted(one: &'static str, many: &'static str, chinese: &'static str) -> Counted {
    Counted { one, many, chinese }
}

pub(super) const TASKS: Counted = counted("task", "tasks", "项任务");
pub(super) const FACTS: Counted = counted("fact", "facts", "条事实");
pub(super) const AGENTS: Counted = counted("agent", "agents", "个智能体");
pub(super) const RESTARTS: Counted = counted("restart", "restarts", "次重启");
pub(super) const RETRIES: Counted = counted("retry", "retries", "次重试");
pub(super) const RUNS: Counted = counted("run", "runs", "次运行");
pub(super) const TIMES: Counted = counted("time", "times", "次");
pub(super) const DEAD_LETTERS: Counted = counted("dead letter", "dead letters", "条死信");
pub(super) const ABANDONED_THREADS: Counted =
    counted("abandoned thread", "abandoned threads", "个被放弃的线程");
pub(super) const EVENTS_DROPPED: Counted = counted("event dropped", "events dropped", "个事件丢失");

/// A number and what it counts.
pub(super) fn of(locale: Locale, number: u64, what: &Counted) -> String {
    let english = if number == 1 { what.one } else { what.many };
    format!("{} {}", count(number), locale.choose(english, what.chinese))
}

/// Figures as a line of bars, the oldest at the left, by their share of the largest.
pub(super) fn sparkline(history: &[u64], columns: usize) -> String {
    let each = history.len().div_ceil(columns.max(1)).max(1);
    let sums: Vec<u64> = history
        .rchunks(each)
        .rev()
        .map(|chunk| chunk.iter().sum())
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let level = |sum: u64| match (sum * 8).div_ceil(most) {
        0 => " ",
        1 => bar::ONE_EIGHTH,
        2 => bar::ONE_QUARTER,
        3 => bar::THREE_EIGHTHS,
        4 => bar::HALF,
        5 => bar::FIVE_EIGHTHS,
        6 => bar::THREE_QUARTERS,
        7 => bar::SEVEN_EIGHTHS,
        _ => bar::FULL,
    };
    let line: String = sums.into_iter().map(level).collect();
    fit(&line, columns, Side::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_fit_their_columns_whatever_they_are() {
        let mut figure = 1_u64;
        loop {
            for near in [
                figure - 1,
                figure,
                figure + figure / 2,
                figure * 2 - figure / 1_000,
            ] {
                let checks = [
                    (duration(near.min(1 << 46)), 6),
                    (age(near, 0).unwrap_or_default(), 6),
                    (count(near.min(1 << 38)), 5),
                    (rate(near.min(1 << 38) as f64 / 64.0), 5),
                    (bytes(near.min(1 << 38)), 7),
                ];
                for (text, columns) in checks {
                    assert!(width(&text) <= columns, "{near}: {text:?}");
                }
            }
            match figure.checked_mul(4) {
                Some(more) if more < 1 << 60 => figure = more,
                _ => break,
            }
        }
    }

    #[test]
    fn a_text_is_cut_at_whole_characters() {
        assert_eq!(fit("text.embed", 12, Side::Right), "  text.embed");
        assert_eq!(fit("text.embed", 6, Side::Left), "text.…");
        // Each of these takes two columns: three of them and the ellipsis are seven.
        assert_eq!(fit("音声認識器", 8, Side::Left), "音声認… ");
        assert_eq!(shorten("e\u{301}te\u{301}", 3), "e\u{301}te\u{301}");
        assert_eq!(shorten("a\u{1b}[2Jb", 9), "a[2Jb");
        assert_eq!(shorten("anything", 0), "");
    }

    #[test]
    fn a_sparkline_ends_with_the_newest() {
        let mut history = vec![0; 60];
        history[59] = 8;
        history[0] = 4;
        assert_eq!(sparkline(&history, 10), "▄        █");
        assert_eq!(sparkline(&history, 0), "");
        assert_eq!(sparkline(&[], 3), "   ");
    }
}
