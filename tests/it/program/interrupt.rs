//! Ctrl-C while a command works in its own process, without a node.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStderr, Stdio};

use aimass_runtime::{
    Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, FactDraft, Provenance, Transaction,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::generation::place_with;
use super::harness::Place;
use super::node::{LISTENS, SOUND, hears};

const TEXT: &str = "Guten Morgen, wie geht es Ihnen heute, und was macht die Familie?";

/// A command that listens to Ctrl-C.
struct Working {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Working {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        while !catches_signals(&child) {
            assert!(child.try_wait().unwrap().is_none(), "it ended early");
            std::thread::yield_now();
        }
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next line says that.
    #[track_caller]
    fn hears(&mut self, words: &str) {
        hears(&mut self.stderr, words);
    }

    /// Its exit code, and what is left of what it said on standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.child.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).unwrap();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

/// Whether the process has handlers for Ctrl-C and for the system's wish, as Linux tells.
fn catches_signals(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let mut lines = status.lines();
    let caught = lines.find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    let catches = |set: u64, signal: Signal| set & 1 << (signal.as_raw() - 1) != 0;
    caught.is_some_and(|set| catches(set, Signal::INT) && catches(set, Signal::TERM))
}

const FINISHING: &str = "finishing what is under way; Ctrl-C again cuts it off";
const CUT_OFF: &str = "cut off; what was accepted for an episode goes on at the next start";

#[test]
fn the_first_ctrl_c_lets_an_ask_come_to_its_end() {
    let place = Place::new();
    let mut ask = Working::start(&place, &LISTENS);
    ask.child.stdin.as_mut().unwrap().write_all(&SOUND).unwrap();
    ask.interrupt();
    ask.hears(FINISHING);
    // Now that was all, and the task ends: there is no model that could hear it.
    let (code, _, stderr) = ask.end();
    assert_eq!(code, Some(69), "the task had its own answer: {stderr}");
    assert!(stderr.contains("aimass models pull silero-vad"), "{stderr}");
}

#[test]
fn the_second_ctrl_c_cuts_an_ask_off() {
    let place = Place::new();
    let mut ask = Working::start(&place, &LISTENS);
    ask.child.stdin.as_mut().unwrap().write_all(&SOUND).unwrap();
    ask.interrupt();
    ask.hears(FINISHING);
    ask.interrupt();
    ask.hears(CUT_OFF);
    assert_eq!(ask.end().0, Some(130));
}

#[test]
fn ctrl_c_is_heard_while_standard_input_says_nothing() {
    let place = Place::new();
    let ask = ["ask", "text.language", "-", "--json"];
    let mut first = Working::start(&place, &ask);
    first.interrupt();
    first.hears(FINISHING);
    let mut stdin = first.child.stdin.take().unwrap();
    stdin.write_all(TEXT.as_bytes()).unwrap();
    drop(stdin);
    let (code, stdout, stderr) = first.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("\"de\""), "{stdout}");
    for command in [&ask[..], &["facts", "import", "-"]] {
        let mut second = Working::start(&place, command);
        second.interrupt();
        second.hears(FINISHING);
        second.interrupt();
        second.hears(CUT_OFF);
        assert_eq!(second.child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn a_command_that_the_system_asks_to_end_takes_no_longer_than_the_limit_of_a_shutdown() {
    let place = Place::new();
    place.file("aimass.toml", "[runtime]\nshutdown_limit = \"100ms\"\n");
    for command in [
        &["ask", "text.language", "-"][..],
        &["facts", "import", "-"],
    ] {
        // Standard input stays open and says nothing, for ever.
        let mut working = Working::start(&place, command);
        working.signal(Signal::TERM);
        working.hears(FINISHING);
        working.hears("cut off after 100ms, the `runtime.shutdown_limit`");
        assert_eq!(working.child.wait().unwrap().code(), Some(143));
    }
}

/// Something to write on, for some seconds: long enough to be interrupted, and it ends by itself.
const LONG: u32 = 4000;

/// A place in whose store an episode begins whose work takes some seconds, and the option that goes on with it.
fn place_with_long_work() -> (Place, String) {
    // Its log stays silent about a kind of fact that no agent of the team writes.
    let rule = "[observers]\nlog_level = \"error\"\n\n\
        [[reactions]]\nname = \"write\"\nkind = \"question@1\"\nskill = \"generation.complete\"\n";
    let place = place_with(2 * LONG, rule);
    let episode = EpisodeId::random();
    let store = place.home().join("store");
    let environment = Environment::open(&store, EnvironmentOptions::default()).unwrap();
    let question = json!({ "prompt": "hello", "max_tokens": LONG, "regex": "[a-z]*" });
    let fact = FactDraft::new("question@1".parse().unwrap(), question);
    let transaction = Transaction {
        episode: Some(episode),
        begins: vec![EpisodeRecord::new(episode)],
        facts: vec![(fact, Provenance::default())],
        ..Transaction::default()
    };
    environment.commit_blocking(transaction).unwrap();
    (place, format!("--resume={episode}"))
}

/// The kinds of the facts that a run has found.
fn kinds(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let facts = document["facts"].as_array().unwrap().iter();
    facts
        .map(|fact| fact["kind"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_first_ctrl_c_lets_a_run_come_to_its_end() {
    let (place, resume) = place_with_long_work();
    let mut run = Working::start(&place, &["run", &resume, "--json"]);
    run.interrupt();
    run.hears(FINISHING);
    let (code, stdout, stderr) = run.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        kinds(&stdout).contains(&"generation.complete@1".to_owned()),
        "{stdout}"
    );
}

#[test]
fn the_second_ctrl_c_cuts_a_run_off_and_the_next_one_goes_on_with_it() {
    let (place, resume) = place_with_long_work();
    let mut run = Working::start(&place, &["run", &resume]);
    run.interrupt();
    run.hears(FINISHING);
    run.interrupt();
    run.hears(CUT_OFF);
    assert_eq!(run.end().0, Some(130));
    let ended = place.run(&["run", &resume, "--json"]);
    let stdout = &ended.assert_ok().stdout;
    assert!(
        kinds(stdout).contains(&"generation.complete@1".to_owned()),
        "{stdout}"
    );
}
