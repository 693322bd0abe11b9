//! Importers: models in the forms that others keep them in, turned once into the form that our
//! loaders read.
//!
//! What an importer reads comes from outside. Counts, sizes and names are checked against the
//! length of the file before memory is taken for them, and weights are streamed: at no time is a
//! model in memory as a whole.
//!
//! An importer is an [`Importer`] in the folder of its network and a line in [`IMPORTERS`].

mod ctranslate2;
mod tensors;
mod whisper;

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::ModelError;
use crate::store::Progress;

/// All importers. A folder is given to the first whose inputs it has.
pub const IMPORTERS: &[Importer] = &[whisper::FROM_CTRANSLATE2, whisper::FROM_GGUF];

/// How a model in another form becomes one that our loaders read.
#[derive(Debug)]
pub struct Importer {
    /// What the catalogue calls it.
    pub name: &'static str,
    /// The family of the artefacts that it makes.
    pub family: &'static str,
    /// The files that it reads.
    pub inputs: &'static [&'static str],
    import: fn(&Path, &Path, &mut dyn Progress) -> Result<(), ModelError>,
}

impl Importer {
    /// The importer of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        IMPORTERS.iter().find(|importer| importer.name == name)
    }

    /// The importers that make an artefact of this family.
    pub fn of_family(family: &str) -> impl Iterator<Item = &'static Self> {
        IMPORTERS
            .iter()
            .filter(move |importer| importer.family == family)
    }

    /// Reads [`inputs`](Self::inputs) in the folder `from` and writes the files that the loader of
    /// the family reads, named and shaped as on the Hugging Face hub, into the folder `into`.
    ///
    /// # Errors
    /// [`ModelError`] if a file cannot be read or written, or does not hold what it must. What was
    /// written until then is of no use.
    pub fn run(
        &self,
        from: &Path,
        into: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        (self.import)(from, into, progress)
    }
}

impl PartialEq for Importer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Importer {}

impl<'de> Deserialize<'de> for &'static Importer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Importer::named(&name).ok_or_else(|| {
            let known: Vec<&str> = IMPORTERS.iter().map(|importer| importer.name).collect();
            D::Error::custom(format!(
                "unknown importer `{name}`, expected one of: {}",
                known.join(", ")
            ))
        })
    }
}
