//! Reading tensors from a safetensors file.
//!
//! The file is read with plain positioned reads, not through a memory map. Every tensor is copied into memory of
//! its own in either case, so a map saves nothing here, and a mapped file that another process truncates would end
//! this process with a bus error where a read returns an error.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::ModelError;
use crate::files;

/// The header of the largest models known is below one megabyte.
const HEADER_LIMIT: u64 = 16 << 20;
/// Large enough to make system calls cheap, small enough to stay in a core's second-level cache while converting.
const CHUNK_BYTES: usize = 256 << 10;

/// An open safetensors file whose header has been checked against the length of the file.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    data_start: u64,
    chunk: Vec<u8>,
}

impl TensorFile {
    /// Opens a file and checks its header: nothing is allocated that the file is not long enough to fill.
    ///
    /// # Errors
    /// [`ModelError::File`] if the file cannot be read, [`ModelError::Format`] if it is not a whole safetensors file.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (mut file, length) = files::open(path)?;
        let refuse = |expected: &str, found: String| ModelError::Format {
            path: path.to_path_buf(),
            expected: expected.to_owned(),
            found,
            advice: files::FETCH_AGAIN.to_owned(),
        };
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
            file,
            metadata,
            data_start,
            chunk: vec![0; CHUNK_BYTES],
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
    /// [`ModelError::Format`] if the tensor is missing or of another shape or type, or has a value that is no finite number: one is enough to make
    /// every answer nonsense.
    pub fn read(
        &mut self,
        name: &str,
        shape: &[usize],
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let values = self.read_values(name, shape)?;
        Tensor::from_vec(values, shape, device)
            .map_err(ModelError::compute("copy weights to the device"))
    }

    /// Reads the values of a tensor in row-major order.
    fn read_values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let Some(info) = self.metadata.info(name) else {
            return Err(self.refuse(
                format!("a file with the tensor `{name}`"),
                "none of that name".to_owned(),
            ));
        };
        if info.shape != shape {
            let found = format!("{:?}", info.shape);
            return Err(self.refuse(
                format!("a file whose tensor `{name}` has the shape {shape:?}"),
                found,
            ));
        }
        let (dtype, (start, end)) = (info.dtype, info.data_offsets);
        let width = match dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            other => {
                let found = format!("{other:?}");
                return Err(self.refuse(
                    format!("a file whose tensor `{name}` is F32, F16 or BF16"),
                    found,
                ));
            }
        };
        let unreadable = |source| files::unreadable(&self.path, source);
        self.file
            .seek(SeekFrom::Start(self.data_start + start as u64))
            .map_err(unreadable)?;
        let mut values = Vec::with_capacity((end - start) / width);
        let mut left = end - start;
        while left > 0 {
            let part = left.min(self.chunk.len());
            let chunk = &mut self.chunk[..part];
            self.file.read_exact(chunk).map_err(unreadable)?;
            let known = values.len();
            append(&mut values, chunk, dtype);
            if !are_finite(&values[known..]) {
                return Err(self.refuse(
                    format!("a file whose tensor `{name}` has finite numbers"),
                    "one that is infinite or none at all".to_owned(),
                ));
            }
            left -= part;
        }
        Ok(values)
    }

    /// The file is not what it must be.
    pub(crate) fn refuse(&self, expected: String, found: String) -> ModelError {
        ModelError::Format {
            path: self.path.clone(),
            expected,
            found,
            advice: files::FETCH_AGAIN.to_owned(),
        }
    }
}

/// The bytes that a tensor's values take.
pub(crate) fn tensor_bytes(tensor: &Tensor) -> usize {
    tensor.elem_count() * tensor.dtype().size_in_bytes()
}

/// Without a way out in the middle, so that it is done in vectors.
pub(crate) fn are_finite(values: &[f32]) -> bool {
    values
        .iter()
        .fold(true, |all, value| all & value.is_finite())
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
