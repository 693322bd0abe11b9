//! The catalogue: the known model artefacts, each with its sources, checksum, licence and size.

mod package;
mod source;

use std::path::{Path, PathBuf};

use aimass_locale::nearest;
use serde::Deserialize;

pub use package::{Index, Package};
pub use source::{Join, Origin, Source};

use crate::{ModelError, files};

/// The catalogue that is compiled in.
const BUILTIN: &str = include_str!("../catalogue.toml");
/// A catalogue of a user is a small file.
const CATALOGUE_LIMIT: u64 = 1 << 20;
/// Bytes that files may come to beyond what the catalogue leads to expect: what is small is rounded.
const SLACK: u64 = 16 << 20;

/// The known model artefacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    artefacts: Vec<Artefact>,
}

/// One model artefact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// The name by which it is asked for.
    pub name: String,
    /// What it is for.
    pub task: String,
    /// Which network it is for.
    pub family: String,
    /// Its licence.
    pub licence: String,
    /// The languages it understands, as ISO 639-1 codes.
    #[serde(default)]
    pub languages: Vec<String>,
    /// About how large it is on the disk.
    pub megabytes: u64,
    /// One line about it.
    pub description: String,
    /// Where it can be had, tried in this order.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    #[serde(default, rename = "artefact")]
    artefacts: Vec<Artefact>,
}

impl Artefact {
    /// Bytes that its files may come to before they are converted: numbers may come twice as wide as they are kept.
    pub(crate) fn most_bytes(&self) -> u64 {
        let kept = self.megabytes.saturating_mul(1 << 20);
        kept.saturating_mul(2).saturating_add(SLACK)
    }
}

impl Catalogue {
    /// The catalogue that is compiled in, followed by those of `extra`; an entry there replaces one of the same name.
    ///
    /// # Errors
    /// [`ModelError`] when a file cannot be read or is no catalogue.
    pub fn with(extra: &[PathBuf]) -> Result<Self, ModelError> {
        let mut catalogue = Self {
            artefacts: parse(BUILTIN, Path::new("catalogue.toml"))?,
        };
        for path in extra {
            let bytes = files::read(path, CATALOGUE_LIMIT)?;
            let text =
                String::from_utf8(bytes).map_err(|error| malformed(path, &error.to_string()))?;
            for artefact in parse(&text, path)? {
                catalogue
                    .artefacts
                    .retain(|known| known.name != artefact.name);
                catalogue.artefacts.push(artefact);
            }
        }
        Ok(catalogue)
    }

    /// All artefacts.
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// The artefact of that name.
    ///
    /// # Errors
    /// [`ModelError::Input`] that names the nearest one.
    pub fn find(&self, name: &str) -> Result<&Artefact, ModelError> {
        if let Some(artefact) = self.artefacts.iter().find(|artefact| artefact.name == name) {
            return Ok(artefact);
        }
        let names = self.artefacts.iter().map(|artefact| artefact.name.as_str());
        let advice = nearest(names, name).map_or_else(
            || "add it to a catalogue file of your own".to_owned(),
            |(nearest, _)| format!("did you mean `{nearest}`? `aimass models ls` lists all"),
        );
        Err(ModelError::Input {
            operation: "find a model",
            expected: "the name of a catalogue entry".to_owned(),
            found: format!("`{}`", name.chars().take(100).collect::<String>()),
            advice,
        })
    }
}

fn parse(text: &str, path: &Path) -> Result<Vec<Artefact>, ModelError> {
    let file: CatalogueFile =
        toml::from_str(text).map_err(|error| malformed(path, error.message()))?;
    for artefact in &file.artefacts {
        check(artefact).map_err(|found| malformed(path, &found))?;
    }
    Ok(file.artefacts)
}

/// Names become folders, and file names become paths: neither may lead elsewhere.
fn check(artefact: &Artefact) -> Result<(), String> {
    let name = &artefact.name;
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(fits) {
        return Err(format!(
            "the name `{name}`; use lower-case letters, digits, `-`, `.` and `_`"
        ));
    }
    artefact.sources.iter().try_for_each(Source::check)
}

fn malformed(path: &Path, found: &str) -> ModelError {
    ModelError::Format {
        path: path.to_owned(),
        expected: "a catalogue of model artefacts".to_owned(),
        found: found.to_owned(),
        advice: "correct it, or take it out of `models.catalogues`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalogue_is_sound() {
        let catalogue = Catalogue::with(&[]).unwrap();
        assert!(
            catalogue
                .artefacts()
                .iter()
                .all(|artefact| !artefact.sources.is_empty())
        );
        assert_eq!(catalogue.find("minilm").unwrap().languages, ["en"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let error = Catalogue::with(&[]).unwrap().find("minilmm").unwrap_err();
        assert!(
            error.to_string().contains("did you mean `minilm`?"),
            "{error}"
        );
    }

    /// A source as a catalogue has it.
    fn source(written: &str) -> Result<Source, String> {
        let source: Source = toml::from_str(written).map_err(|error| error.to_string())?;
        source.check().map(|()| source)
    }

    const PIN: &str = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";

    #[test]
    fn a_package_is_of_the_python_index_unless_it_says_another() {
        let written = |more: &str| {
            format!(
                "kind = \"package\"\nversion = \"1.0\"\nsha256 = \"{PIN}\"\nfiles = [\"a\"]\n{more}"
            )
        };
        let index = |more: &str| match source(&written(more))?.origin {
            Origin::Packages(packages) => Ok(packages[0].index),
            other => Err(format!("{other:?}")),
        };
        assert_eq!(index("package = 'a'\nfolder = 'b'"), Ok(Index::Pypi));
        assert_eq!(index("package = '@a/b'\nindex = 'npm'"), Ok(Index::Npm));
        assert_eq!(
            index("package = 'libc6:amd64'\nindex = 'debian'"),
            Ok(Index::Debian)
        );
        assert_eq!(
            index("package = 'org.a:b'\nindex = 'maven'"),
            Ok(Index::Maven)
        );
        for wrong in [
            "package = '--index-url=x'",
            "package = '../a'",
            "package = 'a/b'",
            "package = 'a'\nindex = 'maven'",
            "package = 'a;b'\nindex = 'npm'",
            "package = 'a'\nindex = 'cargo'",
            "package = 'a'\njoin = { x = ['y'] }",
        ] {
            assert!(index(wrong).is_err(), "{wrong}");
        }
        let other_pin = written("package = 'a'").replace(PIN, "../../x");
        assert!(source(&other_pin).unwrap_err().contains("64 digits"));
    }

    #[test]
    fn a_catalogue_cannot_lead_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        for (from, to) in [
            ("\"config.json\"", "\"../config.json\""),
            ("\"minilm\"", "\"../x\""),
        ] {
            std::fs::write(&path, BUILTIN.replacen(from, to, 1)).unwrap();
            assert!(
                Catalogue::with(std::slice::from_ref(&path)).is_err(),
                "{to} passed"
            );
        }
    }
}
