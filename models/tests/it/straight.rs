//! A real package straight from a real index, where the environment names one: `PIP_INDEX_URL`, or pip's own configuration.

use std::ffi::OsString;
use std::process::Command;

use aimass_config::PackageIndexesConfig;
use aimass_models::{
    Catalogue, Index, Origin, PackageIndexes, PackageWay, Silent, Store, StoreOptions,
};

/// The address that this machine's own tools use, if they name one.
fn address() -> Option<OsString> {
    if let Some(address) = std::env::var_os("PIP_INDEX_URL") {
        return Some(address);
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "config", "get", "global.index-url"]);
    let output = pip.output().ok().filter(|output| output.status.success())?;
    let address = String::from_utf8(output.stdout).ok()?;
    Some(address.trim().into())
}

#[test]
fn a_real_package_comes_straight_from_a_real_index() {
    let Some(address) = address() else {
        // Nobody named one, and no address stands here.
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let variable = |name: &str| match name {
        "PIP_INDEX_URL" => Some(address.clone()),
        _ => std::env::var_os(name),
    };
    let package_indexes = PackageIndexes::resolve(&PackageIndexesConfig::default(), &variable);
    let options = StoreOptions {
        package_indexes,
        ..StoreOptions::default()
    };
    let store = Store::new(cache.path(), Catalogue::with(&[]).unwrap(), options);
    let artefact = store.catalogue().find("silero-vad").unwrap();
    let Origin::Packages(packages) = &artefact.sources[0].origin else {
        panic!("{artefact:?}");
    };
    assert_eq!(packages[0].index, Index::Pypi);
    let way = store.package_way(&packages[0]);
    assert!(matches!(way, PackageWay::Address(_)), "{way:?}");
    store.pull("silero-vad", &mut Silent).unwrap();
    store.verify("silero-vad").unwrap();
}
