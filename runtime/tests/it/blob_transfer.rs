//! Blobs through a transport: what a client puts into a node comes back byte for byte, and whatever
//! it leaves half done is bounded.

use std::collections::BTreeSet;
use std::sync::Arc;

use aimass_config::Config;
use aimass_environment::EnvironmentOptions;
use aimass_runtime::{
    BlobHash, Caller, CallerTransport, Environment, Namespace, Request, Right, Runtime,
    SocketClient, SocketServer, TaskError, TaskOptions, Transport, UploadId, put_blob, read_blob,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::callers::Library;

/// The blobs that a test's environment takes.
const LIMIT: u64 = 64 << 20;

fn options() -> EnvironmentOptions {
    EnvironmentOptions {
        max_blob_bytes: LIMIT,
        ..EnvironmentOptions::default()
    }
}

/// A node whose environment is in a folder, and a client of it.
struct Node {
    folder: TempDir,
    runtime: Runtime,
    client: SocketClient,
}

impl Node {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::open(&folder.path().join("store"), options()).unwrap();
        let builder = Runtime::builder(Config::default()).agent(Library);
        let runtime = builder.environment(environment).start().await.unwrap();
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

    /// The files of blobs, and of uploads.
    fn files(&self) -> usize {
        let blobs = self.folder.path().join("store").join("blobs");
        std::fs::read_dir(blobs).unwrap().count()
    }

    /// A client that may do this and no more.
    fn caller(&self, rights: &[Right]) -> CallerTransport {
        let caller = Caller {
            tenant: Namespace("guest".into()),
            rights: rights.iter().copied().collect::<BTreeSet<_>>(),
        };
        CallerTransport::new(Arc::new(self.runtime.clone()), caller)
    }
}

/// So many bytes, no piece of which is like another.
fn content(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

async fn there_and_back(transport: &dyn Transport, content: &[u8]) -> BlobHash {
    let hash = put_blob(transport, content).await.unwrap();
    assert_eq!(hash.0, *blake3::hash(content).as_bytes());
    let mut read = Vec::new();
    let bytes = read_blob(transport, hash, &mut read).await.unwrap();
    assert_eq!(bytes, content.len() as u64);
    assert!(
        read == content,
        "{} bytes came back as others",
        content.len()
    );
    hash
}

fn part(upload: UploadId, position: u64, bytes: &[u8]) -> Request {
    Request::PutBlob {
        upload,
        position,
        is_last: false,
        bytes: bytes.to_vec(),
    }
}

async fn refused(transport: &dyn Transport, request: Request) -> String {
    match transport.call(request).reply().await {
        Err(TaskError::Refused { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_many_frames_comes_back_byte_for_byte() {
    let node = Node::start().await;
    let large = content(40 << 20);
    let caller = node.caller(&[Right::Work]);
    let transports: [&dyn Transport; 4] = [
        &node.client,
        &node.runtime,
        node.runtime.environment(),
        &caller,
    ];
    for transport in transports {
        there_and_back(transport, &large).await;
        // Parts that end with the blob, and one byte around that.
        for length in [(4 << 20) - 1, 4 << 20, (4 << 20) + 1, 0] {
            there_and_back(transport, &large[..length]).await;
        }
        there_and_back(transport, br#"{"frame":"hello","protocol":9}"#).await;
    }
    node.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_the_input_of_a_skill() {
    let node = Node::start().await;
    let guest = node.caller(&[Right::Work]);
    let (stop, stopped) = oneshot::channel();
    let path = node.folder.path().join("guests");
    let server = SocketServer::bind(&path).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(server.serve(Arc::new(guest), async { drop(stopped.await) }));
    let client = SocketClient::connect(&path).await.unwrap();
    let hash = put_blob(&client, &b"Once upon a time"[..]).await.unwrap();
    let request = Request::Ask {
        skill: "library.lend".to_owned(),
        input: json!({"path": format!("blob:{hash}")}),
        options: Box::new(TaskOptions::default()),
    };
    let answer = client.call(request).reply().await.unwrap();
    assert_eq!(answer, "Once upon a time");
    stop.send(()).unwrap();
    serving.join_next().await;
    let stranger = node.caller(&[]);
    let read = Request::ReadBlob {
        hash,
        position: 0,
        length: None,
    };
    for request in [read, part(UploadId::random(), 0, b"")] {
        let refused = refused(&stranger, request).await;
        assert!(refused.contains("needs the right"), "{refused}");
    }
    node.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_blob_can_be_read() {
    let node = Node::start().await;
    let all = content(300_000);
    let hash = put_blob(&node.client, &all[..]).await.unwrap();
    for (position, length, expected) in [
        (0, Some(10), &all[..10]),
        (100_000, Some(150_000), &all[100_000..250_000]),
        (299_999, None, &all[299_999..]),
        (299_999, Some(u64::MAX), &all[299_999..]),
        (u64::MAX, None, &[][..]),
        (7, Some(0), &[][..]),
    ] {
        let mut call = node.client.call(Request::ReadBlob {
            hash,
            position,
            length,
        });
        let mut read = Vec::new();
        while let Some(item) = call.next_item().await {
            assert_eq!(item.value, Value::Null);
            assert!(item.bytes.len() <= 1 << 20);
            read.extend(item.bytes);
        }
        assert!(read == expected, "{position} {length:?}");
        assert_eq!(call.reply().await, Ok(json!(300_000)));
    }
    node.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_or_read_is_said() {
    let node = Node::start().await;
    let client = &node.client;
    let upload = UploadId::random();
    client.call(part(upload, 0, b"abc")).reply().await.unwrap();
    let said = refused(client, part(upload, 4, b"e")).await;
    assert!(said.contains("at byte 3, got the one at byte 4"), "{said}");
    let unknown = BlobHash([7; 32]);
    let missing = read_blob(client, unknown, Vec::new()).await.unwrap_err();
    let said = missing.to_string();
    assert!(said.contains(&unknown.to_string()), "{said}");
    let large = put_blob(client, &content(LIMIT as usize + 1)[..]).await;
    let said = large.unwrap_err().to_string();
    assert!(said.contains("blob of at most"), "{said}");
    let hash = there_and_back(client, &content(100_000)).await;
    let file = node
        .folder
        .path()
        .join("store/blobs")
        .join(hash.to_string());
    for damaged in [&b""[..], &content(99_999), &vec![0; 100_000]] {
        std::fs::write(&file, damaged).unwrap();
        let read = read_blob(client, hash, Vec::new()).await.unwrap_err();
        assert!(read.to_string().contains("something else"), "{read}");
    }
    node.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_nobody_ends_are_bounded_and_leave_no_file() {
    let node = Node::start().await;
    let mut taken = 0;
    let mut last = String::new();
    for _ in 0..10_000 {
        let begun = node.client.call(part(UploadId::random(), 0, b"some"));
        match begun.reply().await {
            Ok(_) => taken += 1,
            Err(error) => last = error.to_string(),
        }
    }
    assert_eq!((taken, node.files()), (16, 16));
    assert!(last.contains("try again in a minute"), "{last}");
    node.runtime.shutdown().await;
    assert_eq!(node.files(), 0);
    let runtime: &dyn Transport = &node.runtime;
    let late = put_blob(runtime, &b"late"[..]).await;
    assert!(late.unwrap_err().to_string().contains("closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let node = Node::start().await;
    let large = content(8 << 20);
    let hash = put_blob(&node.client, &large[..]).await.unwrap();
    let mut unread = Vec::new();
    // More than there are threads for what blocks.
    for _ in 0..600 {
        let mut call = node.runtime.call(Request::ReadBlob {
            hash,
            position: 0,
            length: None,
        });
        assert!(call.next_item().await.is_some());
        unread.push(call);
    }
    there_and_back(&node.client, &large[..100_000]).await;
    drop(unread);
    node.runtime.shutdown().await;
}
