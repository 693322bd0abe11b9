//! Rules for every file of the repository.

use std::fs;
use std::path::PathBuf;

/// The longest a source file may be, in lines.
const MAX_LINES: usize = 500;
/// This file, which names what it looks for.
const THIS: &str = "tests/it/repository/files.rs";
/// The largest a committed file may be, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The repository's files. Build outputs and hidden folders other than `.ci` are left out.
pub(super) fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![crate::repository_root().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let hidden = name.starts_with('.') && name != ".ci";
            if hidden || name == "target" || name == "__pycache__" {
                continue;
            }
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => open.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    assert!(found.len() > 20, "found only {} files", found.len());
    found
}

pub(super) fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
}

fn assert_none(broken: &[PathBuf], rule: &str) {
    let root = crate::repository_root();
    let broken: Vec<_> = broken
        .iter()
        .map(|path| path.strip_prefix(root).unwrap())
        .collect();
    assert!(broken.is_empty(), "{rule}: {broken:#?}");
}

#[test]
fn no_source_file_is_longer_than_its_budget() {
    let broken = sources()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(path, _)| path);
    assert_none(&broken.collect::<Vec<_>>(), "longer than 500 lines");
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let broken = sources()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path);
    assert_none(&broken.collect::<Vec<_>>(), "does not begin with `//!`");
}

#[test]
fn a_module_stands_beside_its_folder() {
    let broken = files().into_iter().filter(|path| path.ends_with("mod.rs"));
    assert_none(
        &broken.collect::<Vec<_>>(),
        "`foo.rs` beside `foo/`, never `mod.rs`",
    );
}

#[test]
fn a_silenced_lint_has_a_reason() {
    let silences = |text: &str| {
        text.split("#[")
            .skip(1)
            .chain(text.split("#![").skip(1))
            .any(|attribute| {
                let attribute = attribute.split(']').next().unwrap_or_default();
                let silences = attribute.starts_with("allow(") || attribute.starts_with("expect(");
                silences && !attribute.contains("reason")
            })
    };
    let broken = sources()
        .filter(|(path, text)| !path.ends_with(THIS) && silences(text))
        .map(|(path, _)| path);
    assert_none(
        &broken.collect::<Vec<_>>(),
        "a lint is silenced without a `reason`",
    );
}

#[test]
fn no_file_is_large() {
    let broken = files()
        .into_iter()
        .filter(|path| fs::metadata(path).unwrap().len() > MAX_BYTES);
    assert_none(&broken.collect::<Vec<_>>(), "larger than 1 MiB");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // Spelt in two halves, so that this file does not name them itself.
    let homes = [
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
        ["/wo", "rk/"],
    ]
    .map(|halves| halves.concat());
    let begins_a_path = |text: &str, home: &str| {
        text.match_indices(home).any(|(at, _)| {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            !before.is_alphanumeric() && !"_.-}~/".contains(before)
        })
    };
    let broken = files().into_iter().filter(|path| {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        homes.iter().any(|home| begins_a_path(&text, home))
    });
    assert_none(
        &broken.collect::<Vec<_>>(),
        "names a folder of somebody's machine",
    );
}
