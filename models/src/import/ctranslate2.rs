//! CTranslate2's `model.bin`, version 6 of the format: named variables, one after the other, all little-endian.
//!
//! The file is: the version (u32), the name of the specification (text) and its revision (u32), the number of variables (u32); of each variable its name
//! (text), rank (u8), dimensions (u32 each), type (u8), size in bytes (u32) and values; then the number of aliases (u32), and of each two
//! texts. A text is its length with the closing zero (u16), its bytes and a zero. Source: `ctranslate2/specs/model_spec.py` of CTranslate2 4.8.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;

use crate::{ModelError, files};

const VERSION: u32 = 6;
/// The largest models have some thousands.
const MAX_VARIABLES: u32 = 1 << 16;
/// Three are the most that is in use.
const MAX_RANK: usize = 8;
/// Bytes that are read at a time: large enough to make system calls cheap, small enough for a core's second-level cache.
const CHUNK_BYTES: usize = 256 << 10;

/// The type of a variable's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    F32,
    I8,
    I16,
    I32,
    F16,
    Bf16,
}

/// One variable, without its values.
#[derive(Debug)]
pub(super) struct Variable {
    name: String,
    pub(super) shape: Vec<usize>,
    kind: Kind,
    start: u64,
    /// By what each row was multiplied before it was rounded to integers.
    scales: Option<Vec<f32>>,
}

/// An open `model.bin`. What was taken out of it is not in it any more, so that what is left over shows.
pub(super) struct VariableFile {
    path: PathBuf,
    file: BufReader<File>,
    variables: BTreeMap<String, Variable>,
}

impl VariableFile {
    /// Opens a file of this specification and checks that all its variables lie within it.
    pub(super) fn open(
        path: &Path,
        specification: &str,
        revision: u32,
    ) -> Result<Self, ModelError> {
        let mut parser = Parser::new(path)?;
        let (version, name) = (parser.u32()?, parser.text()?);
        let found = parser.u32()?;
        if (version, name.as_str(), found) != (VERSION, specification, revision) {
            return Err(parser.refuse(format!(
                "version {version} of the format with revision {found} of `{}`",
                name.chars().take(100).collect::<String>()
            )));
        }
        let count = parser.u32()?;
        if count > MAX_VARIABLES {
            return Err(parser.refuse(format!("{count} variables")));
        }
        let mut variables = BTreeMap::new();
        for _ in 0..count {
            let variable = parser.variable()?;
            let name = variable.name.clone();
            if variables.insert(name.clone(), variable).is_some() {
                return Err(parser.refuse(format!("the variable `{name}` twice")));
            }
        }
        parser.aliases(&variables)?;
        Ok(Self {
            path: path.to_owned(),
            file: parser.file,
            variables,
        })
    }

    /// Whether there is a variable of this name that was not taken yet.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// The shape of a variable.
    pub(super) fn shape<const RANK: usize>(&self, name: &str) -> Result<[usize; RANK], ModelError> {
        let variable = self.variables.get(name);
        let variable = variable.ok_or_else(|| self.refuse(format!("no variable `{name}`")))?;
        let shape = variable.shape.as_slice().try_into();
        shape.map_err(|_| self.refuse(format!("`{name}` of the shape {:?}", variable.shape)))
    }

    /// Takes a variable, with its scales if its values are integers.
    pub(super) fn take(&mut self, name: &str) -> Result<Variable, ModelError> {
        let variable = self.variables.remove(name);
        let mut variable = variable.ok_or_else(|| self.refuse(format!("no variable `{name}`")))?;
        if variable.kind.is_float() {
            return Ok(variable);
        }
        if variable.kind != Kind::I8 || variable.shape.len() < 2 {
            return Err(self.refuse(format!("`{name}` as integers of another kind than INT8")));
        }
        let scales = self.variables.remove(&format!("{name}_scale"));
        let scales = scales.ok_or_else(|| self.refuse(format!("`{name}` without scales")))?;
        if scales.shape != variable.shape[..1] || !scales.kind.is_float() {
            let found = format!("`{name}` with scales of the shape {:?}", scales.shape);
            return Err(self.refuse(found));
        }
        let scales = self.floats(&scales, 0..variable.shape[0])?;
        if !scales.iter().all(|scale| scale.is_normal() && *scale > 0.0) {
            return Err(self.refuse(format!(
                "`{name}` with scales that are not positive numbers"
            )));
        }
        variable.scales = Some(scales);
        Ok(variable)
    }

    /// Takes a single integer that need not be there.
    pub(super) fn take_integer(&mut self, name: &str) -> Result<Option<i64>, ModelError> {
        let Some(variable) = self.variables.remove(name) else {
            return Ok(None);
        };
        if !variable.shape.is_empty() {
            return Err(self.refuse(format!("`{name}` of the shape {:?}", variable.shape)));
        }
        let mut bytes = [0; 4];
        self.copy(&variable, 0..1, |value| {
            bytes[..value.len()].copy_from_slice(value);
            Ok(())
        })?;
        match variable.kind {
            Kind::I8 => Ok(Some(i64::from(bytes[0].cast_signed()))),
            Kind::I16 => Ok(Some(i64::from(i16::from_le_bytes([bytes[0], bytes[1]])))),
            Kind::I32 => Ok(Some(i64::from(i32::from_le_bytes(bytes)))),
            Kind::F32 | Kind::F16 | Kind::Bf16 => {
                Err(self.refuse(format!("`{name}` that is no integer")))
            }
        }
    }

    /// The name of a variable that was not taken.
    pub(super) fn left_over(&self) -> Option<&str> {
        self.variables.keys().next().map(String::as_str)
    }

    /// Gives the values of some rows (slices along the first dimension) to `sink`, piece by piece, as [`Variable::dtype`].
    pub(super) fn stream(
        &mut self,
        variable: &Variable,
        rows: Range<usize>,
        mut sink: impl FnMut(&[u8]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let Some(scales) = &variable.scales else {
            return self.copy(variable, rows, sink);
        };
        let (width, first) = (variable.row_length(), rows.start);
        let mut halves = Vec::with_capacity(2 * CHUNK_BYTES);
        let mut done = 0;
        self.copy(variable, rows, |integers| {
            halves.clear();
            let values = integers.iter().enumerate().map(|(index, byte)| {
                let scale = scales[first + (done + index) / width];
                f16::from_f32(f32::from(byte.cast_signed()) / scale)
            });
            halves.extend(values.flat_map(f16::to_le_bytes));
            done += integers.len();
            sink(&halves)
        })
    }

    /// Gives the bytes of some rows to `sink` as they are in the file.
    fn copy(
        &mut self,
        variable: &Variable,
        rows: Range<usize>,
        mut sink: impl FnMut(&[u8]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let unreadable = |source| files::unreadable(&self.path, source);
        // That the variable lies within the file was checked when it was opened.
        let row_bytes = variable.row_length() * variable.kind.width();
        let start = variable.start + (rows.start * row_bytes) as u64;
        self.file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let mut left = rows.len() * row_bytes;
        let mut chunk = vec![0; left.min(CHUNK_BYTES)];
        while left > 0 {
            let part = left.min(CHUNK_BYTES);
            let chunk = &mut chunk[..part];
            self.file.read_exact(chunk).map_err(unreadable)?;
            sink(chunk)?;
            left -= part;
        }
        Ok(())
    }

    /// Some values of a vector.
    pub(super) fn floats(
        &mut self,
        vector: &Variable,
        rows: Range<usize>,
    ) -> Result<Vec<f32>, ModelError> {
        let mut values = Vec::new();
        self.copy(vector, rows, |bytes| {
            match vector.kind {
                Kind::F32 => {
                    let quads = bytes.as_chunks::<4>().0.iter();
                    values.extend(quads.map(|quad| f32::from_le_bytes(*quad)));
                }
                Kind::F16 => {
                    let pairs = bytes.as_chunks::<2>().0.iter();
                    values.extend(pairs.map(|pair| f16::from_le_bytes(*pair).to_f32()));
                }
                _ => {
                    let pairs = bytes.as_chunks::<2>().0.iter();
                    values.extend(pairs.map(|pair| half::bf16::from_le_bytes(*pair).to_f32()));
                }
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// The error of a file that does not hold what it must.
    pub(super) fn refuse(&self, found: String) -> ModelError {
        refuse(&self.path, found)
    }
}

impl Variable {
    /// The type of the values that [`VariableFile::stream`] gives: integers become halves.
    pub(super) fn dtype(&self) -> Dtype {
        match self.kind {
            Kind::F32 => Dtype::F32,
            Kind::Bf16 => Dtype::BF16,
            Kind::F16 | Kind::I8 | Kind::I16 | Kind::I32 => Dtype::F16,
        }
    }

    fn row_length(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

impl Kind {
    fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }

    fn width(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }
}

/// Reads a file from its beginning to its end, and never past it.
struct Parser<'a> {
    path: &'a Path,
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl<'a> Parser<'a> {
    fn new(path: &'a Path) -> Result<Self, ModelError> {
        let (file, length) = files::open(path)?;
        Ok(Self {
            path,
            file: BufReader::new(file),
            at: 0,
            length,
        })
    }

    fn variable(&mut self) -> Result<Variable, ModelError> {
        let name = self.text()?;
        let rank = usize::from(self.u8()?);
        if rank > MAX_RANK {
            return Err(self.refuse(format!("`{name:.100}` of {rank} dimensions")));
        }
        let mut shape = Vec::with_capacity(rank);
        for _ in 0..rank {
            shape.push(self.u32()? as usize);
        }
        let kind = match self.u8()? {
            0 => Kind::F32,
            1 => Kind::I8,
            2 => Kind::I16,
            3 => Kind::I32,
            4 => Kind::F16,
            5 => Kind::Bf16,
            other => return Err(self.refuse(format!("`{name:.100}` of the unknown type {other}"))),
        };
        let size = u64::from(self.u32()?);
        let needed = shape.iter().try_fold(kind.width() as u64, |size, side| {
            size.checked_mul(*side as u64)
        });
        if needed != Some(size) || size == 0 {
            let found = format!("`{name:.100}` of the shape {shape:?} in {size} bytes");
            return Err(self.refuse(found));
        }
        let start = self.at;
        self.pass(size)?;
        Ok(Variable {
            name,
            shape,
            kind,
            start,
            scales: None,
        })
    }

    /// Other names of variables. All of them say that a network shares weights which ours shares as well, so nothing is done with them.
    fn aliases(&mut self, variables: &BTreeMap<String, Variable>) -> Result<(), ModelError> {
        for _ in 0..self.u32()? {
            let (alias, of) = (self.text()?, self.text()?);
            if variables.contains_key(&alias) || !variables.contains_key(&of) {
                return Err(self.refuse(format!("the alias `{alias:.100}` of `{of:.100}`")));
            }
        }
        if self.at != self.length {
            return Err(self.refuse(format!("{} bytes too many", self.length - self.at)));
        }
        Ok(())
    }

    fn text(&mut self) -> Result<String, ModelError> {
        let length = u16::from_le_bytes(self.bytes()?);
        self.reserve(u64::from(length))?;
        let mut bytes = vec![0; usize::from(length)];
        self.file
            .read_exact(&mut bytes)
            .map_err(|source| files::unreadable(self.path, source))?;
        let text = bytes.pop().filter(|last| *last == 0);
        let text = text.and_then(|_| String::from_utf8(bytes).ok());
        text.ok_or_else(|| self.refuse("a name that is no text".to_owned()))
    }

    fn u8(&mut self) -> Result<u8, ModelError> {
        Ok(self.bytes::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], ModelError> {
        self.reserve(COUNT as u64)?;
        let mut bytes = [0; COUNT];
        self.file
            .read_exact(&mut bytes)
            .map_err(|source| files::unreadable(self.path, source))?;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> Result<(), ModelError> {
        self.reserve(count)?;
        self.file
            .seek_relative(count.cast_signed())
            .map_err(|source| files::unreadable(self.path, source))
    }

    /// Moves on by `count` bytes, if the file has them.
    fn reserve(&mut self, count: u64) -> Result<(), ModelError> {
        if count > self.length - self.at {
            let found = format!("{} bytes, which end too early", self.length);
            return Err(self.refuse(found));
        }
        self.at += count;
        Ok(())
    }

    fn refuse(&self, found: String) -> ModelError {
        refuse(self.path, found)
    }
}

fn refuse(path: &Path, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_owned(),
        expected: "a whole Whisper model of CTranslate2".to_owned(),
        found,
        advice: files::FETCH_AGAIN.to_owned(),
    }
}
