//! Opening and writing whatever a name leads to. What the program makes of it is tested with the program.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use aimass_config::files::{CannotWrite, Kind, NotAFile, OutputFile, is_own_descriptor, open};
use tempfile::TempDir;

fn pipe(folder: &TempDir, name: &str) {
    let path = folder.path().join(name);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn write(path: &Path, text: &str) -> Result<(), CannotWrite> {
    let mut file = OutputFile::prepare(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.finish()?)
}

#[test]
fn only_a_plain_file_is_opened_and_nobody_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "text").unwrap();
    symlink("file", path("link")).unwrap();
    symlink("circle", path("circle")).unwrap();
    pipe(&folder, "pipe");
    drop(UnixListener::bind(path("socket")).unwrap());
    for name in ["file", "link"] {
        assert_eq!(open(&path(name)).unwrap().1.len(), 4, "{name}");
    }
    for (name, expected) in [
        ("pipe", Kind::Pipe),
        ("socket", Kind::Socket),
        ("", Kind::Folder),
        ("/dev/zero", Kind::Device),
    ] {
        match open(&path(name)) {
            Err(NotAFile::Special(kind)) => assert_eq!(kind, expected),
            other => panic!("{name}: {other:?}"),
        }
    }
    for name in ["circle", "missing"] {
        assert!(
            matches!(open(&path(name)), Err(NotAFile::Refused(_))),
            "{name}"
        );
    }
}

#[test]
fn what_the_process_has_open_is_told_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    let link = folder.path().join("link");
    symlink("/dev/stdin", &link).unwrap();
    for name in ["/dev/stdin", "/dev/stdout", "/dev/fd/0", "/proc/self/fd/0"] {
        assert!(is_own_descriptor(Path::new(name)), "{name}");
    }
    assert!(is_own_descriptor(&link));
    for path in [
        &file,
        Path::new("/dev/null"),
        Path::new("missing"),
        Path::new("/"),
        Path::new(""),
    ] {
        assert!(!is_own_descriptor(path), "{}", path.display());
    }
}

#[test]
fn a_plain_file_is_replaced_when_the_new_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let mut unfinished = OutputFile::prepare(&file).unwrap();
    assert!(unfinished.is_plain());
    unfinished.write_all(b"new").unwrap();
    drop(unfinished);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    write(&file, "new").unwrap();
    let after = fs::metadata(&file).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert_eq!((after.mode(), after.nlink()), (before.mode(), 1));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a draft is left"
    );
}

#[test]
fn other_names_of_a_file_go_on_leading_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "old and longer").unwrap();
    fs::hard_link(path("file"), path("other")).unwrap();
    symlink("file", path("link")).unwrap();
    symlink("new", path("dangling")).unwrap();
    write(&path("link"), "new").unwrap();
    assert_eq!(fs::read_to_string(path("other")).unwrap(), "new");
    let prepared = OutputFile::prepare(&path("other")).unwrap();
    assert!(prepared.is_plain());
    prepared.finish().unwrap();
    assert_eq!(
        fs::read_to_string(path("file")).unwrap(),
        "",
        "a document without a word"
    );
    write(&path("dangling"), "there").unwrap();
    assert_eq!(fs::read_to_string(path("new")).unwrap(), "there");
    for link in ["link", "dangling"] {
        assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink());
    }
}

#[test]
fn what_is_no_plain_file_stays_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    pipe(&folder, "pipe");
    let error = |name: &str| OutputFile::prepare(&path(name)).unwrap_err();
    assert!(matches!(error("pipe"), CannotWrite::NobodyReads));
    let reader = aimass_config::files::open_at_once(&path("pipe")).unwrap();
    assert!(!OutputFile::prepare(&path("pipe")).unwrap().is_plain());
    write(&path("pipe"), "through").unwrap();
    drop(reader);
    assert!(
        fs::symlink_metadata(path("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );

    drop(UnixListener::bind(path("socket")).unwrap());
    assert!(matches!(
        error("socket"),
        CannotWrite::Special(Kind::Socket)
    ));
    assert!(matches!(error(""), CannotWrite::Special(Kind::Folder)));
    symlink("circle", path("circle")).unwrap();
    assert!(matches!(error("circle"), CannotWrite::Refused(_)));
    write(&path("/dev/null"), "nothing").unwrap();
    assert!(write(&path("/dev/full"), "something").is_err());
}

#[test]
fn a_name_that_has_come_to_lead_elsewhere_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let prepared = OutputFile::prepare(&file).unwrap();
    pipe(&folder, "file");
    assert!(prepared.finish().is_err());
    assert!(fs::symlink_metadata(&file).unwrap().file_type().is_fifo());
}
