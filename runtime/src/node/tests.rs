//! A real socket between a client and a server, and peers that break the rules.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::call::ITEM_WINDOW;
use super::wire::{ClientFrame, MAX_FRAME, NodeFrame, PROTOCOL, encode};
use super::{Call, Request, SocketClient, SocketServer, Transport, TransportError};
use crate::error::TaskError;

/// Answers by the skill's name, and tells of each item that it sends and each call that is dropped.
struct Answers {
    told: mpsc::UnboundedSender<&'static str>,
}

struct TellDrop(mpsc::UnboundedSender<&'static str>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

impl Transport for Answers {
    fn call(&self, request: Request) -> Call {
        let told = self.told.clone();
        Call::new(|items| async move {
            let Request::Ask { skill, input, .. } = request else {
                return Ok(Value::Null);
            };
            match skill.as_str() {
                "echo" => Ok(input),
                "large" => Ok(Value::String("x".repeat(MAX_FRAME))),
                "panic" => panic!("on purpose"),
                "hang" => {
                    let _guard = TellDrop(told.clone());
                    told.send("hanging").unwrap();
                    std::future::pending().await
                }
                "count" => {
                    for number in 0..input.as_u64().unwrap() {
                        items.send(json!(number)).await.unwrap();
                        told.send("item").unwrap();
                    }
                    Ok(json!("counted"))
                }
                _ => Err(TaskError::UnknownSkill {
                    skill,
                    nearest: None,
                }),
            }
        })
    }
}

struct Node {
    _folder: TempDir,
    path: PathBuf,
    told: mpsc::UnboundedReceiver<&'static str>,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

impl Node {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let server = SocketServer::bind(&path).unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let stopped = async { drop(stopped.await) };
            server
                .serve(Arc::new(Answers { told: tell }), stopped)
                .await;
        });
        Self {
            _folder: folder,
            path,
            told,
            stop,
            tasks,
        }
    }

    async fn connect(&self) -> SocketClient {
        SocketClient::connect(&self.path).await.unwrap()
    }

    /// A peer that has greeted as it should, and was greeted.
    async fn peer(&self) -> UnixStream {
        let mut peer = UnixStream::connect(&self.path).await.unwrap();
        let hello = encode(&ClientFrame::Hello { protocol: PROTOCOL }).unwrap();
        peer.write_all(&hello).await.unwrap();
        let mut greeting = encode(&NodeFrame::Hello { protocol: PROTOCOL }).unwrap();
        peer.read_exact(&mut greeting).await.unwrap();
        peer
    }
}

fn ask(skill: &str, input: Value) -> Request {
    Request::Ask {
        skill: skill.to_owned(),
        input,
        options: Box::default(),
    }
}

async fn echoes(client: &SocketClient) {
    let input = json!({"text": "Grüße", "number": 1.5});
    assert_eq!(
        client.call(ask("echo", input.clone())).reply().await,
        Ok(input)
    );
}

/// Reads until the other side closes.
async fn read_to_end(mut peer: UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset after what was already read is as good as an end.
    let _ = peer.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn calls_share_a_connection_and_errors_arrive_as_they_were() {
    let node = Node::start();
    let client = node.connect().await;
    let hanging = client.call(ask("hang", Value::Null));
    let mut calls = Vec::new();
    for number in 0..200 {
        calls.push(client.call(ask("echo", json!(number))));
    }
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.reply().await, Ok(json!(number)));
    }
    let unknown = client.call(ask("nothing", Value::Null)).reply().await;
    let expected = TaskError::UnknownSkill {
        skill: "nothing".into(),
        nearest: None,
    };
    assert_eq!(unknown, Err(expected));
    drop(hanging);
}

#[tokio::test]
async fn a_slow_reader_slows_its_own_stream_only() {
    let mut node = Node::start();
    let client = node.connect().await;
    let mut stream = client.call(ask("count", json!(1000)));
    assert_eq!(stream.next().await, Some(json!(0)));
    echoes(&client).await;
    for number in 1..1000 {
        assert_eq!(stream.next().await, Some(json!(number)));
    }
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.reply().await, Ok(json!("counted")));

    while node.told.try_recv().is_ok() {}
    let mut unread = client.call(ask("count", json!(1000)));
    assert_eq!(unread.next().await, Some(json!(0)));
    // Two windows: what this side holds, and what the node holds. The next item waits for credit.
    for _ in 0..ITEM_WINDOW {
        assert_eq!(node.told.recv().await, Some("item"));
    }
    echoes(&client).await;
    let mut further = 0;
    while node.told.try_recv().is_ok() {
        further += 1;
    }
    assert!(
        further <= 2 * ITEM_WINDOW,
        "{further} items were sent to nobody"
    );
}

#[tokio::test]
async fn dropping_a_call_or_its_connection_cancels_it() {
    let mut node = Node::start();
    let client = node.connect().await;
    let mut dropped = client.call(ask("hang", Value::Null));
    tokio::select! {
        _ = dropped.next() => panic!("a hanging call ended"),
        told = node.told.recv() => assert_eq!(told, Some("hanging")),
    }
    drop(dropped);
    assert_eq!(node.told.recv().await, Some("dropped"));
    echoes(&client).await;

    let mut left = client.call(ask("hang", Value::Null));
    tokio::select! {
        _ = left.next() => panic!("a hanging call ended"),
        told = node.told.recv() => assert_eq!(told, Some("hanging")),
    }
    drop(client);
    assert_eq!(node.told.recv().await, Some("dropped"));
}

#[tokio::test]
async fn a_panic_or_an_output_beyond_a_frame_fails_its_call_only() {
    let node = Node::start();
    let client = node.connect().await;
    for skill in ["panic", "large"] {
        let outcome = client.call(ask(skill, Value::Null)).reply().await;
        assert!(
            matches!(outcome, Err(TaskError::Transport { .. })),
            "{skill}: {outcome:?}"
        );
        echoes(&client).await;
    }
    let outcome = client
        .call(ask("echo", json!("x".repeat(MAX_FRAME))))
        .reply()
        .await;
    assert!(matches!(outcome, Err(TaskError::Transport { .. })));
    echoes(&client).await;
}

#[tokio::test]
async fn garbage_from_a_peer_closes_its_connection_only() {
    let node = Node::start();
    let client = node.connect().await;
    let too_long = u32::try_from(MAX_FRAME + 1).unwrap().to_le_bytes();
    let garbage: [&[u8]; 9] = [
        b"\x02\x00\x00\x00{}",
        b"\x04\x00\x00\x00\xff\xfe\x00\x01",
        b"\xff\xff\xff\xff",
        &too_long,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x14\x00\x00\x00{\"frame\":\"surprise\"}",
        b"\x05\x00\x00\x00[[[[[",
        // Bytes behind JSON that is malformed, and behind a frame that takes none.
        b"\x19\x00\x00\x00{\"frame\":\"call\",call:1}\x00\xff",
        b"\x25\x00\x00\x00{\"frame\":\"hello\",\"protocol\":2}{\"a\":1}",
    ];
    for bytes in garbage {
        // Before the greeting and after it. The node may be gone before all is written.
        let mut peer = UnixStream::connect(&node.path).await.unwrap();
        let _ = peer.write_all(bytes).await;
        assert_eq!(read_to_end(peer).await, b"", "{bytes:?}");
        let mut peer = node.peer().await;
        let _ = peer.write_all(bytes).await;
        assert_eq!(read_to_end(peer).await, b"", "{bytes:?}");
        echoes(&client).await;
    }
}

#[tokio::test]
async fn a_frame_cut_at_any_byte_harms_nobody() {
    let node = Node::start();
    let client = node.connect().await;
    let request = Box::new(ask("echo", json!("half")));
    let frame = encode(&ClientFrame::Call { call: 1, request }).unwrap();
    for cut in 0..frame.len() {
        let mut peer = node.peer().await;
        peer.write_all(&frame[..cut]).await.unwrap();
        drop(peer);
    }
    echoes(&client).await;
}

#[tokio::test]
async fn clients_that_come_and_go_ten_thousand_times_leave_nothing_behind() {
    let node = Node::start();
    let client = node.connect().await;
    let frame = encode(&ClientFrame::Cancel { call: 1 }).unwrap();
    for number in 0..10_000 {
        // Some greet, some say half a word, some say nothing.
        match number % 4 {
            0 => drop(node.connect().await),
            1 => {
                let mut peer = node.peer().await;
                peer.write_all(&frame[..frame.len() / 2]).await.unwrap();
            }
            _ => drop(UnixStream::connect(&node.path).await.unwrap()),
        }
        if number % 1000 == 0 {
            echoes(&client).await;
        }
    }
    echoes(&client).await;
    echoes(&node.connect().await).await;
}

#[tokio::test]
async fn a_client_that_sends_half_a_frame_and_stays_holds_up_nobody() {
    let node = Node::start();
    let request = Box::new(ask("echo", json!("half")));
    let frame = encode(&ClientFrame::Call { call: 1, request }).unwrap();
    let mut stay = Vec::new();
    for cut in [1, 4, frame.len() / 2, frame.len() - 1] {
        let mut peer = node.peer().await;
        peer.write_all(&frame[..cut]).await.unwrap();
        stay.push(peer);
    }
    let client = node.connect().await;
    for _ in 0..10 {
        echoes(&client).await;
    }
    drop(stay);
}

#[tokio::test]
async fn a_number_used_twice_and_credit_without_end_are_harmless() {
    let node = Node::start();
    let mut peer = node.peer().await;
    let hang = encode(&ClientFrame::Call {
        call: 7,
        request: Box::new(ask("hang", Value::Null)),
    })
    .unwrap();
    peer.write_all(&hang).await.unwrap();
    peer.write_all(&hang).await.unwrap();
    for _ in 0..100 {
        let credit = ClientFrame::Credit {
            call: 7,
            items: u32::MAX,
        };
        peer.write_all(&encode(&credit).unwrap()).await.unwrap();
    }
    peer.write_all(&encode(&ClientFrame::Cancel { call: 7 }).unwrap())
        .await
        .unwrap();
    peer.shutdown().await.unwrap();
    let answer = String::from_utf8_lossy(&read_to_end(peer).await).into_owned();
    assert_eq!(answer, "", "neither call was answered, and none refused");
    echoes(&node.connect().await).await;
}

#[tokio::test]
async fn a_caller_is_told_when_the_node_goes() {
    let mut node = Node::start();
    let client = node.connect().await;
    let mut hanging = client.call(ask("hang", Value::Null));
    tokio::select! {
        _ = hanging.next() => panic!("a hanging call ended"),
        told = node.told.recv() => assert_eq!(told, Some("hanging")),
    }
    node.stop.send(()).unwrap();
    let outcome = hanging.reply().await;
    assert!(
        matches!(outcome, Err(TaskError::Transport { .. })),
        "{outcome:?}"
    );
    let outcome = client.call(ask("echo", Value::Null)).reply().await;
    assert!(
        matches!(outcome, Err(TaskError::Transport { .. })),
        "{outcome:?}"
    );
    node.tasks.join_next().await;
    assert!(!node.path.exists(), "the socket outlived its server");
    let refused = SocketClient::connect(&node.path).await.err();
    assert!(
        matches!(refused, Some(TransportError::NoNode { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_node_of_another_protocol_is_refused_by_name() {
    let node = Node::start();
    let mut peer = UnixStream::connect(&node.path).await.unwrap();
    peer.write_all(
        &encode(&ClientFrame::Hello {
            protocol: PROTOCOL + 1,
        })
        .unwrap(),
    )
    .await
    .unwrap();
    peer.shutdown().await.unwrap();
    let answer = read_to_end(peer).await;
    assert_eq!(
        answer,
        encode(&NodeFrame::Hello { protocol: PROTOCOL }).unwrap()
    );
}

#[tokio::test]
async fn a_socket_belongs_to_one_server_and_a_stale_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    // What a killed process leaves: a socket that nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let refused = SocketClient::connect(&path).await.err();
    assert!(
        matches!(refused, Some(TransportError::NoNode { .. })),
        "{refused:?}"
    );
    let server = SocketServer::bind(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let inode = std::fs::metadata(&path).unwrap().ino();
    let refused = SocketServer::bind(&path).err();
    assert!(
        matches!(refused, Some(TransportError::InUse { .. })),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().ino(),
        inode,
        "a refused server touched the socket"
    );
    drop(server);
    assert!(!path.exists());

    std::fs::write(&path, "precious").unwrap();
    let refused = SocketServer::bind(&path).err();
    assert!(
        matches!(refused, Some(TransportError::NotASocket { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    let long = folder.path().join("x".repeat(200));
    let refused = SocketServer::bind(&long).err();
    assert!(
        matches!(refused, Some(TransportError::Io { .. })),
        "{refused:?}"
    );
}
