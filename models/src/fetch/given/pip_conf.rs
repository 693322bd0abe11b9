//! pip's configuration files, in pip's order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{FILE_LIMIT, Variable};
use crate::files;

/// What pip's files say.
#[derive(Debug, Default)]
pub(super) struct PipConf {
    /// From the weakest to the strongest.
    files: Vec<(PathBuf, Options)>,
}

/// Values by section and key.
type Options = BTreeMap<(String, String), String>;

/// Sections that hold for a download, the stronger first.
const SECTIONS: [&str; 2] = ["download", "global"];

impl PipConf {
    /// The files of this machine, of this user and of a virtual environment, and the one that is named.
    pub(super) fn find(variable: Variable<'_>) -> Self {
        let files = places(variable).into_iter().filter_map(|path| {
            // One that is not there or cannot be read says nothing, as it does to pip.
            let bytes = files::read(&path, FILE_LIMIT).ok()?;
            let options = read(&String::from_utf8_lossy(&bytes));
            Some((path, options))
        });
        Self {
            files: files.collect(),
        }
    }

    pub(super) fn option(&self, key: &str) -> Option<&str> {
        Some(self.find_option(key)?.1)
    }

    /// A value, and the file that it stands in.
    pub(super) fn option_with_file(&self, key: &str) -> Option<(&str, String)> {
        let (path, value) = self.find_option(key)?;
        Some((value, path.display().to_string()))
    }

    fn find_option(&self, key: &str) -> Option<(&Path, &str)> {
        SECTIONS.iter().find_map(|section| {
            let place = ((*section).to_owned(), key.to_owned());
            let mut files = self.files.iter().rev();
            files.find_map(|(path, options)| Some((&**path, &**options.get(&place)?)))
        })
    }
}

fn places(variable: Variable<'_>) -> Vec<PathBuf> {
    let path = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let named = path("PIP_CONFIG_FILE");
    if named.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    let home = path("HOME");
    let below_home = |below: &str| home.as_ref().map(|home| home.join(below));
    let mac = cfg!(target_os = "macos");
    let mut places = Vec::new();
    if mac {
        places.push(PathBuf::from("/Library/Application Support/pip/pip.conf"));
    } else {
        let shared = variable("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
        let shared = std::env::split_paths(&shared).map(|folder| folder.join("pip/pip.conf"));
        places.extend(shared);
        places.push(PathBuf::from("/etc/pip.conf"));
    }
    // Whoever names a file means it instead of the user's.
    if !named.as_ref().is_some_and(|file| file.exists()) {
        let own = path("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
        let own = own.map(|folder| folder.join("pip/pip.conf"));
        let of_mac = below_home("Library/Application Support/pip/pip.conf");
        let own = of_mac.filter(|file| mac && file.exists()).or(own);
        places.extend([below_home(".pip/pip.conf"), own].into_iter().flatten());
    }
    let environment = path("VIRTUAL_ENV").map(|folder| folder.join("pip.conf"));
    places.extend([environment, named].into_iter().flatten());
    places
}

/// `KEY = VALUE` below `[SECTION]`, as Python's configparser reads it.
fn read(text: &str) -> Options {
    let mut options = Options::new();
    let mut section = String::new();
    let mut last: Option<(String, String)> = None;
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some(value) = last.as_ref().and_then(|place| options.get_mut(place))
        {
            // A value goes on in lines that are indented. The first word is what is asked for here.
            let space = if value.is_empty() { "" } else { " " };
            value.push_str(&format!("{space}{content}"));
            continue;
        }
        let header = content
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = header {
            name.clone_into(&mut section);
            last = None;
            continue;
        }
        let (key, value) = match content.find(['=', ':']) {
            Some(at) => (&content[..at], &content[at + 1..]),
            None => (content, ""),
        };
        let key = key.trim().to_ascii_lowercase().replace('_', "-");
        let place = (section.clone(), key);
        options.insert(place.clone(), value.trim().to_owned());
        last = Some(place);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_pip_reads_it() {
        let options = read(
            "# mine\n[global]\nIndex_URL = https://a/simple\ntrusted-host: b\n[install]\n; none\n\
             find-links =\n    one\n    two\n",
        );
        let value = |section: &str, key: &str| {
            let place = (section.to_owned(), key.to_owned());
            options.get(&place).map(String::as_str)
        };
        assert_eq!(value("global", "index-url"), Some("https://a/simple"));
        assert_eq!(value("global", "trusted-host"), Some("b"));
        assert_eq!(value("install", "find-links"), Some("one two"));
        assert_eq!(value("global", "find-links"), None);
    }
}
