//! pip's lines, and a real pip of each age that matters, with an index on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::fetch::client::Client;
use crate::store::Stage;

/// A pip that tells progress and resumes.
const NEW: &str = "25.3";
/// The last one that does neither.
const OLD: &str = "24.0";
/// pip says nothing of what is smaller than half a mebibyte.
const BYTES: usize = 3 << 20;
const NAME: &str = "some_weights-1.0-py3-none-any.whl";

#[test]
fn versions_are_read_as_pip_says_them() {
    let read = |version: &str| Version::read(&format!("pip {version} from /x/pip (python 3.11)"));
    assert_eq!(read("23.2.1"), Some(Version(23, 2)));
    assert_eq!(read("24.1"), Some(TELLS));
    assert_eq!(read("24.1b1"), Some(Version(24, 0)));
    assert_eq!(read("25.1.1"), Some(RESUMES));
    assert!(read("100.0") > Some(RESUMES));
    assert_eq!(Version::read("No module named pip"), None);
    assert_eq!(Version::read(""), None);
}

#[test]
fn progress_is_read_as_pip_says_it() {
    assert_eq!(how_far("Progress 0 of 3145728"), Some((0, 3_145_728)));
    assert_eq!(how_far("Progress 5 of 0"), None);
    for line in [
        "",
        "Progress",
        "Progress of",
        "Progress -1 of 2",
        "Progress 1 of 99999999999999999999999",
        "Downloading some_weights-1.0-py3-none-any.whl (3.1 MB)",
    ] {
        assert_eq!(how_far(line), None, "{line}");
    }
}

/// What was told, in its order.
#[derive(Debug, Default)]
struct Told {
    totals: Vec<u64>,
    done: Vec<u64>,
}

impl Progress for Told {
    fn begin(&mut self, _: Stage<'_>, _: Option<u64>) {}

    fn expect(&mut self, total: u64) {
        self.totals.push(total);
    }

    fn advance(&mut self, done: u64) {
        self.done.push(done);
    }
}

/// An index with one wheel, which the first request for it may get half of.
struct Index {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Index {
    fn start(cut_off: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, left) = (requests.clone(), AtomicUsize::new(cut_off));
        let wheel = wheel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let head = answer(stream.unwrap(), &wheel, &left);
                seen.lock().unwrap().push(head);
            }
        });
        Self { address, requests }
    }
}

/// A wheel that pip believes to be one.
fn wheel() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(io::Cursor::new(&mut bytes));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let info = "some_weights-1.0.dist-info";
    for (name, content) in [
        (
            format!("{info}/METADATA"),
            "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n".to_owned(),
        ),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                .to_owned(),
        ),
        (format!("{info}/RECORD"), String::new()),
        ("some_weights/weights".to_owned(), "w".repeat(BYTES)),
    ] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

/// Answers one request; gives its head.
fn answer(mut stream: TcpStream, wheel: &[u8], cut_off: &AtomicUsize) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut head).unwrap() > 2 {}
    let lower = head.to_lowercase();
    if !lower.starts_with(&format!("get /{NAME}")) {
        let page = format!("<!DOCTYPE html><a href=\"{NAME}\">{NAME}</a>");
        let length = page.len();
        let reply = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{page}"
        );
        stream.write_all(reply.as_bytes()).unwrap();
        return head;
    }
    let range = lower.split("range: bytes=").nth(1);
    let from: usize = range.map_or(0, |range| range.split('-').next().unwrap().parse().unwrap());
    let (status, more) = match from {
        0 => ("200 OK", String::new()),
        _ => {
            let (last, all) = (wheel.len() - 1, wheel.len());
            let range = format!("content-range: bytes {from}-{last}/{all}\r\n");
            ("206 Partial Content", range)
        }
    };
    let rest = &wheel[from..];
    let length = rest.len();
    let reply = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\netag: \"one\"\r\naccept-ranges: bytes\r\n{more}content-length: {length}\r\n\r\n"
    );
    stream.write_all(reply.as_bytes()).unwrap();
    let breaks_off = cut_off
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        })
        .is_ok();
    let sent = if breaks_off {
        &rest[..length / 2]
    } else {
        rest
    };
    // Whoever goes away early is not waited for.
    let _ = stream.write_all(sent);
    head
}

/// The folder of a pip of that version, in the cache; fetched when it is not there yet.
fn pip(version: &str) -> PathBuf {
    let cache = std::env::var_os("AIMASS_CACHE").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/aimass"),
        PathBuf::from,
    );
    let folder = cache.join(format!("tools/pip-{version}"));
    if folder.exists() {
        return folder;
    }
    std::fs::create_dir_all(cache.join("tools")).unwrap();
    let fresh = tempfile::tempdir_in(cache.join("tools")).unwrap();
    let fetched = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(fresh.path())
        .arg(format!("pip=={version}"))
        .status()
        .unwrap_or_else(|error| panic!("python3 did not run ({error}); install it with pip"));
    assert!(
        fetched.success(),
        "`pip install pip=={version}` failed; it needs a package index"
    );
    // Another test may have been faster.
    let _ = std::fs::rename(fresh.path(), &folder);
    folder
}

/// Downloads the wheel from the index by that pip.
fn fetch(version: &str, index: &Index) -> (Result<usize, String>, Told) {
    let (pip, into) = (pip(version), tempfile::tempdir().unwrap());
    let python = || {
        let mut python = Command::new("python3");
        python
            .env("PYTHONPATH", &pip)
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", &index.address)
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("no_proxy", "*");
        python
    };
    let mut told = Told::default();
    let done = download(&python, "some-weights", "1.0", into.path(), &mut told);
    let done = done.unwrap();
    let length = || std::fs::read(into.path().join(NAME)).unwrap().len();
    let reason = || done.complaints.back().unwrap().clone();
    (done.succeeded.then(length).ok_or_else(reason), told)
}

#[test]
fn a_new_pip_tells_how_much_has_come() {
    let (done, told) = fetch(NEW, &Index::start(0));
    let length = done.unwrap();
    assert_eq!(told.totals, [length as u64]);
    assert_eq!(told.done.first(), Some(&0));
    assert_eq!(told.done.last(), Some(&(length as u64)), "{told:?}");
    assert!(told.done.is_sorted(), "{told:?}");
}

#[test]
fn a_new_pip_goes_on_where_a_connection_broke_off() {
    let index = Index::start(2);
    let (done, told) = fetch(NEW, &index);
    assert_eq!(done.unwrap(), wheel().len(), "{told:?}");
    let requests = index.requests.lock().unwrap();
    let resumed = requests.iter().map(|head| head.to_lowercase());
    let resumed = resumed
        .filter(|head| head.contains("range: bytes="))
        .count();
    assert_eq!(resumed, 2, "{requests:?}");
    assert!(told.done.is_sorted(), "{told:?}");
}

#[test]
fn an_old_pip_fetches_as_well_and_tells_nothing() {
    let (done, told) = fetch(OLD, &Index::start(0));
    assert_eq!(done.unwrap(), wheel().len());
    assert_eq!((told.totals.len(), told.done.len()), (0, 0), "{told:?}");
}

#[test]
fn what_pip_complains_of_last_is_the_reason() {
    for version in [NEW, OLD] {
        let pip = pip(version);
        let python = || {
            let mut python = Command::new("python3");
            python.env("PYTHONPATH", &pip).env("PIP_NO_INDEX", "1");
            python.env_remove("PIP_FIND_LINKS");
            python
        };
        let into = tempfile::tempdir().unwrap();
        let mut told = Told::default();
        let ran = download(&python, "some-weights", "1.0", into.path(), &mut told).unwrap();
        assert!(!ran.succeeded);
        let error = Client::Pip.reason(&ran);
        assert!(error.contains("some-weights"), "{error}");
        assert!(error.contains("No matching distribution"), "{error}");
    }
}
