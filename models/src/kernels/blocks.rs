//! Weights in blocks of 32 small whole numbers with a scale each, laid out for their product.
//!
//! Eight outputs lie side by side as a strip. Of each block a strip has first four inputs of its eight outputs, then the next four: a vector of 32 bytes
//! times four inputs, repeated, adds to eight sums. What the file says is kept to the bit.
//!
//! Source of the kinds: ggml, `ggml-common.h`.

use candle_core::quantized::GgmlDType;
use half::f16;

/// Values of a block.
pub(super) const BLOCK: usize = 32;
/// Outputs of a strip.
pub(super) const LANES: usize = 8;
/// Bytes of a block of a strip where each number has four bits.
pub(super) const NIBBLES: usize = LANES * BLOCK / 2;
/// Bytes of a block of a strip where each number has eight bits.
pub(super) const BYTES: usize = LANES * BLOCK;

/// How the numbers of a strip are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// Without a sign; four inputs in the lower halves of the bytes, the next four in the upper halves.
    Nibbles,
    /// With a sign.
    Bytes,
}

/// The weights of a dense step `[outputs, inputs]` in strips.
#[derive(Debug, Clone)]
pub(super) struct BlockStrips {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) width: Width,
    /// `[strips, blocks, NIBBLES or BYTES]`.
    pub(super) numbers: Vec<u8>,
    /// What a number of 1 stands for, `[strips, blocks]`.
    pub(super) scales: Vec<[f32; LANES]>,
    /// What a number of 0 stands for, `[strips, blocks]`; none where it is 0.
    pub(super) minima: Option<Vec<[f32; LANES]>>,
    /// How much each number is too high.
    pub(super) offset: i32,
}

/// One block as the file has it.
struct Block {
    numbers: [u8; BLOCK],
    scale: f32,
    minimum: f32,
}

/// How a kind of the file is written.
#[derive(Debug, Clone, Copy)]
struct Kind {
    width: Width,
    offset: i32,
    has_minimum: bool,
    /// Whether a fifth bit of each number stands apart.
    has_fifth_bit: bool,
}

impl Kind {
    fn of(kind: GgmlDType) -> Option<Self> {
        let (width, offset, has_minimum, has_fifth_bit) = match kind {
            GgmlDType::Q4_0 => (Width::Nibbles, 8, false, false),
            GgmlDType::Q4_1 => (Width::Nibbles, 0, true, false),
            GgmlDType::Q5_0 => (Width::Bytes, 16, false, true),
            GgmlDType::Q5_1 => (Width::Bytes, 0, true, true),
            GgmlDType::Q8_0 => (Width::Bytes, 0, false, false),
            _ => return None,
        };
        Some(Self {
            width,
            offset,
            has_minimum,
            has_fifth_bit,
        })
    }

    fn bytes(self, kind: GgmlDType) -> usize {
        debug_assert_eq!(kind.block_size(), BLOCK);
        kind.type_size()
    }

    fn block(self, bytes: &[u8]) -> Block {
        let (scale, rest) = half(bytes);
        let (minimum, rest) = match self.has_minimum {
            true => half(rest),
            false => (0.0, rest),
        };
        let mut block = Block {
            numbers: [0; BLOCK],
            scale,
            minimum,
        };
        if self.width == Width::Bytes && !self.has_fifth_bit {
            block.numbers.copy_from_slice(rest);
            return block;
        }
        let (fifth, rest) = rest.split_at(if self.has_fifth_bit { 4 } else { 0 });
        for (place, byte) in rest.iter().enumerate() {
            block.numbers[place] = byte & 15;
            block.numbers[place + BLOCK / 2] = byte >> 4;
        }
        for (place, number) in block.numbers.iter_mut().enumerate() {
            let bit = fifth
                .get(place / 8)
                .map_or(0, |byte| byte >> (place % 8) & 1);
            *number |= bit << 4;
        }
        block
    }
}

fn half(bytes: &[u8]) -> (f32, &[u8]) {
    let (half, rest) = bytes.split_at(2);
    (f16::from_le_bytes([half[0], half[1]]).to_f32(), rest)
}

impl BlockStrips {
    /// Whether blocks of this kind can be laid out.
    pub(super) fn takes(kind: GgmlDType) -> bool {
        Kind::of(kind).is_some()
    }

    /// Lays out the blocks of a file, `[outputs, inputs / 32]`; none if it is of another kind, or of another length.
    pub(super) fn new(
        kind: GgmlDType,
        bytes: &[u8],
        outputs: usize,
        inputs: usize,
    ) -> Option<Self> {
        let format = Kind::of(kind)?;
        let size = format.bytes(kind);
        let blocks = inputs / BLOCK;
        if !inputs.is_multiple_of(BLOCK) || bytes.len() != outputs * blocks * size {
            return None;
        }
        let count = outputs.div_ceil(LANES) * blocks;
        let mut strips = Self {
            inputs,
            outputs,
            width: format.width,
            numbers: vec![0; count * format.width.bytes()],
            scales: vec![[0.0; LANES]; count],
            minima: format.has_minimum.then(|| vec![[0.0; LANES]; count]),
            offset: format.offset,
        };
        for (place, bytes) in bytes.chunks_exact(size).enumerate() {
            let (output, block) = (place / blocks, place % blocks);
            strips.put(output, block, &format.block(bytes));
        }
        Some(strips)
    }

    fn put(&mut self, output: usize, block: usize, values: &Block) {
        let (place, lane) = self.place(output, block);
        let bytes = self.width.bytes();
        let strip = &mut self.numbers[place * bytes..][..bytes];
        for (input, number) in values.numbers.iter().enumerate() {
            let (byte, shift) = self.width.position(lane, input);
            strip[byte] |= number << shift;
        }
        self.scales[place][lane] = values.scale;
        if let Some(minima) = &mut self.minima {
            minima[place][lane] = values.minimum;
        }
    }

    /// Which block of the strips, and which of its lanes.
    fn place(&self, output: usize, block: usize) -> (usize, usize) {
        (output / LANES * self.blocks() + block, output % LANES)
    }

    /// Appends the weights of an output, which there must be.
    pub(super) fn append_row(&self, output: usize, values: &mut Vec<f32>) {
        let bytes = self.width.bytes();
        for block in 0..self.blocks() {
            let (place, lane) = self.place(output, block);
            let strip = &self.numbers[place * bytes..][..bytes];
            let scale = self.scales[place][lane];
            let minimum = self.minima.as_ref().map_or(0.0, |all| all[place][lane]);
            values.extend((0..BLOCK).map(|input| {
                let (byte, shift) = self.width.position(lane, input);
                let number = match self.width {
                    Width::Nibbles => i32::from(strip[byte] >> shift & 15),
                    Width::Bytes => i32::from(strip[byte].cast_signed()),
                };
                scale.mul_add((number - self.offset) as f32, minimum)
            }));
        }
    }

    pub(super) fn blocks(&self) -> usize {
        self.inputs / BLOCK
    }

    /// The bytes that they take.
    pub(super) fn memory_bytes(&self) -> usize {
        let minima = self.minima.as_deref().map_or(0, size_of_val);
        self.numbers.len() + size_of_val(&*self.scales) + minima
    }
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::Nibbles => NIBBLES,
            Self::Bytes => BYTES,
        }
    }

    /// Where a number lies in its block of a strip: the byte, and how far it is shifted in it.
    fn position(self, lane: usize, input: usize) -> (usize, u32) {
        let (group, within) = (input / 4, lane * 4 + input % 4);
        match self {
            Self::Nibbles => (group / 2 * 32 + within, (group % 2) as u32 * 4),
            Self::Bytes => (group * 32 + within, 0),
        }
    }
}
