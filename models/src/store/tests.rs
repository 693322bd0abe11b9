//! Tests of the store, with folders and a hub of their own.

mod packages;
mod server;

use std::path::Path;
use std::time::Duration;

use super::*;
use server::{Reply, Server};

const CONTENT: &[u8] = b"the weights, or so";

/// A hub that speaks the protocol as far as the store uses it, on this machine.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    BreaksOffOnce,
    BreaksOff,
    WrongHash,
    WantsToken,
}

fn hub(manner: Manner) -> Server {
    hub_keeping_files_at("/blob", manner)
}

/// A hub that redirects to `blob` for its files.
fn hub_keeping_files_at(blob: &str, manner: Manner) -> Server {
    let blob = blob.to_owned();
    let mut broke = 0;
    Server::start(move |asked| {
        let token = asked.header("authorization");
        if manner == Manner::WantsToken && token != Some("bearer secret") {
            return server::refusal("401 Unauthorized");
        }
        if asked.path().starts_with("/owner/name/resolve/main/") {
            return server::redirect(&blob);
        }
        let whole = server::file(CONTENT, asked.from());
        let most = match manner {
            Manner::BreaksOffOnce => 1,
            Manner::BreaksOff => usize::MAX,
            _ => 0,
        };
        if broke < most {
            broke += 1;
            let sent = whole.len() - CONTENT.len() + asked.from() + 5;
            return Reply::Bytes(whole[..sent.min(whole.len() - 1)].to_vec());
        }
        let etag = match manner {
            Manner::WrongHash => "0".repeat(64),
            _ => "\"none\"".to_owned(),
        };
        let headers = format!("x-linked-etag: {etag}\r\n");
        match asked.from() {
            0 => Reply::Bytes(server::answer("200 OK", &headers, CONTENT)),
            _ => Reply::Bytes(whole),
        }
    })
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
        limits: FetchLimits {
            waits: vec![Duration::ZERO; 3],
            ..FetchLimits::default()
        },
        ..StoreOptions::default()
    };
    Store::new(cache, Catalogue::with(&[path]).unwrap(), options)
}

#[test]
fn a_hub_is_followed_through_its_redirects() {
    let cache = tempfile::tempdir().unwrap();
    let hub = self::hub(Manner::Honest);
    let store = store(cache.path(), &hub.address, None);
    let folder = store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), CONTENT);
    store.verify("tiny").unwrap();
    // What is here is not fetched again.
    let before = hub.heads().len();
    store.pull("tiny", &mut Silent).unwrap();
    assert_eq!(hub.heads().len(), before);
    assert!(store.remove("tiny").unwrap());
    assert_eq!(store.presence("tiny"), Presence::Absent);
}

#[test]
fn a_fetch_that_broke_off_goes_on_where_it_was() {
    let cache = tempfile::tempdir().unwrap();
    let broken = hub(Manner::BreaksOffOnce);
    let folder = store(cache.path(), &broken.address, None).pull("tiny", &mut Silent);
    let weights = folder.unwrap().join("model.safetensors");
    assert_eq!(fs::read(weights).unwrap(), CONTENT);
    assert!(broken.heads()[3].contains("range: bytes=5-"));
    // What came of a hub that is given up stays for the next time.
    let cache = tempfile::tempdir().unwrap();
    let gone = hub(Manner::BreaksOff);
    let error = store(cache.path(), &gone.address, None).pull("tiny", &mut Silent);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("broke off after 17"), "{error}");
    let hub = self::hub(Manner::Honest);
    let store = store(cache.path(), &hub.address, None);
    store.pull("tiny", &mut Silent).unwrap();
    assert!(hub.heads()[1].contains("range: bytes=17-"));
}

#[test]
fn a_file_with_another_hash_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let hub = self::hub(Manner::WrongHash);
    let error = store(cache.path(), &hub.address, None)
        .pull("tiny", &mut Silent)
        .unwrap_err();
    assert!(error.to_string().contains("its sha256 is not"), "{error}");
    assert!(error.is_bad_content());
}

#[test]
fn a_hub_that_wants_a_token_gets_the_one_there_is() {
    let cache = tempfile::tempdir().unwrap();
    let hub = self::hub(Manner::WantsToken);
    let error = store(cache.path(), &hub.address, None)
        .pull("tiny", &mut Silent)
        .unwrap_err();
    assert!(error.to_string().contains("HF_TOKEN"), "{error}");
    assert!(!error.is_bad_content());
    store(cache.path(), &hub.address, Some("secret"))
        .pull("tiny", &mut Silent)
        .unwrap();
}

#[test]
fn the_token_is_not_shown_to_another_host_to_which_the_hub_redirects() {
    let cache = tempfile::tempdir().unwrap();
    let other = hub(Manner::Honest);
    let blob = format!("{}/blob", other.address);
    let hub = hub_keeping_files_at(&blob, Manner::WantsToken);
    let store = store(cache.path(), &hub.address, Some("secret"));
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
    let hub = self::hub(Manner::Honest);
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
    let store = store(&hub.address);
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
