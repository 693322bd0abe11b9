//! The platform's folders for data and caches, and what lies where in them.

use std::env;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

/// Returns the folder of store and socket: `AIMASS_HOME`, else the platform's folder for data; none where the user has no home.
pub fn home_dir() -> Option<PathBuf> {
    folder("AIMASS_HOME", |platform| platform.data_dir())
}

/// Returns the folder of model artefacts: `AIMASS_CACHE`, else the platform's folder for caches; none where the user has no home.
pub fn cache_dir() -> Option<PathBuf> {
    folder("AIMASS_CACHE", |platform| platform.cache_dir())
}

/// Returns the folder of the store in which the program `aimass` works: below [`home_dir`]. One process at a time has it.
pub fn store_dir() -> Option<PathBuf> {
    home_dir().map(|home| store_in(&home))
}

/// Returns where the node `aimass start` listens: below [`home_dir`].
pub fn socket_path() -> Option<PathBuf> {
    home_dir().map(|home| socket_in(&home))
}

/// Returns the folder of the store of that home.
pub fn store_in(home: &Path) -> PathBuf {
    home.join("store")
}

/// Returns where the node of that home listens.
pub fn socket_in(home: &Path) -> PathBuf {
    home.join("node.socket")
}

fn folder(ours: &str, of: impl FnOnce(&dyn BaseStrategy) -> PathBuf) -> Option<PathBuf> {
    if let Some(named) = env::var_os(ours).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let platform = choose_native_strategy().ok()?;
    Some(of(&platform).join("aimass"))
}
