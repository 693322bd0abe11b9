//! The whole numbers of a block, in instructions of AVX2 that multiply bytes and add neighbours.

use std::arch::x86_64::__m256i;

use pulp::cast;
use pulp::core_arch::x86::{Avx, Avx2};
use pulp::x86::V3;

use super::{BLOCK, BYTES, Kernel, NIBBLES, Sums};

/// Groups of four inputs in a block.
pub(super) const GROUPS: usize = BLOCK / 4;

#[derive(Clone, Copy)]
pub(super) struct Nibbles(pub(super) V3);

#[derive(Clone, Copy)]
pub(super) struct Bytes(pub(super) V3);

impl Kernel<NIBBLES> for Nibbles {
    type Weights = [__m256i; GROUPS];

    const TOO_HIGH: i32 = 0;

    #[inline(always)]
    fn load(self, numbers: &[u8; NIBBLES]) -> Self::Weights {
        halves(self.0.avx, self.0.avx2, numbers)
    }

    #[inline(always)]
    fn sums(self, weights: &Self::Weights, row: &[i8; BLOCK], first: i32) -> Sums {
        let simd = self.0;
        let (inputs, _) = row.as_chunks::<4>();
        // Eight times two products of 15 and 127 at most: 16 bits have room.
        let mut sums = simd.avx._mm256_setzero_si256();
        for (weights, inputs) in weights.iter().zip(inputs) {
            let inputs = simd.avx._mm256_set1_epi32(cast(*inputs));
            let products = simd.avx2._mm256_maddubs_epi16(*weights, inputs);
            sums = simd.avx2._mm256_add_epi16(sums, products);
        }
        let ones = simd.avx._mm256_set1_epi16(1);
        let sums = simd.avx2._mm256_madd_epi16(sums, ones);
        let first = simd.avx._mm256_set1_epi32(first);
        cast(simd.avx2._mm256_add_epi32(sums, first))
    }
}

/// The lower and the upper halves of the bytes, each as bytes.
#[inline(always)]
pub(super) fn halves(avx: Avx, avx2: Avx2, numbers: &[u8; NIBBLES]) -> [__m256i; GROUPS] {
    let half = avx._mm256_set1_epi8(15);
    let (vectors, _) = numbers.as_chunks::<32>();
    let mut weights = [avx._mm256_setzero_si256(); GROUPS];
    for (pair, both) in weights.as_chunks_mut::<2>().0.iter_mut().zip(vectors) {
        let both: __m256i = cast(*both);
        let upper = avx2._mm256_srli_epi16::<4>(both);
        *pair = [
            avx2._mm256_and_si256(both, half),
            avx2._mm256_and_si256(upper, half),
        ];
    }
    weights
}

impl Kernel<BYTES> for Bytes {
    type Weights = [__m256i; GROUPS];

    const TOO_HIGH: i32 = 0;

    #[inline(always)]
    fn load(self, numbers: &[u8; BYTES]) -> Self::Weights {
        cast(*numbers)
    }

    #[inline(always)]
    fn sums(self, weights: &Self::Weights, row: &[i8; BLOCK], first: i32) -> Sums {
        let simd = self.0;
        let (inputs, _) = row.as_chunks::<4>();
        let ones = simd.avx._mm256_set1_epi16(1);
        let mut sums = simd.avx._mm256_set1_epi32(first);
        for (weights, inputs) in weights.iter().zip(inputs) {
            let inputs = simd.avx._mm256_set1_epi32(cast(*inputs));
            // The instruction wants one side without signs: those of the weights go over to the inputs. Two products of 128 and 127 fit 16 bits.
            let sizes = simd.avx2._mm256_abs_epi8(*weights);
            let inputs = simd.avx2._mm256_sign_epi8(inputs, *weights);
            let products = simd.avx2._mm256_maddubs_epi16(sizes, inputs);
            let products = simd.avx2._mm256_madd_epi16(products, ones);
            sums = simd.avx2._mm256_add_epi32(sums, products);
        }
        cast(sums)
    }
}
