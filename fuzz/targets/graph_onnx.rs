//! Any bytes as an ONNX file: a graph, or refused. What rests on constants is computed while it is read, so the operations are met too.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use aimass_models::graph::Graph;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("graph.onnx");
    fs::write(&path, bytes).expect("room");
    if let Ok(graph) = Graph::from_onnx(&path) {
        assert!(
            !graph
                .outputs()
                .iter()
                .any(|port| port.name.len() > bytes.len())
        );
    }
});
