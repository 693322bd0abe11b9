//! Weights that PyTorch saved (`.pth`, `.pt`): in the old form, and in a zip archive.
//!
//! Both hold a pickle, which is a program that makes objects. The machine in `torch/pickle.rs` runs none of it but what makes tensors, dictionaries
//! and plain values: whatever else a file asks for is an error that names it. Nothing is allocated on the word of a file: sizes, strides and
//! places are checked against its length before values are read.

mod legacy;
mod pickle;
mod tensors;
mod zipped;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use half::{bf16, f16};

use crate::ModelError;
use crate::files;
use crate::weights::{TensorSource, are_finite, format_error, not_finite, read_tensor};
pub use pickle::Kind;
use tensors::Stored;

/// An open file of weights, in which every tensor lies inside its storage and every storage inside the file.
#[derive(Debug)]
pub struct TorchFile {
    path: PathBuf,
    /// Locked while the values of a tensor are read.
    file: Mutex<File>,
    tensors: BTreeMap<String, Stored>,
}

impl TorchFile {
    /// Opens a file and looks at what it holds, without reading any values.
    ///
    /// # Errors
    /// [`ModelError::File`] if the file cannot be read, [`ModelError::Format`] if it holds something else than tensors, or they do not fit
    /// into it.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (mut file, length) = files::open(path)?;
        let mut first = [0; 4];
        let is_zip = length >= 4 && {
            file.read_exact(&mut first)
                .and_then(|()| file.rewind())
                .map_err(|error| files::unreadable(path, error))?;
            first == *b"PK\x03\x04"
        };
        let tensors = match is_zip {
            true => zipped::tensors(&mut file, length),
            false => legacy::tensors(&mut file, length),
        };
        let expected = || "weights that PyTorch saved".to_owned();
        let tensors = tensors.map_err(|found| format_error(path, expected(), found))?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            tensors,
        })
    }

    /// Returns the names of the tensors. One in a dictionary in a dictionary has both keys, with a dot between.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the shape of a tensor and the kind of its values; `None` if there is none of that name.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<(&[usize], Kind)> {
        let stored = self.tensors.get(name)?;
        Some((&stored.shape, stored.kind))
    }

    /// Reads the tensor `name`, which must have this shape, as f32.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the tensor is missing, of another shape, not of floating-point numbers, or has a value that is not finite.
    pub fn read(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        read_tensor(self, name, shape, device)
    }

    /// The bytes of elements that lie side by side.
    fn bytes(&self, stored: &Stored, first: usize, count: usize) -> Result<Vec<u8>, ModelError> {
        let width = stored.kind.bytes();
        let mut bytes = vec![0; count * width];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(stored.start + (first * width) as u64))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| files::unreadable(&self.path, error))?;
        Ok(bytes)
    }
}

impl TensorSource for TorchFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.tensors.get(name)?.shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let refuse = |expected, found| format_error(&self.path, expected, found);
        let Some(stored) = self.tensors.get(name) else {
            return Err(refuse(
                format!("a file with the tensor `{name}`"),
                "no tensor of that name".to_owned(),
            ));
        };
        if !stored.kind.is_float() {
            return Err(refuse(
                format!("a file whose tensor `{name}` has floating-point numbers"),
                format!("{:?}", stored.kind),
            ));
        }
        let bytes = self.bytes(stored, stored.offset, stored.span())?;
        let values = floats(&bytes, stored.kind);
        let values = match stored.is_in_order() {
            true => values,
            false => stored.places().map(|place| values[place]).collect(),
        };
        match are_finite(&values) {
            true => Ok(values),
            false => Err(not_finite(&self.path, name)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are read as f32")]
fn floats(bytes: &[u8], kind: Kind) -> Vec<f32> {
    let pairs = || bytes.as_chunks::<2>().0.iter();
    match kind {
        Kind::F16 => pairs()
            .map(|pair| f16::from_le_bytes(*pair).to_f32())
            .collect(),
        Kind::BF16 => pairs()
            .map(|pair| bf16::from_le_bytes(*pair).to_f32())
            .collect(),
        Kind::F64 => {
            let eights = bytes.as_chunks::<8>().0.iter();
            eights
                .map(|eight| f64::from_le_bytes(*eight) as f32)
                .collect()
        }
        _ => {
            let quads = bytes.as_chunks::<4>().0.iter();
            quads.map(|quad| f32::from_le_bytes(*quad)).collect()
        }
    }
}

#[cfg(test)]
mod tests;
