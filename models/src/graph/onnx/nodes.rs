//! What the nodes of ONNX mean.

use candle_core::DType;

use super::attributes::Attributes;
use super::{axes, tensors, windows};
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Binary, Cast, Operation};
use crate::graph::operators::matrix::{Extent, MatMul, Scale, Side, Softmax};
use crate::graph::operators::norm::{BatchNormalization, LayerNormalization};
use crate::graph::operators::recurrent::{Cell, Direction, Recurrent, Reset};
use crate::kernels::Unary;
use crate::onnx::messages::Node;

/// A node in its place.
pub(super) struct Site<'a> {
    /// For messages.
    pub(super) name: String,
    pub(super) attributes: Attributes<'a>,
    pub(super) inputs: Vec<Option<ValueId>>,
    /// Of the operators.
    pub(super) version: i64,
    /// How many outputs the node has.
    pub(super) outputs: usize,
}

impl Site<'_> {
    pub(super) fn input(&self, builder: &Builder, at: usize) -> Result<ValueId, ModelError> {
        let input = self.inputs.get(at).copied().flatten();
        input.ok_or_else(|| builder.refuse(format!("a node {} with input {at}", self.name), "none"))
    }

    /// The number of a constant input without sides.
    fn number(&self, builder: &Builder, at: usize, default: f32) -> Result<f32, ModelError> {
        let Some(id) = self.inputs.get(at).copied().flatten() else {
            return Ok(default);
        };
        let constant = builder.values[id].constant.as_ref();
        let number = constant.and_then(|tensor| tensor.flatten_all().ok()?.to_vec1::<f32>().ok());
        match number.as_deref() {
            Some([number]) => Ok(*number),
            _ => Err(builder.refuse(
                format!("a node {} whose input {at} is a constant number", self.name),
                "another",
            )),
        }
    }

    /// The error of an attribute that is not read.
    pub(super) fn unknown(
        &self,
        builder: &Builder,
        what: &str,
        found: impl std::fmt::Debug,
    ) -> ModelError {
        builder.refuse(
            format!("a node {} with another {what}", self.name),
            format!("{found:?}"),
        )
    }
}

/// Adds what a node means.
///
/// # Errors
/// [`ModelError::Format`] if it is not known, or cannot be as it is.
pub(super) fn lower(
    builder: &mut Builder,
    node: &Node,
    site: &Site<'_>,
) -> Result<Vec<ValueId>, ModelError> {
    let own = node.domain.is_empty() || node.domain == "ai.onnx";
    if !own {
        return Err(unknown(builder, node));
    }
    if let Some(operation) = plain(&node.operation) {
        return builder.add(&site.name, operation, &site.inputs);
    }
    let attributes = site.attributes;
    let operation = match &*node.operation {
        "Constant" => return Ok(vec![constant(builder, site)?]),
        // A graph that is run learns no more.
        "Dropout" => Operation::Identity,
        "Clip" => return clip(builder, site),
        "LeakyRelu" => Operation::Unary(Unary::LeakyRelu(attributes.float("alpha", 0.01))),
        "Elu" => Operation::Unary(Unary::Elu(attributes.float("alpha", 1.0))),
        "HardSigmoid" => {
            let (alpha, beta) = (
                attributes.float("alpha", 0.2),
                attributes.float("beta", 0.5),
            );
            Operation::Unary(Unary::HardSigmoid(alpha, beta))
        }
        "Gelu" if attributes.text("approximate", "none") == "none" => Operation::Unary(Unary::Gelu),
        "Mod" if attributes.integer("fmod", 0) == 0 => Operation::Binary(Binary::FloorModulo),
        "Mod" => Operation::Binary(Binary::Remainder),
        "Max" | "Min" | "Sum" => return chain(builder, node, site),
        "Cast" => cast(builder, site)?,
        "BatchNormalization" => Operation::BatchNormalization(BatchNormalization {
            epsilon: attributes.float("epsilon", 1e-5),
        }),
        "LayerNormalization" => Operation::LayerNormalization(LayerNormalization {
            axis: attributes.integer("axis", -1),
            epsilon: attributes.float("epsilon", 1e-5),
        }),
        "MatMul" => Operation::MatMul(MatMul::PLAIN),
        "Gemm" => Operation::MatMul(gemm(attributes)),
        "Softmax" => softmax(site, Scale::Linear),
        "LogSoftmax" => softmax(site, Scale::Logarithm),
        "GRU" | "LSTM" => recurrent(builder, node, site)?,
        name => match windows::lower(builder, name, site)? {
            Some(operation) => operation,
            None => match axes::lower(builder, name, site)? {
                Some(made) => return Ok(made),
                None => return Err(unknown(builder, node)),
            },
        },
    };
    let inputs = match &operation {
        Operation::Unary(_) | Operation::Identity => &site.inputs[..site.inputs.len().min(1)],
        _ => &site.inputs,
    };
    builder.add(&site.name, operation, inputs)
}

/// The error of an operation that is not known.
fn unknown(builder: &Builder, node: &Node) -> ModelError {
    let domain = if node.domain.is_empty() {
        "ai.onnx"
    } else {
        &node.domain
    };
    builder.refuse(
        "a graph of operations that are known",
        format!(
            "the operation `{}` of `{domain}` at node `{}`",
            node.operation, node.name
        ),
    )
}

/// Operations that need nothing but their inputs.
fn plain(name: &str) -> Option<Operation> {
    let unary = |function| Some(Operation::Unary(function));
    let binary = |function| Some(Operation::Binary(function));
    match name {
        "Abs" => unary(Unary::Abs),
        "Ceil" => unary(Unary::Ceil),
        "Cos" => unary(Unary::Cos),
        "Erf" => unary(Unary::Erf),
        "Exp" => unary(Unary::Exp),
        "Floor" => unary(Unary::Floor),
        "HardSwish" => unary(Unary::HardSwish),
        "Log" => unary(Unary::Log),
        "Neg" => unary(Unary::Negate),
        "Reciprocal" => unary(Unary::Reciprocal),
        "Relu" => unary(Unary::Relu),
        "Round" => unary(Unary::Round),
        "Sigmoid" => unary(Unary::Sigmoid),
        "Sign" => unary(Unary::Sign),
        "Sin" => unary(Unary::Sin),
        "Softplus" => unary(Unary::Softplus),
        "Sqrt" => unary(Unary::SquareRoot),
        "Tanh" => unary(Unary::Tanh),
        "Add" => binary(Binary::Add),
        "Sub" => binary(Binary::Subtract),
        "Mul" => binary(Binary::Multiply),
        "Div" => binary(Binary::Divide),
        "Pow" => binary(Binary::Power),
        "PRelu" => binary(Binary::PRelu),
        "Equal" => binary(Binary::Equal),
        "Less" => binary(Binary::Less),
        "LessOrEqual" => binary(Binary::LessOrEqual),
        "Greater" => binary(Binary::Greater),
        "GreaterOrEqual" => binary(Binary::GreaterOrEqual),
        "And" => binary(Binary::And),
        "Or" => binary(Binary::Or),
        "Xor" => binary(Binary::Xor),
        "Not" => Some(Operation::Not),
        "Where" => Some(Operation::Select),
        "Identity" => Some(Operation::Identity),
        "Size" => Some(Operation::Size),
        _ => None,
    }
}

fn constant(builder: &mut Builder, site: &Site<'_>) -> Result<ValueId, ModelError> {
    let attributes = site.attributes;
    if let Some(tensor) = attributes.tensor("value") {
        return tensors::constant(builder, tensor);
    }
    if let Some(one) = attributes.get("value_float") {
        return builder.scalar(one.float);
    }
    if let Some(one) = attributes.get("value_int") {
        return builder.scalar(one.integer);
    }
    if let Some(many) = attributes.get("value_floats") {
        return builder.list(&many.floats);
    }
    if let Some(many) = attributes.get("value_ints") {
        return builder.list(&many.integers);
    }
    Err(builder.refuse(format!("a node {} with numbers", site.name), "none"))
}

/// Bounds are attributes up to version 10, and inputs from then on.
fn clip(builder: &mut Builder, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let input = site.input(builder, 0)?;
    if builder.values[input].outline.dtype == DType::I64 {
        let mut value = input;
        for (at, binary) in [(1, Binary::Most), (2, Binary::Least)] {
            if let Some(bound) = site.inputs.get(at).copied().flatten() {
                value = builder.one(&site.name, Operation::Binary(binary), &[value, bound])?;
            }
        }
        return Ok(vec![value]);
    }
    let least = site.attributes.float("min", f32::NEG_INFINITY);
    let most = site.attributes.float("max", f32::INFINITY);
    let (least, most) = (
        site.number(builder, 1, least)?,
        site.number(builder, 2, most)?,
    );
    let made = builder.one(
        &site.name,
        Operation::Unary(Unary::Clip(least, most)),
        &[input],
    )?;
    Ok(vec![made])
}

/// A function of two numbers, of as many inputs as there are.
fn chain(builder: &mut Builder, node: &Node, site: &Site<'_>) -> Result<Vec<ValueId>, ModelError> {
    let binary = match &*node.operation {
        "Max" => Binary::Most,
        "Min" => Binary::Least,
        _ => Binary::Add,
    };
    let mut made = site.input(builder, 0)?;
    for at in 1..site.inputs.len() {
        let input = site.input(builder, at)?;
        made = builder.one(&site.name, Operation::Binary(binary), &[made, input])?;
    }
    Ok(vec![made])
}

fn cast(builder: &Builder, site: &Site<'_>) -> Result<Operation, ModelError> {
    let to = site.attributes.integer("to", 0);
    let to = i32::try_from(to).unwrap_or(0);
    match tensors::dtype(to) {
        Some(_) if tensors::is_truth(to) => Ok(Operation::Cast(Cast::Truth)),
        Some(DType::F32) => Ok(Operation::Cast(Cast::Float)),
        Some(DType::I64) => Ok(Operation::Cast(Cast::Whole)),
        Some(_) => Ok(Operation::Cast(Cast::Byte)),
        None => Err(site.unknown(builder, "type", to)),
    }
}

fn gemm(attributes: Attributes<'_>) -> MatMul {
    let side = |name: &str| match attributes.integer(name, 0) {
        0 => Side::AsItIs,
        _ => Side::Transposed,
    };
    MatMul {
        left: side("transA"),
        right: side("transB"),
        alpha: f64::from(attributes.float("alpha", 1.0)),
        beta: f64::from(attributes.float("beta", 1.0)),
    }
}

fn softmax(site: &Site<'_>, scale: Scale) -> Operation {
    let (default, extent) = match site.version {
        ..13 => (1, Extent::AxisAndBehind),
        _ => (-1, Extent::Axis),
    };
    Operation::Softmax(Softmax {
        axis: site.attributes.integer("axis", default),
        extent,
        scale,
    })
}

fn recurrent(builder: &Builder, node: &Node, site: &Site<'_>) -> Result<Operation, ModelError> {
    let attributes = site.attributes;
    for name in ["activations", "clip", "layout", "input_forget"] {
        if let Some(given) = attributes.get(name)
            && (given.integer != 0 || given.float != 0.0 || !given.texts.is_empty())
            && !are_usual(&given.texts, &node.operation)
        {
            return Err(site.unknown(builder, "attribute", name));
        }
    }
    // The eighth input of an LSTM would let its gates see the cells.
    if site.inputs.get(7).copied().flatten().is_some() {
        return Err(site.unknown(builder, "input", "peepholes"));
    }
    let direction = match attributes.text("direction", "forward") {
        "forward" => Direction::Forward,
        "reverse" => Direction::Reverse,
        "bidirectional" => Direction::Both,
        other => return Err(site.unknown(builder, "direction", other)),
    };
    let cell = match (
        &*node.operation,
        attributes.integer("linear_before_reset", 0),
    ) {
        ("LSTM", _) => Cell::Lstm,
        (_, 0) => Cell::Gru(Reset::BeforeProduct),
        _ => Cell::Gru(Reset::AfterProduct),
    };
    match usize::try_from(attributes.integer("hidden_size", 0)) {
        Ok(hidden) if hidden > 0 => Ok(Operation::Recurrent(Recurrent {
            cell,
            direction,
            hidden,
        })),
        _ => Err(site.unknown(builder, "hidden_size", attributes.integer("hidden_size", 0))),
    }
}

/// Whether these are the activations that a layer has without any.
fn are_usual(given: &[Vec<u8>], operation: &str) -> bool {
    let usual: &[&str] = match operation {
        "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
        _ => &["Sigmoid", "Tanh"],
    };
    !given.is_empty()
        && given.chunks(usual.len()).all(|given| {
            given
                .iter()
                .map(Vec::as_slice)
                .eq(usual.iter().map(|name| name.as_bytes()))
        })
}
