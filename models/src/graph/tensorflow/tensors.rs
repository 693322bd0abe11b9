//! Tensors of TensorFlow's graphs.

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};

use super::messages::{Shape, TensorProto};
use crate::ModelError;
use crate::graph::builder::{Builder, TENSOR_LIMIT};

/// TensorFlow's numbers for types.
pub(super) mod kind {
    pub(in crate::graph::tensorflow) const FLOAT: i32 = 1;
    pub(in crate::graph::tensorflow) const DOUBLE: i32 = 2;
    pub(in crate::graph::tensorflow) const INT32: i32 = 3;
    pub(in crate::graph::tensorflow) const UINT8: i32 = 4;
    pub(in crate::graph::tensorflow) const INT16: i32 = 5;
    pub(in crate::graph::tensorflow) const INT8: i32 = 6;
    pub(in crate::graph::tensorflow) const INT64: i32 = 9;
    pub(in crate::graph::tensorflow) const BOOL: i32 = 10;
    pub(in crate::graph::tensorflow) const BFLOAT16: i32 = 14;
    pub(in crate::graph::tensorflow) const HALF: i32 = 19;
}

/// The type that ours are computed in; `None` for what is no number.
pub(super) fn dtype(data_type: i32) -> Option<DType> {
    match data_type {
        kind::FLOAT | kind::DOUBLE | kind::BFLOAT16 | kind::HALF => Some(DType::F32),
        kind::INT32 | kind::INT16 | kind::INT8 | kind::INT64 => Some(DType::I64),
        kind::UINT8 | kind::BOOL => Some(DType::U8),
        _ => None,
    }
}

/// The sides of a shape; `None` if not even their number is known.
pub(super) fn sides(shape: &Shape) -> Option<Vec<Option<usize>>> {
    let sides = shape
        .dimensions
        .iter()
        .map(|side| usize::try_from(side.size).ok());
    (!shape.unknown_rank).then(|| sides.collect())
}

/// The values of a tensor: as many as its sides say, or fewer, of which the last is repeated.
pub(super) fn read(
    builder: &Builder,
    name: &str,
    tensor: &TensorProto,
) -> Result<Tensor, ModelError> {
    let refuse = |expected: &str, found: String| {
        builder.refuse(format!("a graph whose constant `{name}` {expected}"), found)
    };
    let shape = tensor.shape.clone().unwrap_or_default();
    let sides: Option<Vec<usize>> = sides(&shape).and_then(|sides| sides.into_iter().collect());
    let Some(sides) = sides else {
        return Err(refuse("has sides", format!("{:?}", tensor.shape)));
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
    let wrong = |found: usize| {
        refuse(
            &format!("has the {count} values of its sides {sides:?}"),
            found.to_string(),
        )
    };
    let made = match dtype(tensor.data_type) {
        Some(DType::F32) => Tensor::new(
            repeated(floats(tensor), count).map_err(wrong)?,
            &Device::Cpu,
        ),
        Some(DType::I64) => {
            Tensor::new(repeated(whole(tensor), count).map_err(wrong)?, &Device::Cpu)
        }
        Some(_) => Tensor::new(repeated(bytes(tensor), count).map_err(wrong)?, &Device::Cpu),
        None => return Err(refuse("has numbers", format!("type {}", tensor.data_type))),
    };
    made.and_then(|made| made.reshape(sides))
        .map_err(ModelError::compute("read a tensor"))
}

/// As many values, the last one repeated; an error with how many there are if that is too many or too few.
fn repeated<T: Copy + Default>(mut values: Vec<T>, count: usize) -> Result<Vec<T>, usize> {
    match values.last() {
        // A tensor without values is one of zeros.
        None if count <= 1 << 20 => Ok(vec![T::default(); count]),
        Some(last) if values.len() <= count => {
            let last = *last;
            values.resize(count, last);
            Ok(values)
        }
        _ => Err(values.len()),
    }
}

/// Little-endian values; what is left of the bytes makes their number wrong.
pub(super) fn raw<const WIDTH: usize, T>(bytes: &[u8], read: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
    let (values, _) = bytes.as_chunks::<WIDTH>();
    values.iter().map(|value| read(*value)).collect()
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
    let halves = |widen: fn(u16) -> f32| {
        tensor
            .halves
            .iter()
            .map(|bits| widen(*bits as u16))
            .collect()
    };
    match (tensor.data_type, tensor.content.is_empty()) {
        (kind::HALF, false) => raw(&tensor.content, |pair| f16::from_le_bytes(pair).to_f32()),
        (kind::HALF, true) => halves(|bits| f16::from_bits(bits).to_f32()),
        (kind::BFLOAT16, false) => raw(&tensor.content, |pair| bf16::from_le_bytes(pair).to_f32()),
        (kind::BFLOAT16, true) => halves(|bits| bf16::from_bits(bits).to_f32()),
        (kind::DOUBLE, false) => raw(&tensor.content, |value| f64::from_le_bytes(value) as f32),
        (kind::DOUBLE, true) => tensor.doubles.iter().map(|value| *value as f32).collect(),
        (_, false) => raw(&tensor.content, f32::from_le_bytes),
        (_, true) => tensor.floats.clone(),
    }
}

fn whole(tensor: &TensorProto) -> Vec<i64> {
    match (tensor.data_type, tensor.content.is_empty()) {
        (kind::INT8, false) => raw(&tensor.content, |[byte]: [u8; 1]| i64::from(byte as i8)),
        (kind::INT16, false) => raw(&tensor.content, |pair| i64::from(i16::from_le_bytes(pair))),
        (kind::INT32, false) => raw(&tensor.content, |value| {
            i64::from(i32::from_le_bytes(value))
        }),
        (_, false) => raw(&tensor.content, i64::from_le_bytes),
        (kind::INT64, true) => tensor.long_integers.clone(),
        (_, true) => tensor
            .integers
            .iter()
            .map(|value| i64::from(*value))
            .collect(),
    }
}

fn bytes(tensor: &TensorProto) -> Vec<u8> {
    match (tensor.data_type, tensor.content.is_empty()) {
        (_, false) => tensor.content.clone(),
        (kind::BOOL, true) => tensor.truths.iter().map(|truth| u8::from(*truth)).collect(),
        (_, true) => tensor.integers.iter().map(|value| *value as u8).collect(),
    }
}
