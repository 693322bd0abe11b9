//! The tables of the documentation are those of the code.

use std::path::Path;

use aimass_observers::span_documentation;

#[test]
fn the_tables_in_the_documentation_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tracing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = span_documentation();
    assert!(
        page.contains(&table),
        "docs/tracing.md should hold:\n{table}"
    );
}
