//! The tables of the documentation are those of the code.

use std::path::Path;

use aimass_observers::span_documentation;

#[test]
fn the_tables_of_spans_are_those_of_the_code() {
    holds(&span_documentation());
}

/// The page about traces and metrics has this table.
pub(crate) fn holds(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tracing.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page.contains(table),
        "docs/tracing.md should hold:\n{table}"
    );
}
