//! What the fused steps share on the CPU: slices of tensors, and loops in the widest instructions
//! that the machine has.

use candle_core::{CpuStorage, Layout, Result, Tensor, bail};

/// Runs a loop compiled for the widest vectors of this machine. The compiler makes vectors only of
/// what is inlined into `work`.
#[inline(always)]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// The values of a contiguous f32 tensor.
pub(super) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (CpuStorage::F32(values), Some((from, to))) = (storage, layout.contiguous_offsets()) else {
        bail!("a fused step expects contiguous f32 tensors, got {layout:?}");
    };
    Ok(&values[from..to])
}

/// The values of a contiguous f32 tensor, to be changed.
pub(super) fn contiguous_mut<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((from, to))) = (storage, layout.contiguous_offsets()) else {
        bail!("a fused step expects contiguous f32 tensors, got {layout:?}");
    };
    Ok(&mut values[from..to])
}

/// How many partial sums are kept side by side: two of the widest vectors.
const LANES: usize = 32;

/// The sum of what `term` makes of each value, in partial sums that the compiler can keep in
/// vectors.
#[inline(always)]
pub(super) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|value| term(*value)).sum();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Turns scores into weights that have the sum 1.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - most);
    }
    let share = 1.0 / sum(scores, |score| score);
    for score in scores.iter_mut() {
        *score *= share;
    }
}

/// Turns the scores of each row into weights that have the sum 1.
pub(crate) fn softmax_rows(scores: &mut [f32], width: usize) {
    widest(
        #[inline(always)]
        || {
            for row in scores.chunks_exact_mut(width) {
                softmax(row);
            }
        },
    );
}

/// The sum of `e^(score - most)`, where `most` is the largest of the scores.
pub(crate) fn sum_of_exponentials(scores: &[f32], most: f32) -> f32 {
    widest(
        #[inline(always)]
        || sum(scores, |score| exp(score - most)),
    )
}

/// The values of a contiguous f32 tensor in the processor's memory, for as long as `work` looks at
/// them.
pub(crate) fn with_values<R>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else {
        bail!("a fused step expects tensors in the processor's memory");
    };
    work(contiguous(storage, layout)?)
}

/// `e^x` for `x` of at most 0, to a few units in the last place: `2^n * e^r`, with a polynomial for
/// `r` of at most `ln 2 / 2`. Below -87 it is about `e^-87`. Without branches, so that the compiler
/// makes vectors of it.
///
/// Source of the reduction and the coefficients: Cephes, `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // Written so that a NaN stays one, which `max` would not keep.
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let power = rounded - ROUND;
    let rest = power.mul_add(2.121_944_4e-4, power.mul_add(-0.693_359_4, x));
    let mut series = 1.987_569_1e-4_f32;
    for coefficient in [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        series = series.mul_add(rest, coefficient);
    }
    let series = series.mul_add(rest * rest, rest) + 1.0;
    series * f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23))
}

#[cfg(test)]
pub(crate) mod test {
    use candle_core::{Device, Tensor};

    #[test]
    fn the_exponential_agrees_with_that_of_the_standard_library() {
        for step in 0..870_000 {
            let x = step as f32 * -1e-4;
            let (expected, got) = (x.exp(), super::exp(x));
            assert!(
                (expected - got).abs() <= 3e-7 * expected,
                "e^{x} is {expected}, got {got}"
            );
        }
        assert!(super::exp(f32::NEG_INFINITY) < 1e-37);
        assert!(super::exp(f32::NAN).is_nan());
    }

    /// Numbers between `-size` and `size` that are the same in each run.
    pub(crate) fn numbers(shape: &[usize], size: f32) -> Tensor {
        let count = shape.iter().product();
        let mut state =
            0x2545_f491_u32 ^ (count as u32).wrapping_mul(2_654_435_761) ^ size.to_bits();
        let values: Vec<f32> = (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state as f32 / u32::MAX as f32 * 2.0 - 1.0) * size
            })
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The largest difference of two tensors.
    pub(crate) fn apart(one: &Tensor, other: &Tensor) -> f32 {
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (one, other) = (values(one), values(other));
        assert_eq!(one.len(), other.len());
        let pairs = one.iter().zip(&other);
        pairs
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max)
    }
}
