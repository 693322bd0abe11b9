//! A node, and commands that find it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::harness::{Place, Running};

/// Starts a node, and returns once it listens.
pub(crate) fn start(place: &Place) -> Running {
    started(place.command(&["start"]))
}

/// Runs the command, and returns once its node listens.
pub(crate) fn started(mut command: Command) -> Running {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("listening on"), "{line}");
    // Read to its end, so that the node never waits for a reader.
    std::thread::spawn(move || stderr.lines().count());
    Running(child)
}

/// The port of the one address in the line.
fn port(line: &str) -> String {
    let rest = line
        .split("127.0.0.1:")
        .nth(1)
        .unwrap_or_else(|| panic!("no address in `{line}`"));
    rest.chars().take_while(char::is_ascii_digit).collect()
}

#[test]
fn a_node_serves_metrics_where_it_is_told_to() {
    let place = Place::new();
    let mut child = place
        .command(&["start", "--metrics", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("metrics are at http://"), "{line}");
    std::thread::spawn(move || stderr.lines().count());
    let mut node = Running(child);
    place
        .run(&["ask", "text.language", "Guten Morgen"])
        .assert_ok();
    // A record comes to the observers a moment after its answer came to the caller.
    let counted = (0..10_000)
        .map(|_| scrape(&line))
        .find(|page| page.contains(r#"skill="text.language",outcome="done""#));
    assert!(counted.is_some(), "{}", scrape(&line));
    let taken = format!("127.0.0.1:{}", port(&line));
    let other = Place::new();
    other
        .run(&["start", "--metrics", &taken])
        .assert_fails(69, &["cannot serve metrics", &taken]);
    assert_eq!(end(&mut node), Some(0));
}

fn scrape(line: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", port(line))).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn a_collector_that_cannot_be_used_is_a_fault_of_the_configuration() {
    let place = Place::new();
    let config = place.file(
        "aimass.toml",
        "[observers.otlp]\nendpoint = 'https://127.0.0.1:1'\ncertificate = 'no.pem'",
    );
    let config = config.to_str().unwrap();
    let asked = ["--config", config, "ask", "text.language", "x"];
    place
        .run(&asked)
        .assert_fails(64, &["no.pem", "observers.otlp.certificate"]);
}

#[test]
fn logs_are_lines_of_json_where_that_is_asked_for() {
    let place = Place::new();
    let mut command = place.command(&["ask", "text.language", "Guten Morgen"]);
    command.env("AIMASS_OBSERVERS__LOG", "json");
    // Nobody listens there: the one thing to say.
    command.env("AIMASS_OBSERVERS__OTLP__ENDPOINT", "http://127.0.0.1:1");
    let output = command.output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stderr).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["level"], json!("WARN"));
    // Neither spans nor metrics arrive, which is one trouble and not two.
    let said = lines.matches("\"the collector takes no ").count();
    assert_eq!(said, 1, "{lines}");
}

pub(crate) fn end(node: &mut Running) -> Option<i32> {
    let pid = Pid::from_child(&node.0);
    kill_process(pid, Signal::INT).unwrap();
    node.0.wait().unwrap().code()
}

/// A node with a task that comes to no end by itself: it hears live sound, of which there is no more for now.
struct Stuck {
    place: Place,
    node: Running,
    stderr: BufReader<ChildStderr>,
    asking: Child,
}

/// Asks what hears live sound, and goes on until there is no more.
pub(crate) const LISTENS: [&str; 3] = ["ask", "speech.listen", "-"];
/// Too little of it to ask a model about.
pub(crate) const SOUND: [u8; 12] = [0; 12];

/// The next line says that.
#[track_caller]
pub(crate) fn hears(stderr: &mut impl BufRead, words: &str) {
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains(words), "{line}");
}

impl Stuck {
    fn new() -> Self {
        let place = Place::new();
        let mut child = place.command(&["start"]).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        hears(&mut stderr, "listening on");
        let mut asking = place.command(&LISTENS);
        let mut asking = asking.stdin(Stdio::piped()).spawn().unwrap();
        asking.stdin.as_mut().unwrap().write_all(&SOUND).unwrap();
        let stuck = Self {
            asking,
            node: Running(child),
            place,
            stderr,
        };
        while !stuck.works() {}
        stuck
    }

    /// Whether the node has something to do.
    fn works(&self) -> bool {
        let agents = self.place.run(&["agents", "--json"]).document();
        let mut agents = agents.as_array().unwrap().iter();
        agents.any(|agent| agent["tasks"].as_u64() > Some(0))
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.node.0), Signal::INT).unwrap();
    }

    fn hears(&mut self, words: &str) {
        hears(&mut self.stderr, words);
    }

    fn end(mut self) -> Option<i32> {
        self.asking.wait().unwrap();
        self.node.0.wait().unwrap().code()
    }
}

#[test]
fn the_first_ctrl_c_lets_what_is_under_way_come_to_its_end() {
    let mut stuck = Stuck::new();
    stuck.interrupt();
    stuck.hears("finishing what is under way; Ctrl-C again cuts it off");
    stuck
        .place
        .run(&["ask", "text.language", "Guten Morgen"])
        .assert_fails(69, &["shutting down"]);
    // Now that was all, and the task ends: there is no model that could hear it.
    drop(stuck.asking.stdin.take());
    let mut said = String::new();
    let mut stderr = stuck.asking.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert!(
        said.contains("aimass models pull silero-vad"),
        "the task had its own answer: {said}"
    );
    assert_eq!(stuck.end(), Some(0));
}

#[test]
fn the_second_ctrl_c_cuts_off_what_is_under_way() {
    let mut stuck = Stuck::new();
    stuck.interrupt();
    stuck.hears("finishing what is under way; Ctrl-C again cuts it off");
    stuck.interrupt();
    stuck.hears("cut off; what was accepted for an episode goes on at the next start");
    assert_eq!(stuck.end(), Some(130));
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
