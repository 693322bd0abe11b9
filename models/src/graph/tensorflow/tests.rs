//! Files that are refused, each with an error that says why.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use prost::Message;
use serde_json::json;

use super::messages::{Attribute, Dimension, GraphDef, NodeDef, Shape, TensorProto};
use super::tensors::kind;
use super::{read, read_web};
use crate::ModelError;
use crate::graph::{Graph, Part};

fn node(operation: &str, name: &str, inputs: &[&str]) -> NodeDef {
    NodeDef {
        name: name.to_owned(),
        operation: operation.to_owned(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        attributes: HashMap::new(),
    }
}

fn shape(sides: &[i64]) -> Shape {
    Shape {
        dimensions: sides.iter().map(|size| Dimension { size: *size }).collect(),
        unknown_rank: false,
    }
}

fn input(sides: &[i64]) -> NodeDef {
    let mut made = node("Placeholder", "x", &[]);
    let dtype = Attribute {
        data_type: kind::FLOAT,
        ..Attribute::default()
    };
    let sides = Attribute {
        shape: Some(shape(sides)),
        ..Attribute::default()
    };
    made.attributes.insert("dtype".to_owned(), dtype);
    made.attributes.insert("shape".to_owned(), sides);
    made
}

fn constant(name: &str, tensor: TensorProto) -> NodeDef {
    let mut made = node("Const", name, &[]);
    let value = Attribute {
        tensor: Some(tensor),
        ..Attribute::default()
    };
    made.attributes.insert("value".to_owned(), value);
    made
}

fn floats(sides: &[i64], floats: &[f32]) -> TensorProto {
    TensorProto {
        data_type: kind::FLOAT,
        shape: Some(shape(sides)),
        floats: floats.to_vec(),
        ..TensorProto::default()
    }
}

fn load(nodes: Vec<NodeDef>) -> Result<Graph, ModelError> {
    let bytes = GraphDef { nodes }.encode_to_vec();
    read(&bytes, Path::new("a.pb"), &Part::default())
}

fn refused(nodes: Vec<NodeDef>) -> String {
    match load(nodes) {
        Err(error @ ModelError::Format { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_graph_runs_to_its_last_nodes_and_waits_for_none() {
    let nodes = vec![
        input(&[2]),
        constant("one", floats(&[2], &[1.0])),
        node("NoOp", "n", &[]),
        node("AddV2", "y", &["x:0", "one", "^n"]),
    ];
    let graph = load(nodes).unwrap();
    let two = Tensor::new(&[2f32, 3.0], &Device::Cpu).unwrap();
    // The last value of a constant is repeated.
    assert_eq!(
        graph.run(&[("x", two)]).unwrap()[0]
            .to_vec1::<f32>()
            .unwrap(),
        [3.0, 4.0]
    );
}

#[test]
fn what_cannot_be_run_is_refused() {
    let error = refused(vec![input(&[1]), node("Where", "y", &["x"])]);
    assert!(
        error.contains("`Where`") && error.contains("a.pb"),
        "{error}"
    );
    let cycle = vec![
        input(&[1]),
        node("AddV2", "y", &["x", "z"]),
        node("Relu", "z", &["y"]),
        node("Neg", "last", &["z"]),
    ];
    assert!(refused(cycle).contains("cycle"));
    assert!(refused(vec![input(&[1]), node("AddV2", "y", &["x", "w"])]).contains("gives `w`"));
    assert!(
        refused(vec![
            input(&[1]),
            node("Const", "w", &[]),
            node("AddV2", "y", &["x", "w"])
        ])
        .contains("constant `w`")
    );
    let text = TensorProto {
        data_type: 7,
        ..floats(&[1], &[])
    };
    assert!(refused(vec![constant("w", text)]).contains("type 7"));
    let mut layout = node("MaxPool", "y", &["x"]);
    let first = Attribute {
        text: b"NCHW".to_vec(),
        ..Attribute::default()
    };
    layout.attributes.insert("data_format".to_owned(), first);
    assert!(refused(vec![input(&[1, 3, 4, 4]), layout]).contains("NCHW"));
}

#[test]
fn four_gibibytes_of_one_number_are_refused() {
    let nodes = vec![constant("w", floats(&[1 << 30], &[0.5]))];
    assert!(
        GraphDef {
            nodes: nodes.clone()
        }
        .encode_to_vec()
        .len()
            < 100
    );
    assert!(refused(nodes).contains("1073741824 bytes"));
    refused(vec![constant("w", floats(&[1 << 40, 1 << 40], &[]))]);
    refused(vec![constant("w", floats(&[2], &[1.0, 2.0, 3.0]))]);
    refused(vec![constant("w", floats(&[-1], &[1.0]))]);
}

#[test]
fn any_part_of_a_file_is_refused_or_a_graph() {
    let nodes = vec![
        input(&[2]),
        constant("one", floats(&[2], &[1.0, 2.0])),
        node("AddV2", "y", &["x", "one"]),
    ];
    let bytes = GraphDef { nodes }.encode_to_vec();
    for length in 0..bytes.len() {
        if let Err(error) = read(&bytes[..length], Path::new("a.pb"), &Part::default()) {
            assert!(matches!(error, ModelError::Format { .. }), "{error}");
        }
    }
}

/// Writes a `model.json` with one weight of two numbers, and reads it.
fn web(weight: &serde_json::Value, bytes: &[u8], path: &str) -> Result<Vec<f32>, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("w.bin"), bytes).unwrap();
    let document = json!({
        "modelTopology": {"node": [{"name": "w", "op": "Const"}, {"name": "y", "op": "Identity", "input": ["w"]}]},
        "weightsManifest": [{"paths": [path], "weights": [weight]}],
        "signature": {"outputs": {"y": {"name": "y:0"}}},
    });
    let json = folder.path().join("model.json");
    fs::write(&json, document.to_string()).unwrap();
    let graph = read_web(&json, &Part::default())?;
    let made = graph.run(&[])?.remove(0).to_dtype(DType::F32).unwrap();
    Ok(made.to_vec1().unwrap())
}

#[test]
fn narrow_weights_are_widened() {
    let weight = |dtype: &str, quantization| json!({"name": "w", "shape": [2], "dtype": dtype, "quantization": quantization});
    let narrow = json!({"dtype": "uint8", "scale": 0.5, "min": -1.0});
    assert_eq!(
        web(&weight("float32", narrow), &[0, 5], "w.bin").unwrap(),
        [-1.0, 1.5]
    );
    let narrow = json!({"dtype": "uint16", "scale": 2.0, "min": 1.0});
    assert_eq!(
        web(&weight("int32", narrow), &[1, 0, 0, 1], "w.bin").unwrap(),
        [3.0, 513.0]
    );
    let half = json!({"dtype": "float16"});
    assert_eq!(
        web(&weight("float32", half), &[0, 0x3c, 0, 0xc0], "w.bin").unwrap(),
        [1.0, -2.0]
    );
}

#[test]
fn weights_that_lie_are_refused() {
    let whole = |shape| json!({"name": "w", "shape": shape, "dtype": "float32"});
    for (weight, path) in [
        (whole(vec![3u64]), "w.bin"),
        (whole(vec![1 << 40, 1 << 40]), "w.bin"),
        (whole(vec![2]), "../w.bin"),
        (whole(vec![2]), "/w.bin"),
        (
            json!({"name": "w", "shape": [2], "dtype": "string"}),
            "w.bin",
        ),
    ] {
        let error = web(&weight, &[0; 8], path).unwrap_err();
        assert!(matches!(error, ModelError::Format { .. }), "{error}");
    }
    let error = web(&whole(vec![2]), &[0; 8], "none.bin").unwrap_err();
    assert!(matches!(error, ModelError::File { .. }), "{error}");
}
