//! A window that moves over the two sides of a picture.

/// Its size and its steps; the first of each two numbers is that of the rows, the second that of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// How many taps.
    pub(crate) size: [usize; 2],
    /// From one position of the window to the next.
    pub(crate) stride: [usize; 2],
    /// From one tap to the next.
    pub(crate) dilation: [usize; 2],
}

/// What is put around a picture: before its first row and column, and after its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Margins {
    pub(crate) before: [usize; 2],
    pub(crate) after: [usize; 2],
}

impl Window {
    /// The pixels from the first tap to the last; `None` where they cannot be counted.
    pub(crate) fn span(&self, axis: usize) -> Option<usize> {
        let steps = self.size[axis].checked_sub(1)?;
        steps.checked_mul(self.dilation[axis])?.checked_add(1)
    }

    /// At how many places the window fits into a picture of these sides; `None` if it is larger, or moves by nothing.
    pub(crate) fn positions(&self, sides: [usize; 2], margins: Margins) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let padded = sides[axis]
                .checked_add(margins.before[axis])?
                .checked_add(margins.after[axis])?;
            let room = padded.checked_sub(self.span(axis)?)?;
            room.checked_div(self.stride[axis])?.checked_add(1)
        };
        Some([along(0)?, along(1)?])
    }

    /// For one tap of one axis: from which position on, and up to which, it lies within a side.
    #[inline(always)]
    pub(super) fn inside(
        &self,
        axis: usize,
        tap: usize,
        before: usize,
        side: usize,
        positions: usize,
    ) -> (usize, usize) {
        let (stride, offset) = (self.stride[axis], tap * self.dilation[axis]);
        let from = before.saturating_sub(offset).div_ceil(stride);
        let to = (side + before).saturating_sub(offset).div_ceil(stride);
        let to = to.min(positions);
        (from.min(to), to)
    }
}

/// Adds products `[channels, taps, rows, columns]` to the output of a transposed convolution, `[channels, rows, columns]`, where they belong.
pub(crate) fn spread_back(
    products: &[f32],
    window: &Window,
    margins: Margins,
    [rows, columns]: [usize; 2],
    output: &mut [f32],
    sides: [usize; 2],
) {
    let taps = window.size[0] * window.size[1];
    let plane = rows * columns;
    let channels = output.chunks_exact_mut((sides[0] * sides[1]).max(1));
    for (channel, products) in channels.zip(products.chunks_exact((taps * plane).max(1))) {
        for row in 0..rows {
            let products = |tap: usize| &products[tap * plane + row * columns..][..columns];
            for tap in 0..window.size[0] {
                let line = row * window.stride[0] + tap * window.dilation[0];
                let Some(line) = line
                    .checked_sub(margins.before[0])
                    .filter(|line| *line < sides[0])
                else {
                    continue;
                };
                let line = &mut channel[line * sides[1]..][..sides[1]];
                let tap = tap * window.size[1];
                spread_row(
                    line,
                    |column| products(tap + column),
                    window,
                    margins.before[1],
                );
            }
        }
    }
}

/// Adds the products of one row of pixels to one row of the output.
fn spread_row<'a>(
    line: &mut [f32],
    products: impl Fn(usize) -> &'a [f32],
    window: &Window,
    before: usize,
) {
    // Two columns for each pixel and none that two pixels share is what most networks have.
    let is_double = window.size[1] == 2 && window.stride[1] == 2 && window.dilation[1] == 1;
    if is_double && before == 0 {
        let (pairs, _) = line.as_chunks_mut::<2>();
        for (pair, (one, other)) in pairs.iter_mut().zip(products(0).iter().zip(products(1))) {
            *pair = [pair[0] + one, pair[1] + other];
        }
        return;
    }
    for tap in 0..window.size[1] {
        let products = products(tap);
        let (from, to) = window.inside(1, tap, before, line.len(), products.len());
        let start = from * window.stride[1] + tap * window.dilation[1];
        let Some(places) = line.get_mut(start.saturating_sub(before)..) else {
            continue;
        };
        let places = places.iter_mut().step_by(window.stride[1]);
        for (place, product) in places.zip(&products[from..to]) {
            *place += product;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_the_formula_has_it() {
        let window = Window {
            size: [3, 2],
            stride: [2, 1],
            dilation: [2, 1],
        };
        let margins = Margins {
            before: [1, 0],
            after: [2, 0],
        };
        assert_eq!(window.positions([10, 4], margins), Some([5, 3]));
        assert_eq!(window.positions([1, 4], margins), None);
        assert_eq!(window.positions([usize::MAX, 4], margins), None);
    }

    #[test]
    fn a_tap_is_inside_where_its_pixel_is() {
        for (stride, dilation) in [(1, 1), (2, 1), (3, 2)] {
            let window = Window {
                size: [1, 5],
                stride: [1, stride],
                dilation: [1, dilation],
            };
            let (before, side, positions) = (3, 6, 4);
            for tap in 0..5 {
                let (from, to) = window.inside(1, tap, before, side, positions);
                for at in 0..positions {
                    let pixel = at * stride + tap * dilation;
                    let is_inside = pixel >= before && pixel < before + side;
                    assert_eq!((from..to).contains(&at), is_inside, "{stride} {tap} {at}");
                }
            }
        }
    }
}
