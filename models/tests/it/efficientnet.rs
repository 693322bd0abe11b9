//! EfficientNet-Lite0 on its real weights, beside what PyTorch says with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::efficientnet::{CLASSES, FEATURES, class_name};
use aimass_models::picture::{Picture, Pixels};
use aimass_models::{EfficientNet, EfficientNetWeights, Silent, device};
use serde::Deserialize;

use crate::cache;

#[derive(Deserialize)]
struct Goldens {
    pictures: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    logits: Vec<f32>,
    features: Vec<f32>,
}

fn folder() -> PathBuf {
    cache::store()
        .pull("efficientnet-lite0", &mut Silent)
        .unwrap()
}

fn network() -> EfficientNet {
    let weights = EfficientNetWeights::load(&folder(), &device::open("cpu").unwrap()).unwrap();
    assert!((17 << 20..20 << 20).contains(&weights.memory_bytes()));
    EfficientNet::new(Arc::new(weights))
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/efficientnet")
}

fn picture(name: &str) -> Pixels {
    Picture::open(&goldens().join(name)).unwrap().pixels
}

fn furthest(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

#[test]
fn logits_and_features_are_those_of_pytorch() {
    let network = network();
    let golden = std::fs::read_to_string(goldens().join("goldens.json")).unwrap();
    let golden: Goldens = serde_json::from_str(&golden).unwrap();
    let views = golden.pictures.iter();
    let views: Vec<Pixels> = views
        .map(|golden| picture(&format!("{}.webp", golden.name)))
        .collect();
    let together = network.look(&views).unwrap();
    for ((golden, view), together) in golden.pictures.iter().zip(&views).zip(&together) {
        let alone = &network.look(std::slice::from_ref(view)).unwrap()[0];
        for found in [together, alone] {
            assert_eq!(
                (found.logits.len(), found.features.len()),
                (CLASSES, FEATURES)
            );
            let apart = furthest(&found.logits, &golden.logits);
            assert!(apart < 1e-3, "{}: logits {apart} apart", golden.name);
            let apart = furthest(&found.features, &golden.features);
            assert!(apart < 1e-3, "{}: features {apart} apart", golden.name);
            let sum: f32 = found.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
    }
    assert!(network.look(&[]).unwrap().is_empty());
}

#[test]
fn photographs_show_what_they_show() {
    let network = network();
    for (name, right) in [
        ("chelsea.jpg", &["tabby", "tiger cat", "Egyptian cat"][..]),
        ("coffee.jpg", &["espresso", "cup", "coffee mug"]),
    ] {
        let view = EfficientNet::view(&picture(name)).unwrap();
        let found = network.look(&[view]).unwrap().remove(0);
        let mut classes: Vec<usize> = (0..CLASSES).collect();
        classes.sort_by(|one, other| found.logits[*other].total_cmp(&found.logits[*one]));
        let best: Vec<&str> = classes[..5]
            .iter()
            .map(|class| class_name(*class).unwrap())
            .collect();
        assert!(
            right.contains(&best[0]) && best.contains(&right[1]),
            "{name}: {best:?}"
        );
    }
}

#[test]
fn other_sides_and_other_files_are_refused_in_one_line() {
    let error = network()
        .look(&[Pixels::filled(225, 224, [0; 3]).unwrap()])
        .unwrap_err();
    assert!(error.to_string().contains("found 225 x 224"), "{error}");
    let own = tempfile::tempdir().unwrap();
    let place = own.path().join("efficientnet-lite0-57934424.pth");
    let load = || EfficientNetWeights::load(own.path(), &device::open("cpu").unwrap());
    let refused = |expected: &str| {
        let message = load().unwrap_err().to_string();
        assert!(
            !message.contains('\n') && message.contains(expected),
            "{message}"
        );
    };
    refused("efficientnet-lite0-57934424.pth");
    let sound = std::fs::read(folder().join("efficientnet-lite0-57934424.pth")).unwrap();
    for length in [0, 100, sound.len() / 2, sound.len() - 1] {
        std::fs::write(&place, &sound[..length]).unwrap();
        refused("weights that PyTorch saved");
    }
    let faces = cache::store().pull("mtcnn", &mut Silent).unwrap();
    std::fs::copy(faces.join("onet.pt"), &place).unwrap();
    refused("the tensor `_conv_stem.weight`");
}
