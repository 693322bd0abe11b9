//! Tests of the store, with folders and a hub of their own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;

const CONTENT: &[u8] = b"the weights, or so";

/// A hub that speaks the protocol as far as the store uses it, on this machine.
struct TestHub {
    endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    BreaksOffOnce,
    WrongHash,
    WantsToken,
}

impl TestHub {
    fn start(manner: Manner) -> Self {
        Self::keeping_files_at("/blob", manner)
    }

    /// A hub that redirects to `blob` for its files.
    fn keeping_files_at(blob: &str, manner: Manner) -> Self {
        let blob = blob.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || {
            let mut broke = false;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).unwrap() > 2 {}
                let reply = answer(&head.to_lowercase(), manner, &blob, &mut broke);
                seen.lock().unwrap().push(head);
                stream.write_all(&reply).unwrap();
            }
        });
        Self { endpoint, requests }
    }

    /// The heads of all requests so far, in small letters.
    fn heads(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|head| head.to_lowercase()).collect()
    }
}

fn answer(head: &str, manner: Manner, blob: &str, broke: &mut bool) -> Vec<u8> {
    if manner == Manner::WantsToken && !head.contains("authorization: bearer secret") {
        return b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            .to_vec();
    }
    if head.starts_with("get /owner/name/resolve/main/") {
        return format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {blob}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    }
    let range = head
        .lines()
        .find_map(|line| line.strip_prefix("range: bytes="));
    let from: usize = range.map_or(0, |range| {
        range.trim().trim_end_matches('-').parse().unwrap()
    });
    let status = if from > 0 {
        "206 Partial Content"
    } else {
        "200 OK"
    };
    let etag = match manner {
        Manner::WrongHash => "0".repeat(64),
        _ => "\"none\"".to_owned(),
    };
    let rest = &CONTENT[from..];
    let sent = match manner {
        Manner::BreaksOffOnce if !std::mem::replace(broke, true) => &rest[..5],
        _ => rest,
    };
    let mut reply = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nx-linked-etag: {etag}\r\ncontent-length: {}\r\n\r\n",
        rest.len()
    )
    .into_bytes();
    reply.extend_from_slice(sent);
    reply
}

const ON_THE_HUB: &str = "[[artefact.source]]\nkind = \"hub\"\nrepository = \"owner/name\"\n\
    revision = \"main\"\nfiles = [\"model.safetensors\"]\n";

fn store(cache: &Path, hub: &str, token: Option<&str>) -> Store {
    store_with(cache, ON_THE_HUB, hub, token)
}

fn store_with(cache: &Path, sources: &str, hub: &str, token: Option<&str>) -> Store {
    let path = cache.join("own.toml");
    let artefact = "[[artefact]]\nname = \"tiny\"\ntask = \"test\"\nfamily = \"bert\"\nlicence = \"MIT\"\n\
        megabytes = 1\ndescription = \"a test\"\n";
    fs::write(&path, format!("{artefact}{sources}")).unwrap();
    let options = StoreOptions {
        offline: false,
        hub_endpoint: hub.to_owned(),
        hub_token: token.map(str::to_owned),
    };
    Store::new(cache, Catalogue::with(&[path]).unwrap(), options)
}

#[test]
fn a_hub_is_followed_through_its_redirects() {
    let cache = tempfile::tempdir().unwrap();
    let hub = TestHub::start(Manner::Honest);
    let store = store(cache.path(), &hub.endpoint, None);
    let folder = store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), CONTENT);
    store.verify("tiny").unwrap();
    // What is here is not fetched again.
    let before = hub.requests.lock().unwrap().len();
    store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(hub.requests.lock().unwrap().len(), before);
    assert!(store.remove("tiny").unwrap());
    assert_eq!(store.presence("tiny"), Presence::Absent);
}

#[test]
fn a_fetch_that_broke_off_goes_on_where_it_was() {
    let cache = tempfile::tempdir().unwrap();
    let hub = TestHub::start(Manner::BreaksOffOnce);
    let store = store(cache.path(), &hub.endpoint, None);
    let error = store.pull("tiny", &mut Silent).unwrap_err();
    assert!(error.to_string().contains("broke off"), "{error}");
    let folder = store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), CONTENT);
    let requests = hub.requests.lock().unwrap();
    assert!(
        requests
            .iter()
            .any(|head| head.to_lowercase().contains("range: bytes=5-")),
        "{requests:?}"
    );
}

#[test]
fn a_file_with_another_hash_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let hub = TestHub::start(Manner::WrongHash);
    let error = store(cache.path(), &hub.endpoint, None)
        .pull("tiny", &mut Silent)
        .unwrap_err();
    assert!(error.to_string().contains("its sha256 is not"), "{error}");
    assert!(error.is_bad_content());
}

#[test]
fn a_hub_that_wants_a_token_gets_the_one_there_is() {
    let cache = tempfile::tempdir().unwrap();
    let hub = TestHub::start(Manner::WantsToken);
    let error = store(cache.path(), &hub.endpoint, None)
        .pull("tiny", &mut Silent)
        .unwrap_err();
    assert!(error.to_string().contains("HF_TOKEN"), "{error}");
    assert!(!error.is_bad_content());
    store(cache.path(), &hub.endpoint, Some("secret"))
        .pull("tiny", &mut Silent)
        .unwrap();
}

#[test]
fn the_token_is_not_shown_to_another_host_to_which_the_hub_redirects() {
    let cache = tempfile::tempdir().unwrap();
    let other = TestHub::start(Manner::Honest);
    let blob = format!("{}/blob", other.endpoint);
    let hub = TestHub::keeping_files_at(&blob, Manner::WantsToken);
    let store = store(cache.path(), &hub.endpoint, Some("secret"));
    let folder = store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), CONTENT);
    let (asked, redirected) = (hub.heads(), other.heads());
    assert_eq!((asked.len(), redirected.len()), (1, 1));
    assert!(
        asked[0].contains("authorization: bearer secret"),
        "{asked:?}"
    );
    for word in ["authorization", "secret"] {
        assert!(!redirected[0].contains(word), "{redirected:?}");
    }
}

#[test]
fn the_next_source_is_asked_when_one_has_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let hub = TestHub::start(Manner::Honest);
    let gone = cache.path().join("gone");
    let sources = format!(
        "[[artefact.source]]\nkind = \"folder\"\npath = {gone:?}\nfiles = [\"model.safetensors\"]\n{ON_THE_HUB}"
    );
    let store = |hub| store_with(cache.path(), &sources, hub, None);
    // Where none has it, each says why.
    let nowhere = store("http://127.0.0.1:9").pull("tiny", &mut Silent);
    let error = nowhere.unwrap_err().to_string();
    for source in [&format!("folder {}", gone.display()), "hub owner/name@main"] {
        assert!(error.contains(source), "{error}");
    }
    let store = store(&hub.endpoint);
    let folder = store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), CONTENT);
    assert_eq!(
        store.manifest("tiny").unwrap().source,
        "hub owner/name@main"
    );
}

#[test]
fn what_was_tampered_with_is_refused_with_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let store = store(cache.path(), "http://127.0.0.1:9", None);
    let own = cache.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("model.safetensors"), CONTENT).unwrap();
    let folder = store.import("tiny", &own, &mut Silent).unwrap();
    store.verify("tiny").unwrap();
    let mut changed = CONTENT.to_vec();
    changed[3] ^= 1;
    fs::write(folder.join("model.safetensors"), &changed).unwrap();
    let error = store.verify("tiny").unwrap_err();
    assert!(
        error.to_string().contains("aimass models pull tiny"),
        "{error}"
    );
    fs::write(folder.join("model.safetensors"), &changed[1..]).unwrap();
    assert_eq!(store.presence("tiny"), Presence::Damaged);
    assert!(store.path("tiny").is_err());
}

#[test]
fn an_absent_model_says_what_to_type() {
    let cache = tempfile::tempdir().unwrap();
    let error = store(cache.path(), "http://127.0.0.1:9", None)
        .path("minilm")
        .unwrap_err();
    assert!(
        error.to_string().contains("aimass models pull minilm"),
        "{error}"
    );
}
