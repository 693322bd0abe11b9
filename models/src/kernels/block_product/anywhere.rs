//! The whole numbers of a block, in words that the compiler makes vectors of.

use super::{BLOCK, BYTES, Kernel, LANES, NIBBLES, Sums};

#[derive(Clone, Copy)]
pub(super) struct Nibbles;

#[derive(Clone, Copy)]
pub(super) struct Bytes;

impl Kernel<NIBBLES> for Nibbles {
    type Weights = [i8; BYTES];

    const TOO_HIGH: i32 = 0;

    #[inline(always)]
    fn load(self, numbers: &[u8; NIBBLES]) -> [i8; BYTES] {
        let mut weights = [0; BYTES];
        for (pair, bytes) in weights.chunks_exact_mut(64).zip(numbers.chunks_exact(32)) {
            let (lower, upper) = pair.split_at_mut(32);
            for ((lower, upper), byte) in lower.iter_mut().zip(upper).zip(bytes) {
                *lower = (byte & 15).cast_signed();
                *upper = (byte >> 4).cast_signed();
            }
        }
        weights
    }

    #[inline(always)]
    fn sums(self, weights: &[i8; BYTES], row: &[i8; BLOCK], first: i32) -> Sums {
        sums(weights, row, first)
    }
}

impl Kernel<BYTES> for Bytes {
    type Weights = [i8; BYTES];

    const TOO_HIGH: i32 = 0;

    #[inline(always)]
    fn load(self, numbers: &[u8; BYTES]) -> [i8; BYTES] {
        numbers.map(u8::cast_signed)
    }

    #[inline(always)]
    fn sums(self, weights: &[i8; BYTES], row: &[i8; BLOCK], first: i32) -> Sums {
        sums(weights, row, first)
    }
}

#[inline(always)]
fn sums(weights: &[i8; BYTES], row: &[i8; BLOCK], first: i32) -> Sums {
    let mut sums = [first; LANES];
    for (group, inputs) in weights.chunks_exact(4 * LANES).zip(row.chunks_exact(4)) {
        for (sum, weights) in sums.iter_mut().zip(group.chunks_exact(4)) {
            for (weight, input) in weights.iter().zip(inputs) {
                *sum += i32::from(*weight) * i32::from(*input);
            }
        }
    }
    sums
}
