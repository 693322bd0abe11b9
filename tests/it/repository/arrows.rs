//! Who may depend on whom: the arrows of ARCHITECTURE.md. They hold for tests, examples and benches as well: what a package is tested
//! with would otherwise be what it cannot be built without.

use std::collections::BTreeSet;

use super::metadata::Graph;

/// Each package of the workspace, and the others that it may name.
const ARROWS: [(&str, &[&str]); 11] = [
    ("aimass-locale", &[]),
    ("aimass-config", &["aimass-locale"]),
    ("aimass-environment", &["aimass-config", "aimass-locale"]),
    (
        "aimass-runtime",
        &["aimass-config", "aimass-environment", "aimass-locale"],
    ),
    ("aimass-conformance", &["aimass-config", "aimass-runtime"]),
    ("aimass-models", &["aimass-config", "aimass-locale"]),
    (
        "aimass-agents",
        &[
            "aimass-models",
            "aimass-runtime",
            "aimass-config",
            "aimass-conformance",
            "aimass-locale",
        ],
    ),
    (
        "aimass-observers",
        &["aimass-runtime", "aimass-config", "aimass-locale"],
    ),
    ("aimass-pages", &["aimass-runtime", "aimass-locale"]),
    (
        "aimass",
        &[
            "aimass-conformance",
            "aimass-agents",
            "aimass-observers",
            "aimass-models",
            "aimass-runtime",
            "aimass-config",
            "aimass-locale",
        ],
    ),
    (
        "aimass-cli",
        &[
            "aimass",
            "aimass-pages",
            "aimass-agents",
            "aimass-observers",
            "aimass-models",
            "aimass-runtime",
            "aimass-config",
            "aimass-locale",
        ],
    ),
];

const ONLY_OBSERVERS: &str = "only observers know telemetry";
const ONLY_THE_PROGRAM: &str = "who embeds the library compiles nothing of the program";

/// What must never end up in a package or its tests, and why, by the beginning of its name.
const NEVER: [(&str, &str, &str); 17] = [
    (
        "aimass-runtime",
        "candle",
        "the kernel places by a device's name and knows no tensor",
    ),
    (
        "aimass-environment",
        "ractor",
        "the log has no part of its own to supervise; who works on it does that",
    ),
    ("aimass-config", "tokio", "the configuration is a leaf"),
    ("aimass-models", "ractor", "a network is no actor"),
    ("aimass-models", "tokio", "a network needs no async runtime"),
    ("aimass-config", "candle", "the configuration is a leaf"),
    ("aimass-config", "opentelemetry", ONLY_OBSERVERS),
    ("aimass-runtime", "opentelemetry", ONLY_OBSERVERS),
    ("aimass-models", "opentelemetry", ONLY_OBSERVERS),
    ("aimass-agents", "opentelemetry", ONLY_OBSERVERS),
    ("aimass-observers", "candle", "an observer computes nothing"),
    ("aimass-pages", "candle", "a page computes nothing"),
    ("aimass-pages", "opentelemetry", ONLY_OBSERVERS),
    ("aimass", "clap", ONLY_THE_PROGRAM),
    ("aimass", "ratatui", ONLY_THE_PROGRAM),
    ("aimass", "askama", ONLY_THE_PROGRAM),
    ("aimass", "indicatif", ONLY_THE_PROGRAM),
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
            // A package's tests may ask for a feature of its own.
            let is_own = **to == *from;
            assert!(
                is_own || allowed.contains(to),
                "{from} -> {to} is a forbidden arrow"
            );
        }
    }
}

#[test]
fn nothing_links_what_it_must_never_know() {
    let graph = Graph::read();
    for (package, never, reason) in NEVER {
        let found = graph
            .linked_by_tests(package)
            .iter()
            .find(|linked| is_of(&linked.name, never))
            .map(|linked| linked.name.clone());
        assert_eq!(found, None, "{package} links {never}: {reason}");
    }
}

/// Whether the package is that one, or one of its family.
fn is_of(name: &str, family: &str) -> bool {
    let rest = name.strip_prefix(family);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[test]
fn a_family_has_its_members_and_no_others() {
    for name in ["opentelemetry", "opentelemetry-proto", "opentelemetry_sdk"] {
        assert!(is_of(name, "opentelemetry"), "{name}");
    }
    assert!(!is_of("tokio", "tok") && !is_of("tracing-opentelemetry", "opentelemetry"));
}
