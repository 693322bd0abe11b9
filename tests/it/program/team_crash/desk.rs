//! A desk with files on it, and processes that work on them until they are killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aimass_models::Silent;

use crate::program::cache;
use crate::program::harness::{Ended, Place};

pub(super) const FILES: usize = 24;

const MODELS: [&str; 9] = [
    "minilm",
    "silero-vad",
    "whisper-base",
    "smollm2",
    "ssd-mobilenet-v2",
    "efficientnet-lite0",
    "mtcnn",
    "face-api",
    "pp-ocr-v4",
];

/// A home of its own, and the files in the current folder's `files`.
pub(super) struct Desk {
    place: Place,
    cache: PathBuf,
}

impl Desk {
    pub(super) fn new() -> Self {
        let store = cache::store();
        for model in MODELS {
            store.pull(model, &mut Silent).unwrap();
        }
        let place = Place::new();
        let files = place.here().join("files");
        fs::create_dir(&files).unwrap();
        lay_down_texts(&files);
        lay_down_recordings(&files);
        lay_down_pictures(&files);
        assert_eq!(fs::read_dir(&files).unwrap().count(), FILES);
        let cache = std::path::absolute(store.derived("")).unwrap();
        Self { place, cache }
    }

    pub(super) fn home(&self) -> PathBuf {
        self.place.home()
    }

    /// The program.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.env("AIMASS_CACHE", &self.cache);
        command
    }

    /// This binary, as a child that runs that test only.
    pub(super) fn child(&self, test: &str) -> Command {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", test, "--nocapture", "--test-threads=1"];
        let mut command = self.place.command_of(program.to_str().unwrap(), &arguments);
        command.env("AIMASS_CACHE", &self.cache);
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }
}

/// Lets a process work until that many of its lines tell of a fact, and kills it there. Gives all that it said.
pub(super) fn kill_after(
    command: &mut Command,
    facts: usize,
    is_fact: fn(&str) -> bool,
) -> Vec<String> {
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut said = Vec::new();
    let mut seen = 0;
    // What is in the pipe when it dies was said as well.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        seen += usize::from(is_fact(&line));
        if seen == facts && is_fact(&line) {
            child.kill().unwrap();
        }
        said.push(line);
    }
    let status = child.wait().unwrap();
    assert_eq!(
        status.signal(),
        Some(rustix::process::Signal::KILL.as_raw()),
        "it ended by itself after {seen} facts: {said:#?}"
    );
    said
}

/// Sixteen texts: the letters, and the sample inbox's, whole and in pieces.
fn lay_down_texts(folder: &Path) {
    let examples = crate::repository_root().join("examples");
    for letter in fs::read_dir(examples.join("letters")).unwrap() {
        let letter = letter.unwrap();
        fs::copy(letter.path(), folder.join(letter.file_name())).unwrap();
    }
    for text in ["complaint.txt", "opticks.txt"] {
        fs::copy(examples.join("inbox").join(text), folder.join(text)).unwrap();
    }
    let book = fs::read_to_string(examples.join("inbox/opticks.txt")).unwrap();
    let paragraphs = book.split("\n\n").filter(|text| text.len() >= 200);
    for (number, paragraph) in paragraphs.enumerate() {
        fs::write(folder.join(format!("opticks-{number}.txt")), paragraph).unwrap();
    }
}

/// A photograph, and three pages.
fn lay_down_pictures(folder: &Path) {
    let root = crate::repository_root();
    for picture in [
        "examples/inbox/astronaut.jpg",
        "models/goldens/ocr/letter.png",
        "models/goldens/ocr/notice.png",
        "models/goldens/ocr/table.png",
    ] {
        let name = Path::new(picture).file_name().unwrap();
        fs::copy(root.join(picture), folder.join(name)).unwrap();
    }
}

/// Four recordings of at most 6 seconds: one, and pieces of it.
fn lay_down_recordings(folder: &Path) {
    let goldens = crate::repository_root().join("models/goldens");
    let recording = fs::read(goldens.join("silero/speech.wav")).unwrap();
    let samples = &recording[44..];
    let (first, second) = samples.split_at(samples.len() / 4 * 2);
    for (name, samples) in [
        ("whole.wav", samples),
        ("first.wav", first),
        ("second.wav", second),
        ("turned.wav", &[second, first].concat()),
    ] {
        fs::write(folder.join(name), wav(samples)).unwrap();
    }
}

/// A wav file: 16 bits, 16 kHz, mono.
pub(crate) fn wav(samples: &[u8]) -> Vec<u8> {
    let bytes = samples.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples);
    file
}
