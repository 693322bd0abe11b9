//! Whatever a name leads to stays what it is when something is written there: a link, a pipe, a device, a mode.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use aimass_runtime::{
    Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, FactDraft, Provenance, Transaction,
};
use serde_json::json;

use super::harness::{Ended, Place, open_to_all};

/// A place in whose store there is a fact.
fn place_with_a_fact() -> Place {
    let place = Place::new();
    let episode = EpisodeId::random();
    let store = place.home().join("store");
    let environment = Environment::open(&store, EnvironmentOptions::default()).unwrap();
    let draft = FactDraft::new("note@1".parse().unwrap(), json!("exported"));
    let transaction = Transaction {
        episode: Some(episode),
        begins: vec![EpisodeRecord::new(episode)],
        facts: vec![(draft, Provenance::default())],
        ..Transaction::default()
    };
    environment.commit_blocking(transaction).unwrap();
    drop(environment);
    place.file("episode", episode.to_string());
    place
}

/// A command that writes a file of that name, and a word of what it writes.
type Writer = (fn(&Place, &str) -> Command, &'static str);

/// Each of those that there are.
const WRITERS: [Writer; 2] = [
    (
        |place, name| place.command(&["facts", "export", name]),
        "exported",
    ),
    (
        |place, name| {
            let episode = fs::read_to_string(place.here().join("episode")).unwrap();
            let resume = format!("--resume={episode}");
            place.command(&["run", &resume, "--report", name, "--lang", "en"])
        },
        "<!doctype html>",
    ),
];

fn run(mut command: Command) -> Ended {
    Ended::from(command.output().unwrap())
}

impl Ended {
    /// It went well, whatever else it said: nobody handles notes.
    #[track_caller]
    fn assert_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_file_keeps_its_mode_and_the_names_that_lead_to_it() {
    for (command, word) in WRITERS {
        let place = place_with_a_fact();
        let file = place.file("file", "old");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let path = |name: &str| place.here().join(name);
        symlink("file", path("link")).unwrap();
        symlink("new", path("dangling")).unwrap();
        run(command(&place, "link")).assert_done();
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        assert!(read(&file).contains(word));
        assert_eq!(mode(&file), 0o600);

        run(command(&place, "dangling")).assert_done();
        assert!(fs::symlink_metadata(path("dangling")).unwrap().is_symlink());
        assert!(read(&path("new")).contains(word));

        let first = place.file(
            "first",
            "old and longer than anything that is new. ".repeat(10_000),
        );
        fs::hard_link(&first, path("second")).unwrap();
        run(command(&place, "second")).assert_done();
        assert_eq!(read(&first), read(&path("second")));
        assert!(read(&first).contains(word) && !read(&first).contains("old and longer"));
    }
}

#[test]
fn a_pipe_and_a_device_are_written_and_stay_what_they_are() {
    for (command, word) in WRITERS {
        let place = place_with_a_fact();
        let pipe = place.pipe("pipe");
        run(command(&place, "pipe")).assert_fails(69, &["pipe", "nobody reads"]);
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut all = String::new();
                File::open(pipe).unwrap().read_to_string(&mut all).unwrap();
                all
            }
        });
        // Until the thread has opened it, nobody reads.
        let written = loop {
            let ended = run(command(&place, "pipe"));
            if ended.code == Some(0) {
                break ended;
            }
            assert!(ended.stderr.contains("nobody reads"), "{ended:?}");
        };
        written.assert_done();
        assert!(reader.join().unwrap().contains(word));
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());

        run(command(&place, "/dev/null")).assert_done();
        assert!(
            fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );
        run(command(&place, "/dev/full")).assert_fails(69, &["/dev/full", "No space left"]);
        let shown = run(command(&place, "/dev/stdout"));
        assert!(shown.assert_done().stdout.contains(word), "{shown:?}");
        // Standard output as a file: what is there and what else is printed stay.
        let out = place.file("out", "before\n");
        let mut to_file = command(&place, "/dev/stdout");
        to_file.stdout(File::options().append(true).open(&out).unwrap());
        assert_eq!(to_file.status().unwrap().code(), Some(0));
        assert!(read(&out).starts_with("before\n") && read(&out).contains(word));
    }
}

#[test]
fn what_cannot_hold_a_document_is_refused_and_stays() {
    for (command, _) in WRITERS {
        let place = place_with_a_fact();
        let socket = place.here().join("socket");
        drop(UnixListener::bind(&socket).unwrap());
        run(command(&place, "socket")).assert_fails(69, &["got a socket"]);
        assert!(
            fs::symlink_metadata(&socket)
                .unwrap()
                .file_type()
                .is_socket()
        );
        symlink("circle", place.here().join("circle")).unwrap();
        run(command(&place, "circle")).assert_fails(69, &["circle"]);
        run(command(&place, "none/file")).assert_fails(69, &["none/file"]);
    }
}

#[test]
fn a_file_that_may_not_be_written_stays_and_one_in_a_closed_folder_is_written() {
    let place = place_with_a_fact();
    for folder in [place.here(), place.home(), place.home().join("store")] {
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    }
    for entry in fs::read_dir(place.home().join("store")).unwrap() {
        let path = entry.unwrap().path();
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let closed = place.file("closed", "old");
    fs::set_permissions(&closed, Permissions::from_mode(0o444)).unwrap();
    let open = place.file("open", "old");
    fs::set_permissions(&open, Permissions::from_mode(0o666)).unwrap();
    open_to_all(&place.here());
    place
        .run_unprivileged(&["facts", "export", "closed"])
        .assert_fails(69, &["closed", "ermission denied"]);
    assert_eq!(read(&closed), "old");
    place
        .run_unprivileged(&["facts", "export", "open"])
        .assert_ok();
    assert!(read(&open).contains("exported"));
    assert_eq!(mode(&open), 0o666);
}
