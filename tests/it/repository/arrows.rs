//! Who may depend on whom: the arrows of ARCHITECTURE.md.

use std::collections::BTreeSet;

use super::metadata::Graph;

/// Each package of the workspace, and the others that it may name.
const ARROWS: [(&str, &[&str]); 6] = [
    ("aimass-config", &[]),
    ("aimass-runtime", &["aimass-config"]),
    ("aimass-models", &["aimass-config"]),
    (
        "aimass-agents",
        &["aimass-config", "aimass-runtime", "aimass-models"],
    ),
    ("aimass-observers", &["aimass-config", "aimass-runtime"]),
    (
        "aimass",
        &[
            "aimass-config",
            "aimass-runtime",
            "aimass-models",
            "aimass-agents",
            "aimass-observers",
        ],
    ),
];

/// What must never end up in a package, and why, by the beginning of its name.
const NEVER: [(&str, &str, &str); 6] = [
    (
        "aimass-runtime",
        "candle",
        "the kernel places by a device's name and knows no tensor",
    ),
    ("aimass-config", "tokio", "the configuration is a leaf"),
    ("aimass-models", "ractor", "a network is no actor"),
    ("aimass-models", "tokio", "a network needs no async runtime"),
    (
        "aimass-agents",
        "opentelemetry",
        "only observers know telemetry",
    ),
    ("aimass-observers", "candle", "an observer computes nothing"),
];

#[test]
fn every_arrow_between_packages_is_an_allowed_one() {
    let graph = Graph::read();
    let members = graph.members();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(from, _)| *from).collect();
    assert_eq!(
        members, known,
        "a package without a row in ARROWS, or a row without a package"
    );
    for (from, allowed) in ARROWS {
        for to in graph.direct(from).intersection(&members) {
            assert!(allowed.contains(to), "{from} -> {to} is a forbidden arrow");
        }
    }
}

#[test]
fn nothing_links_what_it_must_never_know() {
    let graph = Graph::read();
    for (package, never, reason) in NEVER {
        let found = graph
            .linked(&[package])
            .iter()
            .find(|linked| linked.name == never || linked.name.starts_with(&format!("{never}-")))
            .map(|linked| linked.name.clone());
        assert_eq!(found, None, "{package} links {never}: {reason}");
    }
}
