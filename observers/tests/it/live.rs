//! The live view of a real team, taken through a node's socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use aimass_observers::live::{HappeningKind, Live, LiveTransport, LiveView};
use aimass_runtime::{
    Episode, FactDraft, Observer, Record, Request, Runtime, SocketClient, SocketServer, TaskError,
    Transport,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::team::{self, Hear, Sound, Think};

/// A node with a live view.
struct Node {
    _folder: TempDir,
    socket: PathBuf,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinSet<()>,
}

impl Node {
    async fn start(observers: Vec<Box<dyn Observer>>, event_capacity: usize) -> Self {
        let mut config = team::config("http://127.0.0.1:1");
        config.runtime.event_capacity = event_capacity;
        config.defaults.max_wait = std::time::Duration::ZERO;
        let live = Live::start();
        let mut builder = team::builder(&config).observer(live.clone());
        for observer in observers {
            builder = builder.observer(Boxed(observer));
        }
        let runtime = builder.start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let server = SocketServer::bind(&socket).unwrap();
        let transport = Arc::new(LiveTransport::new(runtime.clone(), live));
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = JoinSet::new();
        serving.spawn(server.serve(transport, async { drop(stopped.await) }));
        Self {
            _folder: folder,
            socket,
            runtime,
            stop,
            serving,
        }
    }

    async fn look(&self) -> LiveView {
        let client = SocketClient::connect(&self.socket).await.unwrap();
        let view = client.call(Request::Live).reply().await.unwrap();
        serde_json::from_value(view).unwrap()
    }

    async fn end(mut self) {
        let _ = self.stop.send(());
        self.serving.join_next().await;
        self.runtime.shutdown().await;
    }
}

struct Boxed(Box<dyn Observer>);

impl Observer for Boxed {
    fn observe(&mut self, record: &Record) {
        self.0.observe(record);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_calls_as_trees_episodes_faults_and_workers() {
    let node = Node::start(Vec::new(), 65_536).await;
    let runtime = &node.runtime;
    runtime.ask::<Think>(Sound::new("a bell")).await.unwrap();
    runtime.ask::<Hear>(Sound::new("panic")).await.unwrap();
    let refused = runtime.ask::<Hear>(Sound::new("secret")).await;
    assert!(
        matches!(refused, Err(TaskError::Rejected { .. })),
        "{refused:?}"
    );
    let episode = Episode::new().fact(FactDraft::new(
        team::kind("sound"),
        json!({"text": "a horn"}),
    ));
    let report = runtime.run(episode).await.unwrap();
    runtime.flush_observers().await;
    let view = node.look().await;
    assert_eq!((view.team.tasks, view.team.errors), (6, 1));
    assert_eq!(view.node.dropped_events, 0);
    let names: Vec<&str> = view.agents.iter().map(|agent| &*agent.name).collect();
    assert_eq!(names, ["ear", "mind"]);
    let hear = &view.agents[0].skills[0];
    assert_eq!(
        (&*hear.name, hear.activity.tasks, hear.activity.errors),
        ("ear.hear", 4, 1)
    );
    assert!(hear.activity.duration.is_some() && hear.activity.tasks_per_second.last_60_s > 0.0);
    let worker = &view.agents[0].workers[0];
    assert_eq!(
        (
            worker.group.as_str(),
            worker.restarts,
            worker.device.as_str()
        ),
        ("hearing", 1, "cpu")
    );
    let panicked = view
        .happenings
        .iter()
        .find(|happening| happening.kind == HappeningKind::Panicked);
    assert!(
        panicked.unwrap().text.contains("too loud"),
        "{:?}",
        view.happenings
    );

    let call = view.calls.last().unwrap();
    assert_eq!(
        (call.tasks, &*call.spans[0].skill, &*call.spans[1].skill),
        (2, "mind.think", "ear.hear")
    );
    assert_eq!(call.spans[1].parent, Some(call.spans[0].span));
    let error = view.calls[0].spans[0].error.as_ref().unwrap();
    assert_eq!(error.kind, "rejected");
    let found = &view.episodes[0];
    assert_eq!(found.episode, Some(report.episode));
    assert_eq!(
        (found.tasks, found.end.map(|end| end.facts)),
        (2, Some(report.facts.len() as u64))
    );
    assert_eq!(
        found.spans[1].parent,
        Some(found.spans[0].span),
        "a reaction to a reaction"
    );
    node.end().await;
}

/// A client that asks for views without end, and reads none of them.
fn never_reads(socket: &PathBuf) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut say = |frame: serde_json::Value| {
        let bytes = frame.to_string().into_bytes();
        stream
            .write_all(&(bytes.len() as u32).to_le_bytes())
            .unwrap();
        stream.write_all(&bytes).unwrap();
    };
    say(json!({"frame": "hello", "protocol": 2}));
    for call in 0..1_000 {
        say(json!({"frame": "call", "call": call, "request": {"request": "live"}}));
    }
    stream
}

/// G8 for the live view.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_costs_the_agents_nothing() {
    let node = Node::start(Vec::new(), 65_536).await;
    let dead: Vec<UnixStream> = (0..4).map(|_| never_reads(&node.socket)).collect();
    for number in 0..2_000 {
        let sound = Sound::new(&number.to_string());
        let heard = node.runtime.ask::<Hear>(sound.clone()).await;
        assert_eq!(heard.unwrap(), sound);
    }
    node.runtime.flush_observers().await;
    let view = node.look().await;
    assert_eq!(
        (view.team.tasks, view.team.errors, view.node.dropped_events),
        (2_000, 0, 0)
    );
    // One that wakes up finds what it asked for.
    let mut late = &dead[0];
    let mut begin = [0; 64];
    late.read_exact(&mut begin).unwrap();
    assert!(String::from_utf8_lossy(&begin).contains("hello"));
    drop(dead);
    assert_eq!(node.look().await.team.tasks, 2_000);
    node.end().await;
}

/// An observer that holds up whoever tells it something, until it is let go.
struct Slow {
    entered: Sender<()>,
    go: Receiver<()>,
}

impl Observer for Slow {
    fn observe(&mut self, _: &Record) {
        let _ = self.entered.send(());
        // Ends with the test at the latest.
        let _ = self.go.recv();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_dropped_are_counted_where_they_are_missed() {
    let (entered, has_entered) = channel();
    let (let_go, go) = channel();
    let node = Node::start(vec![Box::new(Slow { entered, go })], 4).await;
    let first = node.runtime.ask::<Hear>(Sound::new("first"));
    first.await.unwrap();
    has_entered.recv().unwrap();
    for number in 0..20 {
        node.runtime
            .ask::<Hear>(Sound::new(&number.to_string()))
            .await
            .unwrap();
    }
    let held_up = node.look().await;
    assert!(
        held_up.node.dropped_events >= 16,
        "{}",
        held_up.node.dropped_events
    );
    drop(let_go);
    node.runtime.flush_observers().await;
    let view = node.look().await;
    assert_eq!(view.node.dropped_events, node.runtime.dropped_events());
    assert!(
        view.team.tasks <= 5,
        "what was dropped cannot be shown: {}",
        view.team.tasks
    );
    node.end().await;
}
