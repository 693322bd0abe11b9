//! Files that are refused, each with an error that says why.

use std::path::Path;

use candle_core::{Device, Tensor};
use prost::Message;

use super::read;
use crate::ModelError;
use crate::graph::{Graph, Part};
use crate::onnx::messages::{
    Attribute, Dimension, Graph as GraphMessage, Model, NamedTensor, Node, OperatorSet, Shape,
    TensorKind, ValueInfo, ValueKind,
};

const FLOAT: i32 = 1;
const INT64: i32 = 7;

fn node(operation: &str, inputs: &[&str], outputs: &[&str]) -> Node {
    Node {
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
        name: format!("the {operation}"),
        operation: operation.to_owned(),
        ..Node::default()
    }
}

fn tensor(name: &str, data_type: i32, dimensions: &[i64]) -> NamedTensor {
    NamedTensor {
        name: name.to_owned(),
        data_type,
        dimensions: dimensions.to_vec(),
        ..NamedTensor::default()
    }
}

fn whole(name: &str, numbers: &[i64]) -> NamedTensor {
    NamedTensor {
        long_integers: numbers.to_vec(),
        ..tensor(name, INT64, &[numbers.len() as i64])
    }
}

/// A file with the input `x` of these sides and the output `y`.
fn file(sides: &[Option<i64>], nodes: Vec<Node>, tensors: Vec<NamedTensor>) -> Vec<u8> {
    let dimensions = sides
        .iter()
        .map(|value| Dimension { value: *value })
        .collect();
    let x = ValueInfo {
        name: "x".to_owned(),
        kind: Some(ValueKind {
            tensor: Some(TensorKind {
                data_type: FLOAT,
                shape: Some(Shape { dimensions }),
            }),
        }),
    };
    let y = ValueInfo {
        name: "y".to_owned(),
        kind: None,
    };
    let model = Model {
        graph: Some(GraphMessage {
            nodes,
            tensors,
            inputs: vec![x],
            outputs: vec![y],
        }),
        operator_sets: vec![OperatorSet {
            domain: String::new(),
            version: 13,
        }],
        metadata: Vec::new(),
    };
    model.encode_to_vec()
}

fn load(bytes: &[u8]) -> Result<Graph, ModelError> {
    read(bytes, Path::new("a.onnx"), &Part::default())
}

/// What is said of a file that must be refused.
fn refused(bytes: &[u8]) -> String {
    match load(bytes) {
        Err(error @ ModelError::Format { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_operation_is_named_with_its_file() {
    let error = refused(&file(
        &[Some(1)],
        vec![node("NonZero", &["x"], &["y"])],
        vec![],
    ));
    assert!(
        error.contains("`NonZero`") && error.contains("a.onnx") && error.contains("the NonZero"),
        "{error}"
    );
    let mut other = node("Relu", &["x"], &["y"]);
    other.domain = "com.microsoft".to_owned();
    let error = refused(&file(&[Some(1)], vec![other], vec![]));
    assert!(error.contains("com.microsoft"), "{error}");
}

#[test]
fn an_unknown_operation_that_nothing_needs_is_no_harm() {
    let nodes = vec![
        node("NonZero", &["x"], &["z"]),
        node("Relu", &["x"], &["y"]),
    ];
    assert!(load(&file(&[Some(1)], nodes, vec![])).is_ok());
}

#[test]
fn a_cycle_is_refused() {
    let nodes = vec![
        node("Add", &["x", "z"], &["y"]),
        node("Relu", &["y"], &["z"]),
    ];
    let error = refused(&file(&[Some(1)], nodes, vec![]));
    assert!(error.contains("cycle"), "{error}");
}

#[test]
fn missing_weights_and_outputs_are_refused() {
    let error = refused(&file(
        &[Some(1)],
        vec![node("Add", &["x", "w"], &["y"])],
        vec![],
    ));
    assert!(error.contains("gives `w`"), "{error}");
    let error = refused(&file(&[Some(1)], vec![], vec![]));
    assert!(error.contains("gives `y`"), "{error}");
    let error = refused(&file(&[Some(1)], vec![node("Add", &["x"], &["y"])], vec![]));
    assert!(error.contains("input 1"), "{error}");
}

#[test]
fn sides_that_multiply_past_two_to_the_31_are_refused() {
    let sides = [Some(1 << 16), Some(1 << 16)];
    let error = refused(&file(
        &sides,
        vec![node("Unsqueeze", &["x", "a"], &["y"])],
        vec![whole("a", &[0])],
    ));
    assert!(error.contains("2147483647"), "{error}");
    // Past 64 bits too.
    let tile = vec![node("Tile", &["x", "t"], &["y"])];
    refused(&file(&[Some(1 << 30)], tile, vec![whole("t", &[i64::MAX])]));
}

#[test]
fn four_gibibytes_of_zeros_in_a_small_file_are_refused() {
    let zeros = vec![node("ConstantOfShape", &["s"], &["y"])];
    let bytes = file(&[Some(1)], zeros, vec![whole("s", &[1 << 30])]);
    assert!(bytes.len() < 200);
    let error = refused(&bytes);
    assert!(error.contains("4294967296 bytes"), "{error}");
    let declared = vec![tensor("w", FLOAT, &[1 << 30])];
    refused(&file(
        &[Some(1)],
        vec![node("Add", &["x", "w"], &["y"])],
        declared,
    ));
    let declared = vec![tensor("w", FLOAT, &[1 << 20])];
    let error = refused(&file(
        &[Some(1)],
        vec![node("Add", &["x", "w"], &["y"])],
        declared,
    ));
    assert!(error.contains("1048576 values"), "{error}");
    let elsewhere = NamedTensor {
        location: 1,
        ..tensor("w", FLOAT, &[1])
    };
    let error = refused(&file(
        &[Some(1)],
        vec![node("Add", &["x", "w"], &["y"])],
        vec![elsewhere],
    ));
    assert!(error.contains("another file"), "{error}");
}

#[test]
fn wrong_types_are_refused() {
    let nodes = vec![node("Add", &["x", "w"], &["y"])];
    let error = refused(&file(&[Some(1)], nodes, vec![whole("w", &[1])]));
    assert!(error.contains("F32") && error.contains("I64"), "{error}");
    // 8 is text.
    let nodes = vec![node("Add", &["x", "w"], &["y"])];
    let error = refused(&file(&[Some(1)], nodes, vec![tensor("w", 8, &[1])]));
    assert!(error.contains("type 8"), "{error}");
}

#[test]
fn sides_that_do_not_fit_are_refused() {
    let weights = NamedTensor {
        floats: vec![0.0; 2 * 5],
        ..tensor("w", FLOAT, &[2, 5, 1, 1])
    };
    let sides = [Some(1), Some(3), Some(4), Some(4)];
    let error = refused(&file(
        &sides,
        vec![node("Conv", &["x", "w"], &["y"])],
        vec![weights],
    ));
    assert!(error.contains("channels"), "{error}");
    let mut strides = node("Conv", &["x", "w"], &["y"]);
    strides.attributes.push(Attribute {
        name: "strides".to_owned(),
        integers: vec![0, 0],
        ..Attribute::default()
    });
    let weights = NamedTensor {
        floats: vec![0.0; 3],
        ..tensor("w", FLOAT, &[1, 3, 1, 1])
    };
    refused(&file(&sides, vec![strides], vec![weights]));
}

#[test]
fn any_part_of_a_file_is_refused_or_a_graph() {
    let nodes = vec![
        node("Add", &["x", "w"], &["z"]),
        node("Relu", &["z"], &["y"]),
    ];
    let weights = NamedTensor {
        floats: vec![0.5; 4],
        ..tensor("w", FLOAT, &[4])
    };
    let whole = file(&[Some(4)], nodes, vec![weights]);
    assert!(load(&whole).is_ok());
    for length in 0..whole.len() {
        if let Err(error) = load(&whole[..length]) {
            assert!(matches!(error, ModelError::Format { .. }), "{error}");
        }
    }
    refused(b"no model at all");
}

#[test]
fn what_only_a_run_knows_is_bounded_too() {
    let nodes = vec![
        node("Shape", &["x"], &["s"]),
        node("Mul", &["s", "k"], &["t"]),
        node("Expand", &["o", "t"], &["y"]),
    ];
    let one = NamedTensor {
        floats: vec![1.0],
        ..tensor("o", FLOAT, &[1])
    };
    let graph = load(&file(&[None], nodes, vec![one, whole("k", &[1 << 20])])).unwrap();
    let input = |count: usize| Tensor::zeros(count, candle_core::DType::F32, &Device::Cpu).unwrap();
    assert_eq!(graph.run(&[("x", input(2))]).unwrap()[0].dims(), [2 << 20]);
    let error = graph.run(&[("x", input(1024))]).unwrap_err();
    assert!(matches!(error, ModelError::Input { .. }), "{error}");
    assert!(error.to_string().contains("4294967296 bytes"), "{error}");
    for wrong in [
        vec![],
        vec![("z", input(2))],
        vec![("x", input(2).unsqueeze(0).unwrap())],
    ] {
        let error = graph.run(&wrong).unwrap_err();
        assert!(matches!(error, ModelError::Input { .. }), "{error}");
    }
    let whole = input(2).to_dtype(candle_core::DType::I64).unwrap();
    assert!(graph.run(&[("x", whole)]).is_err());
}
