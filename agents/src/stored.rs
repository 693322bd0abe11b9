//! Models of the store as the runtime's model sources, and what their errors mean to the runtime.

use std::path::Path;
use std::sync::Arc;

use aimass_models::device::{self, Device};
use aimass_models::{ModelError, Store};
use aimass_runtime::{DeviceName, Fault, ModelSource, ModelVersion};

/// Weights that are read from an artefact of the store and shared by all workers of a device.
pub trait StoredWeights: Sized + Send + Sync + 'static {
    /// What can be set about how they are read and used.
    type Options: Default + Send + Sync + 'static;
    /// What each worker builds on them.
    type Model: 'static;

    /// The end of the name of the file that holds them.
    const FILE: &'static str;

    /// Reads them from the folder of their artefact.
    ///
    /// # Errors
    /// A [`ModelError`] that says what was expected, what was found and what to do.
    fn load(folder: &Path, device: &Device, options: &Self::Options) -> Result<Self, ModelError>;

    /// Builds a worker's model on shared weights.
    fn build(weights: &Arc<Self>, source: &Stored<Self>) -> Self::Model;

    /// The bytes that they take in memory.
    fn memory_bytes(&self) -> u64;

    /// Estimates, before they are read, the bytes that an artefact of `artefact_bytes` will take in
    /// memory.
    fn estimated_bytes(artefact_bytes: u64, options: &Self::Options) -> u64 {
        let _ = options;
        artefact_bytes
    }

    /// What the version says beside name and checksum, where options change the results.
    fn version_suffix(options: &Self::Options) -> &'static str {
        let _ = options;
        ""
    }
}

/// A model of the store's catalogue as a model source. It need not have been fetched yet.
#[derive(Debug, Clone)]
pub struct Stored<W: StoredWeights> {
    store: Store,
    name: String,
    artefact_bytes: u64,
    options: Arc<W::Options>,
}

impl<W: StoredWeights> Stored<W> {
    /// The model `name` of the store's catalogue, with default options.
    ///
    /// # Errors
    /// A fault if the catalogue has no such model.
    pub fn new(store: Store, name: &str) -> Result<Self, Fault> {
        let artefact = store
            .catalogue()
            .find(name)
            .map_err(|error| Fault::rejected(error.to_string()))?;
        let artefact_bytes = artefact.megabytes << 20;
        Ok(Self {
            store,
            name: name.to_owned(),
            artefact_bytes,
            options: Arc::default(),
        })
    }

    /// Sets the options.
    #[must_use]
    pub fn with(mut self, options: W::Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// The options that were set.
    pub fn options(&self) -> &W::Options {
        &self.options
    }

    /// A folder of the cache for what is computed with the model; it may be missing.
    #[cfg(feature = "text")]
    pub(crate) fn derived(&self, what: &str) -> std::path::PathBuf {
        self.store.derived(what)
    }

    /// The first digits of the weights' checksum; `None` while they have not been fetched.
    fn checksum(&self) -> Option<String> {
        let manifest = self.store.manifest(&self.name).ok()?;
        let mut files = manifest.files.iter();
        let weights = files.find(|file| file.path.ends_with(W::FILE))?;
        weights.sha256.get(..12).map(str::to_owned)
    }
}

impl<W: StoredWeights> ModelSource for Stored<W> {
    type Weights = W;
    type Model = W::Model;

    /// Name, checksum of the weights if they have been fetched, and the suffix of the options.
    fn version(&self) -> ModelVersion {
        let suffix = W::version_suffix(&self.options);
        match self.checksum() {
            Some(checksum) => ModelVersion::new(&format!("{}@{checksum}{suffix}", self.name)),
            None => ModelVersion::new(&format!("{}{suffix}", self.name)),
        }
    }

    fn memory_bytes(&self) -> u64 {
        W::estimated_bytes(self.artefact_bytes, &self.options)
    }

    fn weights_bytes(&self, weights: &W) -> Option<u64> {
        Some(weights.memory_bytes())
    }

    /// A missing artefact is unavailable, not broken: the next task tries again.
    fn load(&self, device: &DeviceName) -> Result<W, Fault> {
        let folder = self.store.path(&self.name);
        let folder = folder.map_err(|error| Fault::unavailable(error.to_string()))?;
        let device = device::open(&device.to_string()).map_err(|error| fault(&error))?;
        W::load(&folder, &device, &self.options).map_err(|error| fault(&error))
    }

    fn build(&self, weights: &Arc<W>, _: &DeviceName) -> Result<W::Model, Fault> {
        Ok(W::build(weights, self))
    }
}

/// What a model's error means to the runtime.
pub(crate) fn fault(error: &ModelError) -> Fault {
    let message = error.to_string();
    match (error, error.fault()) {
        (ModelError::Compute { .. }, device::Fault::DeviceLost) => Fault::device_lost(message),
        (ModelError::Compute { .. }, _) => Fault::retryable(message),
        (ModelError::Input { .. }, _) => Fault::rejected(message),
        // The worker goes to its next device; without one, the runtime says so to those who wait.
        (ModelError::Device { .. }, _) => Fault::device_lost(message),
        _ => Fault::unavailable(message),
    }
}
