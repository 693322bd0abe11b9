//! Reading the file itself.

use std::collections::BTreeMap;
use std::path::Path;

use aimass_config::{Config, ConfigError};

fn resolve(path: &Path) -> Result<Config, ConfigError> {
    Config::resolve(Some(path), &BTreeMap::new())
}

fn written(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aimass.toml");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn a_file_is_read() {
    let (_folder, path) = written(b"[models]\noffline = true");
    assert!(resolve(&path).unwrap().models.offline);
    assert!(Config::load(&path).unwrap().models.offline);
}

#[test]
fn no_file_means_the_defaults() {
    let config = Config::resolve(None, &BTreeMap::new()).unwrap();
    assert_eq!(config, Config::default());
}

#[test]
fn a_problem_names_the_file() {
    let (_folder, path) = written(b"[models]\nofline = true");
    let expected = format!(
        "{}:2: unknown key `models.ofline`, did you mean `offline`?",
        path.display()
    );
    assert_eq!(resolve(&path).unwrap_err().to_string(), expected);
}

#[test]
fn a_missing_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = resolve(&folder.path().join("absent.toml")).unwrap_err();
    assert!(
        matches!(&error, ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(error.to_string().contains("absent.toml"));
}

#[test]
fn a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = resolve(folder.path()).unwrap_err();
    assert!(matches!(error, ConfigError::Folder { .. }), "{error}");
}

#[test]
fn a_nul_in_the_path_is_refused() {
    let error = resolve(Path::new("aimass\0.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }), "{error}");
}

#[test]
fn other_bytes_than_text_are_refused_with_their_line() {
    let (_folder, path) = written(b"[models]\noffline = \xff");
    let error = resolve(&path).unwrap_err();
    assert!(
        matches!(error, ConfigError::NotText { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_file_of_a_mebibyte_is_read_and_a_larger_one_is_not() {
    let (_folder, path) = written("#".repeat(1 << 20).as_bytes());
    assert_eq!(resolve(&path).unwrap(), Config::default());
    let (_folder, path) = written("#".repeat((1 << 20) + 1).as_bytes());
    let error = resolve(&path).unwrap_err();
    assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
}

#[test]
fn a_sparse_file_of_ten_gigabytes_is_refused_without_being_read_whole() {
    let (_folder, path) = written(b"");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(10_000_000_000).unwrap();
    let error = resolve(&path).unwrap_err();
    assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_without_an_end_is_refused() {
    let error = resolve(Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
}
