//! The platform's folders for data and caches.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(target_os = "macos")]
const DATA: &str = "Library/Application Support";
#[cfg(target_os = "macos")]
const CACHE: &str = "Library/Caches";
#[cfg(not(target_os = "macos"))]
const DATA: &str = ".local/share";
#[cfg(not(target_os = "macos"))]
const CACHE: &str = ".cache";

/// The folder of store and socket: `AIMASS_HOME`, else the platform's folder for data; none where the user has no home.
pub fn home_folder() -> Option<PathBuf> {
    folder(&of_process, "AIMASS_HOME", "XDG_DATA_HOME", DATA)
}

/// The folder of model artefacts: `AIMASS_CACHE`, else the platform's folder for caches; none where the user has no home.
pub fn cache_folder() -> Option<PathBuf> {
    folder(&of_process, "AIMASS_CACHE", "XDG_CACHE_HOME", CACHE)
}

fn of_process(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn folder(
    variable: &dyn Fn(&str) -> Option<OsString>,
    ours: &str,
    platform: &str,
    usual: &str,
) -> Option<PathBuf> {
    if let Some(named) = variable(ours) {
        return Some(PathBuf::from(named));
    }
    // The specification of these variables asks to ignore a relative path.
    let named = variable(platform)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let folder = named.or_else(|| Some(PathBuf::from(variable("HOME")?).join(usual)))?;
    Some(folder.join("aimass"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_comes_before_the_platforms_and_that_before_the_usual_one() {
        let folder = |set: &'static [(&'static str, &'static str)]| {
            let variable = move |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name)?;
                Some(OsString::from(found.1))
            };
            folder(&variable, "OURS", "XDG", ".local/share")
        };
        assert_eq!(folder(&[]), None);
        assert_eq!(
            folder(&[("HOME", "/h")]),
            Some("/h/.local/share/aimass".into())
        );
        assert_eq!(
            folder(&[("HOME", "/h"), ("XDG", "relative")]),
            Some("/h/.local/share/aimass".into())
        );
        assert_eq!(
            folder(&[("HOME", "/h"), ("XDG", "/data")]),
            Some("/data/aimass".into())
        );
        assert_eq!(
            folder(&[("XDG", "/data"), ("OURS", "here")]),
            Some("here".into())
        );
    }
}
