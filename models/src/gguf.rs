//! GGUF files, read by candle behind a few checks of our own.
//!
//! candle's reader checks counts and lengths against the length of the file. What it leaves open,
//! so that a file of nothing but lies still costs memory or ends in a panic, is checked here
//! before: how long the header may be, and the alignment.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};

use crate::weights::check_shape;
use crate::{ModelError, files};

/// Arrays of arrays have no use.
const MAX_DEPTH: usize = 4;
/// The type of a value that is an unsigned integer of 32 bits.
const UNSIGNED: u32 = 4;

/// What a file is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GgufKind {
    /// A Whisper model without its vocabulary.
    Whisper,
    /// A language model with its vocabulary.
    Language,
}

impl GgufKind {
    /// How long a header may be. candle takes up to eight times as much memory as it has bytes.
    fn header_limit(self) -> u64 {
        match self {
            // Some ten kilobytes.
            Self::Whisper => 1 << 20,
            // The largest vocabularies, of 260,000 tokens, take some twelve megabytes with their
            // merges.
            Self::Language => 24 << 20,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Whisper => "a whole Whisper model in GGUF, of version 2 or 3",
            Self::Language => {
                "a whole language model of the Llama family in GGUF, of version 2 or 3"
            }
        }
    }
}

/// An open GGUF file. What was taken out of it is not in it any more, so that what is left over
/// shows.
pub(crate) struct GgufFile {
    kind: GgufKind,
    path: PathBuf,
    file: BufReader<File>,
    content: Content,
}

impl GgufFile {
    pub(crate) fn open(path: &Path, kind: GgufKind) -> Result<Self, ModelError> {
        let (file, _) = files::open(path)?;
        let mut header = Vec::new();
        (&file)
            .take(kind.header_limit())
            .read_to_end(&mut header)
            .map_err(|source| files::unreadable(path, source))?;
        if Walk(&header).metadata().is_none() {
            let found = format!(
                "a header that is not whole in its first {} bytes, or lies",
                kind.header_limit()
            );
            return Err(refuse(path, kind, found));
        }
        let content = Content::read(&mut Cursor::new(&header))
            .map_err(|error| refuse(path, kind, first_line(&error)))?;
        Ok(Self {
            kind,
            path: path.to_owned(),
            file: BufReader::new(file),
            content,
        })
    }

    /// Takes a value of the header; none if the file does not say it.
    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.content.metadata.remove(key)
    }

    /// Whether it has a tensor of this name, which was not taken yet.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// The shape of a tensor that was not taken yet.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        let info = self.content.tensor_infos.get(name)?;
        Some(info.shape.dims())
    }

    /// Takes a tensor, which must have this shape.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<TensorInfo, ModelError> {
        check_shape(&self.path, name, shape, self.shape(name))?;
        let info = self.content.tensor_infos.remove(name);
        info.ok_or_else(|| self.refuse(format!("no tensor `{name}`")))
    }

    /// Drops a tensor that need not be there.
    pub(crate) fn drop(&mut self, name: &str) {
        self.content.tensor_infos.remove(name);
    }

    /// The name of a tensor that was not taken.
    pub(crate) fn left_over(&self) -> Option<&str> {
        self.content.tensor_infos.keys().min().map(String::as_str)
    }

    /// Reads the values of a tensor, after a check that the file has them.
    pub(crate) fn read(&mut self, info: &TensorInfo) -> Result<QTensor, ModelError> {
        let start = self.content.tensor_data_offset;
        let read = info.read(&mut self.file, start, &Device::Cpu);
        read.map_err(|error| self.refuse(first_line(&error)))
    }

    /// The error of a file that does not hold what it must.
    pub(crate) fn refuse(&self, found: String) -> ModelError {
        refuse(&self.path, self.kind, found)
    }
}

/// What candle says, without the stack that it may append.
fn first_line(error: &candle_core::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn refuse(path: &Path, kind: GgufKind, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_owned(),
        expected: kind.expected().to_owned(),
        found,
        advice: files::FETCH_AGAIN.to_owned(),
    }
}

/// A walk through a header that takes no memory. `None` is the end of the header, or a lie.
struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    fn metadata(&mut self) -> Option<()> {
        let (magic, version) = (self.u32()?, self.u32()?);
        if magic.to_le_bytes() != *b"GGUF" || !(2..=3).contains(&version) {
            return None;
        }
        let _tensors = self.u64()?;
        for _ in 0..self.u64()? {
            let length = self.u64()?;
            let key = self.pass(length)?;
            let kind = self.u32()?;
            if key.starts_with(b"general.alignment") {
                // candle divides by it.
                let alignment = self.u32()?;
                if kind != UNSIGNED || !alignment.is_power_of_two() {
                    return None;
                }
            } else {
                self.value(kind, MAX_DEPTH)?;
            }
        }
        Some(())
    }

    fn value(&mut self, kind: u32, depth: usize) -> Option<()> {
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => self.u64()?,
            9 => return self.array(depth.checked_sub(1)?),
            _ => return None,
        };
        self.pass(width).map(drop)
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        let kind = self.u32()?;
        // Each value takes 32 bytes of memory: a list of single bytes would be a way to make much
        // of little, and has no use.
        if matches!(kind, 0..=3 | 7) {
            return None;
        }
        for _ in 0..self.u64()? {
            self.value(kind, depth)?;
        }
        Some(())
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.pass(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.pass(8)?.try_into().ok()?))
    }

    fn pass(&mut self, count: u64) -> Option<&'a [u8]> {
        let (passed, left) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = left;
        Some(passed)
    }
}
