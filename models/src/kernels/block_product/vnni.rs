//! The whole numbers of a block, in the instruction of AVX-512 VNNI that multiplies bytes and adds four neighbours to a sum.

use std::arch::x86_64::{__m256i, _mm256_dpbusd_epi32};

use pulp::{cast, simd_type};

use super::avx2::{GROUPS, halves};
use super::{BLOCK, BYTES, Kernel, NIBBLES, Sums};

simd_type! {
    /// A processor that has the instruction, and what the loop around it is compiled for.
    pub(super) struct Vnni {
        pub(super) avx: "avx",
        pub(super) avx2: "avx2",
        pub(super) fma: "fma",
        pub(super) avx512f: "avx512f",
        pub(super) avx512bw: "avx512bw",
        pub(super) avx512vl: "avx512vl",
        pub(super) avx512vnni: "avx512vnni",
    }
}

impl Vnni {
    /// Adds to each sum the products of four numbers without a sign and four with one.
    #[inline(always)]
    fn add_products(self, sums: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
        // SAFETY: a value of this type is made only where the processor has the instruction.
        #[expect(
            unsafe_code,
            reason = "pulp has the proof that the processor can, and not the instruction"
        )]
        unsafe {
            _mm256_dpbusd_epi32(sums, unsigned, signed)
        }
    }

    #[inline(always)]
    fn sums(self, weights: &[__m256i; GROUPS], row: &[i8; BLOCK], first: i32) -> Sums {
        let (inputs, _) = row.as_chunks::<4>();
        // Two chains, for the next addition to a sum has to wait for the one before.
        let mut sums = [
            self.avx._mm256_set1_epi32(first),
            self.avx._mm256_setzero_si256(),
        ];
        for (place, (weights, inputs)) in weights.iter().zip(inputs).enumerate() {
            let inputs = self.avx._mm256_set1_epi32(cast(*inputs));
            sums[place % 2] = self.add_products(sums[place % 2], *weights, inputs);
        }
        cast(self.avx2._mm256_add_epi32(sums[0], sums[1]))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Nibbles(pub(super) Vnni);

#[derive(Clone, Copy)]
pub(super) struct Bytes(pub(super) Vnni);

impl Kernel<NIBBLES> for Nibbles {
    type Weights = [__m256i; GROUPS];

    const TOO_HIGH: i32 = 0;

    #[inline(always)]
    fn load(self, numbers: &[u8; NIBBLES]) -> Self::Weights {
        halves(self.0.avx, self.0.avx2, numbers)
    }

    #[inline(always)]
    fn sums(self, weights: &Self::Weights, row: &[i8; BLOCK], first: i32) -> Sums {
        self.0.sums(weights, row, first)
    }
}

impl Kernel<BYTES> for Bytes {
    type Weights = [__m256i; GROUPS];

    /// One side of the instruction has no sign.
    const TOO_HIGH: i32 = 128;

    #[inline(always)]
    fn load(self, numbers: &[u8; BYTES]) -> Self::Weights {
        let simd = self.0;
        let sign = simd.avx._mm256_set1_epi8(i8::MIN);
        let mut weights: [__m256i; GROUPS] = cast(*numbers);
        for weights in &mut weights {
            *weights = simd.avx2._mm256_xor_si256(*weights, sign);
        }
        weights
    }

    #[inline(always)]
    fn sums(self, weights: &Self::Weights, row: &[i8; BLOCK], first: i32) -> Sums {
        self.0.sums(weights, row, first)
    }
}
