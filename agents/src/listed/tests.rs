//! What is listed of folders that are too large or too deep.

use super::*;

#[test]
fn files_beyond_the_limit_are_counted_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..MAX_FILES + 2 {
        fs::File::create(folder.path().join(format!("{number:05}"))).unwrap();
    }
    let listed = Listed::below(folder.path()).unwrap();
    assert_eq!(listed.files.len(), MAX_FILES);
    assert_eq!(
        listed.skipped.in_words().unwrap(),
        "left out: 2 (beyond the first 20000 files): 20000, 20001"
    );
}

#[test]
fn a_folder_that_lies_too_deep_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("d/".repeat(MAX_DEPTH as usize + 1));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("deep"), "too deep").unwrap();
    let listed = Listed::below(folder.path()).unwrap();
    assert!(listed.files.is_empty());
    let said = listed.skipped.in_words().unwrap();
    assert!(
        said.starts_with("left out: 1 (a folder below 64 others): d/d/"),
        "{said}"
    );
}
