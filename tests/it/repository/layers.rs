//! Who may use whom inside the kernel: the layers of `runtime/src`, as ARCHITECTURE.md has them. A module uses those of the layers below
//! its own and nobody beside it, so there is no way back. Tests may use whatever they test with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::sources;

/// Modules that stand for themselves. They may use each other, as long as there is no cycle.
const LEAVES: [&str; 13] = [
    "batch",
    "error",
    "fault",
    "fault_injection",
    "fault_injector",
    "file_kind",
    "model",
    "pause",
    "payload",
    "restart",
    "spawn",
    "task",
    "usage",
];

/// The folders above them, lower layers first.
const LAYERS: [&[&str]; 7] = [
    &["ledger"],
    &["observer", "skill"],
    &["core"],
    &["worker", "reactions"],
    &["runtime"],
    &["node"],
    &["supervision"],
];

/// The number of a module's layer, from below; none when it is not declared.
fn layer(module: &str) -> Option<usize> {
    if LEAVES.contains(&module) {
        return Some(0);
    }
    let above = LAYERS.iter().position(|layer| layer.contains(&module));
    above.map(|at| at + 1)
}

/// What is wrong with an arrow between two modules, if anything.
fn fault(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    match (layer(from), layer(to)) {
        (None, _) => Some(format!("`{from}` is in no layer; declare it")),
        (_, None) => Some(format!(
            "`{from}` uses `crate::{to}`, which is no module; name where it lies"
        )),
        (Some(0), Some(0)) => None,
        (Some(above), Some(below)) if below < above => None,
        _ => Some(format!("`{from}` uses `{to}`, which is not below it")),
    }
}

/// The modules at the top of the crate that code names, where `depth` modules lie between it and the crate's root. What goes to the root
/// by `super` is named as well.
fn named(code: &str, depth: usize) -> BTreeSet<String> {
    let lines = code.lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
    let code = code.join("\n");
    let root = "super::".repeat(depth);
    let mut named = BTreeSet::new();
    for way in ["crate::", &root] {
        for (at, _) in code.match_indices(way) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            let after = &code[at + way.len()..];
            if before.is_alphanumeric() || "_:".contains(before) || after.starts_with("super::") {
                continue;
            }
            let end = after.find(|next: char| !next.is_alphanumeric() && next != '_');
            named.insert(after[..end.unwrap_or(after.len())].to_owned());
        }
    }
    named
}

/// Where a file lies: the modules down to it, the outermost first. None for the crate's root, and for tests.
fn place(path: &Path) -> Option<Vec<String>> {
    let place = path.with_extension("");
    let place: Vec<String> = place
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    let is_test = place.iter().any(|part| part == "tests");
    (!is_test && place != ["lib"]).then_some(place)
}

/// A file of the kernel.
struct File {
    path: PathBuf,
    /// The module at the top of the crate that it belongs to.
    module: String,
    /// Those that it names.
    named: BTreeSet<String>,
}

fn files() -> Vec<File> {
    let kernel = crate::repository_root().join("runtime/src");
    let file = |(path, text): (PathBuf, String)| {
        let path = path.strip_prefix(&kernel).ok()?.to_owned();
        let place = place(&path)?;
        let code = text.split("#[cfg(test)]\nmod tests {").next()?;
        Some(File {
            module: place[0].clone(),
            named: named(code, place.len()),
            path,
        })
    };
    sources().filter_map(file).collect()
}

/// Each module at the top of the kernel, and those that it names.
fn arrows(files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::<String, BTreeSet<String>>::new();
    for file in files {
        let arrows = arrows.entry(file.module.clone()).or_default();
        arrows.extend(file.named.iter().cloned());
    }
    arrows
}

/// A way from a leaf back to itself, if there is one.
fn cycle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    LEAVES.into_iter().map(str::to_owned).find(|leaf| {
        let (mut open, mut seen) = (vec![leaf.clone()], BTreeSet::new());
        while let Some(module) = open.pop() {
            for next in arrows.get(&module).into_iter().flatten() {
                if next == leaf && module != *leaf {
                    return true;
                }
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        false
    })
}

#[test]
fn the_kernel_has_no_arrow_that_goes_up() {
    let files = files();
    let faults: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let faults = file.named.iter().filter_map(|to| fault(&file.module, to));
            faults.map(|fault| format!("{}: {fault}", file.path.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(
        cycle(&arrows(&files)),
        None,
        "a leaf uses itself through others"
    );
}

#[test]
fn every_module_of_the_kernel_is_in_a_layer() {
    let found: BTreeSet<String> = arrows(&files()).into_keys().collect();
    let declared = LAYERS.into_iter().flatten().chain(&LEAVES);
    let declared: BTreeSet<String> = declared.map(|module| (*module).to_owned()).collect();
    assert_eq!(
        found, declared,
        "a module without a layer, or a layer's module that is not there"
    );
}

#[test]
fn what_goes_up_or_aside_is_found() {
    for (from, to) in [
        ("ledger", "core"),
        ("skill", "observer"),
        ("fault", "ledger"),
        ("runtime", "supervision"),
        ("elsewhere", "fault"),
        ("core", "Runtime"),
    ] {
        assert!(fault(from, to).is_some(), "{from} -> {to}");
    }
    assert_eq!(fault("supervision", "ledger"), None);
}

#[test]
fn whatever_way_a_module_is_named_is_seen() {
    let code = "use crate::core::memory::Memory;\n//! [`crate::node`]\nfn f() -> crate::Fault { super::super::runtime::x() }";
    let found = named(code, 2);
    let expected = ["Fault", "core", "runtime"].map(str::to_owned);
    assert_eq!(found, expected.into());
    assert!(named("use super::super::x;", 3).is_empty());
}

#[test]
fn a_cycle_of_leaves_is_found() {
    let to = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut arrows = BTreeMap::from([("error".to_owned(), to(&["fault"]))]);
    assert_eq!(cycle(&arrows), None);
    arrows.insert("fault".to_owned(), to(&["task"]));
    arrows.insert("task".to_owned(), to(&["error"]));
    assert!(cycle(&arrows).is_some());
}
