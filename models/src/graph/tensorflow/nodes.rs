//! What TensorFlow's nodes mean.

use super::messages::NodeDef;
use super::planes::Planes;
use super::{axes, tensors, windows};
use crate::ModelError;
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Binary, Cast, Operation};
use crate::graph::operators::matrix::{Extent, MatMul, Scale, Side, Softmax};
use crate::kernels::Unary;

/// A node in its place.
pub(super) struct Site<'a> {
    /// For messages.
    pub(super) name: String,
    pub(super) node: &'a NodeDef,
    pub(super) inputs: Vec<ValueId>,
}

impl Site<'_> {
    pub(super) fn input(&self, builder: &Builder, at: usize) -> Result<ValueId, ModelError> {
        match self.inputs.get(at) {
            Some(id) => Ok(*id),
            None => Err(builder.refuse(format!("a node {} with input {at}", self.name), "none")),
        }
    }

    /// The numbers of an input that must be a constant of whole numbers.
    pub(super) fn constant(&self, builder: &Builder, at: usize) -> Result<Vec<i64>, ModelError> {
        let id = self.input(builder, at)?;
        let numbers = builder.integers(id);
        numbers.ok_or_else(|| {
            builder.refuse(
                format!(
                    "a node {} whose input {at} is a constant of whole numbers",
                    self.name
                ),
                "another",
            )
        })
    }

    /// The one number of such an input.
    pub(super) fn constant_number(&self, builder: &Builder, at: usize) -> Result<i64, ModelError> {
        match self.constant(builder, at)?.as_slice() {
            [number] => Ok(*number),
            numbers => Err(builder.refuse(
                format!("a node {} whose input {at} is one number", self.name),
                format!("{numbers:?}"),
            )),
        }
    }

    pub(super) fn rank(&self, builder: &Builder, at: usize) -> Result<usize, ModelError> {
        let id = self.input(builder, at)?;
        let rank = builder.rank(id);
        rank.ok_or_else(|| {
            builder.refuse(
                format!(
                    "a node {} whose input {at} has a known number of sides",
                    self.name
                ),
                "another",
            )
        })
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
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<Vec<ValueId>, ModelError> {
    let name = &*site.node.operation;
    if let Some(operation) = pointwise(site.node) {
        return Ok(vec![planes.pointwise(
            builder,
            &site.name,
            operation,
            &site.inputs,
        )?]);
    }
    if let Some(made) = windows::lower(builder, planes, site)? {
        return Ok(vec![made]);
    }
    let operation = match name {
        "AddN" => return sum(builder, planes, site),
        "Cast" => cast(builder, site)?,
        "MatMul" => {
            let side = |name: &str| {
                if site.node.truth(name) {
                    Side::Transposed
                } else {
                    Side::AsItIs
                }
            };
            Operation::MatMul(MatMul {
                left: side("transpose_a"),
                right: side("transpose_b"),
                ..MatMul::PLAIN
            })
        }
        "BatchMatMul" | "BatchMatMulV2" => {
            let side = |name: &str| {
                if site.node.truth(name) {
                    Side::Transposed
                } else {
                    Side::AsItIs
                }
            };
            Operation::MatMul(MatMul {
                left: side("adj_x"),
                right: side("adj_y"),
                ..MatMul::PLAIN
            })
        }
        "Softmax" | "LogSoftmax" => Operation::Softmax(Softmax {
            axis: -1,
            extent: Extent::Axis,
            scale: if name == "Softmax" {
                Scale::Linear
            } else {
                Scale::Logarithm
            },
        }),
        _ => match axes::lower(builder, site)? {
            Some(made) => return Ok(made),
            None => {
                return Err(builder.refuse(
                    "a graph of operations that are known",
                    format!(
                        "the operation `{name}` of TensorFlow at node `{}`",
                        site.node.name
                    ),
                ));
            }
        },
    };
    Ok(vec![builder.one(&site.name, operation, &site.inputs)?])
}

/// Operations that work number by number.
fn pointwise(node: &NodeDef) -> Option<Operation> {
    let unary = |function| Some(Operation::Unary(function));
    let binary = |function| Some(Operation::Binary(function));
    match &*node.operation {
        "Identity" | "StopGradient" | "Snapshot" => Some(Operation::Identity),
        "Abs" => unary(Unary::Abs),
        "Ceil" => unary(Unary::Ceil),
        "Cos" => unary(Unary::Cos),
        "Elu" => unary(Unary::Elu(1.0)),
        "Erf" => unary(Unary::Erf),
        "Exp" => unary(Unary::Exp),
        "Floor" => unary(Unary::Floor),
        "LeakyRelu" => unary(Unary::LeakyRelu(node.float("alpha", 0.2))),
        "Log" => unary(Unary::Log),
        "Neg" => unary(Unary::Negate),
        "Reciprocal" | "Inv" => unary(Unary::Reciprocal),
        "Relu" => unary(Unary::Relu),
        "Relu6" => unary(Unary::Clip(0.0, 6.0)),
        "Round" | "Rint" => unary(Unary::Round),
        "Rsqrt" => unary(Unary::ReciprocalRoot),
        "Sigmoid" => unary(Unary::Sigmoid),
        "Sign" => unary(Unary::Sign),
        "Sin" => unary(Unary::Sin),
        "Softplus" => unary(Unary::Softplus),
        "Sqrt" => unary(Unary::SquareRoot),
        "Square" => unary(Unary::Square),
        "Tanh" => unary(Unary::Tanh),
        "Add" | "AddV2" | "BiasAdd" => binary(Binary::Add),
        "Sub" => binary(Binary::Subtract),
        "Mul" => binary(Binary::Multiply),
        "Div" | "RealDiv" => binary(Binary::Divide),
        "FloorDiv" => binary(Binary::FloorDivide),
        "FloorMod" => binary(Binary::FloorModulo),
        "Mod" => binary(Binary::Remainder),
        "Pow" => binary(Binary::Power),
        "Minimum" => binary(Binary::Least),
        "Maximum" => binary(Binary::Most),
        "Prelu" => binary(Binary::PRelu),
        "SquaredDifference" => binary(Binary::SquaredDifference),
        "Equal" => binary(Binary::Equal),
        "NotEqual" => binary(Binary::NotEqual),
        "Less" => binary(Binary::Less),
        "LessEqual" => binary(Binary::LessOrEqual),
        "Greater" => binary(Binary::Greater),
        "GreaterEqual" => binary(Binary::GreaterOrEqual),
        "LogicalAnd" => binary(Binary::And),
        "LogicalOr" => binary(Binary::Or),
        "LogicalNot" => Some(Operation::Not),
        "SelectV2" => Some(Operation::Select),
        _ => None,
    }
}

fn sum(
    builder: &mut Builder,
    planes: &mut Planes,
    site: &Site<'_>,
) -> Result<Vec<ValueId>, ModelError> {
    let mut made = site.input(builder, 0)?;
    for input in site.inputs.iter().skip(1) {
        made = planes.pointwise(
            builder,
            &site.name,
            Operation::Binary(Binary::Add),
            &[made, *input],
        )?;
    }
    Ok(vec![made])
}

fn cast(builder: &Builder, site: &Site<'_>) -> Result<Operation, ModelError> {
    let to = site.node.data_type("DstT");
    match tensors::dtype(to) {
        Some(candle_core::DType::F32) => Ok(Operation::Cast(Cast::Float)),
        Some(candle_core::DType::I64) => Ok(Operation::Cast(Cast::Whole)),
        Some(_) if to == tensors::kind::BOOL => Ok(Operation::Cast(Cast::Truth)),
        Some(_) => Ok(Operation::Cast(Cast::Byte)),
        None => Err(site.unknown(builder, "type", to)),
    }
}
