//! Columns of a terminal: how many a text takes, and rows that stand below each other.

use unicode_width::UnicodeWidthStr;

/// The columns that a text takes: none for a sign that goes onto the one before, two for a Chinese character or an emoji.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Text filled up with spaces to a width in columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Rows as lines in which each cell stands below the one before: a table without borders. The first cell of each is styled.
pub(crate) fn aligned(rows: Vec<Vec<String>>, first: impl Fn(&str) -> String) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            match widths.get_mut(at) {
                Some(widest) => *widest = width(cell).max(*widest),
                None => widths.push(width(cell)),
            }
        }
    }
    let line = |row: Vec<String>| {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let cell = match at == last {
                true => cell.clone(),
                false => padded(cell, widths[at]),
            };
            match at {
                0 => first(&cell),
                _ => cell,
            }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_a_terminal_shows_it() {
        for (text, columns) in [
            ("name", 4),
            ("café", 4),
            ("cafe\u{301}", 4),
            ("wait…", 5),
            ("Ελληνικά", 8),
            ("Привет", 6),
            ("“quoted”", 8),
            ("中文", 4),
            ("한국어", 6),
            ("日本語、", 8),
            ("🦜", 2),
            ("", 0),
        ] {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&padded(text, 12)), 12, "{text}");
        }
        assert_eq!(padded("longer", 3), "longer");
    }

    #[test]
    fn cells_stand_below_each_other_in_any_script() {
        let rows = [["café", "1"], ["Ελλάδα…", "2"], ["中文", "3"], ["a", "4"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            aligned(rows.to_vec(), str::to_owned),
            ["café     1", "Ελλάδα…  2", "中文     3", "a        4"]
        );
    }
}
