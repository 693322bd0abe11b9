//! Pictures laid out so that a window that moves over them reads neighbours.
//!
//! Each channel is copied once, with its margins. Where the window moves by more than one row or column, those that are the stride apart come to lie side by side, in planes
//! of their own. Then what one tap sees at neighbouring positions are neighbours, at a distance from the first tap that is the same for all positions.

use super::window::{Margins, Window};

/// Where the numbers of a picture lie with its margins.
#[derive(Debug, Clone)]
pub(super) struct Padded {
    stride: [usize; 2],
    dilation: [usize; 2],
    before: [usize; 2],
    /// Rows of each plane.
    height: usize,
    /// Columns of each plane: so far apart are the positions of the window in neighbouring rows.
    pub(super) width: usize,
}

impl Padded {
    /// For a window that has so many places.
    pub(super) fn new(window: &Window, margins: Margins, places: [usize; 2]) -> Self {
        let reach =
            |axis: usize| (window.size[axis] - 1) * window.dilation[axis] / window.stride[axis];
        Self {
            stride: window.stride,
            dilation: window.dilation,
            before: margins.before,
            height: places[0] + reach(0),
            width: places[1] + reach(1),
        }
    }

    /// The numbers of a channel.
    pub(super) fn len(&self) -> usize {
        self.stride[0] * self.stride[1] * self.height * self.width
    }

    /// Where a tap of the first position lies in its channel.
    pub(super) fn offset(&self, tap: [usize; 2]) -> usize {
        let at = [tap[0] * self.dilation[0], tap[1] * self.dilation[1]];
        let plane = at[0] % self.stride[0] * self.stride[1] + at[1] % self.stride[1];
        (plane * self.height + at[0] / self.stride[0]) * self.width + at[1] / self.stride[1]
    }

    /// Copies a channel of these sides between margins, which must be zeros already.
    #[inline(always)]
    pub(super) fn fill(&self, channel: &[f32], sides: [usize; 2], places: &mut [f32]) {
        let [down, across] = self.stride;
        for (row, line) in channel.chunks_exact(sides[1]).enumerate() {
            let row = row + self.before[0];
            if row / down >= self.height {
                break;
            }
            for phase in 0..across {
                // The first column of the channel that lies in this plane.
                let skip = (phase + across - self.before[1] % across) % across;
                let first = (skip + self.before[1]) / across;
                let plane = row % down * across + phase;
                let start = (plane * self.height + row / down) * self.width;
                let places = &mut places[start..start + self.width];
                let Some((places, line)) = places.get_mut(first..).zip(line.get(skip..)) else {
                    continue;
                };
                match across {
                    1 => copy(places, line.iter()),
                    2 => copy(places, line.iter().step_by(2)),
                    across => copy(places, line.iter().step_by(across)),
                }
            }
        }
    }
}

#[inline(always)]
fn copy<'a>(places: &mut [f32], pixels: impl Iterator<Item = &'a f32>) {
    for (place, pixel) in places.iter_mut().zip(pixels) {
        *place = *pixel;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tap_sees_what_lies_under_it() {
        let (sides, margins) = (
            [7, 9],
            Margins {
                before: [2, 3],
                after: [1, 2],
            },
        );
        let channel: Vec<f32> = (1..=63).map(|number| number as f32).collect();
        for (stride, dilation) in [([1, 1], [1, 1]), ([2, 3], [1, 2]), ([3, 2], [2, 1])] {
            let window = Window {
                size: [3, 4],
                stride,
                dilation,
            };
            let places = window.positions(sides, margins).unwrap();
            let padded = Padded::new(&window, margins, places);
            let mut pixels = vec![0f32; padded.len()];
            padded.fill(&channel, sides, &mut pixels);
            for tap in 0..12 {
                let tap = [tap / 4, tap % 4];
                for place in 0..places[0] * places[1] {
                    let place = [place / places[1], place % places[1]];
                    let at = [0, 1].map(|axis| {
                        (place[axis] * stride[axis] + tap[axis] * dilation[axis])
                            .checked_sub(margins.before[axis])
                    });
                    let expected = match at {
                        [Some(row), Some(column)] if row < 7 && column < 9 => {
                            channel[row * 9 + column]
                        }
                        _ => 0.0,
                    };
                    assert_eq!(
                        pixels[padded.offset(tap) + place[0] * padded.width + place[1]],
                        expected
                    );
                }
            }
        }
    }
}
