//! Numbers that are the same in each run and on each machine.

/// The square root of 3: numbers between its negative and itself have the deviation 1.
const SPREAD: f32 = 1.732_050_8;

/// A source of numbers. Source of the method: Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014.
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number around `mean`.
    pub(crate) fn number(&mut self, mean: f32, deviation: f32) -> f32 {
        let share = (self.bits() >> 40) as f32 / (1 << 24) as f32;
        mean + (share * 2.0 - 1.0) * SPREAD * deviation
    }

    /// Numbers around 0.
    pub(crate) fn numbers(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        (0..count).map(|_| self.number(0.0, deviation)).collect()
    }

    /// Token ids below `most`.
    pub(crate) fn tokens(&mut self, count: usize, most: usize) -> Vec<u32> {
        (0..count)
            .map(|_| (self.bits() % most as u64) as u32)
            .collect()
    }
}

/// The bits of a number in 16 bits, cut off; 0 for one that is too small.
pub(crate) fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    match (bits >> 23) & 0xff {
        power @ 113..=142 => sign | ((power - 112) << 10) as u16 | ((bits >> 13) & 0x3ff) as u16,
        _ => sign,
    }
}
