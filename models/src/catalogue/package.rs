//! Packages: where they are published, and which of their files an artefact takes.

use std::fmt;

use serde::Deserialize;

/// Where packages are published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Index {
    /// The Python package index: wheels; source distributions only where an address of it is given.
    #[default]
    Pypi,
    /// The registry of npm: tarballs.
    Npm,
    /// A Debian archive.
    Debian,
    /// A Maven repository: jars, `GROUP:ARTEFACT`.
    Maven,
}

impl Index {
    /// How the catalogue calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pypi => "pypi",
            Self::Npm => "npm",
            Self::Debian => "debian",
            Self::Maven => "maven",
        }
    }

    /// Bytes that a package's name may have beside letters, digits, `-`, `.` and `_`.
    fn punctuation(self) -> &'static [u8] {
        match self {
            Self::Pypi => b"",
            Self::Npm => b"@/",
            Self::Debian => b"+:",
            Self::Maven => b":",
        }
    }
}

/// One file of a package index, and what of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Where it is published.
    #[serde(default)]
    pub index: Index,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The checksum of the file that is fetched.
    pub sha256: String,
    /// The folder inside it; empty for its root.
    #[serde(default)]
    pub folder: String,
    /// The files below that folder.
    pub files: Vec<String>,
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.package, self.version)
    }
}

impl Package {
    /// Names and versions become arguments of programs and parts of addresses: none may be an
    /// option, or lead elsewhere.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self {
            package, version, ..
        } = self;
        let is_sound = |text: &str, more: &[u8]| {
            let fits = |byte: u8| {
                byte.is_ascii_alphanumeric() || b"-._".contains(&byte) || more.contains(&byte)
            };
            (1..=128).contains(&text.len())
                && text.bytes().all(fits)
                && !text.starts_with(['-', '.', '/'])
                && !text.contains("..")
        };
        if !is_sound(package, self.index.punctuation()) {
            let index = self.index.name();
            return Err(format!("the package `{package}`, no name of {index}"));
        }
        if self.index == Index::Maven && package.split(':').count() != 2 {
            return Err(format!(
                "the package `{package}`; of maven it is `GROUP:ARTEFACT`"
            ));
        }
        if !is_sound(version, b"+~:!") {
            return Err(format!("the version `{version}` of `{package}`"));
        }
        let sha256 = &self.sha256;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if sha256.len() != 64 || !sha256.bytes().all(is_digit) {
            return Err(format!(
                "the sha256 `{sha256}` of `{package}`; it has 64 digits, in small letters"
            ));
        }
        Ok(())
    }
}
