//! One connection over pipes in memory, under a clock that moves on only when nothing is left to do.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::*;
use crate::node::Call;
use crate::node::wire::encode;

/// Longer than whatever a connection waits for.
const LONG: Duration = Duration::from_secs(60);

/// Answers by the skill's name.
#[derive(Default)]
struct Answers {
    gate: Arc<Notify>,
}

impl Transport for Answers {
    fn call(&self, request: Request) -> Call {
        let gate = Arc::clone(&self.gate);
        Call::new(|_items| async move {
            if let Request::PutBlob { .. } = request {
                gate.notified().await;
            }
            let Request::Ask { skill, input, .. } = request else {
                return Ok(Value::Null);
            };
            match skill.as_str() {
                "hang" => std::future::pending().await,
                // As a panic, without its lines in the test's output.
                "panic" => std::panic::resume_unwind(Box::new("on purpose")),
                "at the gate" => gate.notified().await,
                _ => {}
            }
            Ok(input)
        })
    }
}

/// A client that has been greeted, and the node's side of its connection.
struct Client {
    reader: FrameReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    gate: Arc<Notify>,
    node: JoinSet<()>,
    stop: watch::Sender<()>,
}

/// How far a client came that wrote and did not read.
struct Stuck {
    calls: u64,
    rest: Vec<u8>,
}

impl Client {
    async fn greeted() -> Self {
        let (own, other) = duplex(1 << 16);
        let (stop, stopped) = watch::channel(());
        let answers = Answers::default();
        let gate = Arc::clone(&answers.gate);
        let (reader, writer) = split(other);
        let mut node = JoinSet::new();
        node.spawn(Connection::new(Arc::new(answers), stopped).serve(reader, writer));
        let (reader, writer) = split(own);
        let mut client = Self {
            reader: FrameReader::new(reader),
            writer,
            gate,
            node,
            stop,
        };
        client.say(&ClientFrame::Hello { protocol: PROTOCOL }).await;
        let greeting = client.recv().await;
        assert!(matches!(greeting, NodeFrame::Hello { .. }), "{greeting:?}");
        client
    }

    async fn say(&mut self, frame: &ClientFrame) {
        let bytes = encode(frame).unwrap();
        self.writer.write_all(&bytes).await.unwrap();
    }

    async fn ask(&mut self, number: u64, skill: &str, input: Value) {
        self.say(&call(number, skill, input)).await;
    }

    async fn recv(&mut self) -> NodeFrame {
        let received = timeout(LONG, self.reader.next()).await;
        received.expect("the node says nothing").unwrap().unwrap()
    }

    /// Asks one call after the other until the node takes no more, and reads nothing.
    async fn write_only(&mut self, skill: &str) -> Stuck {
        for number in 0..40_000 {
            let bytes = encode(&call(number, skill, Value::Null)).unwrap();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let Ok(written) = timeout(LONG, self.writer.write(rest)).await else {
                    return Stuck {
                        calls: number,
                        rest: rest.to_vec(),
                    };
                };
                rest = &rest[written.unwrap()..];
            }
        }
        panic!("the node takes calls for ever from a client that reads no answer");
    }
}

fn call(call: u64, skill: &str, input: Value) -> ClientFrame {
    let request = Box::new(Request::Ask {
        skill: skill.to_owned(),
        input,
        options: Box::default(),
    });
    ClientFrame::Call { call, request }
}

/// The call that the node says this of.
fn number_of(frame: &NodeFrame) -> u64 {
    match frame {
        NodeFrame::Hello { .. } => panic!("it greeted twice"),
        NodeFrame::Item { call, .. }
        | NodeFrame::Done { call, .. }
        | NodeFrame::Failed { call, .. } => *call,
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read_from() {
    // Calls beyond those that may be open are refused; those that panic, and those that are done, make room for the next.
    for skill in ["hang", "panic", "echo"] {
        let mut client = Client::greeted().await;
        let Stuck { calls, rest } = client.write_only(skill).await;
        assert!(calls < 12_000, "{skill}: {calls} calls were taken");
        // Once it reads, it goes on where it was.
        let answered = async {
            loop {
                let frame: NodeFrame = client.reader.next().await.unwrap().unwrap();
                if number_of(&frame) == u64::MAX {
                    return;
                }
            }
        };
        let goes_on = async {
            client.writer.write_all(&rest).await.unwrap();
            let last = encode(&call(u64::MAX, skill, Value::Null)).unwrap();
            client.writer.write_all(&last).await.unwrap();
        };
        let both = async { tokio::join!(answered, goes_on) };
        let ended = timeout(LONG, both).await;
        assert!(ended.is_ok(), "{skill}: the connection stands still");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_does_not_keep_the_node_from_ending() {
    for skill in ["hang", "panic", "echo"] {
        let mut client = Client::greeted().await;
        client.write_only(skill).await;
        drop(client.stop);
        let ended = timeout(LONG, client.node.join_next()).await;
        assert!(ended.is_ok(), "{skill}: the connection outlives the node");
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_used_twice_does_not_harm_the_call_that_has_it() {
    let mut client = Client::greeted().await;
    client.ask(7, "at the gate", json!("first")).await;
    client.ask(7, "echo", json!("second")).await;
    client.ask(8, "echo", json!("other")).await;
    let other = client.recv().await;
    assert!(
        matches!(other, NodeFrame::Done { call: 8, .. }),
        "{other:?}"
    );
    client.gate.notify_one();
    let first = client.recv().await;
    let NodeFrame::Done { call: 7, reply } = first else {
        panic!("{first:?}");
    };
    assert_eq!(reply, json!("first"));
    // Its number is free again.
    client.ask(7, "echo", json!("third")).await;
    assert!(matches!(
        client.recv().await,
        NodeFrame::Done { call: 7, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_a_cancelled_call_left_belongs_to_the_next_one() {
    let mut client = Client::greeted().await;
    for skill in ["hang", "echo", "panic"] {
        client.ask(7, skill, json!("cancelled")).await;
        client.say(&ClientFrame::Cancel { call: 7 }).await;
        client.ask(7, "at the gate", json!("kept")).await;
        client.gate.notify_one();
        let kept = client.recv().await;
        let NodeFrame::Done { call: 7, reply } = kept else {
            panic!("{kept:?}");
        };
        assert_eq!(reply, json!("kept"), "{skill}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_beside_requests_are_bounded_and_hold_up_their_own_client() {
    let mut client = Client::greeted().await;
    let part = |call| ClientFrame::Call {
        call,
        request: Box::new(Request::PutBlob {
            upload: aimass_environment::UploadId::random(),
            position: 0,
            is_last: false,
            bytes: vec![0; MAX_FRAME / 2 + 1],
        }),
    };
    // Three have room, the fourth waits for it, and what follows is not read.
    for number in 0..4 {
        client.say(&part(number)).await;
    }
    let further = timeout(LONG, client.say(&part(4))).await;
    assert!(further.is_err(), "the node holds as much as a client sends");
    client.gate.notify_one();
    let done = client.recv().await;
    assert!(matches!(done, NodeFrame::Done { .. }), "{done:?}");
}
