//! The environment on real disks: full, read-only, owned by another process.

#![expect(clippy::expect_used, reason = "a test stops at the first error")]

use std::fs;
use std::path::Path;
use std::process::Command;

use aimass_environment::{
    Environment, EnvironmentError, EnvironmentOptions, FactDraft, Provenance, Transaction,
};
use serde_json::json;

use crate::CHILD;

fn append(environment: &Environment, bytes: usize) -> Result<(), EnvironmentError> {
    let kind = "note@1".parse().expect("a kind");
    let draft = FactDraft::new(kind, json!("x".repeat(bytes)));
    let transaction = Transaction {
        facts: vec![(draft, Provenance::default())],
        ..Transaction::default()
    };
    environment.commit_blocking(transaction).map(drop)
}

fn length(environment: &Environment) -> u64 {
    let snapshot = environment.snapshot().expect("a snapshot");
    snapshot.len().expect("the length")
}

/// The child in a mount namespace of its own. It is a test that does nothing unless it was started as the child.
#[test]
fn on_a_small_disk() {
    let Ok(place) = std::env::var(CHILD) else {
        return;
    };
    let Some(disk) = place.strip_prefix("small:").map(Path::new) else {
        return;
    };
    let environment =
        Environment::open(&disk.join("store"), EnvironmentOptions::default()).expect("the store");
    append(&environment, 100).expect("room at first");
    // Somebody else fills the disk to the last byte.
    let filler = disk.join("filler");
    let _ = fs::write(&filler, vec![1; 256 << 20]);
    for _ in 0..3 {
        let refused = append(&environment, 100);
        assert!(
            matches!(refused, Err(EnvironmentError::DiskFull { .. })),
            "{refused:?}"
        );
        assert_eq!(length(&environment), 1, "reading stopped");
    }
    let blob = environment.put_blob(&vec![7; 1 << 20][..]);
    assert!(
        matches!(blob, Err(EnvironmentError::DiskFull { .. })),
        "{blob:?}"
    );
    fs::remove_file(&filler).expect("the filler");
    append(&environment, 100).expect("room again");
    // Facts fill the disk until the reserve is reached.
    let refused = (0..10_000).find_map(|_| append(&environment, 500_000).err());
    assert!(
        matches!(refused, Some(EnvironmentError::DiskFull { .. })),
        "{refused:?}"
    );
    let kept = length(&environment);
    drop(environment);
    let environment =
        Environment::open(&disk.join("store"), EnvironmentOptions::default()).expect("the store");
    assert_eq!(length(&environment), kept);
}

#[test]
fn a_full_disk_refuses_reads_on_and_writes_again_when_there_is_room() {
    on_a_mount("size=128m", "small", "disk::on_a_small_disk");
}

/// The child on a read-only mount, as [`on_a_small_disk`].
#[test]
fn on_a_read_only_disk() {
    let Ok(place) = std::env::var(CHILD) else {
        return;
    };
    let Some(disk) = place.strip_prefix("read-only:").map(Path::new) else {
        return;
    };
    // The folder itself is there; the files in it cannot be made.
    for folder in [disk.join("store"), disk.to_owned()] {
        let Err(error) = Environment::open(&folder, EnvironmentOptions::default()) else {
            panic!("opened on a read-only disk");
        };
        let EnvironmentError::Files { ref source, .. } = error else {
            panic!("not told as a matter of files: {error}");
        };
        assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    }
}

#[test]
fn a_read_only_disk_is_a_clear_error_even_to_root() {
    on_a_mount("ro", "read-only", "disk::on_a_read_only_disk");
}

/// Runs a test of this binary in a process that sees a disk of its own, mounted with `mount_options`.
fn on_a_mount(mount_options: &str, name: &str, test: &str) {
    let place = tempfile::tempdir().expect("a folder");
    let script =
        "mount -t tmpfs -o \"$1\" tmpfs \"$2\" || exit 99; exec \"$3\" --exact \"$4\" --nocapture";
    // Whoever is not root becomes it in a namespace of users.
    let namespaces = match rustix::process::geteuid().is_root() {
        true => "-m",
        false => "-Urm",
    };
    let output = Command::new("unshare")
        .args([namespaces, "sh", "-c", script, "sh", mount_options])
        .arg(place.path())
        .arg(std::env::current_exe().expect("this binary"))
        .arg(test)
        .env(CHILD, format!("{name}:{}", place.path().display()))
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("`unshare` did not run ({error}); install the package `util-linux`")
    });
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("unshare:") && output.status.code() != Some(99),
        "a disk of one's own needs `unshare {namespaces}` and `mount`, which this machine refuses ({said}); run the tests as root"
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the child did not run: {said}");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_a_clear_error() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
    if fs::write(place.path().join("probe"), "").is_ok() {
        println!("not run: root may write into a read-only folder");
        return;
    }
    let refused = Environment::open(&place.path().join("store"), EnvironmentOptions::default());
    let Err(error) = refused else {
        panic!("opened in a folder that may not be written");
    };
    assert!(
        error
            .to_string()
            .contains("check that the folder exists and may be written"),
        "{error}"
    );
}

#[test]
fn a_file_where_the_folder_should_be_is_a_clear_error() {
    let place = tempfile::NamedTempFile::new().expect("a file");
    let Err(error) = Environment::open(place.path(), EnvironmentOptions::default()) else {
        panic!("opened a file as a folder");
    };
    assert!(matches!(error, EnvironmentError::Files { .. }), "{error}");
}
