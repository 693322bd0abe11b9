//! Functions of two arrays whose sides are stretched to each other's.
//!
//! Source of the rule: NumPy, "Broadcasting".

use super::on_cpu::widest;

/// One side of the result, with the steps that both arrays make along it; 0 where an array is stretched.
#[derive(Debug, Clone, Copy)]
struct Side {
    length: usize,
    steps: [usize; 2],
}

/// The sides of both arrays stretched to each other; `None` if they cannot be.
pub(crate) fn stretched(one: &[usize], other: &[usize]) -> Option<Vec<usize>> {
    let rank = one.len().max(other.len());
    let side = |dims: &[usize], at: usize| match (at + dims.len()).checked_sub(rank) {
        Some(at) => dims.get(at).copied().unwrap_or(1),
        None => 1,
    };
    let sides = (0..rank).map(|at| match (side(one, at), side(other, at)) {
        (one, other) if one == other => Some(one),
        (1, other) => Some(other),
        (one, 1) => Some(one),
        _ => None,
    });
    sides.collect()
}

/// The function of each pair of numbers; `None` if the sides cannot be stretched to each other, or are not those of the numbers.
pub(crate) fn combine<T: Copy, R>(
    (one, one_sides): (&[T], &[usize]),
    (other, other_sides): (&[T], &[usize]),
    function: impl Fn(T, T) -> R,
) -> Option<Vec<R>> {
    let sides = stretched(one_sides, other_sides)?;
    let counts = |sides: &[usize]| sides.iter().product::<usize>();
    if counts(one_sides) != one.len() || counts(other_sides) != other.len() {
        return None;
    }
    let sides = merged(&sides, one_sides, other_sides);
    let count = sides.iter().map(|side| side.length).product();
    let mut output = Vec::with_capacity(count);
    if count > 0 {
        widest(
            #[inline(always)]
            || walk(&sides, one, other, &function, &mut output),
        );
    }
    Some(output)
}

/// Neighbouring sides that both arrays pass alike become one, so that the innermost is as long as can be.
fn merged(sides: &[usize], one: &[usize], other: &[usize]) -> Vec<Side> {
    let mut merged: Vec<Side> = Vec::with_capacity(sides.len());
    let mut steps = [1, 1];
    for (back, length) in sides.iter().rev().enumerate() {
        let of = |dims: &[usize]| match dims.len().checked_sub(back + 1) {
            Some(at) => dims[at],
            None => 1,
        };
        let dims = [of(one), of(other)];
        let side = Side {
            length: *length,
            steps: [0, 1].map(|array| if dims[array] == 1 { 0 } else { steps[array] }),
        };
        for (step, dim) in steps.iter_mut().zip(dims) {
            *step *= dim;
        }
        if *length == 1 {
            continue;
        }
        match merged.last_mut() {
            Some(inner)
                if (0..2).all(|array| side.steps[array] == inner.steps[array] * inner.length) =>
            {
                inner.length *= length;
            }
            _ => merged.push(side),
        }
    }
    if merged.is_empty() {
        merged.push(Side {
            length: 1,
            steps: [0, 0],
        });
    }
    merged.reverse();
    merged
}

#[inline(always)]
fn walk<T: Copy, R>(
    sides: &[Side],
    one: &[T],
    other: &[T],
    function: &impl Fn(T, T) -> R,
    output: &mut Vec<R>,
) {
    let Some((inner, outer)) = sides.split_last() else {
        return;
    };
    let runs: usize = outer.iter().map(|side| side.length).product();
    let mut at = vec![0usize; outer.len()];
    let mut starts = [0usize, 0];
    for _ in 0..runs {
        let one = &one[starts[0]..];
        let other = &other[starts[1]..];
        let length = inner.length;
        match inner.steps {
            [0, 0] => output.extend((0..length).map(|_| function(one[0], other[0]))),
            [0, _] => {
                let one = one[0];
                output.extend(other[..length].iter().map(|other| function(one, *other)));
            }
            [_, 0] => {
                let other = other[0];
                output.extend(one[..length].iter().map(|one| function(*one, other)));
            }
            _ => {
                let pairs = one[..length].iter().zip(&other[..length]);
                output.extend(pairs.map(|(one, other)| function(*one, *other)));
            }
        }
        for (side, at) in outer.iter().zip(&mut at).rev() {
            *at += 1;
            for (start, step) in starts.iter_mut().zip(side.steps) {
                *start += step;
            }
            if *at < side.length {
                break;
            }
            for (start, step) in starts.iter_mut().zip(side.steps) {
                *start -= step * side.length;
            }
            *at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sides: &[usize]) -> Vec<i64> {
        (0..sides.iter().product::<usize>() as i64).collect()
    }

    #[test]
    fn every_pair_is_the_one_that_the_places_say() {
        for (one, other) in [
            (vec![2, 3, 4], vec![2, 3, 4]),
            (vec![2, 3, 4], vec![3, 1]),
            (vec![2, 1, 4], vec![1, 3, 1]),
            (vec![], vec![2, 2]),
            (vec![1, 1], vec![1]),
            (vec![2, 3, 1, 5], vec![2, 1, 4, 1]),
            (vec![5, 1, 1], vec![4, 2]),
        ] {
            let sides = stretched(&one, &other).unwrap();
            let (left, right) = (numbers(&one), numbers(&other));
            let got = combine((&left, &one), (&right, &other), |a, b| 1000 * a + b).unwrap();
            let at = |dims: &[usize], place: usize| {
                let (mut rest, mut index, mut step) = (place, 0, 1);
                for (back, side) in sides.iter().rev().enumerate() {
                    let here = rest % side;
                    rest /= side;
                    if let Some(dim) = dims.len().checked_sub(back + 1).map(|at| dims[at]) {
                        index += if dim == 1 { 0 } else { here * step };
                        step *= dim;
                    }
                }
                index
            };
            let expected: Vec<i64> = (0..got.len())
                .map(|place| 1000 * left[at(&one, place)] + right[at(&other, place)])
                .collect();
            assert_eq!(got, expected, "{one:?} {other:?}");
        }
        assert_eq!(stretched(&[2], &[3]), None);
        assert_eq!(
            combine((&[1], &[1]), (&[], &[0]), |a: i32, b| a + b),
            Some(vec![])
        );
    }
}
