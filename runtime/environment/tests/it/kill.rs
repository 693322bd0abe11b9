//! G6 and G1 against `kill -9`: a child writes as fast as it can and says what was acknowledged; it is killed at a random moment.

#![expect(clippy::expect_used, reason = "a test stops at the first error")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aimass_config::Fsync;
use aimass_environment::{
    Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, Fact, FactDraft, FactFilter,
    Provenance, REACTIONS_CURSOR, Revision, SettledRecord, TaskId, TaskRecord, Transaction,
};
use rand::RngExt;
use serde_json::json;

use crate::CHILD;

/// How many writers a storm has. Each numbers its own transactions.
const WRITERS: u64 = 4;
/// How many facts a transaction has, so that a half one shows.
const FACTS: u64 = 3;

fn options(policy: &str) -> EnvironmentOptions {
    let fsync = match policy {
        "always" => Fsync::Always,
        "every" => Fsync::Every(Duration::from_millis(20)),
        _ => Fsync::Never,
    };
    EnvironmentOptions {
        fsync,
        ..EnvironmentOptions::default()
    }
}

fn episode() -> EpisodeId {
    EpisodeId::from_u128(1)
}

fn id(writer: u64, number: u64) -> TaskId {
    TaskId::derived(&[&writer.to_be_bytes(), &number.to_be_bytes()])
}

/// Facts, a settlement and the next task together, as the end of an attempt is committed.
fn attempt(writer: u64, number: u64) -> Transaction {
    let fact = |part: u64| {
        let kind = "storm@1".parse().expect("a kind");
        let value =
            json!({ "writer": writer, "number": number, "part": part, "text": "x".repeat(100) });
        (FactDraft::new(kind, value), Provenance::default())
    };
    let next = TaskRecord {
        episode: Some(episode()),
        ..TaskRecord::new(id(writer, number + 1), "storm.next", json!(number))
    };
    Transaction {
        begins: vec![EpisodeRecord::new(episode())],
        episode: Some(episode()),
        facts: (0..FACTS).map(fact).collect(),
        accepted: vec![next],
        settled: match number {
            0 => Vec::new(),
            _ => vec![SettledRecord::new(id(writer, number), json!("done"))],
        },
        cursors: vec![(REACTIONS_CURSOR.to_owned(), Revision(1))],
        ..Transaction::default()
    }
}

/// The child. It is a test that does nothing unless it was started as the child.
#[test]
fn storm() {
    let Ok(storm) = std::env::var(CHILD) else {
        return;
    };
    let (policy, folder) = storm.split_once(':').expect("a policy and a folder");
    let environment = Environment::open(Path::new(folder), options(policy)).expect("the store");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let environment = &environment;
            let start = count(&facts(environment), writer);
            scope.spawn(move || {
                for number in start.. {
                    environment
                        .commit_blocking(attempt(writer, number))
                        .expect("a commit");
                    // One write of a whole line, so that lines of several threads do not mix.
                    let line = format!("acknowledged {writer} {number}\n");
                    std::io::stdout()
                        .write_all(line.as_bytes())
                        .expect("the parent");
                }
            });
        }
    });
}

fn facts(environment: &Environment) -> Vec<Fact> {
    let snapshot = environment.snapshot().expect("a snapshot");
    let facts = snapshot.facts(FactFilter::default()).expect("the facts");
    facts.collect::<Result<_, _>>().expect("whole facts")
}

/// How many whole transactions of a writer are there. Fails on a half one, a missing one, or one out of order.
fn count(facts: &[Fact], writer: u64) -> u64 {
    let own: Vec<&Fact> = facts
        .iter()
        .filter(|fact| fact.value["writer"] == writer)
        .collect();
    for (at, fact) in own.iter().enumerate() {
        let at = at as u64;
        assert_eq!(fact.value["number"], at / FACTS, "writer {writer}");
        assert_eq!(fact.value["part"], at % FACTS, "writer {writer}");
    }
    assert_eq!(
        own.len() as u64 % FACTS,
        0,
        "half a transaction of writer {writer}"
    );
    own.len() as u64 / FACTS
}

/// Kills the child after `patience` acknowledgements. Gives how many each writer had acknowledged.
fn kill_in_a_storm(policy: &str, folder: &Path, patience: usize) -> [u64; WRITERS as usize] {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "kill::storm", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{policy}:{}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut acknowledged = [0; WRITERS as usize];
    let mut seen = 0;
    // What is in the pipe when the child dies was acknowledged as well.
    while let Some(Ok(line)) = lines.next() {
        let Some(rest) = line.split_once("acknowledged ").map(|(_, rest)| rest) else {
            continue;
        };
        // The kill may cut the last line off.
        let mut words = rest.split(' ').map(str::parse::<u64>);
        if let (Some(Ok(writer)), Some(Ok(number))) = (words.next(), words.next()) {
            let last = &mut acknowledged[writer as usize];
            *last = (number + 1).max(*last);
        }
        seen += 1;
        if seen == patience {
            child.kill().expect("SIGKILL");
        }
    }
    let status = child.wait().expect("the child's end");
    assert!(!status.success(), "the child was not killed: {status}");
    acknowledged
}

fn survives_kills(policy: &str, kills: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = rand::rng();
    let mut total = 0;
    for kill in 0..kills {
        let patience = random.random_range(1..120);
        let acknowledged = kill_in_a_storm(policy, folder.path(), patience);
        let environment = Environment::open(folder.path(), options(policy)).expect("the store");
        let facts = facts(&environment);
        let order: Vec<u64> = facts.iter().map(|fact| fact.revision.0).collect();
        assert_eq!(
            order,
            (1..=facts.len() as u64).collect::<Vec<_>>(),
            "gaps in the order"
        );
        let mut outstanding = 0;
        for writer in 0..WRITERS {
            let left = count(&facts, writer);
            let known = acknowledged[writer as usize];
            assert!(
                left >= known,
                "{policy}, kill {kill}: {known} acknowledged, {left} left"
            );
            outstanding += u64::from(left > 0);
        }
        let snapshot = environment.snapshot().expect("a snapshot");
        let unsettled = snapshot.unsettled().expect("the tasks").len() as u64;
        let status = snapshot.episode(episode()).expect("the store");
        let status = status.expect("the episode");
        assert_eq!((unsettled, status.outstanding), (outstanding, outstanding));
        assert_eq!(
            (status.facts, status.pending_reactions),
            (order.len() as u64, order.len() as u64 - 1)
        );
        total = order.len();
    }
    assert!(
        total > kills,
        "{policy}: only {total} facts in {kills} kills"
    );
}

#[test]
fn g6_acknowledged_facts_survive_kill_9_under_always() {
    survives_kills("always", 50);
}

#[test]
fn g6_acknowledged_facts_survive_kill_9_under_every() {
    survives_kills("every", 50);
}

#[test]
fn g6_acknowledged_facts_survive_kill_9_under_never() {
    survives_kills("never", 50);
}
