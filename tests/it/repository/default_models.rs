//! Whatever `aimass run` fetches by itself comes through pip alone, so that nobody has to install more, or to reach more than a Python package index, and is not
//! too much.

use aimass::{AGENTS, ModelSlot};
use aimass_models::{Catalogue, Index, Origin};

/// The models that some input of a run asks for.
fn fetched() -> impl Iterator<Item = &'static ModelSlot> {
    let slots = AGENTS.iter().flat_map(|manifest| manifest.models);
    slots.filter(|slot| !slot.inputs.is_empty())
}

#[test]
fn every_usual_model_comes_from_the_python_package_index_first() {
    let catalogue = Catalogue::with(&[]).unwrap();
    let mut megabytes = 0;
    for slot in fetched() {
        let artefact = catalogue.find(slot.default).unwrap();
        let Origin::Packages(packages) = &artefact.sources[0].origin else {
            panic!("{} comes from {}", slot.default, artefact.sources[0]);
        };
        assert!(
            packages.iter().all(|package| package.index == Index::Pypi),
            "{} comes from {}",
            slot.default,
            artefact.sources[0]
        );
        megabytes += artefact.megabytes;
    }
    assert!(fetched().count() >= 7);
    assert!(megabytes < 550, "{megabytes} megabytes");
}
