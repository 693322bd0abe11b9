//! face-api's networks on their real weights, beside what face-api says with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::face_api::{EMBEDDING, Expression, aligned, same_person};
use aimass_models::picture::{Picture, Pixels, Region};
use aimass_models::{FaceApi, FaceApiWeights, FaceSearch, Mtcnn, MtcnnWeights, Silent, device};
use serde::Deserialize;

use crate::cache;

#[derive(Deserialize)]
struct Goldens {
    faces: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    /// Left, top, width, height.
    region: [u32; 4],
    embedding: Vec<f32>,
    expressions: Vec<f32>,
}

fn folder() -> PathBuf {
    cache::store().pull("face-api", &mut Silent).unwrap()
}

fn network() -> FaceApi {
    let weights = FaceApiWeights::load(&folder(), &device::open("cpu").unwrap()).unwrap();
    assert!((22 << 20..30 << 20).contains(&weights.memory_bytes()));
    FaceApi::new(Arc::new(weights))
}

fn picture() -> Pixels {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/mtcnn/faces.webp");
    Picture::open(&path).unwrap().pixels
}

fn furthest(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

#[test]
fn vectors_and_expressions_are_those_of_the_reference() {
    let golden: Goldens =
        serde_json::from_str(include_str!("../../goldens/face_api/goldens.json")).unwrap();
    let regions = golden.faces.iter().map(|face| {
        let [left, top, width, height] = face.region;
        Region {
            left,
            top,
            width,
            height,
        }
    });
    let regions: Vec<Region> = regions.collect();
    let (network, picture) = (network(), picture());
    let vectors = network.embed(&picture, &regions).unwrap();
    let expressions = network.expressions(&picture, &regions).unwrap();
    for ((golden, vector), expressions) in golden.faces.iter().zip(&vectors).zip(&expressions) {
        assert_eq!(vector.len(), EMBEDDING);
        let apart = furthest(vector, &golden.embedding);
        assert!(apart < 1e-3, "vectors {apart} apart");
        let apart = furthest(expressions, &golden.expressions);
        assert!(apart < 1e-3, "expressions {apart} apart");
    }
    assert!(network.embed(&picture, &[]).unwrap().is_empty());
}

#[test]
fn one_person_is_recognized_and_smiles() {
    let folder = cache::store().pull("mtcnn", &mut Silent).unwrap();
    let weights = MtcnnWeights::load(&folder, &device::open("cpu").unwrap()).unwrap();
    let picture = picture();
    let faces = Mtcnn::new(Arc::new(weights))
        .detect(&picture, FaceSearch::default())
        .unwrap();
    let regions = faces
        .iter()
        .map(|face| aligned(face.landmarks, picture.width(), picture.height()).unwrap());
    let regions: Vec<Region> = regions.collect();
    let network = network();
    let vectors = network.embed(&picture, &regions).unwrap();
    for other in &vectors[1..] {
        let score = same_person(&vectors[0], other);
        assert!(score > 0.5, "{score}");
    }
    for expressions in network.expressions(&picture, &regions[..2]).unwrap() {
        let happy = expressions[Expression::Happy as usize];
        assert!(happy > 0.5, "{expressions:?}");
    }
}

#[test]
fn faces_outside_and_other_files_are_refused_in_one_line() {
    let outside = Region {
        left: 1000,
        top: 0,
        width: 10,
        height: 10,
    };
    let error = network()
        .embed(&picture(), &[outside])
        .unwrap_err()
        .to_string();
    assert!(error.contains("within 400 x 230 pixels"), "{error}");
    let own = tempfile::tempdir().unwrap();
    let names = ["face_recognition_model", "face_expression_model"];
    let files = names.map(|name| {
        [
            format!("{name}-weights_manifest.json"),
            format!("{name}.bin"),
        ]
    });
    for name in files.iter().flatten() {
        std::fs::copy(folder().join(name), own.path().join(name)).unwrap();
    }
    let load = || FaceApiWeights::load(own.path(), &device::open("cpu").unwrap());
    assert!(load().is_ok());
    for name in files.iter().flatten() {
        let sound = std::fs::read(folder().join(name)).unwrap();
        for length in [0, 50, sound.len() / 2, sound.len() - 1] {
            std::fs::write(own.path().join(name), &sound[..length]).unwrap();
            let message = load().unwrap_err().to_string();
            assert!(
                !message.contains('\n') && message.contains("_model"),
                "{message}"
            );
        }
        std::fs::write(own.path().join(name), sound).unwrap();
    }
    let [manifest, values] = &files[1];
    let [other_manifest, other_values] = &files[0];
    std::fs::copy(folder().join(other_manifest), own.path().join(manifest)).unwrap();
    std::fs::copy(folder().join(other_values), own.path().join(values)).unwrap();
    let message = load().unwrap_err().to_string();
    assert!(message.contains("the tensor `dense0/conv0/"), "{message}");
}
