//! How code opens and writes files. What a user names may be a pipe, a device or a link, so all of it goes through `aimass_config::files`, which waits for
//! nobody and makes nothing else of what is there. The exceptions are about files that only this program makes.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::sources;

/// What opens a file, or puts one where another may be.
const CALLS: [&str; 12] = [
    "File::open(",
    "File::create(",
    "File::create_new(",
    "File::options(",
    "OpenOptions::new(",
    "fs::read(",
    "fs::read_to_string(",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    ".persist(",
    ".persist_noclobber(",
];

const WAY: &str = "the way itself";
const CACHE: &str = "in the cache of models, which only this program writes";
const STORE: &str = "in the store, which only this program writes";
const KERNEL: &str = "what the system says of itself";
const PIPED: &str = "a pipe that this process alone was given: who runs it writes into it";

/// The files in which such calls stand, and why they may.
const EXCEPTIONS: [(&str, &str); 26] = [
    ("agents/src/text/vector_store.rs", CACHE),
    ("cli/src/config.rs", "only where nothing is"),
    (
        "cli/src/facts.rs",
        "an export on its way to standard output",
    ),
    ("cli/src/input/piped.rs", PIPED),
    ("config/src/file.rs", PIPED),
    ("config/src/files/reading.rs", WAY),
    ("config/src/files/writing.rs", WAY),
    ("models/src/fetch/archive.rs", CACHE),
    ("models/src/fetch/http/download.rs", CACHE),
    ("models/src/fetch/hub.rs", CACHE),
    ("models/src/fetch/package.rs", CACHE),
    ("models/src/files.rs", CACHE),
    ("models/src/import/tensors.rs", CACHE),
    ("models/src/import/whisper.rs", CACHE),
    ("models/src/store.rs", CACHE),
    ("models/src/store/assembly.rs", CACHE),
    ("models/src/store/manifest.rs", CACHE),
    (
        "runtime/environment/src/blobs.rs",
        "a copy in a temporary folder of our own",
    ),
    (
        "observers/src/json_lines.rs",
        "a plain file, and it was found to be one",
    ),
    ("observers/src/live.rs", KERNEL),
    ("observers/src/identity.rs", KERNEL),
    ("runtime/environment/src/blobs/reader.rs", STORE),
    ("runtime/environment/src/blobs/upload.rs", STORE),
    ("runtime/environment/src/lock.rs", STORE),
    ("runtime/environment/src/media.rs", STORE),
    (
        "runtime/src/node/server.rs",
        "the lock beside a node's socket",
    ),
];

/// Whether the call stands there, and not as the end of another name.
fn has_call(code: &str, call: &str) -> bool {
    let mut found = code.match_indices(call);
    found.any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric()))
}

/// Whether a file is a part of what users run.
fn is_shipped(path: &Path) -> bool {
    let folders = ["tests", "benches", "examples", "fuzz"];
    let mut parts = path.iter().filter_map(|part| part.to_str());
    !parts.any(|part| folders.contains(&part) || part == "tests.rs")
}

#[test]
fn what_a_user_names_is_opened_and_written_in_one_way() {
    let root = crate::repository_root();
    let found: BTreeSet<String> = sources()
        .filter(|(_, text)| {
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            CALLS.iter().any(|call| has_call(code, call))
        })
        .map(|(path, _)| path.strip_prefix(root).unwrap().to_owned())
        .filter(|path| is_shipped(path))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    let known = EXCEPTIONS.map(|(path, _)| path.to_owned()).into();
    let new: Vec<&String> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "open and write through `aimass_config::files`, or say why not in `EXCEPTIONS`: {new:#?}"
    );
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(gone.is_empty(), "no exceptions any more: {gone:#?}");
}
