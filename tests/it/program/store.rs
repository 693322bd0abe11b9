//! The store of a home: its owner, its damage, its facts.

use std::fs;

use serde_json::json;

use super::harness::Place;

/// The episode that no home has.
const NO_EPISODE: &str = "00000000000000000000000000000001";

#[test]
fn an_empty_store_lists_nothing() {
    let place = Place::new();
    for arguments in [["facts", "ls", "--json"], ["dead-letters", "ls", "--json"]] {
        assert_eq!(place.run(&arguments).assert_ok().document(), json!([]));
    }
    assert_eq!(place.run(&["facts", "ls"]).assert_ok().stdout, "");
    place
        .run(&["facts", "show", "1"])
        .assert_fails(65, &["revision 1", "facts ls"]);
    place
        .run(&["facts", "forget", NO_EPISODE])
        .assert_fails(65, &[NO_EPISODE]);
    place
        .run(&["dead-letters", "show", NO_EPISODE])
        .assert_fails(65, &["dead-letters ls"]);
}

#[test]
fn a_damaged_store_is_refused_and_left_alone() {
    let place = Place::new();
    place.run(&["facts", "ls"]).assert_ok();
    let tables = place.home().join("store").join("tables.redb");
    let garbage = vec![0x5a; 8192];
    fs::write(&tables, &garbage).unwrap();
    place
        .run(&["facts", "ls"])
        .assert_fails(69, &["damaged", "store"]);
    assert_eq!(
        fs::read(&tables).unwrap(),
        garbage,
        "a refused store was changed"
    );
}
