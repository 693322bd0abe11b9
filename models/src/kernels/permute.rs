//! Axes in another order.

use super::on_cpu::widest;

/// Rows and columns of a block, which is read and written in the first cache.
const BLOCK: usize = 16;

/// The values of an array with its axes in the order that `order` names; `None` if that is no order of its axes.
pub(crate) fn permute<T: Copy + Default>(
    values: &[T],
    sides: &[usize],
    order: &[usize],
) -> Option<Vec<T>> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    let count: usize = sides.iter().product();
    if !sorted.iter().copied().eq(0..sides.len()) || count != values.len() {
        return None;
    }
    let (sides, order) = merged(sides, order);
    let mut output = vec![T::default(); count];
    if count == 0 {
        return Some(output);
    }
    let mut steps = vec![1; sides.len()];
    for at in (1..sides.len()).rev() {
        steps[at - 1] = steps[at] * sides[at];
    }
    let Some((last, outer)) = order.split_last() else {
        output.copy_from_slice(values);
        return Some(output);
    };
    let length = sides[*last];
    if steps[*last] == 1 {
        let runs = Runs::new(outer, &sides, &steps);
        for (run, start) in output.chunks_exact_mut(length).zip(runs) {
            run.copy_from_slice(&values[start..start + length]);
        }
        return Some(output);
    }
    // The axis that lies side by side in the input, beside the one that will: a matrix that is turned over.
    let within = outer.iter().position(|axis| steps[*axis] == 1)?;
    let rows = sides[outer[within]];
    let step: usize = outer[within + 1..]
        .iter()
        .map(|axis| sides[*axis])
        .product::<usize>()
        * length;
    let rest: Vec<usize> = outer
        .iter()
        .copied()
        .filter(|axis| steps[*axis] != 1)
        .collect();
    let before: usize = outer[..within].iter().map(|axis| sides[*axis]).product();
    let after = step / length;
    let places = (0..before * after).map(|run| run / after * rows * step + run % after * length);
    for (place, start) in places.zip(Runs::new(&rest, &sides, &steps)) {
        let matrix = Matrix {
            rows,
            columns: length,
            from: steps[*last],
            to: step,
        };
        widest(
            #[inline(always)]
            || matrix.turn(&values[start..], &mut output[place..]),
        );
    }
    Some(output)
}

/// Axes that stay neighbours become one; those of length 1 go.
fn merged(sides: &[usize], order: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut last = None;
    for axis in order.iter().copied().filter(|axis| sides[*axis] != 1) {
        let follows = last.is_some_and(|last: usize| {
            last < axis && sides[last + 1..axis].iter().all(|side| *side == 1)
        });
        match groups.last_mut() {
            Some((_, length)) if follows => *length *= sides[axis],
            _ => groups.push((axis, sides[axis])),
        }
        last = Some(axis);
    }
    let mut sorted: Vec<usize> = (0..groups.len()).collect();
    sorted.sort_unstable_by_key(|group| groups[*group].0);
    let mut order = vec![0; groups.len()];
    for (place, group) in sorted.iter().enumerate() {
        order[*group] = place;
    }
    (sorted.iter().map(|group| groups[*group].1).collect(), order)
}

/// Where the runs along some axes begin, in the order of these axes.
struct Runs {
    sides: Vec<usize>,
    steps: Vec<usize>,
    at: Vec<usize>,
    next: usize,
}

impl Runs {
    fn new(axes: &[usize], sides: &[usize], steps: &[usize]) -> Self {
        Self {
            sides: axes.iter().map(|axis| sides[*axis]).collect(),
            steps: axes.iter().map(|axis| steps[*axis]).collect(),
            at: vec![0; axes.len()],
            next: 0,
        }
    }
}

/// Without an end: whoever takes knows how many there are.
impl Iterator for Runs {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let here = self.next;
        for axis in (0..self.at.len()).rev() {
            self.at[axis] += 1;
            self.next += self.steps[axis];
            if self.at[axis] < self.sides[axis] {
                break;
            }
            self.next -= self.sides[axis] * self.steps[axis];
            self.at[axis] = 0;
        }
        Some(here)
    }
}

/// A matrix to be turned over: `rows` numbers lie side by side in the input, `from` apart are its columns; in the output the columns do, and rows are
/// `to` apart.
struct Matrix {
    rows: usize,
    columns: usize,
    from: usize,
    to: usize,
}

impl Matrix {
    #[inline(always)]
    fn turn<T: Copy>(&self, input: &[T], output: &mut [T]) {
        for row in (0..self.rows).step_by(BLOCK) {
            for column in (0..self.columns).step_by(BLOCK) {
                let rows = BLOCK.min(self.rows - row);
                let columns = BLOCK.min(self.columns - column);
                for row in row..row + rows {
                    let line = &mut output[row * self.to + column..][..columns];
                    let values = input[column * self.from + row..].iter().step_by(self.from);
                    for (place, value) in line.iter_mut().zip(values) {
                        *place = *value;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::permute;

    #[test]
    fn each_value_is_found_where_its_axes_say() {
        let sides = [3, 1, 17, 20, 2];
        let values: Vec<u32> = (0..sides.iter().product::<usize>() as u32).collect();
        for order in [
            [0, 1, 2, 3, 4],
            [4, 3, 2, 1, 0],
            [0, 4, 2, 3, 1],
            [0, 2, 3, 4, 1],
            [3, 0, 4, 1, 2],
            [2, 4, 3, 0, 1],
        ] {
            let got = permute(&values, &sides, &order).unwrap();
            let turned = order.map(|axis| sides[axis]);
            for (place, got) in got.iter().enumerate() {
                let mut rest = place;
                let mut at = [0; 5];
                for (axis, side) in order.iter().zip(turned).rev() {
                    at[*axis] = rest % side;
                    rest /= side;
                }
                let index = at
                    .iter()
                    .zip(sides)
                    .fold(0, |index, (at, side)| index * side + at);
                assert_eq!(*got as usize, index, "{order:?}");
            }
        }
        assert_eq!(permute(&values, &sides, &[0, 1, 2, 3, 3]), None);
        assert_eq!(permute(&[1, 2], &[2], &[0]), Some(vec![1, 2]));
        assert_eq!(permute::<u8>(&[], &[0, 2], &[1, 0]), Some(vec![]));
    }
}
