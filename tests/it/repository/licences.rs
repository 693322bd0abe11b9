//! What is linked is under a permissive licence.

use super::metadata::Graph;
use super::spdx;

/// Licences that ask for no more than a notice.
const PERMISSIVE: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_linked_package_has_a_permissive_licence() {
    let graph = Graph::read();
    let refused: Vec<String> = graph
        .linked(&["aimass-cli"])
        .iter()
        // Decoders of audio: a change to their own files stays open, which asks nothing of who links them. The one exception.
        .filter(|package| !package.name.starts_with("symphonia"))
        .filter(|package| {
            let expression = package.license.as_deref().unwrap_or_default();
            !spdx::is_satisfied(expression, &PERMISSIVE)
        })
        .map(|package| format!("{}: {:?}", package.name, package.license))
        .collect();
    assert!(refused.is_empty(), "no permissive licence: {refused:#?}");
}
