//! The store: artefacts on this machine, each fetched once, checked, and offline ever after.
//!
//! An artefact is a folder with a manifest that names each file with its size and sha256. It is put
//! together beside its place and renamed into it, so there is never half of one. Two processes that
//! want the same artefact take turns by a lock file.

mod assembly;
mod manifest;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(crate) use manifest::sha256_of;
pub use manifest::{Manifest, ManifestFile};

use crate::catalogue::{Artefact, Catalogue, Package, Source};
use crate::fetch::{FetchLimits, PackageIndexes, PackageWay};
use crate::{ModelError, Refusal};

/// How a store may reach out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Fetch nothing.
    pub offline: bool,
    /// The model hub.
    pub hub_endpoint: String,
    /// A token for the hub.
    pub hub_token: Option<String>,
    /// Addresses of package indexes that were given.
    pub package_indexes: PackageIndexes,
    /// How long servers are waited for.
    pub limits: FetchLimits,
}

/// What is being done so that an artefact comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage<'a> {
    /// A file or a package comes over the network.
    Fetching(&'a str),
    /// Parts become the file of that name.
    Joining(&'a str),
    /// A file of another form becomes the file of that name.
    Converting(&'a str),
}

/// Hears how far a fetch has come.
pub trait Progress {
    /// Something begins; `total` bytes are expected, if that is known.
    fn begin(&mut self, stage: Stage<'_>, total: Option<u64>);
    /// So many bytes are expected after all, of what began without a number.
    fn expect(&mut self, _total: u64) {}
    /// So many bytes of it have come.
    fn advance(&mut self, done: u64);
}

/// Hears nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: Stage<'_>, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
}

/// What a store holds of an artefact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// All of it, as far as sizes tell.
    Present,
    /// Something, but files are missing or of another size.
    Damaged,
}

/// Artefacts on this machine.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    catalogue: Catalogue,
    options: StoreOptions,
}

impl Store {
    /// The store below `cache`. Nothing is created before something is fetched.
    pub fn new(cache: &Path, catalogue: Catalogue, options: StoreOptions) -> Self {
        Self {
            folder: cache.join("models"),
            catalogue,
            options,
        }
    }

    /// The catalogue that it fetches from.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Returns how a package would come here. That may ask a program of this machine for its version.
    pub fn package_way(&self, package: &Package) -> PackageWay {
        PackageWay::of(package, &self.options.package_indexes)
    }

    /// A folder beside the artefacts, for what is computed with them. It may be missing, and may be
    /// deleted at any time.
    pub fn derived(&self, what: &str) -> PathBuf {
        self.folder.with_file_name(what)
    }

    /// The folder of an artefact that is here, after a look at the sizes of its files.
    ///
    /// # Errors
    /// [`ModelError`] that says what to type: it is unknown, absent or damaged.
    pub fn path(&self, name: &str) -> Result<PathBuf, ModelError> {
        let folder = self.place(name)?;
        if !folder.exists() {
            return Err(ModelError::Format {
                path: folder,
                expected: format!("the model `{name}`"),
                found: "nothing".to_owned(),
                advice: format!("type `aimass models pull {name}`"),
            });
        }
        Manifest::read(&folder, name)?.check_sizes(&folder, name)?;
        Ok(folder)
    }

    /// What an artefact that is here consists of.
    ///
    /// # Errors
    /// As [`Self::path`].
    pub fn manifest(&self, name: &str) -> Result<Manifest, ModelError> {
        Manifest::read(&self.path(name)?, name)
    }

    /// Whether an artefact is here.
    pub fn presence(&self, name: &str) -> Presence {
        let exists = self.place(name).is_ok_and(|folder| folder.exists());
        match (exists, self.path(name)) {
            (false, _) => Presence::Absent,
            (true, Ok(_)) => Presence::Present,
            (true, Err(_)) => Presence::Damaged,
        }
    }

    /// Fetches an artefact unless it is here; gives its folder.
    ///
    /// # Errors
    /// [`ModelError::Input`] for an unknown name; [`ModelError::NoSource`] with what each source
    /// said; [`ModelError::Unavailable`] where nothing may be fetched.
    pub fn pull(&self, name: &str, progress: &mut dyn Progress) -> Result<PathBuf, ModelError> {
        let artefact = self.catalogue.find(name)?.clone();
        let _turn = self.lock(name)?;
        if let Ok(folder) = self.path(name) {
            return Ok(folder);
        }
        if self.options.offline {
            return Err(ModelError::Unavailable {
                operation: "fetch a model",
                expected: "leave to use the network".to_owned(),
                found: "`models.offline = true`".to_owned(),
                advice: format!("set it to false, or `aimass models import {name} FOLDER`"),
            });
        }
        let mut refusals = Vec::new();
        for source in &artefact.sources {
            match self.pull_from(&artefact, source, progress) {
                Ok(folder) => return Ok(folder),
                Err(error) => refusals.push(Refusal {
                    from: source.to_string(),
                    error,
                }),
            }
        }
        Err(ModelError::NoSource {
            name: name.to_owned(),
            refusals,
        })
    }

    fn pull_from(
        &self,
        artefact: &Artefact,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, ModelError> {
        let parts = self.folder.join(".parts").join(&artefact.name);
        let fresh = self.fresh_folder(&artefact.name)?;
        let originals = assembly::collect(artefact, source, &self.options, &parts, progress)?;
        assembly::shape(source, &originals, fresh.path(), progress)?;
        let placed = self.put(&artefact.name, fresh, &source.to_string())?;
        // What was fetched on the way is not needed any more; if it stays, it only takes room.
        let _ = fs::remove_dir_all(&parts);
        Ok(placed)
    }

    /// Takes a folder of the user's as an artefact of the catalogue: in the form of one of its
    /// sources, or in one that an importer knows.
    ///
    /// # Errors
    /// [`ModelError`] when the name is unknown, a file is missing, or a file does not hold what it
    /// must.
    pub fn import(
        &self,
        name: &str,
        from: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, ModelError> {
        let artefact = self.catalogue.find(name)?;
        let _turn = self.lock(name)?;
        let form = assembly::Form::of(artefact, from)?;
        let fresh = self.fresh_folder(name)?;
        form.import(from, fresh.path(), progress)?;
        self.put(name, fresh, &format!("imported from {}", from.display()))
    }

    /// Reads every file again and compares its checksum with the manifest's.
    ///
    /// # Errors
    /// [`ModelError`] that names the file.
    pub fn verify(&self, name: &str) -> Result<Manifest, ModelError> {
        let folder = self.path(name)?;
        let manifest = Manifest::read(&folder, name)?;
        manifest.check_hashes(&folder, name)?;
        Ok(manifest)
    }

    /// Deletes an artefact; says whether it was here.
    ///
    /// # Errors
    /// [`ModelError::File`] when the operating system refuses.
    pub fn remove(&self, name: &str) -> Result<bool, ModelError> {
        let folder = self.place(name)?;
        let _turn = self.lock(name)?;
        if !folder.exists() {
            return Ok(false);
        }
        fs::remove_dir_all(&folder).map_err(file_error("delete", &folder))?;
        Ok(true)
    }

    fn place(&self, name: &str) -> Result<PathBuf, ModelError> {
        Ok(self.folder.join(&self.catalogue.find(name)?.name))
    }

    fn lock(&self, name: &str) -> Result<File, ModelError> {
        fs::create_dir_all(&self.folder).map_err(file_error("create", &self.folder))?;
        let path = self.folder.join(format!(".{name}.lock"));
        let file = File::create(&path).map_err(file_error("create", &path))?;
        // Released when the file is closed, also by the end of the process.
        file.lock().map_err(file_error("lock", &path))?;
        Ok(file)
    }

    /// An empty folder in which an artefact is put together. The caller holds the artefact's lock,
    /// so what is there was left by a process that was killed.
    fn fresh_folder(&self, name: &str) -> Result<tempfile::TempDir, ModelError> {
        let prefix = format!(".{name}.fresh");
        let left = self.folder.join(&prefix);
        if left.exists() {
            fs::remove_dir_all(&left).map_err(file_error("delete", &left))?;
        }
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(&prefix).rand_bytes(0);
        builder
            .tempdir_in(&self.folder)
            .map_err(file_error("create", &self.folder))
    }

    /// Writes the manifest and moves the folder to its place, as one step.
    fn put(
        &self,
        name: &str,
        fresh: tempfile::TempDir,
        source: &str,
    ) -> Result<PathBuf, ModelError> {
        Manifest::of(fresh.path(), name, source)?.write(fresh.path())?;
        let place = self.place(name)?;
        if place.exists() {
            fs::remove_dir_all(&place).map_err(file_error("delete", &place))?;
        }
        let fresh = fresh.keep();
        fs::rename(&fresh, &place).map_err(file_error("move to its place", &place))?;
        Ok(place)
    }
}

fn not_a_model(path: &Path, name: &str) -> ModelError {
    ModelError::Format {
        path: path.to_owned(),
        expected: format!("the plain file or folder of `{name}`"),
        found: "something else".to_owned(),
        advice: "give the folder that holds the model's files".to_owned(),
    }
}

/// Wraps an answer of the operating system.
pub(crate) fn file_error(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> ModelError {
    let path = path.to_owned();
    move |source| ModelError::File {
        operation,
        path,
        source,
        advice: "check that the cache folder (`AIMASS_CACHE`) is yours and has room".to_owned(),
    }
}
