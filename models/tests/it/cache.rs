//! Where tests and benches find the models: the cache that the program itself uses, so that an artefact is fetched once.

use std::path::{Path, PathBuf};

use aimass_models::{Catalogue, Store, StoreOptions};

pub(crate) fn store() -> Store {
    store_in(&cache())
}

/// A store in a folder of a test's own.
pub(crate) fn store_in(folder: &Path) -> Store {
    let options = StoreOptions {
        hub_endpoint: "https://huggingface.co".to_owned(),
        ..StoreOptions::default()
    };
    Store::new(folder, Catalogue::with(&[]).unwrap(), options)
}

/// The folder of the cache.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("AIMASS_CACHE").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/aimass"),
        PathBuf::from,
    )
}
