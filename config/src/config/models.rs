//! Where models come from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::form::{Form, OrNone, Plain};

/// How artefacts are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Whether fetching is refused, so that only artefacts in the cache are used.
    pub offline: bool,
    /// The address of the model hub, without a slash at its end.
    pub hub_endpoint: String,
    /// The environment variable that holds the hub's token. The token itself is never part of the configuration.
    pub hub_token_variable: String,
    /// Catalogue files that are read beside the built-in catalogue; relative paths start at the current folder.
    pub catalogues: Vec<PathBuf>,
    /// Where packages are fetched without the client of their index.
    pub package_indexes: PackageIndexesConfig,
}

/// Addresses of package indexes; `None` leaves it to the environment, and then to the client of that index.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackageIndexesConfig {
    /// A Python package index.
    #[serde(with = "OrNone::<Plain>")]
    pub pypi: Option<String>,
    /// A registry of npm.
    #[serde(with = "OrNone::<Plain>")]
    pub npm: Option<String>,
    /// A Maven repository.
    #[serde(with = "OrNone::<Plain>")]
    pub maven: Option<String>,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            offline: false,
            hub_endpoint: "https://huggingface.co".to_owned(),
            hub_token_variable: "HF_TOKEN".to_owned(),
            catalogues: Vec::new(),
            package_indexes: PackageIndexesConfig::default(),
        }
    }
}
