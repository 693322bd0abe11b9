//! The example `own_model`: it prints what the page about it says.

use std::fs;
use std::path::Path;

use super::harness::{Ended, Place};

#[test]
fn it_prints_what_its_page_says() {
    let aimass = Path::new(env!("CARGO_BIN_EXE_aimass"));
    let program = aimass.parent().unwrap().join("examples/own_model");
    assert!(
        program.is_file(),
        "{} is not there; `cargo build --workspace --examples` builds it",
        program.display()
    );
    let place = Place::new();
    let mut command = place.command_of::<&str>(program.to_str().unwrap(), &[]);
    let ended = Ended::from(command.output().unwrap());

    let page = crate::repository_root().join("docs/own-model.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, shown) = page.split_once("example own_model\n").unwrap();
    let shown = shown.split("```").next().unwrap();
    // Its panics, and those that the conformance suite plants, are reported on standard error.
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, shown);
}
