//! What a BMP file says before its pixels.

/// Bytes of the file's own header.
const FILE_HEADER: usize = 14;
/// The header of the first version, whose numbers have 16 bits.
const CORE: usize = 12;
/// The one that all later ones begin with, but a short form of it.
const INFO: usize = 40;

/// How pixels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As places in a palette.
    Palette,
    /// The same, with lengths of runs.
    Packed,
    /// In 16, 24 or 32 bits, in which each color has its own.
    Masks,
}

/// What is said of the pixels.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Whether the first row is the upper one.
    pub(super) is_from_above: bool,
    pub(super) bits: usize,
    /// As the file has it.
    pub(super) compression: u32,
    /// `None` if it is none of those that are known.
    pub(super) coding: Option<Coding>,
    /// The bits of red, green and blue.
    pub(super) masks: [u32; 3],
    pub(super) palette: Vec<[u8; 3]>,
    /// Where the pixels begin.
    pub(super) start: usize,
}

impl Header {
    /// Reads the header; `None` if the file ends within it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let start = long(10)? as usize;
        let size = long(FILE_HEADER)? as usize;
        let is_core = size == CORE;
        let (width, height, bits) = match is_core {
            true => (u32::from(short(18)?), i32::from(short(20)?), short(24)?),
            false => (long(18)?, long(22)?.cast_signed(), short(28)?),
        };
        let compression = match size >= 20 {
            true => long(30)?,
            false => 0,
        };
        let bits = usize::from(bits);
        let masks = match compression {
            3 | 6 => [long(54)?, long(58)?, long(62)?],
            _ if bits == 16 => [0x7c00, 0x03e0, 0x001f],
            _ => [0xff_0000, 0xff00, 0xff],
        };
        let coding = match (compression, bits) {
            (0, 1 | 4 | 8) => Some(Coding::Palette),
            (1, 8) | (2, 4) => Some(Coding::Packed),
            (0, 16 | 24 | 32) | (3 | 6, 16 | 32) => Some(Coding::Masks),
            _ => None,
        };
        // The masks lie behind the header where it has no room for them.
        let masks_behind = if matches!(compression, 3 | 6) && size == INFO {
            12
        } else {
            0
        };
        let palette = match bits <= 8 {
            true => palette(
                bytes,
                FILE_HEADER + size + masks_behind,
                start,
                is_core,
                bits,
            ),
            false => Vec::new(),
        };
        Some(Self {
            width,
            height: height.unsigned_abs(),
            is_from_above: height < 0,
            bits,
            compression,
            coding,
            masks,
            palette,
            start,
        })
    }
}

/// The colors that there are between the header and the pixels.
fn palette(bytes: &[u8], from: usize, to: usize, is_core: bool, bits: usize) -> Vec<[u8; 3]> {
    let entry = if is_core { 3 } else { 4 };
    let entries = bytes.get(from..to.min(bytes.len())).unwrap_or_default();
    let colors = entries.chunks_exact(entry).take(1 << bits);
    colors.map(|entry| [entry[2], entry[1], entry[0]]).collect()
}
