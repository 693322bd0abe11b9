//! One runtime, reached in the process and over a socket: what is asked, and what comes back, is the same.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

use std::sync::Arc;

use aimass_runtime::{
    Episode, EpisodeId, FactDraft, FactKind, FaultInjection, Reaction, Request, Runtime,
    SocketClient, SocketServer, TaskError, Transport,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::obedient::{Obedient, tight};

/// A node over the test agent, and a client of it.
struct Node {
    folder: TempDir,
    runtime: Runtime,
    client: SocketClient,
}

impl Node {
    async fn start(agent: Obedient) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::builder(tight())
            .agent(agent)
            .start()
            .await
            .unwrap();
        let path = folder.path().join("socket");
        let server = SocketServer::bind(&path).unwrap();
        runtime.serve(server, Arc::new(runtime.clone())).await;
        let client = SocketClient::connect(&path).await.unwrap();
        Self {
            folder,
            runtime,
            client,
        }
    }

    async fn end(self) {
        self.runtime.shutdown().await;
        let left = self.folder.path().join("socket");
        assert!(!left.exists(), "the socket's file is left behind");
        SocketServer::bind(&left).expect("its path is free");
    }
}

fn ask(skill: &str, input: Value) -> Request {
    Request::Ask {
        skill: skill.to_owned(),
        input,
        options: Box::default(),
    }
}

/// All items, and the reply.
async fn received(
    transport: &dyn Transport,
    request: Request,
) -> (Vec<Value>, Result<Value, TaskError>) {
    let mut call = transport.call(request);
    let mut items = Vec::new();
    while let Some(item) = call.next().await {
        items.push(item);
    }
    (items, call.reply().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_transports_answer_alike() {
    let node = Node::start(Obedient::default()).await;
    for request in [
        ask("test.obey", json!({"Echo": 7})),
        ask("test.obey", json!("Reject")),
        ask("test.obey", json!("Fly")),
        ask("test.oby", json!({"Echo": 7})),
        ask("test.count", json!(10)),
        Request::Skills,
        Request::Live,
        Request::DeadLetters,
    ] {
        let local = received(&node.runtime, request.clone()).await;
        let remote = received(&node.client, request.clone()).await;
        assert_eq!(local, remote, "{request:?}");
    }
    let (items, reply) = received(&node.client, ask("test.count", json!(10))).await;
    assert_eq!((items.len(), reply.is_ok()), (10, true));
    let (_, live) = received(&node.client, Request::Live).await;
    assert!(
        matches!(&live, Err(TaskError::Refused { message, .. }) if message.contains("aimass start")),
        "a runtime alone keeps no live view: {live:?}"
    );
    let (agents, _) = received(&node.client, Request::Agents).await;
    assert_eq!(agents[0]["name"], "test");
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_server_of_the_socket() {
    for fault in [FaultInjection::Panic, FaultInjection::PanicInWork] {
        let agent = Obedient::default();
        let gate = agent.gate.clone();
        let node = Node::start(agent).await;
        let mut open = node.client.call(ask("test.obey", json!({"AtTheGate": 1})));
        let reached = tokio::task::spawn_blocking({
            let gate = gate.clone();
            move || gate.reached(1)
        });
        tokio::select! {
            _ = open.next() => panic!("it passed a shut gate"),
            reached = reached => reached.unwrap(),
        }
        assert!(node.runtime.inject("node", fault).await);
        // A call that was open goes on, the connection takes others, and there are new connections.
        gate.open();
        assert!(open.next().await.is_none());
        open.reply().await.unwrap();
        let (_, reply) = received(&node.client, ask("test.obey", json!({"Echo": 7}))).await;
        reply.unwrap();
        let path = node.folder.path().join("socket");
        let other = SocketClient::connect(&path).await.unwrap();
        let (_, reply) = received(&other, ask("test.obey", json!({"Echo": 8}))).await;
        reply.unwrap();
        // Nobody notices when it dies: its restart may come after all of that.
        let restarted = async {
            loop {
                let (services, _) = received(&other, Request::Services).await;
                let server = services.iter().find(|one| one["name"] == "node").unwrap();
                if (&server["status"], &server["restarts"]) == (&json!("running"), &json!(1)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        assert!(tokio::time::timeout(limit, restarted).await.is_ok());
        node.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_supervisor_died_ends_all_the_same() {
    let node = Node::start(Obedient::default()).await;
    let (_, reply) = received(&node.client, ask("test.obey", json!({"Echo": 7}))).await;
    reply.unwrap();
    let fault = FaultInjection::Panic;
    node.runtime.inject("supervisor", fault).await;
    assert_eq!(node.runtime.failure().await.0, "supervisor");
    let limit = std::time::Duration::from_secs(30);
    let ended = tokio::time::timeout(limit, node.runtime.shutdown());
    assert!(ended.await.is_ok(), "it waits for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_cancels_what_it_asked_for() {
    let agent = Obedient::default();
    let gate = agent.gate.clone();
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::builder(tight()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    let path = folder.path().join("socket");
    let server = SocketServer::bind(&path).unwrap();
    let (stop, stopped) = oneshot::channel();
    let mut serving = JoinSet::new();
    let served = Arc::new(runtime.clone());
    serving.spawn(server.serve(served, async { drop(stopped.await) }));
    let client = SocketClient::connect(&path).await.unwrap();
    let mut waiting = client.call(ask("test.obey", json!({"AtTheGate": 1})));
    let reached = tokio::task::spawn_blocking({
        let gate = gate.clone();
        move || gate.reached(1)
    });
    tokio::select! {
        _ = waiting.next() => panic!("it passed a shut gate"),
        reached = reached => reached.unwrap(),
    }
    drop(client);
    // The connection's end is heard before the node's, so the task is no longer anybody's when the gate opens.
    drop(waiting);
    let _ = stop.send(());
    serving.join_next().await;
    gate.open();
    let report = runtime.shutdown().await;
    assert_eq!(report.cut_off, 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_listed_shown_and_redriven() {
    let node = Node::start(Obedient::default()).await;
    let reply = node
        .client
        .call(ask("test.obey", json!("Panic")))
        .reply()
        .await;
    let Err(TaskError::DeadLettered { task, .. }) = reply else {
        panic!("{reply:?}");
    };
    let (letters, count) = received(&node.client, Request::DeadLetters).await;
    assert_eq!((letters.len(), count), (1, Ok(json!(1))));
    let letter = node
        .client
        .call(Request::DeadLetter { task })
        .reply()
        .await
        .unwrap();
    assert_eq!(letter, letters[0]);
    assert_eq!(letter["task"]["input"], json!("Panic"));
    let again = node.client.call(Request::Redrive { task }).reply().await;
    assert!(
        matches!(again, Err(TaskError::DeadLettered { .. })),
        "{again:?}"
    );
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_over_files_sends_its_facts_once_each() {
    let text = FactKind::new("file.text", 1).unwrap();
    let reaction = Reaction::new("files", text, "test.obey")
        .produces(FactKind::new("answer", 1).unwrap())
        .input(|_| json!({"Echo": 7}));
    let agent = Obedient {
        reactions: vec![reaction],
        ..Obedient::default()
    };
    let node = Node::start(agent).await;
    let inputs = node.folder.path().join("inputs");
    std::fs::create_dir(&inputs).unwrap();
    for number in 0..20 {
        std::fs::write(inputs.join(format!("{number}.txt")), "some text").unwrap();
    }
    std::fs::write(inputs.join("empty.txt"), "").unwrap();
    let request = Request::Run {
        trace: None,
        paths: vec![inputs],
        namespace: Default::default(),
    };
    let (facts, report) = received(&node.client, request).await;
    let report = report.unwrap();
    let mut revisions: Vec<u64> = facts
        .iter()
        .map(|fact| fact["revision"].as_u64().unwrap())
        .collect();
    revisions.dedup();
    assert_eq!(revisions.len(), 40, "{facts:#?}");
    assert!(revisions.is_sorted());
    assert_eq!(report["refused"].as_array().unwrap().len(), 1);
    assert_eq!(report["failures"], json!([]));
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_that_nobody_waited_for_is_gone_on_with_and_can_be_seen_again() {
    let node = Node::start(Obedient::default()).await;
    let kind = || FactKind::new("note", 1).unwrap();
    let mut begun = Vec::new();
    for notes in [2, 3] {
        let note = || FactDraft::new(kind(), json!("hello"));
        let facts = (0..notes).map(|_| note());
        let episode = facts.fold(Episode::new(), Episode::fact);
        begun.push(node.runtime.begin_episode(episode).await.unwrap().id);
    }
    // Its end was seen, so the other one is the last without.
    node.runtime.report(begun[1]).await.unwrap();
    let resume = |episode| received(&node.client, Request::Resume { episode });
    for (episode, expected, notes) in [
        (None, begun[0], 2),
        (Some(begun[1]), begun[1], 3),
        (Some(begun[0]), begun[0], 2),
    ] {
        let (facts, reply) = resume(episode).await;
        assert_eq!(reply.unwrap()["episode"], json!(expected));
        assert_eq!(facts.len(), notes);
    }
    let (_, none) = resume(None).await;
    assert!(
        matches!(&none, Err(error @ TaskError::Refused { .. }) if error.exit_code() == 65),
        "{none:?}"
    );
    let (_, unknown) = resume(Some(EpisodeId::from_u128(1))).await;
    assert_eq!(unknown.unwrap_err().exit_code(), 65);
    node.end().await;
}
