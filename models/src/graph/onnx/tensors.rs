//! Tensors of ONNX files.

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};

use crate::ModelError;
use crate::graph::builder::{Builder, TENSOR_LIMIT, ValueId};
use crate::onnx::messages::NamedTensor;

/// ONNX's numbers for types of tensors.
mod kind {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const UINT8: i32 = 2;
    pub(super) const INT8: i32 = 3;
    pub(super) const UINT16: i32 = 4;
    pub(super) const INT16: i32 = 5;
    pub(super) const INT32: i32 = 6;
    pub(super) const INT64: i32 = 7;
    pub(super) const BOOL: i32 = 9;
    pub(super) const FLOAT16: i32 = 10;
    pub(super) const DOUBLE: i32 = 11;
    pub(super) const UINT32: i32 = 12;
    pub(super) const BFLOAT16: i32 = 16;
}

/// The type that ours are computed in; `None` for what is no number.
pub(super) fn dtype(data_type: i32) -> Option<DType> {
    match data_type {
        kind::FLOAT | kind::FLOAT16 | kind::DOUBLE | kind::BFLOAT16 => Some(DType::F32),
        kind::INT8 | kind::UINT16 | kind::INT16 | kind::INT32 | kind::INT64 | kind::UINT32 => {
            Some(DType::I64)
        }
        kind::UINT8 | kind::BOOL => Some(DType::U8),
        _ => None,
    }
}

/// Whether a type is that of truth values.
pub(super) fn is_truth(data_type: i32) -> bool {
    data_type == kind::BOOL
}

pub(super) fn constant(builder: &mut Builder, tensor: &NamedTensor) -> Result<ValueId, ModelError> {
    let tensor = read(builder, tensor)?;
    Ok(builder.constant(tensor))
}

/// The values of a tensor, which must be as many as its sides say.
pub(super) fn read(builder: &Builder, tensor: &NamedTensor) -> Result<Tensor, ModelError> {
    let name = &tensor.name;
    let refuse = |expected: &str, found: String| {
        builder.refuse(
            format!("an ONNX file whose tensor `{name}` {expected}"),
            found,
        )
    };
    if tensor.location != 0 {
        return Err(refuse(
            "stands in the file itself",
            "one in another file".to_owned(),
        ));
    }
    let sides = tensor
        .dimensions
        .iter()
        .map(|side| usize::try_from(*side).ok());
    let Some(sides) = sides.collect::<Option<Vec<usize>>>() else {
        return Err(refuse("has sides", format!("{:?}", tensor.dimensions)));
    };
    let count = sides
        .iter()
        .try_fold(1usize, |count, side| count.checked_mul(*side));
    let Some(count) = count.filter(|count| *count <= TENSOR_LIMIT / 4) else {
        return Err(refuse(
            &format!("has at most {TENSOR_LIMIT} bytes"),
            format!("the sides {sides:?}"),
        ));
    };
    let tensor = match dtype(tensor.data_type) {
        Some(DType::F32) => {
            floats(tensor).map(|values| (values.len(), Tensor::new(values, &Device::Cpu)))
        }
        Some(DType::I64) => {
            whole(tensor).map(|values| (values.len(), Tensor::new(values, &Device::Cpu)))
        }
        Some(_) => bytes(tensor).map(|values| (values.len(), Tensor::new(values, &Device::Cpu))),
        None => return Err(refuse("has numbers", format!("type {}", tensor.data_type))),
    };
    let Some((found, tensor)) = tensor else {
        return Err(refuse("has whole values", "a part of one".to_owned()));
    };
    if found != count {
        return Err(refuse(
            &format!("has the {count} values of its sides {sides:?}"),
            found.to_string(),
        ));
    }
    let tensor = tensor.and_then(|tensor| tensor.reshape(sides));
    tensor.map_err(ModelError::compute("read a tensor"))
}

/// The little-endian values of a tensor's raw bytes; `None` if a part of one is left.
fn raw<const WIDTH: usize, T>(
    tensor: &NamedTensor,
    read: impl Fn([u8; WIDTH]) -> T,
) -> Option<Vec<T>> {
    let (values, rest) = tensor.raw.as_chunks::<WIDTH>();
    rest.is_empty()
        .then(|| values.iter().map(|value| read(*value)).collect())
}

fn floats(tensor: &NamedTensor) -> Option<Vec<f32>> {
    let has_raw = !tensor.raw.is_empty();
    let halves = |widen: fn(u16) -> f32| {
        tensor
            .integers
            .iter()
            .map(|bits| widen(*bits as u16))
            .collect()
    };
    match (tensor.data_type, has_raw) {
        (kind::FLOAT16, true) => raw(tensor, |pair| f16::from_le_bytes(pair).to_f32()),
        (kind::FLOAT16, false) => Some(halves(|bits| f16::from_bits(bits).to_f32())),
        (kind::BFLOAT16, true) => raw(tensor, |pair| bf16::from_le_bytes(pair).to_f32()),
        (kind::BFLOAT16, false) => Some(halves(|bits| bf16::from_bits(bits).to_f32())),
        (kind::DOUBLE, true) => raw(tensor, |value| f64::from_le_bytes(value) as f32),
        (kind::DOUBLE, false) => Some(tensor.doubles.iter().map(|value| *value as f32).collect()),
        (_, true) => raw(tensor, f32::from_le_bytes),
        (_, false) => Some(tensor.floats.clone()),
    }
}

fn whole(tensor: &NamedTensor) -> Option<Vec<i64>> {
    let has_raw = !tensor.raw.is_empty();
    match (tensor.data_type, has_raw) {
        (kind::INT8, true) => raw(tensor, |[byte]: [u8; 1]| i64::from(byte as i8)),
        (kind::UINT16, true) => raw(tensor, |pair| i64::from(u16::from_le_bytes(pair))),
        (kind::INT16, true) => raw(tensor, |pair| i64::from(i16::from_le_bytes(pair))),
        (kind::INT32, true) => raw(tensor, |value| i64::from(i32::from_le_bytes(value))),
        (kind::UINT32, true) => raw(tensor, |value| i64::from(u32::from_le_bytes(value))),
        (_, true) => raw(tensor, i64::from_le_bytes),
        (kind::INT64, false) => Some(tensor.long_integers.clone()),
        (_, false) => Some(
            tensor
                .integers
                .iter()
                .map(|value| i64::from(*value))
                .collect(),
        ),
    }
}

fn bytes(tensor: &NamedTensor) -> Option<Vec<u8>> {
    Some(match tensor.raw.is_empty() {
        true => tensor.integers.iter().map(|value| *value as u8).collect(),
        false => tensor.raw.clone(),
    })
}
