//! The user's file of npm: registries, and what proves to them who asks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{FILE_LIMIT, GivenAddress, Variable};
use crate::fetch::http::Credentials;
use crate::files;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Npmrc {
    path: String,
    values: BTreeMap<String, String>,
}

impl Npmrc {
    pub(super) fn find(variable: Variable<'_>) -> Self {
        let named = variable("NPM_CONFIG_USERCONFIG").or_else(|| variable("npm_config_userconfig"));
        let named = named.filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = || Some(PathBuf::from(variable("HOME")?).join(".npmrc"));
        let Some(path) = named.or_else(usual) else {
            return Self::default();
        };
        let Ok(bytes) = files::read(&path, FILE_LIMIT) else {
            return Self::default();
        };
        Self {
            path: path.display().to_string(),
            values: read(&String::from_utf8_lossy(&bytes), variable),
        }
    }

    pub(super) fn registry(&self) -> Option<GivenAddress> {
        GivenAddress::new(self.values.get("registry")?, &*self.path)
    }

    /// The registries of scopes.
    pub(super) fn scopes(&self) -> BTreeMap<String, GivenAddress> {
        let scopes = self.values.iter().filter_map(|(key, address)| {
            let scope = key.strip_suffix(":registry")?;
            let given = GivenAddress::new(address, &*self.path)?;
            scope
                .starts_with('@')
                .then(|| (scope.to_owned(), self.known(given)))
        });
        scopes.collect()
    }

    /// Adds what proves to this registry who asks, where the file has it: `//host/path/:_authToken`.
    pub(super) fn known(&self, mut given: GivenAddress) -> GivenAddress {
        let address = given.address.to_string();
        let place = address.split_once(':').map_or("", |(_, place)| place);
        let place = format!("{}/", place.trim_end_matches('/'));
        let found = self.values.iter().filter_map(|(key, value)| {
            let (of, kind) = key.rsplit_once(':')?;
            let fits = of.starts_with("//") && place.starts_with(&*of.to_ascii_lowercase());
            match kind {
                "_authToken" if fits => Some((of.len(), Credentials::bearer(value))),
                "_auth" if fits => Some((of.len(), Credentials::encoded(value))),
                _ => None,
            }
        });
        let nearest = found.max_by_key(|(length, _)| *length);
        given.credentials = given
            .credentials
            .or(nearest.map(|(_, credentials)| credentials));
        given
    }
}

/// `KEY=VALUE`, where `${NAME}` is a variable of the environment.
fn read(text: &str, variable: Variable<'_>) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', ';']));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(key, value)| {
            let value = value.trim().trim_matches('"');
            (key.trim().to_owned(), filled_in(value, variable))
        })
        .collect()
}

fn filled_in(text: &str, variable: Variable<'_>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        match variable(name).and_then(|value| value.into_string().ok()) {
            Some(value) => filled.push_str(&value),
            // As npm leaves it.
            None => filled.push_str(&format!("${{{name}}}")),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}
