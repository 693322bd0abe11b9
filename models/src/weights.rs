//! Reading tensors from a safetensors file.
//!
//! The file is read with plain positioned reads, not through a memory map. Every tensor is copied
//! into memory of its own in either case, so a map saves nothing here, and a mapped file that
//! another process truncates would end this process with a bus error where a read returns an error.

mod source;
mod var_builder;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::ModelError;
use crate::files;
pub(crate) use source::{
    TensorSource, are_finite, check_shape, format_error, not_finite, read_tensor, tensor_bytes,
};

/// The header of the largest models known is below one megabyte.
const HEADER_LIMIT: u64 = 16 << 20;
/// Large enough to make system calls cheap, small enough to stay in a core's second-level cache
/// while converting.
const CHUNK_BYTES: usize = 256 << 10;

/// An open safetensors file whose header has been checked against the length of the file.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    /// Locked while the values of a tensor are read.
    file: Mutex<File>,
    metadata: Metadata,
    data_start: u64,
}

impl TensorFile {
    /// Opens a file and checks its header: nothing is allocated that the file is not long enough to
    /// fill.
    ///
    /// # Errors
    /// [`ModelError::File`] if the file cannot be read, [`ModelError::Format`] if it is not a whole
    /// safetensors file.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (mut file, length) = files::open(path)?;
        let refuse = |expected: &str, found: String| format_error(path, expected.to_owned(), found);
        let mut prefix = [0; 8];
        if length < prefix.len() as u64 {
            return Err(refuse("a safetensors file", format!("{length} bytes")));
        }
        file.read_exact(&mut prefix)
            .map_err(|source| files::unreadable(path, source))?;
        let header_length = u64::from_le_bytes(prefix);
        if header_length > HEADER_LIMIT || header_length > length - 8 {
            return Err(refuse(
                &format!(
                    "a safetensors file whose header has at most {HEADER_LIMIT} bytes and fits into the file"
                ),
                format!("a header of {header_length} bytes in a file of {length} bytes"),
            ));
        }
        let mut header = vec![0; usize::try_from(header_length).unwrap_or(0)];
        file.read_exact(&mut header)
            .map_err(|source| files::unreadable(path, source))?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| refuse("a safetensors file", error.to_string()))?;
        let data_start = 8 + header_length;
        let data_length = metadata.data_len() as u64;
        if data_start.checked_add(data_length) != Some(length) {
            return Err(refuse(
                "a safetensors file as long as its header says",
                format!(
                    "a header that says {data_length} bytes of tensors and a file that has {}",
                    length - data_start
                ),
            ));
        }
        Ok(Self {
            path: path.to_path_buf(),
            file: Mutex::new(file),
            metadata,
            data_start,
        })
    }

    /// Whether the file has a tensor of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// Reads the tensor `name`, which must have this shape, as f32. F16 and BF16 are widened.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the tensor is missing or of another shape or type, or has a value
    /// that is not a finite number.
    pub fn read(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        read_tensor(self, name, shape, device)
    }
}

impl TensorSource for TensorFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.metadata.info(name)?.shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let refuse = |expected, found| format_error(&self.path, expected, found);
        let Some(info) = self.metadata.info(name) else {
            return Err(refuse(
                format!("a file with the tensor `{name}`"),
                "no tensor of that name".to_owned(),
            ));
        };
        let (dtype, (start, end)) = (info.dtype, info.data_offsets);
        let width = match dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            other => {
                return Err(refuse(
                    format!("a file whose tensor `{name}` is F32, F16 or BF16"),
                    format!("{other:?}"),
                ));
            }
        };
        let unreadable = |source| files::unreadable(&self.path, source);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.data_start + start as u64))
            .map_err(unreadable)?;
        let mut left = end - start;
        let mut values = Vec::with_capacity(left / width);
        let mut chunk = vec![0; left.min(CHUNK_BYTES)];
        while left > 0 {
            let part = left.min(chunk.len());
            let chunk = &mut chunk[..part];
            file.read_exact(chunk).map_err(unreadable)?;
            let known = values.len();
            append(&mut values, chunk, dtype);
            if !are_finite(&values[known..]) {
                return Err(not_finite(&self.path, name));
            }
            left -= part;
        }
        Ok(values)
    }
}

/// Appends little-endian values of a floating-point type as f32.
fn append(values: &mut Vec<f32>, bytes: &[u8], dtype: Dtype) {
    match dtype {
        Dtype::F16 => values.extend(pairs(bytes).map(|pair| f16::from_le_bytes(pair).to_f32())),
        Dtype::BF16 => values.extend(pairs(bytes).map(|pair| bf16::from_le_bytes(pair).to_f32())),
        _ => values.extend(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|quad| f32::from_le_bytes(*quad)),
        ),
    }
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}
