//! Dynamic time warping: the cheapest way through costs of tokens and positions that never goes back.

/// For each row of `cost` `[rows, columns]`, the first column that the cheapest way spends in it.
pub(super) fn starts(cost: &[f32], columns: usize) -> Vec<usize> {
    let rows = cost.len().checked_div(columns).unwrap_or(0);
    let width = columns + 1;
    let mut total = vec![f32::INFINITY; (rows + 1) * width];
    let mut steps = vec![Step::Diagonal; (rows + 1) * width];
    total[0] = 0.0;
    for row in 1..=rows {
        for column in 1..=columns {
            let here = row * width + column;
            let ways = [
                (Step::Diagonal, total[here - width - 1]),
                (Step::Down, total[here - width]),
                (Step::Along, total[here - 1]),
            ];
            // The first of equals, as in the reference code.
            let (mut step, mut least) = ways[0];
            for (other, value) in &ways[1..] {
                if *value < least {
                    (step, least) = (*other, *value);
                }
            }
            total[here] = cost[(row - 1) * columns + column - 1] + least;
            steps[here] = step;
        }
    }
    let mut starts = vec![0; rows];
    let (mut row, mut column) = (rows, columns);
    while row > 0 && column > 0 {
        starts[row - 1] = column - 1;
        match steps[row * width + column] {
            Step::Diagonal => (row, column) = (row - 1, column - 1),
            Step::Down => row -= 1,
            Step::Along => column -= 1,
        }
    }
    starts
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The next token at the next position.
    Diagonal,
    /// The next token at the same position.
    Down,
    /// The same token at the next position.
    Along,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_follows_what_is_cheap() {
        let cost = [
            0.0, 0.0, 9.0, 9.0, 9.0, //
            9.0, 9.0, 0.0, 0.0, 9.0, //
            9.0, 9.0, 9.0, 9.0, 0.0,
        ];
        assert_eq!(starts(&cost, 5), [0, 2, 4]);
    }

    #[test]
    fn more_tokens_than_positions_share_them() {
        let found = starts(&[0.0; 8], 2);
        assert_eq!(found.len(), 4);
        assert!(found.is_sorted());
        assert_eq!(starts(&[], 0), [0; 0]);
    }
}
