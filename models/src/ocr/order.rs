//! The order in which lines are read: from top to bottom, and from left to right where lines stand
//! beside each other, on a page that may lie on its side.

use super::recognizer::ReadLine;

/// A line, and by how many quarters against the clock it was turned to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) line: ReadLine,
    pub(super) turns: u8,
}

/// Where a line is on a page that is turned as most of it is read.
struct Row {
    line: ReadLine,
    left: f32,
    top: f32,
    bottom: f32,
}

/// Returns the lines in the order in which they are read. The page is taken to be turned as most
/// characters are.
pub(super) fn in_reading_order(lines: Vec<Placed>) -> Vec<ReadLine> {
    let mut characters = [0; 4];
    for placed in &lines {
        characters[usize::from(placed.turns % 4)] += placed.line.text.chars().count();
    }
    let turned = (0..4u8)
        .rev()
        .max_by_key(|turns| characters[usize::from(*turns)]);
    let turns = turned.unwrap_or(0);
    let mut rows: Vec<Row> = lines
        .into_iter()
        .map(|placed| row(placed.line, turns))
        .collect();
    rows.sort_by(|one, other| middle(one).total_cmp(&middle(other)));
    let mut ordered = Vec::with_capacity(rows.len());
    let mut beside: Vec<Row> = Vec::new();
    for row in rows {
        if !beside.iter().any(|known| overlap(known, &row)) {
            ordered.append(&mut from_left(&mut beside));
        }
        beside.push(row);
    }
    ordered.append(&mut from_left(&mut beside));
    ordered
}

/// The place of a line after the page is turned by so many quarters against the clock.
fn row(line: ReadLine, turns: u8) -> Row {
    let turned = line.corners.map(|[x, y]| match turns {
        0 => [x, y],
        1 => [y, -x],
        2 => [-x, -y],
        _ => [-y, x],
    });
    let least = |axis: usize| {
        turned
            .iter()
            .map(|at| at[axis])
            .fold(f32::INFINITY, f32::min)
    };
    let most = |axis: usize| {
        turned
            .iter()
            .map(|at| at[axis])
            .fold(f32::NEG_INFINITY, f32::max)
    };
    Row {
        left: least(0),
        top: least(1),
        bottom: most(1),
        line,
    }
}

fn middle(row: &Row) -> f32 {
    (row.top + row.bottom) / 2.0
}

/// Whether two lines stand beside each other: by half of the lower one.
fn overlap(one: &Row, other: &Row) -> bool {
    let common = one.bottom.min(other.bottom) - one.top.max(other.top);
    let lower = (one.bottom - one.top).min(other.bottom - other.top);
    common > 0.5 * lower
}

fn from_left(beside: &mut Vec<Row>) -> Vec<ReadLine> {
    beside.sort_by(|one, other| one.left.total_cmp(&other.left));
    beside.drain(..).map(|row| row.line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(text: &str, [left, top, right, bottom]: [f32; 4], turns: u8) -> Placed {
        Placed {
            line: ReadLine {
                text: text.to_owned(),
                score: 1.0,
                corners: [[left, top], [right, top], [right, bottom], [left, bottom]],
            },
            turns,
        }
    }

    fn order(lines: Vec<Placed>) -> String {
        let lines = in_reading_order(lines);
        lines
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn lines_beside_each_other_are_read_from_the_left() {
        let lines = vec![
            placed("three", [0.0, 30.0, 90.0, 40.0], 0),
            placed("two", [60.0, 8.0, 90.0, 18.0], 0),
            placed("one", [0.0, 10.0, 50.0, 20.0], 0),
        ];
        assert_eq!(order(lines), "one two three");
    }

    #[test]
    fn a_page_on_its_side_is_read_as_if_it_stood() {
        // Turned by a quarter with the clock: the first line is on the right, and runs down.
        let lines = |turns| {
            vec![
                placed("second", [10.0, 0.0, 20.0, 90.0], turns),
                placed("first", [30.0, 0.0, 40.0, 90.0], turns),
            ]
        };
        assert_eq!(order(lines(1)), "first second");
        // Turned the other way, the first line is on the left.
        assert_eq!(order(lines(3)), "second first");
        let upside_down = vec![
            placed("second", [0.0, 10.0, 90.0, 20.0], 2),
            placed("first", [0.0, 30.0, 90.0, 40.0], 2),
        ];
        assert_eq!(order(upside_down), "first second");
    }
}
