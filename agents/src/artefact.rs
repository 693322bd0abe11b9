//! What the agents' model sources share: an artefact of the store, and what its errors mean to the runtime.

use std::path::PathBuf;

use aimass_models::{ModelError, Store, device};
use aimass_runtime::{Fault, ModelVersion};

/// A model of the store's catalogue. It need not be here yet.
#[derive(Debug, Clone)]
pub(crate) struct StoredModel {
    store: Store,
    name: String,
    memory_bytes: u64,
}

impl StoredModel {
    /// The model of that name.
    ///
    /// # Errors
    /// A fault when the catalogue has no such model.
    pub(crate) fn new(store: Store, name: &str) -> Result<Self, Fault> {
        let artefact = store
            .catalogue()
            .find(name)
            .map_err(|error| Fault::rejected(error.to_string()))?;
        let memory_bytes = artefact.megabytes << 20;
        Ok(Self {
            store,
            name: name.to_owned(),
            memory_bytes,
        })
    }

    /// About how much memory its weights take: as much as on the disk.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Its name with the checksum of its weights, which are the file whose name ends so; its name alone while it is not here.
    pub(crate) fn version(&self, weights: &str) -> ModelVersion {
        let hash = self.store.manifest(&self.name).ok().and_then(|manifest| {
            let mut files = manifest.files.iter();
            let weights = files.find(|file| file.path.ends_with(weights))?;
            weights.sha256.get(..12).map(str::to_owned)
        });
        match hash {
            Some(hash) => ModelVersion::new(&format!("{}@{hash}", self.name)),
            None => ModelVersion::new(&self.name),
        }
    }

    /// A folder of the cache for what is computed with it; it may be missing.
    pub(crate) fn derived(&self, what: &str) -> PathBuf {
        self.store.derived(what)
    }

    /// The folder that holds it.
    ///
    /// # Errors
    /// What the user can mend is unavailable, not broken: the next task tries again.
    pub(crate) fn folder(&self) -> Result<PathBuf, Fault> {
        self.store
            .path(&self.name)
            .map_err(|error| Fault::unavailable(error.to_string()))
    }
}

/// What a model's error means to the runtime.
pub(crate) fn fault(error: &ModelError) -> Fault {
    let message = error.to_string();
    match (error, error.fault()) {
        (ModelError::Compute { .. }, device::Fault::DeadForProcess) => {
            Fault::dead_for_process(message)
        }
        (ModelError::Compute { .. }, _) => Fault::retryable(message),
        (ModelError::Input { .. }, _) => Fault::rejected(message),
        // The worker goes to its next device; without one, the runtime says so to those who wait.
        (ModelError::Device { .. }, _) => Fault::dead_for_process(message),
        _ => Fault::unavailable(message),
    }
}
