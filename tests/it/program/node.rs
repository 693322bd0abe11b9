//! A node, and commands that find it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::harness::{Place, Running};

/// Starts a node, and returns once it listens.
fn start(place: &Place) -> Running {
    let mut child = place.command(&["start"]).spawn().unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("listening on"), "{line}");
    // Read to its end, so that the node never waits for a reader.
    std::thread::spawn(move || stderr.lines().count());
    Running(child)
}

fn end(node: &mut Running) -> Option<i32> {
    let pid = Pid::from_child(&node.0);
    kill_process(pid, Signal::INT).unwrap();
    node.0.wait().unwrap().code()
}

#[test]
fn commands_use_the_node_and_ctrl_c_ends_it() {
    let place = Place::new();
    let mut node = start(&place);
    // The node owns the store, so this could not be answered without it.
    assert_eq!(
        place.run(&["facts", "ls", "--json"]).assert_ok().document(),
        json!([])
    );
    place
        .run(&["start"])
        .assert_fails(69, &["another node already listens", "--home"]);
    assert_eq!(end(&mut node), Some(0));
    assert!(
        !place.home().join("node.socket").exists(),
        "the socket outlived its node"
    );
    place.run(&["facts", "ls"]).assert_ok();
}

#[test]
fn a_killed_node_leaves_nothing_that_stops_the_next_one() {
    let place = Place::new();
    drop(start(&place));
    assert!(place.home().join("node.socket").exists());
    place.run(&["facts", "ls"]).assert_ok();
    let mut node = start(&place);
    place.run(&["facts", "ls"]).assert_ok();
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let place = Place::new();
    let mut node = start(&place);
    for garbage in [
        &b"\xff\xff\xff\xff"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x02\x00\x00\x00{}",
    ] {
        let mut peer = UnixStream::connect(place.home().join("node.socket")).unwrap();
        peer.write_all(garbage).unwrap();
    }
    place.run(&["facts", "ls"]).assert_ok();
    assert_eq!(end(&mut node), Some(0));
}

#[test]
fn doctor_finds_the_node() {
    let place = Place::new();
    let mut node = start(&place);
    let found = place.run(&["doctor", "--json"]).document();
    let store = found
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["what"] == "store")
        .unwrap();
    assert!(
        store["found"].as_str().unwrap().contains("a node runs"),
        "{store}"
    );
    assert_eq!(end(&mut node), Some(0));
}
