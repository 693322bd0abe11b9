//! Objects in a photograph, beside what the reference libraries find with the same files. The goldens are made by `models/goldens/detection/make.py`.

use std::fs;
use std::path::{Path, PathBuf};

use aimass_models::detection::{
    BoundingBox, COCO_LABELS, CenterNet, Detection, DetectionOptions, SsdMobileNet,
};
use aimass_models::picture::{Picture, Pixels};
use aimass_models::{ModelError, Silent};
use serde::Deserialize;

use crate::cache;

/// Number of the kind, score, and the edges of the box.
type Row = (usize, f32, f32, f32, f32, f32);

#[derive(Deserialize)]
struct Goldens {
    ssd: Vec<Row>,
    centernet: Vec<Row>,
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

fn expected() -> Goldens {
    let text = fs::read_to_string(goldens().join("detection/detections.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn coffee() -> Pixels {
    let path = goldens().join("efficientnet/coffee.jpg");
    Picture::open(&path).unwrap().pixels
}

/// One after the other the same kinds, as sure, within a few pixels: decoders of JPEG differ by one step of a colour.
fn same(found: &[Detection], expected: &[Row], label: impl Fn(usize) -> &'static str) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, (kind, score, left, top, right, bottom)) in found.iter().zip(expected) {
        assert_eq!(found.label(), label(*kind));
        assert!(
            (found.score - score).abs() < 0.02,
            "{found:?} instead of {score}"
        );
        let BoundingBox {
            left: x0,
            top: y0,
            right: x1,
            bottom: y1,
        } = found.bounds;
        for (found, expected) in [(x0, left), (y0, top), (x1, right), (y1, bottom)] {
            assert!(
                (found - expected).abs() < 2.0,
                "{found} instead of {expected}"
            );
        }
    }
}

#[test]
fn ssd_finds_what_tensorflow_finds() {
    let folder = cache::store()
        .pull("ssd-mobilenet-v2", &mut Silent)
        .unwrap();
    let network = SsdMobileNet::load(&folder).unwrap();
    let found = network
        .detect(&coffee(), &DetectionOptions::default())
        .unwrap();
    // COCO's own numbers.
    same(&found, &expected().ssd, |kind| match kind {
        47 => "cup",
        51 => "bowl",
        other => panic!("{other}"),
    });
    let one = DetectionOptions {
        most: 1,
        ..DetectionOptions::default()
    };
    assert_eq!(network.detect(&coffee(), &one).unwrap(), found[..1]);
    // Any size will do.
    let dot = Pixels::filled(1, 1, [90, 90, 90]).unwrap();
    network.detect(&dot, &DetectionOptions::default()).unwrap();
}

#[test]
fn centernet_finds_what_tensorflow_js_finds() {
    let folder = cache::store().pull("centernet", &mut Silent).unwrap();
    let network = CenterNet::load(&folder).unwrap();
    let found = network
        .detect(&coffee(), &DetectionOptions::default())
        .unwrap();
    same(&found, &expected().centernet, |kind| COCO_LABELS[kind]);
}

#[test]
fn the_file_of_another_network_is_refused() {
    let folder = cache::store().pull("centernet", &mut Silent).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    fs::copy(
        folder.join("centernet.json"),
        scratch.path().join("frozen_inference_graph.pb"),
    )
    .unwrap();
    let error = SsdMobileNet::load(scratch.path()).unwrap_err();
    assert!(matches!(error, ModelError::Format { .. }), "{error}");
    let error = CenterNet::load(scratch.path()).unwrap_err();
    assert!(matches!(error, ModelError::File { .. }), "{error}");
}
