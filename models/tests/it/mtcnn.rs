//! MTCNN on its real weights, beside what facenet-pytorch finds with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::picture::{Picture, Pixels};
use aimass_models::{FaceSearch, Mtcnn, MtcnnWeights, Silent, device};
use serde::Deserialize;

use crate::cache;

#[derive(Deserialize)]
struct Goldens {
    faces: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    bounds: [f32; 4],
    score: f32,
    landmarks: [[f32; 2]; 5],
}

fn folder() -> PathBuf {
    cache::store().pull("mtcnn", &mut Silent).unwrap()
}

fn network() -> Mtcnn {
    let weights = MtcnnWeights::load(&folder(), &device::open("cpu").unwrap()).unwrap();
    assert!((1 << 20..4 << 20).contains(&weights.memory_bytes()));
    Mtcnn::new(Arc::new(weights))
}

fn picture() -> Pixels {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/mtcnn/faces.webp");
    Picture::open(&path).unwrap().pixels
}

#[test]
fn faces_are_where_the_reference_finds_them() {
    let golden: Goldens =
        serde_json::from_str(include_str!("../../goldens/mtcnn/goldens.json")).unwrap();
    let found = network().detect(&picture(), FaceSearch::default()).unwrap();
    assert_eq!((found.len(), golden.faces.len()), (3, 3), "{found:?}");
    for (face, golden) in found.iter().zip(&golden.faces) {
        let bounds = face.bounds.iter().zip(golden.bounds);
        let points = face
            .landmarks
            .iter()
            .flatten()
            .zip(golden.landmarks.iter().flatten());
        let apart = bounds
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max);
        assert!(apart < 0.1, "boxes {apart} apart: {face:?}");
        let apart = points
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max);
        assert!(apart < 0.1, "landmarks {apart} apart: {face:?}");
        assert!((face.score - golden.score).abs() < 1e-3, "{face:?}");
    }
}

#[test]
fn no_faces_are_found_where_there_are_none() {
    let network = network();
    for picture in [
        Pixels::filled(200, 100, [0; 3]).unwrap(),
        Pixels::filled(1, 1, [200; 3]).unwrap(),
        Pixels::filled(3000, 2, [90, 120, 30]).unwrap(),
        Pixels::filled(20, 20, [255; 3]).unwrap(),
    ] {
        assert!(
            network
                .detect(&picture, FaceSearch::default())
                .unwrap()
                .is_empty()
        );
    }
    let large = FaceSearch {
        smallest: 90.0,
        ..FaceSearch::default()
    };
    let found = network.detect(&picture(), large).unwrap();
    assert!(found.len() < 3, "{found:?}");
}

#[test]
fn a_senseless_search_and_other_files_are_refused_in_one_line() {
    let network = network();
    let usual = FaceSearch::default();
    for search in [
        FaceSearch {
            smallest: 0.0,
            ..usual
        },
        FaceSearch {
            smallest: f32::NAN,
            ..usual
        },
        FaceSearch {
            smallest: f32::INFINITY,
            ..usual
        },
        FaceSearch {
            thresholds: [0.6, 0.7, 1.5],
            ..usual
        },
        FaceSearch {
            thresholds: [f32::NAN, 0.7, 0.7],
            ..usual
        },
    ] {
        let error = network.detect(&picture(), search).unwrap_err().to_string();
        assert!(error.contains("at least 12 pixels"), "{error}");
    }
    let own = tempfile::tempdir().unwrap();
    for name in ["pnet.pt", "rnet.pt", "onet.pt"] {
        std::fs::copy(folder().join(name), own.path().join(name)).unwrap();
    }
    let load = || MtcnnWeights::load(own.path(), &device::open("cpu").unwrap());
    assert!(load().is_ok());
    let sound = std::fs::read(folder().join("rnet.pt")).unwrap();
    for length in [0, 50, sound.len() / 2, sound.len() - 1] {
        std::fs::write(own.path().join("rnet.pt"), &sound[..length]).unwrap();
        let message = load().unwrap_err().to_string();
        assert!(
            !message.contains('\n') && message.contains("rnet.pt"),
            "{message}"
        );
    }
    std::fs::copy(folder().join("pnet.pt"), own.path().join("rnet.pt")).unwrap();
    let message = load().unwrap_err().to_string();
    assert!(
        message.contains("rnet.pt") && message.contains("of the shape"),
        "{message}"
    );
}
