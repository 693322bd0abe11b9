//! Weights as TensorFlow.js keeps them: a manifest that names tensors, and their values one after
//! the other, some as bytes with a scale and a least value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::Deserialize;

use crate::ModelError;
use crate::files;
use crate::weights::{TensorSource, are_finite, format_error, not_finite, read_tensor};

/// A manifest of some hundred tensors has some ten kilobytes.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// The largest of the files has seven megabytes.
const VALUES_LIMIT: u64 = 64 << 20;

/// A manifest and its values, which are as many as it says.
#[derive(Debug)]
pub(super) struct ManifestFile {
    path: PathBuf,
    values: Vec<u8>,
    tensors: BTreeMap<String, Stored>,
}

#[derive(Debug)]
struct Stored {
    shape: Vec<usize>,
    start: usize,
    count: usize,
    /// Of values that are bytes; others are f32.
    scale: Option<Scale>,
}

#[derive(Debug, Clone, Copy)]
struct Scale {
    scale: f32,
    least: f32,
}

/// A group of the manifest, as it is written.
#[derive(Deserialize)]
struct Group {
    weights: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Quantization>,
}

#[derive(Deserialize)]
struct Quantization {
    dtype: String,
    scale: f32,
    min: f32,
}

impl ManifestFile {
    /// Opens `NAME-weights_manifest.json` and `NAME.bin` in a folder.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if one is missing or damaged, or they do not
    /// belong to each other.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, ModelError> {
        let manifest = folder.join(format!("{name}-weights_manifest.json"));
        let groups: Vec<Group> = files::read_json(&manifest, MANIFEST_LIMIT)?;
        let path = folder.join(format!("{name}.bin"));
        let values = files::read(&path, VALUES_LIMIT)?;
        let mut tensors = BTreeMap::new();
        let mut end = 0_usize;
        for entry in groups.into_iter().flat_map(|group| group.weights) {
            let scale = scale(&entry).map_err(|found| {
                format_error(
                    &manifest,
                    "tensors of f32, as they are or as bytes".to_owned(),
                    found,
                )
            })?;
            let width = if scale.is_some() { 1 } else { 4 };
            let mut sides = entry.shape.iter();
            let count = sides.try_fold(1_usize, |count, side| count.checked_mul(*side));
            let next = count.and_then(|count| end.checked_add(count.checked_mul(width)?));
            let (Some(count), Some(next)) = (count, next.filter(|next| *next <= values.len()))
            else {
                return Err(format_error(
                    &path,
                    format!(
                        "as long as its manifest says, with `{}` of {:?}",
                        entry.name, entry.shape
                    ),
                    format!("{} bytes", values.len()),
                ));
            };
            let stored = Stored {
                shape: entry.shape,
                start: end,
                count,
                scale,
            };
            tensors.insert(entry.name, stored);
            end = next;
        }
        if end != values.len() {
            return Err(format_error(
                &path,
                format!("{end} bytes, as its manifest says"),
                format!("{} bytes", values.len()),
            ));
        }
        Ok(Self {
            path,
            values,
            tensors,
        })
    }

    /// Reads the filters of a convolution, `[rows, columns, inputs, outputs]`, as
    /// `[outputs, inputs, rows, columns]`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if they are missing or of another shape.
    pub(super) fn filters(
        &self,
        name: &str,
        shape: [usize; 4],
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let filters = read_tensor(self, name, &shape, device)?;
        filters
            .permute((3, 2, 0, 1))
            .and_then(|filters| filters.contiguous())
            .map_err(ModelError::compute("lay out weights"))
    }

    /// Reads the filters of a convolution by channel, `[rows, columns, channels, 1]`, as
    /// `[channels, 1, rows, columns]`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if they are missing or of another shape.
    pub(super) fn channel_filters(
        &self,
        name: &str,
        [rows, columns, channels]: [usize; 3],
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let filters = read_tensor(self, name, &[rows, columns, channels, 1], device)?;
        filters
            .permute((2, 3, 0, 1))
            .and_then(|filters| filters.contiguous())
            .map_err(ModelError::compute("lay out weights"))
    }
}

/// How the bytes of a tensor become numbers; `None` if it has no bytes but numbers.
fn scale(entry: &Entry) -> Result<Option<Scale>, String> {
    let Entry {
        name,
        dtype,
        quantization,
        ..
    } = entry;
    match quantization {
        _ if dtype != "float32" => Err(format!("`{name}` of {dtype}")),
        None => Ok(None),
        Some(Quantization { dtype, scale, min }) if dtype == "uint8" => Ok(Some(Scale {
            scale: *scale,
            least: *min,
        })),
        Some(Quantization { dtype, .. }) => Err(format!("`{name}` in {dtype}")),
    }
}

impl TensorSource for ManifestFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.tensors.get(name)?.shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let Some(stored) = self.tensors.get(name) else {
            return Err(format_error(
                &self.path,
                format!("a file with the tensor `{name}`"),
                "no tensor of that name".to_owned(),
            ));
        };
        let bytes = &self.values[stored.start..];
        let values: Vec<f32> = match stored.scale {
            Some(Scale { scale, least }) => {
                let bytes = bytes[..stored.count].iter();
                bytes.map(|byte| f32::from(*byte) * scale + least).collect()
            }
            None => {
                let (quads, _) = bytes[..stored.count * 4].as_chunks::<4>();
                quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect()
            }
        };
        match are_finite(&values) {
            true => Ok(values),
            false => Err(not_finite(&self.path, name)),
        }
    }
}
