//! A real Prometheus: it reads the page, and answers what the dashboard asks.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use aimass_observers::metrics::{Metrics, MetricsServer};
use aimass_runtime::{Episode, FactDraft, Recorder};
use serde_json::{Value, json};

use crate::team::{self, Hear, Listen, Sound, Think, kind};
use crate::tools;

/// Looks at the page again and again, until it is dropped.
struct Prometheus {
    process: Child,
    api: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Returns once it is ready.
    fn start(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yaml");
        // Ours, as it is shipped, but for the address and for its haste.
        let shipped = std::fs::read_to_string(compose("prometheus.yaml")).unwrap();
        let hasty = shipped
            .replace("host.docker.internal:9464", &target.to_string())
            .replace("scrape_interval: 5s", "scrape_interval: 100ms");
        assert!(hasty.contains("100ms") && hasty.contains(&target.to_string()));
        std::fs::write(&config, hasty).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        let process = Command::new(tools::of_prometheus("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={listen}"))
            .arg("--enable-feature=exemplar-storage")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut prometheus = Self {
            process,
            api: format!("http://{listen}/api/v1"),
            _folder: folder,
        };
        let said = prometheus.process.stderr.take().unwrap();
        let mut said = BufReader::new(said).lines();
        let mut heard = Vec::new();
        while let Some(line) = said.next() {
            let line = line.unwrap();
            let is_ready = line.contains("Server is ready to receive web requests");
            heard.push(line);
            if is_ready {
                // Read to its end, so that it never waits for a reader.
                std::thread::spawn(move || said.count());
                return prometheus;
            }
        }
        panic!("Prometheus ended:\n{}", heard.join("\n"))
    }

    /// What it answers to a query.
    fn ask(&self, kind: &str, query: &str) -> Value {
        let asked = ureq::get(format!("{}/{kind}", self.api)).query("query", query);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = now.as_secs();
        let asked = asked
            .query("start", (now - 3600).to_string())
            .query("end", (now + 3600).to_string());
        let mut answer = asked
            .call()
            .unwrap_or_else(|error| panic!("`{query}`: {error}"));
        let answer = answer.body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], json!("success"), "`{query}`: {answer}");
        answer["data"].clone()
    }

    /// The one value of a query.
    fn value(&self, query: &str) -> f64 {
        let data = self.ask("query", query);
        let results = data["result"].as_array().unwrap();
        assert_eq!(results.len(), 1, "`{query}`: {data}");
        results[0]["value"][1].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file of those that a user starts Prometheus and Grafana with.
fn compose(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/compose")
        .join(name)
}

/// Passes connections on to `server`, and tells of each that ended.
fn between(server: SocketAddr) -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (told, ended) = channel();
    std::thread::spawn(move || {
        for reader in listener.incoming() {
            let told: Sender<()> = told.clone();
            std::thread::spawn(move || {
                let passed = pass(&reader.unwrap(), server, &told);
                // Either side may have gone away.
                drop(passed);
            });
        }
    });
    (at, ended)
}

/// Passes one page on, and tells of it.
fn pass(reader: &TcpStream, server: SocketAddr, told: &Sender<()>) -> io::Result<()> {
    let mut asked = BufReader::new(reader.try_clone()?);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if asked.read_line(&mut request)? == 0 {
            return Ok(());
        }
    }
    let mut page = TcpStream::connect(server)?;
    let request = request.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    page.write_all(request.as_bytes())?;
    io::copy(&mut page, &mut &*reader)?;
    // Nobody may count them any more.
    let _ = told.send(());
    reader.shutdown(std::net::Shutdown::Both)
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_page_and_answers_what_the_dashboard_asks() {
    let config = team::config("http://127.0.0.1:1");
    let (metrics, recorder) = (Metrics::new(&config.observers.traces), Recorder::default());
    let builder = team::builder(&config)
        .observer(metrics.clone())
        .observer(recorder.clone());
    let runtime = builder.start().await.unwrap();
    for _ in 0..5 {
        runtime.ask::<Think>(Sound::new("rain")).await.unwrap();
    }
    let refused = runtime.ask::<Hear>(Sound::new("secret")).await;
    refused.unwrap_err();
    let mut letters = runtime.stream::<Listen>(Sound::new("abc")).unwrap();
    while letters.next().await.is_some() {}
    let panics = FactDraft::new(kind("sound"), json!({ "text": "panic" }));
    runtime.run(Episode::new().fact(panics)).await.unwrap();
    runtime.flush_observers().await;
    let server = MetricsServer::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let (at, pages) = between(server.address().unwrap());
    let serving = server.serve(metrics.clone());
    let asking = tokio::task::spawn_blocking(move || {
        let prometheus = Prometheus::start(at);
        // One page is in the store when it asks for the next but one; a rate needs two.
        for _ in 0..5 {
            pages.recv().unwrap();
        }
        check(&prometheus, &recorder);
    });
    tokio::select! {
        () = serving => panic!("the server ended"),
        asked = asking => asked.unwrap(),
    }
    runtime.shutdown().await;
}

fn check(prometheus: &Prometheus, recorder: &Recorder) {
    let of = |labels: &str| format!("aimass_task_duration_seconds_count{{{labels}}}");
    let heard = r#"agent="ear",skill="ear.hear",outcome="done""#;
    assert_eq!(prometheus.value(&of(heard)), 6.0);
    let refused = r#"agent="ear",outcome="rejected""#;
    assert_eq!(prometheus.value(&of(refused)), 1.0);
    assert_eq!(prometheus.value("aimass_task_retries_total"), 1.0);

    let exemplars = prometheus.ask("query_exemplars", "aimass_task_duration_seconds_bucket");
    let series = exemplars.as_array().unwrap().iter();
    let exemplars = series.flat_map(|series| series["exemplars"].as_array().unwrap());
    let traces: Vec<&Value> = exemplars
        .map(|exemplar| &exemplar["labels"]["trace_id"])
        .collect();
    let tasks = recorder.tasks();
    let ours: Vec<Value> = tasks.iter().map(|task| json!(task.trace)).collect();
    assert!(!traces.is_empty());
    assert!(
        traces.iter().all(|trace| ours.contains(trace)),
        "{traces:?}"
    );

    let dashboard = std::fs::read(compose("grafana/aimass.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    // Each panel has something to show.
    for panel in dashboard["panels"].as_array().unwrap() {
        let query = panel["targets"][0]["expr"].as_str().unwrap();
        let query = query.replace("$__rate_interval", "1m");
        let shown = prometheus.ask("query", &query);
        let series = shown["result"].as_array().unwrap();
        assert!(!series.is_empty(), "{}: {query}", panel["title"]);
    }
}

/// What `promtool` has to say of a configuration, or of a page.
fn promtool(arguments: &[&str], input: &str) -> (bool, String) {
    let mut tool = Command::new(tools::of_prometheus("promtool"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn the_shipped_configuration_is_one() {
    let path = compose("prometheus.yaml");
    let (good, said) = promtool(&["check", "config", path.to_str().unwrap()], "");
    assert!(good, "{said}");
}
