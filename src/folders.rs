//! The platform's folders for data and caches.

use std::env;
use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

/// The folder of store and socket: `AIMASS_HOME`, else the platform's folder for data; none where the user has no home.
pub fn home_folder() -> Option<PathBuf> {
    folder("AIMASS_HOME", |platform| platform.data_dir())
}

/// The folder of model artefacts: `AIMASS_CACHE`, else the platform's folder for caches; none where the user has no home.
pub fn cache_folder() -> Option<PathBuf> {
    folder("AIMASS_CACHE", |platform| platform.cache_dir())
}

fn folder(ours: &str, of: impl FnOnce(&dyn BaseStrategy) -> PathBuf) -> Option<PathBuf> {
    if let Some(named) = env::var_os(ours).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let platform = choose_native_strategy().ok()?;
    Some(of(&platform).join("aimass"))
}
