//! Any bytes as a graph of TensorFlow, and as a `model.json` with its weights behind the first zero: a graph, or refused.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use aimass_models::graph::{Graph, Part};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = |name: &str| FOLDER.path().join(name);
    fs::write(path("graph.pb"), bytes).expect("room");
    let frozen = Graph::part_from_tensorflow(&path("graph.pb"), &Part::default());
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    fs::write(path("model.json"), parts.next().unwrap_or_default()).expect("room");
    fs::write(path("w.bin"), parts.next().unwrap_or_default()).expect("room");
    let web = Graph::part_from_tfjs(&path("model.json"), &Part::default());
    for graph in [frozen, web].into_iter().flatten() {
        assert!(
            !graph
                .outputs()
                .iter()
                .any(|port| port.name.len() > bytes.len())
        );
    }
});
