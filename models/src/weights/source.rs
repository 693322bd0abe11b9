//! What the readers of weight files have in common: named tensors, and the errors about them.

use std::path::Path;

use candle_core::{Device, Tensor};

use crate::{ModelError, files};

/// A file of named tensors.
pub(crate) trait TensorSource: Send + Sync {
    /// Where the file is.
    fn path(&self) -> &Path;

    /// The shape of the tensor `name`; `None` if there is none of that name.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// Reads the values of a tensor that is there, in row-major order.
    ///
    /// # Errors
    /// [`ModelError::Format`] if they are of another type, not complete, or one is not a finite
    /// number.
    fn values(&self, name: &str) -> Result<Vec<f32>, ModelError>;
}

/// Reads the tensor `name`, which must have this shape, as f32.
///
/// # Errors
/// [`ModelError::Format`] if it is missing, of another shape or cannot be read.
pub(crate) fn read_tensor(
    source: &dyn TensorSource,
    name: &str,
    shape: &[usize],
    device: &Device,
) -> Result<Tensor, ModelError> {
    check_shape(source.path(), name, shape, source.shape(name).as_deref())?;
    Tensor::from_vec(source.values(name)?, shape, device)
        .map_err(ModelError::compute("copy weights to the device"))
}

/// Compares the shape that a tensor must have with the one that it has.
///
/// # Errors
/// [`ModelError::Format`] if they differ, or the file has no such tensor.
pub(crate) fn check_shape(
    path: &Path,
    name: &str,
    expected: &[usize],
    found: Option<&[usize]>,
) -> Result<(), ModelError> {
    let found = match found {
        Some(found) if found == expected => return Ok(()),
        Some(found) => format!("the shape {found:?}"),
        None => "no tensor of that name".to_owned(),
    };
    let expected = format!("a file with the tensor `{name}` of the shape {expected:?}");
    Err(format_error(path, expected, found))
}

/// The error of a tensor with a value that is infinite or not a number: one is enough to make every
/// output meaningless.
pub(crate) fn not_finite(path: &Path, name: &str) -> ModelError {
    format_error(
        path,
        format!("a file whose tensor `{name}` has finite numbers"),
        "a value that is infinite or not a number".to_owned(),
    )
}

/// The error of a weight file that does not hold what it must.
pub(crate) fn format_error(path: &Path, expected: String, found: String) -> ModelError {
    ModelError::Format {
        path: path.to_path_buf(),
        expected,
        found,
        advice: files::FETCH_AGAIN.to_owned(),
    }
}

/// The bytes that a tensor's values take.
pub(crate) fn tensor_bytes(tensor: &Tensor) -> usize {
    tensor.elem_count() * tensor.dtype().size_in_bytes()
}

/// Says whether all values are finite, without an early exit, so that it is vectorized.
pub(crate) fn are_finite(values: &[f32]) -> bool {
    values
        .iter()
        .fold(true, |all, value| all & value.is_finite())
}
