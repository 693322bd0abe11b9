//! Addresses of package indexes that somebody gave: the configuration, the environment, the files of pip and of npm. Where none is
//! given, there is none: no address stands here.

mod npmrc;
mod pip_conf;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use aimass_config::PackageIndexesConfig;

use super::http::{Address, CertificateFiles, Credentials};
use crate::catalogue::{Index, Package};
use npmrc::Npmrc;
use pip_conf::PipConf;

/// Bytes of a file of pip or npm that are read.
const FILE_LIMIT: u64 = 1 << 20;
/// Variables that name a file with certificates of authorities.
const CERTIFICATES: [&str; 5] = [
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

/// Reads one variable of the environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Where packages can be had straight over HTTP, as somebody said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageIndexes {
    pypi: Option<GivenAddress>,
    npm: Option<GivenAddress>,
    /// Registries of npm's scopes, `@scope`.
    scopes: BTreeMap<String, GivenAddress>,
    maven: Option<GivenAddress>,
    certificates: CertificateFiles,
}

/// An address, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAddress {
    /// The address, without a user and a password.
    pub address: Address,
    /// The setting, the variable or the file that gave it.
    pub by: String,
    /// What proves to it who asks.
    pub(super) credentials: Option<Credentials>,
}

impl GivenAddress {
    /// None for what is not HTTP, which is left to the client that understands it.
    fn new(text: &str, by: impl Into<String>) -> Option<Self> {
        let (address, credentials) = Address::parse(text.trim())?;
        Some(Self {
            address,
            by: by.into(),
            credentials,
        })
    }
}

impl PackageIndexes {
    /// Looks at the configuration, then at the environment, then at the files that pip and npm read.
    #[must_use]
    pub fn resolve(config: &PackageIndexesConfig, variable: Variable<'_>) -> Self {
        let text = |name: &str| {
            variable(name)?
                .into_string()
                .ok()
                .filter(|text| !text.is_empty())
        };
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| GivenAddress::new(&text(name)?, *name))
        };
        let configured = |index: Index, address: &Option<String>| {
            let setting = setting(index);
            GivenAddress::new(address.as_deref()?, setting)
        };
        let pip = PipConf::find(variable);
        let npmrc = Npmrc::find(variable);
        let pypi = configured(Index::Pypi, &config.pypi).or_else(|| {
            if is_on(text("PIP_NO_INDEX").as_deref()) || is_on(pip.option("no-index")) {
                return None;
            }
            first(&["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"]).or_else(|| {
                let (address, by) = pip.option_with_file("index-url")?;
                GivenAddress::new(address, by)
            })
        });
        let npm = configured(Index::Npm, &config.npm)
            .or_else(|| first(&["NPM_CONFIG_REGISTRY", "npm_config_registry"]))
            .or_else(|| npmrc.registry());
        let known = |given: GivenAddress| npmrc.known(given);
        let certificates = CERTIFICATES.iter().filter_map(|name| {
            let file = text(name)?;
            Some(((*name).to_owned(), PathBuf::from(file)))
        });
        let of_pip = pip.option_with_file("cert");
        let of_pip = of_pip.map(|(file, by)| (by, PathBuf::from(file)));
        Self {
            pypi,
            npm: npm.map(known),
            scopes: npmrc.scopes(),
            maven: configured(Index::Maven, &config.maven),
            certificates: without_repeated(certificates.chain(of_pip)),
        }
    }

    /// The address at which a package is asked for.
    #[must_use]
    pub fn of(&self, package: &Package) -> Option<&GivenAddress> {
        match package.index {
            Index::Pypi => self.pypi.as_ref(),
            Index::Npm => {
                let scope = package.package.split_once('/').map(|(scope, _)| scope);
                let of_scope = scope.and_then(|scope| self.scopes.get(scope));
                of_scope.or(self.npm.as_ref())
            }
            // What is in such an archive, files say that only apt reads.
            Index::Debian => None,
            Index::Maven => self.maven.as_ref(),
        }
    }

    pub(crate) fn certificates(&self) -> &CertificateFiles {
        &self.certificates
    }
}

/// The setting that gives an index's address.
pub(super) fn setting(index: Index) -> String {
    format!("models.package_indexes.{}", index.name())
}

/// As pip reads a switch.
fn is_on(text: Option<&str>) -> bool {
    let text = text.map(str::to_ascii_lowercase);
    text.is_some_and(|text| matches!(text.as_str(), "1" | "true" | "yes" | "on" | "y" | "t"))
}

fn without_repeated(files: impl Iterator<Item = (String, PathBuf)>) -> CertificateFiles {
    let mut all = CertificateFiles::new();
    for (by, file) in files {
        if !all.iter().any(|(_, known)| *known == file) {
            all.push((by, file));
        }
    }
    all
}

#[cfg(test)]
mod tests;
