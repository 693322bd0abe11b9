//! Whatever a name leads to: each place that opens what a user names is given a folder, a pipe, a device and so on, and nobody waits for any of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::UNIX_EPOCH;

use super::harness::{Ended, Place, open_to_all};
use super::node::{end, start};

const TEXT: &str = "Guten Morgen, wie geht es Ihnen heute, und was macht die Familie?";
/// A wait for a pipe would have no end; then this ends it, with 124.
const GUARD: [&str; 2] = ["--kill-after=1", "120"];

/// Runs the program with a limit that nothing here comes near.
fn guarded(place: &Place, arguments: &[&str]) -> Ended {
    let program = [env!("CARGO_BIN_EXE_aimass")];
    let arguments = [&GUARD[..], &program, arguments].concat();
    let mut command = place.command_of("timeout", &arguments);
    Ended::from(command.output().unwrap())
}

/// The names of what is no file, all of them in the place's current folder.
fn special(place: &Place) -> Vec<&'static str> {
    let here = place.here();
    place.pipe("pipe");
    symlink("pipe", here.join("link-to-pipe")).unwrap();
    symlink("circle", here.join("circle")).unwrap();
    // It stays when its listener goes.
    drop(UnixListener::bind(here.join("socket")).unwrap());
    vec![
        "pipe",
        "link-to-pipe",
        "circle",
        "socket",
        "missing",
        ".",
        "/dev/zero",
    ]
}

/// The commands that open what a user names, each with its exit code for a name that leads to no file. `FILE` stands for the name.
const READERS: [(&[&str], i32); 10] = [
    (&["ask", "text.language", "--set", "path=FILE"], 65),
    (&["ask", "speech.detect", "FILE"], 65),
    (&["ask", "speech.transcribe", "FILE"], 65),
    (&["run", "FILE"], 65),
    (&["facts", "import", "FILE"], 65),
    (&["models", "import", "minilm", "FILE"], 65),
    (&["--config", "FILE", "config", "check"], 64),
    (&["--config", "catalogue.toml", "models", "ls"], 69),
    (
        &["--config", "certificate.toml", "ask", "text.language", "x"],
        64,
    ),
    (&["--config", "FILE", "ask", "text.language", "x"], 64),
];

#[test]
fn what_is_no_file_is_refused_at_once_wherever_it_is_named() {
    let place = Place::new();
    let names = special(&place);
    for name in names {
        place.file(
            "catalogue.toml",
            format!("[models]\ncatalogues = ['{name}']\n"),
        );
        place.file(
            "certificate.toml",
            format!("[observers.otlp]\nendpoint = 'https://127.0.0.1:1'\ncertificate = '{name}'\n"),
        );
        for (arguments, code) in READERS {
            // A folder may well be worked on or imported from.
            if name == "." && matches!(arguments[0], "run" | "models") {
                continue;
            }
            // A device that is read within bounds is a configuration, a bad one.
            let arguments: Vec<String> = arguments
                .iter()
                .map(|one| one.replace("FILE", name))
                .collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ended = guarded(&place, &arguments);
            assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
            assert!(!ended.stderr.contains("panic"), "{arguments:?}: {ended:?}");
        }
    }
}

#[test]
fn a_pipe_keeps_neither_a_node_nor_who_else_asks_it() {
    let place = Place::new();
    place.pipe("pipe.txt");
    let mut node = start(&place);
    for _ in 0..2 {
        guarded(&place, &["ask", "text.language", "pipe.txt"])
            .assert_fails(65, &["expected a text file, got a pipe"]);
        place.run(&["ask", "text.language", TEXT]).assert_ok();
    }
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn a_file_that_may_not_be_read_is_refused_by_name() {
    let place = Place::new();
    for folder in [place.here(), place.home()] {
        open_to_all(&folder);
    }
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o777)).unwrap();
    let secret = place.file("secret", TEXT);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    for arguments in [
        ["ask", "text.language", "secret"],
        ["ask", "speech.detect", "secret"],
        ["facts", "import", "secret"],
    ] {
        place
            .run_unprivileged(&arguments)
            .assert_fails(65, &["secret", "ermission denied"]);
    }
}

/// What a shell runs, with the program as `aimass`.
fn in_shell(place: &Place, script: &str) -> Ended {
    let program = env!("CARGO_BIN_EXE_aimass");
    let script = format!("aimass() {{ timeout 120 '{program}' \"$@\"; }}\n{script}");
    let mut command = place.command_of("bash", &["-c", &script]);
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

/// As raw as a wav file comes: 16 kHz, a second of silence.
fn silence() -> Vec<u8> {
    let mut file = b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\x7d\0\0".to_vec();
    file.resize(file.len() + 32_000, 0);
    file
}

#[test]
fn what_only_the_caller_has_open_is_read_by_the_caller() {
    let place = Place::new();
    place.file("letter.txt", TEXT);
    place.file("silence.wav", silence());
    let home = || fs::read_dir(place.home()).unwrap().count();
    place.run(&["facts", "ls"]).assert_ok();
    let with_a_node = [false, true];
    for has_node in with_a_node {
        let mut node = has_node.then(|| start(&place));
        let before = home();
        for script in [
            "aimass ask text.language - --json < letter.txt",
            "aimass ask text.language /dev/stdin --json < letter.txt",
            "cat letter.txt | aimass ask text.language /dev/stdin --json",
            "aimass ask text.language <(cat letter.txt) --json",
            "aimass ask text.language --json --set path=/dev/fd/7 7< letter.txt",
        ] {
            let answer = in_shell(&place, script);
            assert_eq!(answer.assert_ok().document()["language"], "de", "{script}");
        }
        // There are no models here; what is no recording would be refused before that is said.
        for skill in ["speech.detect", "speech.transcribe", "speech.translate"] {
            for script in [
                "- < silence.wav",
                "- < <(cat silence.wav)",
                "/dev/stdin < silence.wav",
                "<(cat silence.wav)",
            ] {
                in_shell(&place, &format!("aimass ask {skill} {script}"))
                    .assert_fails(69, &["aimass models pull"]);
            }
            in_shell(&place, &format!("aimass ask {skill} - < letter.txt"))
                .assert_fails(65, &["standard-input-"]);
        }
        for script in [
            "aimass run -",
            "aimass run /dev/stdin",
            "aimass run <(cat letter.txt)",
        ] {
            let refused = in_shell(&place, script);
            assert_eq!(refused.code, Some(65), "{refused:?}");
            assert!(refused.stderr.contains("put it into a file"), "{refused:?}");
        }
        let import = "aimass facts export exported && aimass facts import <(cat exported)";
        in_shell(&place, import).assert_ok();
        assert_eq!(
            home(),
            before,
            "what was kept for the time of a task is left"
        );
        if let Some(node) = &mut node {
            assert_eq!(end(node), Some(0));
        }
    }
    let config = "aimass --config <(echo '[agents.text]') config check";
    in_shell(&place, config).assert_ok();
}

#[test]
fn what_a_process_that_was_cut_off_has_kept_goes_with_the_next_one() {
    let place = Place::new();
    let [old, new, other] = ["standard-input-old", "standard-input-new", "old"].map(|name| {
        let path = place.home().join(name);
        fs::write(&path, "kept").unwrap();
        path
    });
    for path in [&old, &other] {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
    }
    let ended = place.run_with_input(&["ask", "speech.detect", "-"], &silence());
    ended.assert_fails(69, &["aimass models pull"]);
    assert!(!old.exists() && new.exists() && other.exists());
}

#[test]
fn a_text_in_utf16_is_read_and_another_encoding_is_named() {
    let place = Place::new();
    let units = "\u{feff}Guten Morgen, wie geht es Ihnen heute?".encode_utf16();
    place.file(
        "utf16.txt",
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    let answer = place.run(&["ask", "text.language", "utf16.txt", "--json"]);
    assert_eq!(answer.assert_ok().document()["language"], "de");
    place.file("latin.txt", b"caf\xe9 au lait");
    place
        .run(&["ask", "text.language", "latin.txt"])
        .assert_fails(65, &["latin.txt", "UTF-8", "offset 3", "iconv"]);
}
