//! Regions of pixels, and the smallest rectangles around them.

/// A rectangle that may be turned: the corner on the upper left, then clockwise, each from the left
/// and from the top.
pub type Corners = [[f32; 2]; 4];

/// Returns the outlines of the regions of a mask, each as the convex hull of its pixels, in the
/// order of their first pixels. Pixels that touch at a corner belong together.
///
/// `mask` has `width` columns, row after row.
pub(super) fn hulls(mask: &[bool], width: usize) -> Vec<Vec<[f32; 2]>> {
    let mut seen = vec![false; mask.len()];
    let mut hulls = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || seen[start] {
            continue;
        }
        seen[start] = true;
        waiting.push(start);
        // The first and the last column of the region in each row that it has pixels in.
        let mut rows: Vec<(usize, usize, usize)> = Vec::new();
        while let Some(at) = waiting.pop() {
            let (row, column) = (at / width, at % width);
            rows.push((row, column, column));
            for (next_row, next_column) in around(row, column) {
                if next_column >= width || next_row >= mask.len() / width {
                    continue;
                }
                let next = next_row * width + next_column;
                if mask[next] && !seen[next] {
                    seen[next] = true;
                    waiting.push(next);
                }
            }
        }
        hulls.push(hull(ends(rows)));
    }
    hulls
}

/// The eight places around one. What lies before the first row or column wraps around, and is
/// outside of any picture.
fn around(row: usize, column: usize) -> [(usize, usize); 8] {
    let (above, below) = (row.wrapping_sub(1), row + 1);
    let (left, right) = (column.wrapping_sub(1), column + 1);
    [
        (above, left),
        (above, column),
        (above, right),
        (row, left),
        (row, right),
        (below, left),
        (below, column),
        (below, right),
    ]
}

/// The pixels at both ends of each row: no other can lie on the hull.
fn ends(mut rows: Vec<(usize, usize, usize)>) -> Vec<[f32; 2]> {
    rows.sort_unstable();
    let mut ends: Vec<(usize, usize, usize)> = Vec::new();
    for (row, first, last) in rows {
        match ends.last_mut().filter(|known| known.0 == row) {
            Some(known) => known.2 = last,
            None => ends.push((row, first, last)),
        }
    }
    let both = ends.iter().flat_map(|(row, first, last)| {
        let row = *row as f32;
        [[*first as f32, row], [*last as f32, row]]
    });
    both.collect()
}

/// The convex hull of points: Andrew's monotone chain.
fn hull(mut points: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    points.sort_by(|one, other| {
        one[0]
            .total_cmp(&other[0])
            .then(one[1].total_cmp(&other[1]))
    });
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut chain: Vec<[f32; 2]> = Vec::with_capacity(points.len());
    let half = |points: &mut dyn Iterator<Item = [f32; 2]>, chain: &mut Vec<[f32; 2]>| {
        let begin = chain.len();
        for point in points {
            while let [.., before, last] = chain[begin..] {
                if turn(before, last, point) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(point);
        }
        // The last point begins the other half.
        chain.pop();
    };
    half(&mut points.iter().copied(), &mut chain);
    half(&mut points.iter().rev().copied(), &mut chain);
    chain
}

/// More than 0 where the way over three points turns to one side, less where it turns to the other.
fn turn(from: [f32; 2], over: [f32; 2], to: [f32; 2]) -> f32 {
    (over[0] - from[0]) * (to[1] - from[1]) - (over[1] - from[1]) * (to[0] - from[0])
}

/// Returns the corners of the smallest rectangle around a convex hull. One of its sides lies on one
/// of those of the hull, so each of these is tried.
pub(super) fn smallest_rectangle(hull: &[[f32; 2]]) -> Corners {
    let mut best = (f32::INFINITY, [[0.0; 2]; 4]);
    let first = hull.first().copied().unwrap_or_default();
    for (at, from) in hull.iter().enumerate() {
        let to = hull.get(at + 1).copied().unwrap_or(first);
        let (x, y) = (to[0] - from[0], to[1] - from[1]);
        let length = x.hypot(y);
        // One point alone has no side; its rectangle is the point.
        let along = match length > 0.0 {
            true => [x / length, y / length],
            false => [1.0, 0.0],
        };
        let (area, corners) = rectangle(hull, along);
        if area < best.0 {
            best = (area, corners);
        }
    }
    clockwise(best.1)
}

/// The rectangle around points whose one side has that direction, and its area.
fn rectangle(points: &[[f32; 2]], [x, y]: [f32; 2]) -> (f32, Corners) {
    let mut least = [f32::INFINITY; 2];
    let mut most = [f32::NEG_INFINITY; 2];
    for point in points {
        let turned = [point[0] * x + point[1] * y, point[1] * x - point[0] * y];
        for axis in 0..2 {
            least[axis] = least[axis].min(turned[axis]);
            most[axis] = most[axis].max(turned[axis]);
        }
    }
    let back = |[along, across]: [f32; 2]| [along * x - across * y, along * y + across * x];
    let corners = [
        [least[0], least[1]],
        [most[0], least[1]],
        [most[0], most[1]],
        [least[0], most[1]],
    ];
    let area = (most[0] - least[0]) * (most[1] - least[1]);
    (area, corners.map(back))
}

/// The corners in the order of [`Corners`]: of the two on the left the upper one comes first.
fn clockwise(mut corners: Corners) -> Corners {
    corners.sort_by(|one, other| one[0].total_cmp(&other[0]));
    let [
        mut upper_left,
        mut lower_left,
        mut upper_right,
        mut lower_right,
    ] = corners;
    if upper_left[1] > lower_left[1] {
        std::mem::swap(&mut upper_left, &mut lower_left);
    }
    if upper_right[1] > lower_right[1] {
        std::mem::swap(&mut upper_right, &mut lower_right);
    }
    [upper_left, upper_right, lower_right, lower_left]
}

/// Returns the lengths of the upper and of the left side.
pub(super) fn sides(corners: &Corners) -> [f32; 2] {
    let length = |one: [f32; 2], other: [f32; 2]| (one[0] - other[0]).hypot(one[1] - other[1]);
    [
        length(corners[0], corners[1]),
        length(corners[0], corners[3]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize) {
        let bits = rows
            .iter()
            .flat_map(|row| row.chars().map(|one| one == '#'));
        (bits.collect(), rows[0].len())
    }

    #[test]
    fn each_region_has_its_rectangle() {
        let (bits, width) = mask(&["##...#", "##....", "..#..#", ".....#"]);
        let found: Vec<Corners> = hulls(&bits, width)
            .iter()
            .map(|hull| smallest_rectangle(hull))
            .collect();
        // The pixel in the third row touches the square at its corner; the one on the right stands alone.
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], [[5.0, 0.0]; 4]);
        assert_eq!(found[2], [[5.0, 2.0], [5.0, 2.0], [5.0, 3.0], [5.0, 3.0]]);
    }

    #[test]
    fn a_turned_rectangle_is_found_as_it_lies() {
        // A diamond: its sides lie at 45 degrees.
        let (bits, width) = mask(&["..#..", ".###.", "#####", ".###.", "..#.."]);
        let hull = hulls(&bits, width).remove(0);
        assert_eq!(hull.len(), 4);
        let corners = smallest_rectangle(&hull);
        let [wide, high] = sides(&corners);
        assert!((wide - 8f32.sqrt()).abs() < 1e-5 && (high - 8f32.sqrt()).abs() < 1e-5);
    }
}
