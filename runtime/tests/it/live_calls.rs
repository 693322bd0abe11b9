//! Live streams through transports: what is said chunk by chunk is heard alike in the process and over a socket.

use std::sync::Arc;

use aimass_runtime::{
    Call, Request, Skill, SocketClient, SocketServer, TaskError, TaskId, Transport,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::probe::{Order, Sum};
use crate::stage::Stage;

/// Opens a stream, and gives what it is called.
async fn open(transport: &dyn Transport, input: Value) -> (Call, TaskId) {
    let mut call = transport.call(Request::Open {
        skill: Sum::NAME.to_owned(),
        input,
        options: Box::default(),
    });
    let name = call.next().await.unwrap();
    (call, serde_json::from_value(name).unwrap())
}

async fn say(transport: &dyn Transport, stream: TaskId, chunk: Value) -> Result<Value, TaskError> {
    let request = Request::Chunk { stream, chunk };
    transport.call(request).reply().await
}

async fn converse(transport: &dyn Transport) {
    let (mut call, stream) = open(transport, json!(100)).await;
    for chunk in 1..=100 {
        let said = say(transport, stream, json!(chunk)).await;
        assert_eq!(said.unwrap(), Value::Null);
        assert_eq!(
            call.next().await,
            Some(json!(100 + chunk * (chunk + 1) / 2))
        );
    }
    let refused = say(transport, stream, json!("many")).await.unwrap_err();
    assert!(
        matches!(refused, TaskError::InvalidInput { .. }),
        "{refused:?}"
    );
    transport
        .call(Request::End { stream })
        .reply()
        .await
        .unwrap();
    assert_eq!(call.reply().await.unwrap(), json!(5150));
    for late in [
        say(transport, stream, json!(1)).await,
        transport.call(Request::End { stream }).reply().await,
    ] {
        let refused = late.unwrap_err();
        assert!(refused.to_string().contains("has ended"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_heard_through_every_transport_and_a_caller_that_goes_takes_its_stream_along() {
    let stage = Stage::new().await;
    converse(&stage.runtime).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let server = SocketServer::bind(&path).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = Arc::new(stage.runtime.clone());
    let mut serving = JoinSet::new();
    serving.spawn(server.serve(served, async { drop(stopped.await) }));
    let client = SocketClient::connect(&path).await.unwrap();
    converse(&client).await;

    let (call, stream) = open(&client, json!(0)).await;
    say(&client, stream, json!(1)).await.unwrap();
    drop(call);
    // The node hears of it in its own time; until then it takes chunks.
    while say(&client, stream, json!(1)).await.is_ok() {}
    stage.ask(Order::answer(1)).await.unwrap();
    drop(stop);
    serving.join_next().await;
    stage.close().await;
}

#[tokio::test]
async fn a_stream_that_cannot_be_opened_says_why() {
    let stage = Stage::new().await;
    let call = stage.runtime.call(Request::Open {
        skill: Sum::NAME.to_owned(),
        input: json!("many"),
        options: Box::default(),
    });
    let error = call.reply().await.unwrap_err();
    assert!(matches!(error, TaskError::InvalidInput { .. }), "{error:?}");
    stage.close().await;
}
