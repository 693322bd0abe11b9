//! `aimass run`, with good files and bad ones.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use super::harness::{Ended, Place, open_to_all};

/// The paths of an episode's inputs that were used.
fn used(ended: &Ended) -> Vec<String> {
    let document = ended.document();
    let inputs = document["facts"].as_array().unwrap().iter();
    let inputs = inputs.filter(|fact| fact["kind"].as_str().unwrap().starts_with("file."));
    inputs
        .map(|fact| {
            fact["value"]["path"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Each of these words has a line of its own on standard error.
#[track_caller]
fn assert_named(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert!(!ended.stderr.contains("panic"), "{ended:?}");
    for word in words {
        let lines = ended
            .stderr
            .lines()
            .filter(|line| line.contains(word))
            .count();
        assert_eq!(lines, 1, "{word:?} in {ended:?}");
    }
}

#[test]
fn the_document_has_its_four_parts() {
    let place = Place::new();
    place.file("good.txt", "Good morning, how are you today?");
    let document = place.run(&["run", "--json", "good.txt"]).document();
    let parts: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(parts, ["episode", "facts", "failures", "report"]);
}

#[test]
fn bad_files_among_good_ones_are_named_and_the_good_ones_done() {
    let place = Place::new();
    place.file("good.txt", "Good morning, how are you today?");
    place.file("empty.txt", "");
    let ended = place.run(&[
        "run",
        "--json",
        "empty.txt",
        "good.txt",
        "missing.txt",
        "/dev/null",
    ]);
    assert_named(&ended, &["empty.txt", "missing.txt", "/dev/null"]);
    assert_eq!(used(&ended), ["good.txt"]);
    let document = ended.document();
    let failures = document["failures"].as_array().unwrap();
    assert_eq!(
        failures
            .iter()
            .filter(|failure| failure["path"].is_string())
            .count(),
        3
    );
    let language = document["facts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fact| fact["kind"] == "text.language@1");
    assert_eq!(language.unwrap()["value"]["language"], "en");
}

#[test]
fn a_file_that_is_named_thrice_is_one_input_and_that_is_said() {
    let place = Place::new();
    // Nothing is to fail for want of a model.
    place.file("aimass.toml", "[[reactions]]\nname = \"text-embed\"\nkind = \"file.text@1\"\nskill = \"text.embed\"\nenabled = false\n");
    place.file("a.txt", "Good morning, how are you today?");
    symlink("a.txt", place.here().join("link.txt")).unwrap();
    for language in ["en", "zh"] {
        let ended = place.run(&[
            "run", "--json", "--lang", language, "a.txt", "./a.txt", "link.txt",
        ]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(used(&ended), ["a.txt"]);
        assert_eq!(ended.document()["failures"], serde_json::json!([]));
        assert_eq!(ended.document()["report"]["inputs"], 1);
        assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
        assert!(ended.stderr.contains("link.txt"), "{ended:?}");
    }
}

#[test]
fn a_kind_that_no_agent_handles_yet_is_named_in_one_line() {
    let place = Place::new();
    place.file("good.txt", "Good morning, how are you today?");
    for name in ["one.mkv", "two.mkv"] {
        place.file(name, [0x1a, 0x45, 0xdf, 0xa3]);
    }
    let ended = place.run(&["run", "--json", "good.txt", "one.mkv", "two.mkv"]);
    let said = ended
        .stderr
        .lines()
        .filter(|line| line.contains("no agent"));
    let expected = "aimass: no agent handles `file.video@1` yet (2 of the inputs)";
    assert_eq!(said.collect::<Vec<_>>(), [expected], "{ended:?}");
    assert_eq!(used(&ended), ["good.txt", "one.mkv", "two.mkv"]);
}

#[test]
fn what_went_wrong_is_said_in_chinese_where_that_is_asked_for() {
    let place = Place::new();
    place.file("good.txt", "Good morning, how are you today?");
    place.file("empty.txt", "");
    let inputs = ["empty.txt", "good.txt", "missing.txt", "/dev/null"];
    let ended = place.run(&[&["run", "--lang", "zh"][..], &inputs].concat());
    assert_named(
        &ended,
        &[
            "empty.txt：文件是空的",
            "missing.txt：没有这样的文件",
            "/dev/null：应为文件或文件夹",
            // There is no model here.
            "good.txt：`text.embed` 不可用：本机没有它的模型 `minilm`",
        ],
    );
    assert_eq!(ended.stderr.lines().count(), 4, "{ended:?}");
    let document = place.run(&[&["run", "--json"][..], &inputs].concat());
    let document = document.document();
    let problems = document["failures"].as_array().unwrap().iter();
    let problems: Vec<_> = problems
        .filter_map(|failure| failure["problem"].as_str())
        .collect();
    assert_eq!(problems, ["empty", "missing", "special"]);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let place = Place::new();
    for folder in [place.here(), place.home()] {
        open_to_all(&folder);
    }
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o777)).unwrap();
    let secret = place.file("secret.txt", "nobody may read this");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    open_to_all(&place.file("good.txt", "Good morning, how are you today?"));
    let ended = place.run_unprivileged(&["run", "--json", "secret.txt", "good.txt"]);
    assert_named(&ended, &["secret.txt"]);
    assert_eq!(used(&ended), ["good.txt"]);
}

#[test]
fn a_name_that_is_no_text_is_named() {
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"not\xfftext.txt");
    fs::write(place.here().join(name), "content").unwrap();
    assert_named(&place.run(&[std::ffi::OsStr::new("run"), name]), &["UTF-8"]);
}

#[test]
fn ten_gigabytes_of_nothing_and_a_growing_file_need_little_memory() {
    let place = Place::new();
    let sparse = File::create(place.here().join("sparse.bin")).unwrap();
    sparse.set_len(10 << 30).unwrap();
    let growing = place.file("growing.txt", "it grows. ".repeat(1000));
    let done = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(&growing).unwrap();
            let mut left = 20_000;
            while !done.load(Ordering::Relaxed) && left > 0 {
                file.write_all(&b"and grows. ".repeat(100)).unwrap();
                left -= 1;
            }
        });
        // 4 GiB of addresses: a worker's stack is mostly addresses, and the file is more than twice that.
        let program = env!("CARGO_BIN_EXE_aimass");
        let limited =
            format!("ulimit -v 4194304; exec '{program}' run --json sparse.bin growing.txt");
        let mut shell = place.command_of("sh", &["-c", &limited]);
        let ended = Ended::from(shell.output().unwrap());
        done.store(true, Ordering::Relaxed);
        ended
    });
    // There is no model here, so the embedding is not to be had.
    assert!(matches!(ended.code, Some(65 | 69)), "{ended:?}");
    assert!(
        !ended.stderr.contains("panic") && !ended.stderr.contains("memory"),
        "{ended:?}"
    );
    assert_eq!(used(&ended), ["sparse.bin", "growing.txt"]);
}

/// The kind of each input, by the name of its file.
fn kinds(ended: &Ended) -> Vec<(String, String)> {
    let document = ended.document();
    let inputs = document["facts"].as_array().unwrap().iter();
    let inputs = inputs.filter(|fact| fact["kind"].as_str().unwrap().starts_with("file."));
    let kinds = inputs.map(|fact| {
        let path = fact["value"]["path"].as_str().unwrap();
        let name = path.rsplit('/').next().unwrap();
        (name.to_owned(), fact["kind"].as_str().unwrap().to_owned())
    });
    kinds.collect()
}

#[test]
fn a_recording_is_one_by_its_content_whatever_its_name() {
    let place = Place::new();
    let wav = b"RIFF\0\0\0\0WAVEfmt ";
    for (name, content) in [
        ("a.aiff", &b"FORM\0\0\0\0AIFFCOMM"[..]),
        ("b.AIF", b"FORM\0\0\0\0AIFFCOMM"),
        ("c.aifc", b"FORM\0\0\0\0AIFCFVER"),
        ("d.m4b", b"\0\0\0\x20ftypM4B \0\0\0\0"),
        ("e.wave", wav),
        ("f", wav),
        ("g.txt", wav),
        ("h.1.2", wav),
    ] {
        place.file(name, content);
    }
    place.file("i.wav", "Dear Sir, the parcel came late.");
    let found = kinds(&place.run(&["run", "--json", "."]));
    let (recordings, others) = found.split_at(8);
    assert!(
        recordings.iter().all(|(_, kind)| kind == "file.audio@1"),
        "{found:?}"
    );
    assert_eq!(others, [("i.wav".to_owned(), "file.text@1".to_owned())]);
}

/// A text of digits or signs is in no language: an answer, and no failure.
#[test]
fn a_text_without_words_is_in_no_language() {
    let place = Place::new();
    place.file("digits.txt", "6, 6, 6\n");
    place.file("signs.txt", "\u{1f44d}\u{1f389}\n");
    for name in ["digits.txt", "signs.txt"] {
        let ended = place.run(&["run", name]);
        assert!(!ended.stderr.contains("text.language"), "{ended:?}");
        assert!(ended.stdout.contains("no language found"), "{ended:?}");
        let answer = place.run(&["ask", "text.language", name, "--json"]);
        assert_eq!(answer.document()["language"], "unknown");
    }
}
