//! A real Jaeger: what its query interface says agrees with our own records.

use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aimass_runtime::{Episode, FactDraft, Record, TaskFinished};
use serde_json::{Value, json};

use crate::team::{self, Sound, Think, kind};
use crate::tools;

/// How long Jaeger may take to start, and to show what it took.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Jaeger with ports of its own, until it is dropped.
pub(crate) struct Jaeger {
    process: Child,
    pub(crate) otlp: String,
    query: String,
}

impl Jaeger {
    pub(crate) fn start() -> Self {
        // Before it has them, another process may take one of the ports: then it ends, and has others.
        let started = (0..20).find_map(|_| Self::on(&free_ports(10)));
        started.unwrap_or_else(|| panic!("Jaeger ends at once, whatever its ports"))
    }

    /// A Jaeger with these ports; none when it ends, as it does when one of them is another's.
    fn on(ports: &[u16]) -> Option<Self> {
        let at = |number: usize| format!("127.0.0.1:{}", ports[number]);
        let process = Command::new(tools::jaeger())
            .arg("--log-level=error")
            .arg(format!("--collector.otlp.grpc.host-port={}", at(0)))
            .arg(format!("--query.http-server.host-port={}", at(1)))
            .arg(format!("--collector.otlp.http.host-port={}", at(2)))
            .arg(format!("--admin.http.host-port={}", at(3)))
            .arg(format!("--collector.grpc-server.host-port={}", at(4)))
            .arg(format!("--collector.http-server.host-port={}", at(5)))
            .arg(format!("--http-server.host-port={}", at(6)))
            .arg(format!("--query.grpc-server.host-port={}", at(7)))
            .arg(format!(
                "--processor.jaeger-binary.server-host-port={}",
                at(8)
            ))
            .arg(format!(
                "--processor.jaeger-compact.server-host-port={}",
                at(9)
            ))
            .arg("--processor.zipkin-compact.server-host-port=127.0.0.1:0")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut jaeger = Self {
            process,
            otlp: format!("http://{}", at(0)),
            query: format!("http://{}", at(1)),
        };
        jaeger.answers().then_some(jaeger)
    }

    /// Returns `false` when it has ended instead.
    fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if ureq::get(format!("{}/api/services", self.query))
                .call()
                .is_ok()
            {
                return true;
            }
            // Another process takes its time; nothing here can be waited for.
            std::thread::yield_now();
        }
        panic!("Jaeger neither answers nor ends");
    }

    /// What the query interface answers, once `is_enough` holds for it.
    pub(crate) fn until(&self, path: &str, is_enough: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let url = format!("{}{path}", self.query);
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            match ureq::get(&url).call() {
                Err(error) => last = error.to_string(),
                Ok(mut answer) => {
                    let text = answer.body_mut().read_to_string().unwrap();
                    let data = serde_json::from_str::<Value>(&text).unwrap()["data"].clone();
                    if is_enough(&data) {
                        return data;
                    }
                    last = text;
                }
            }
            // Another process takes its time; nothing here can be waited for.
            std::thread::yield_now();
        }
        panic!("{url} did not come to what was expected; the last answer: {last}")
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_shows_an_episode_with_a_panic_a_retry_a_reaction_and_a_batch() {
    let jaeger = tokio::task::spawn_blocking(Jaeger::start).await.unwrap();
    let mut config = team::config(&jaeger.otlp);
    // Four that come together are a batch, however slow the machine.
    let ear = config.agent_mut("ear");
    ear.max_batch = 4;
    ear.max_wait = Duration::from_millis(300);
    let (runtime, recorder, losses) = team::start(&config).await;
    let mut episode = Episode::new();
    for text in ["rain", "wind", "panic", "waves", "gulls"] {
        episode = episode.fact(FactDraft::new(kind("sound"), json!({ "text": text })));
    }
    runtime.run(episode).await.unwrap();
    runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    runtime.flush_observers().await;
    runtime.shutdown().await;
    assert_eq!(losses.spans(), 0);

    let tasks = recorder.tasks();
    assert_eq!(tasks.len(), 5 + 5 + 2);
    assert!(tasks.iter().any(|task| task.runs > 1));
    let leader = |task: &TaskFinished| task.place.as_ref().and_then(|place| place.batch_leader);
    assert!(tasks.iter().any(|task| leader(task).is_some()));
    let of_episode = |record: Record| match record {
        Record::Episode(episode) => Some(episode),
        _ => None,
    };
    let episodes = recorder.records().into_iter().filter_map(of_episode);
    let root = episodes.last().unwrap();
    let shown = tokio::task::spawn_blocking(move || {
        let shown = jaeger.until(&format!("/api/traces/{}", root.trace), |data| {
            data[0]["spans"].as_array().map(Vec::len) == Some(11)
        });
        let spans = Spans::read(&shown);
        let of_episode = tasks.iter().filter(|task| task.trace == root.trace);
        of_episode.for_each(|task| spans.agree_with(task));
        let span = &spans.0[&root.span.to_string()];
        assert_eq!((span.parent(), span.service.as_str()), (None, "desk"));

        let asked = tasks
            .iter()
            .find(|task| &*task.skill == "mind.think")
            .unwrap();
        let shown = jaeger.until(&format!("/api/traces/{}", asked.trace), |data| {
            data[0]["spans"].as_array().map(Vec::len) == Some(4)
        });
        let spans = Spans::read(&shown);
        let of_ask = tasks.iter().filter(|task| task.trace == asked.trace);
        of_ask.for_each(|task| spans.agree_with(task));

        let services = jaeger.until("/api/services", |_| true);
        let names: BTreeSet<&str> = strings(&services);
        assert_eq!(names, BTreeSet::from(["aimass.ear", "aimass.mind", "desk"]));
        let now = root.finished_ns / 1_000_000 + 60_000;
        jaeger.until(
            &format!("/api/dependencies?endTs={now}&lookback=3600000"),
            |_| true,
        )
    });
    let shown = shown.await.unwrap();
    let edge = |edge: &Value| {
        let name = |key: &str| edge[key].as_str().unwrap().to_owned();
        (name("parent"), name("child"))
    };
    let edges: BTreeSet<_> = shown.as_array().unwrap().iter().map(edge).collect();
    let expected = [
        ("aimass.ear", "aimass.mind"),
        ("aimass.mind", "aimass.ear"),
        ("desk", "aimass.ear"),
        ("desk", "aimass.mind"),
    ];
    let expected = expected.map(|(parent, child)| (parent.to_owned(), child.to_owned()));
    assert_eq!(edges, BTreeSet::from(expected));
}

fn strings(list: &Value) -> BTreeSet<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item.as_str().unwrap()).collect()
}

/// Jaeger's spans by their ids.
pub(crate) struct Spans(pub(crate) HashMap<String, Shown>);

pub(crate) struct Shown {
    pub(crate) service: String,
    span: Value,
}

impl Spans {
    pub(crate) fn read(shown: &Value) -> Self {
        let trace = &shown[0];
        let each = |span: &Value| {
            let process = span["processID"].as_str().unwrap();
            let service = trace["processes"][process]["serviceName"].as_str();
            let shown = Shown {
                service: service.unwrap().to_owned(),
                span: span.clone(),
            };
            (span["spanID"].as_str().unwrap().to_owned(), shown)
        };
        Self(
            trace["spans"]
                .as_array()
                .unwrap()
                .iter()
                .map(each)
                .collect(),
        )
    }

    fn agree_with(&self, task: &TaskFinished) {
        let shown = &self.0[&task.span.to_string()];
        assert_eq!(shown.service, format!("aimass.{}", task.agent));
        assert_eq!(shown.span["operationName"], json!(&*task.skill));
        let above = task
            .caller
            .as_ref()
            .map(|caller| caller.span)
            .or(task.parent);
        assert_eq!(shown.parent(), above.map(|span| span.to_string()));
        // Jaeger counts in microseconds.
        let took = (task.settled_ns - task.accepted_ns) / 1000;
        assert!(shown.span["duration"].as_u64().unwrap().abs_diff(took) <= 1);
        let leader = task.place.as_ref().unwrap().batch_leader;
        assert_eq!(
            shown.reference("FOLLOWS_FROM"),
            leader.map(|leader| leader.span.to_string())
        );
        let events = shown.events();
        assert!(
            events.contains("task.started") && events.contains("task.finished"),
            "{events:?}"
        );
        if task.runs > 1 {
            assert!(events.contains("worker.panicked"), "{events:?}");
        }
        if let Some(caller) = &task.caller {
            let side = &self.0[&caller.span.to_string()];
            assert_eq!(side.parent(), task.parent.map(|span| span.to_string()));
        }
    }
}

impl Shown {
    fn parent(&self) -> Option<String> {
        self.reference("CHILD_OF")
    }

    pub(crate) fn tag(&self, name: &str) -> Option<&Value> {
        let mut tags = self.span["tags"].as_array()?.iter();
        Some(&tags.find(|tag| tag["key"] == json!(name))?["value"])
    }

    pub(crate) fn reference(&self, kind: &str) -> Option<String> {
        let references = self.span["references"].as_array().unwrap().iter();
        let mut found = references.filter(|reference| reference["refType"] == json!(kind));
        Some(found.next()?["spanID"].as_str().unwrap().to_owned())
    }

    fn events(&self) -> BTreeSet<&str> {
        let logs = self.span["logs"].as_array().unwrap().iter();
        logs.map(|log| log["fields"][0]["value"].as_str().unwrap())
            .collect()
    }
}
