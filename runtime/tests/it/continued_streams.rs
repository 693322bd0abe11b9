//! Streams that go on: over deaths of their workers, over readers that come and go, and over the end of their process. No item is lost, and none comes twice.

mod teller;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aimass_config::{Config, EnvironmentConfig};
use aimass_runtime::{
    Call, Environment, EnvironmentOptions, JsonReceived, Request, Runtime, RuntimeError,
    ServerStreaming, Skill, SocketClient, SocketServer, TaskError, TaskId, TaskOptions, TaskStream,
    Transport,
};
use serde_json::{Value, json};

use crate::desk::Entry;
use teller::{Again, Behind, Flowing, Forger, GATE, Mute, Tale, Teller, item};

fn config() -> Config {
    let mut config = Config::default();
    config.runtime.supervision.backoff_initial = Duration::from_millis(1);
    config
}

async fn start(teller: &Teller) -> Runtime {
    let builder = Runtime::builder(config()).agent(teller.clone());
    builder.start().await.unwrap()
}

fn items(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(item).collect()
}

/// All that is left of a stream, and its output.
async fn rest<S>(mut stream: TaskStream<S>) -> (Vec<String>, Result<u32, TaskError>)
where
    S: ServerStreaming<Item = String, Output = u32>,
{
    let mut items = Vec::new();
    while let Some(received) = stream.next().await {
        match received {
            Ok(item) => items.push(item),
            Err(error) => return (items, Err(error)),
        }
    }
    (items, stream.output().await)
}

/// Takes so many items of a stream.
async fn take<S>(stream: &mut TaskStream<S>, count: u32) -> Vec<String>
where
    S: ServerStreaming<Item = String>,
{
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(stream.next().await.unwrap().unwrap());
    }
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_deaths_in_one_stream_cost_no_item_and_none_comes_twice() {
    for by_fault in [false, true] {
        let tale = Tale {
            items: 500,
            dies_every: Some(20),
            deaths: 20,
            by_fault,
            ..Tale::default()
        };
        let all = (items(0..500), Ok(500));
        for part in 0..3 {
            let teller = Teller::default();
            let runtime = start(&teller).await;
            let found = match part {
                0 => rest(runtime.stream::<Again>(tale.clone()).unwrap()).await,
                1 => rest(runtime.stream::<Behind>(tale.clone()).unwrap()).await,
                _ => rest(runtime.stream::<Flowing>(tale.clone()).unwrap()).await,
            };
            assert_eq!(found, all, "by_fault {by_fault}, part {part}");
            assert_eq!(teller.deaths.load(Ordering::SeqCst), 20);
            if part > 0 {
                let made = teller.made.load(Ordering::SeqCst);
                assert!(
                    made <= 520 + 20 * 64,
                    "{made}: what was delivered is not made again"
                );
            }
            runtime.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_comes_no_further_is_given_up_as_any_other_task() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    for (by_fault, expected) in [(false, "dead_lettered"), (true, "failed")] {
        teller.deaths.store(0, Ordering::SeqCst);
        let tale = Tale {
            items: 9,
            stuck_at: Some(4),
            by_fault,
            ..Tale::default()
        };
        let (found, end) = rest(runtime.stream::<Again>(tale).unwrap()).await;
        assert_eq!(found, items(0..4));
        let error = end.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
        // The first attempt brought it forward, the others did not.
        let most = runtime.config().agent("teller").max_attempts;
        assert_eq!(teller.deaths.load(Ordering::SeqCst), most + 1);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_comes_out_differently_is_interrupted_and_not_mended() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 10,
        dies_every: Some(5),
        deaths: 1,
        fickle: true,
        ..Tale::default()
    };
    let (found, end) = rest(runtime.stream::<Again>(tale).unwrap()).await;
    assert_eq!(found.len(), 5);
    let Err(TaskError::Interrupted {
        delivered: 5,
        message,
        ..
    }) = &end
    else {
        panic!("{end:?}");
    };
    assert!(message.contains("must give the same items"), "{message}");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_ask_of_such_a_skill_is_answered_as_of_any_other() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 10,
        dies_every: Some(3),
        deaths: 2,
        ..Tale::default()
    };
    assert_eq!(runtime.ask::<Behind>(tale).await, Ok(10));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thread_sends_that_was_given_up_is_refused() {
    let teller = Teller::default();
    let mut config = config();
    let agent = config.agent_mut("teller");
    agent.step_limit = Duration::from_millis(50);
    agent.grace = Duration::from_millis(50);
    let runtime = Runtime::builder(config).agent(teller.clone());
    let runtime = runtime.start().await.unwrap();
    let tale = Tale {
        items: 40,
        held_at: Some(20),
        ..Tale::default()
    };
    let mut stream = runtime.stream::<Behind>(tale).unwrap();
    assert_eq!(take(&mut stream, 20).await, items(0..20));
    // Its thread hangs: another one goes on, also with what the first one would send.
    assert_eq!(take(&mut stream, 10).await, items(20..30));
    teller.desk.open(GATE);
    teller
        .desk
        .until(|log| log.contains(&Entry::Passed(GATE)))
        .await;
    assert_eq!(rest(stream).await, (items(30..40), Ok(40)));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_stream_goes_on_without_its_listener_who_comes_back_for_the_rest() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 1000,
        dies_every: Some(100),
        deaths: 5,
        ..Tale::default()
    };
    let ask = runtime.ask_durable::<Behind>(tale);
    let mut stream = ask.stream_durable().await.unwrap();
    let task = stream.task();
    assert_eq!(take(&mut stream, 150).await, items(0..150));
    assert_eq!(stream.position(), 150);
    drop(stream);
    // Where it was, further back, and once it has ended.
    let mut again = runtime.resume_stream::<Behind>(task, 150).await.unwrap();
    assert_eq!(take(&mut again, 50).await, items(150..200));
    let (found, end) = rest(runtime.resume_stream::<Behind>(task, 120).await.unwrap()).await;
    assert_eq!((found, end), (items(120..1000), Ok(1000)));
    let error = again.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("another reader"), "{error}");
    let settled = runtime.environment().snapshot().unwrap().settled(task);
    assert!(settled.unwrap().is_some());
    for position in [0, 700, 1000, 5000] {
        let ended = runtime.resume_stream::<Behind>(task, position).await;
        let left = items((0..1000).skip(position as usize));
        assert_eq!(rest(ended.unwrap()).await, (left, Ok(1000)), "{position}");
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_who_is_not_there_holds_nobody_up_and_one_who_is_slow_does() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 3000,
        ..Tale::default()
    };
    let ask = runtime.ask_durable::<Flowing>(tale.clone());
    let mut stream = ask.stream_durable().await.unwrap();
    assert_eq!(take(&mut stream, 1).await, items(0..1));
    // It rests for a reader, and goes on when that is gone.
    let rests = || teller.made.load(Ordering::SeqCst) < 3000;
    assert!(rests());
    let task = stream.task();
    drop(stream);
    let environment = runtime.environment().clone();
    while environment
        .snapshot()
        .unwrap()
        .settled(task)
        .unwrap()
        .is_none()
    {
        tokio::task::yield_now().await;
    }
    let again = runtime.resume_stream::<Flowing>(task, 2990).await.unwrap();
    assert_eq!(rest(again).await, (items(2990..3000), Ok(3000)));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_stream_can_be_cancelled_and_says_so_to_whoever_comes_back() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 10_000,
        ..Tale::default()
    };
    let ask = runtime.ask_durable::<Again>(tale);
    let mut stream = ask.stream_durable().await.unwrap();
    assert_eq!(take(&mut stream, 1).await, items(0..1));
    let task = stream.task();
    stream.cancel();
    let again = loop {
        // Until its settlement is written, it is a stream like any other.
        match runtime.resume_stream::<Again>(task, 0).await {
            Ok(stream) => match rest(stream).await.1 {
                Err(TaskError::Cancelled { .. }) => {}
                other => panic!("{other:?}"),
            },
            Err(error) => break error,
        }
    };
    assert!(matches!(again, TaskError::Cancelled { .. }), "{again}");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cancelled_stream_has_sent_is_kept_on_request() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 10_000,
        ..Tale::default()
    };
    let options = TaskOptions {
        keep_items: true,
        ..TaskOptions::default()
    };
    let mut tasks = Vec::new();
    // One more than are kept.
    for _ in 0..17 {
        let ask = runtime.ask_durable::<Again>(tale.clone());
        let mut stream = ask.options(options.clone()).stream_durable().await.unwrap();
        take(&mut stream, 3).await;
        tasks.push(stream.task());
        stream.cancel();
        let cancelled = loop {
            match runtime.outcome_json(*tasks.last().unwrap()).unwrap() {
                Some(outcome) => break outcome,
                None => tokio::task::yield_now().await,
            }
        };
        assert!(
            matches!(cancelled, Err(TaskError::Cancelled { .. })),
            "{cancelled:?}"
        );
    }
    for position in [0, 2] {
        let stream = runtime
            .resume_stream::<Again>(tasks[16], position)
            .await
            .unwrap();
        let (kept, end) = rest(stream).await;
        assert!(kept.starts_with(&items(position as u32..3)), "{kept:?}");
        assert!(matches!(end, Err(TaskError::Cancelled { .. })), "{end:?}");
    }
    let first = runtime
        .resume_stream::<Again>(tasks[0], 0)
        .await
        .err()
        .unwrap();
    assert!(matches!(first, TaskError::Cancelled { .. }), "{first}");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listened_to_again_is_refused_with_the_reason() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = Tale {
        items: 3,
        ..Tale::default()
    };
    let ask = runtime.ask_durable::<Mute>(tale.clone());
    let error = ask.stream_durable().await.err().unwrap();
    assert!(error.to_string().contains("cannot go on"), "{error}");
    let ask = runtime.ask_durable::<Again>(tale.clone());
    let stream = ask.stream_durable().await.unwrap();
    let task = stream.task();
    let error = runtime
        .resume_stream::<Behind>(task, 0)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("teller.again"), "{error}");
    // Whoever listens is not disturbed by who asks for the wrong thing.
    assert_eq!(rest(stream).await, (items(0..3), Ok(3)));
    // A durable task that nobody asked to stream, and one that never was.
    runtime.ask_durable::<Again>(tale).await.unwrap();
    for task in [aimass_runtime::TaskId::random()] {
        let error = runtime.resume_stream::<Again>(task, 0).await.err().unwrap();
        assert!(error.to_string().contains("never one"), "{error}");
    }
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_cannot_be_made_again_may_not_say_that_it_goes_on() {
    let started = Runtime::builder(Config::default()).agent(Forger);
    let error = started.start().await.err().unwrap();
    let RuntimeError::Agent { agent, fault } = &error else {
        panic!("{error}");
    };
    assert_eq!(agent, "forger");
    assert!(fault.message.contains("forger.once"), "{fault}");
}

/// A node over a folder, as long as its process lives.
struct Process {
    runtime: Runtime,
    environment: Environment,
}

impl Process {
    async fn begin(folder: &Path, teller: &Teller) -> Self {
        let options = EnvironmentOptions::from(&EnvironmentConfig::default());
        let environment = Environment::open(folder, options).unwrap();
        let builder = Runtime::builder(config()).agent(teller.clone());
        let runtime = builder.environment(environment.clone()).start().await;
        Self {
            runtime: runtime.unwrap(),
            environment,
        }
    }

    /// As in a crash: nothing is drained, nothing is settled.
    async fn crash(self) {
        drop(self.runtime);
        self.environment.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_stream_goes_on_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    let tale = Tale {
        items: 400,
        held_at: Some(150),
        ..Tale::default()
    };
    let first = Teller::default();
    let process = Process::begin(folder.path(), &first).await;
    let ask = process.runtime.ask_durable::<Again>(tale);
    let mut stream = ask.stream_durable().await.unwrap();
    let task = stream.task();
    found.extend(take(&mut stream, 150).await);
    process.crash().await;
    first.desk.open(GATE);
    // Its thread may still send some items; then it hears that its runtime is gone.
    while let Some(Ok(_)) = stream.next().await {}

    let second = Teller::default();
    second.desk.open(GATE);
    let process = Process::begin(folder.path(), &second).await;
    let stream = process.runtime.resume_stream::<Again>(task, 150).await;
    let (rest, end) = rest(stream.unwrap()).await;
    found.extend(rest);
    assert_eq!((found, end), (items(0..400), Ok(400)));
    process.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_go_on_in_json_as_well() {
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let tale = json!({"items": 100, "dies_every": 30, "deaths": 2});
    let options = TaskOptions::default();
    let stream = runtime.stream_json_durable(Behind::NAME, tale, options);
    let mut stream = stream.await.unwrap();
    let task = stream.task();
    for number in 0..40 {
        let received = stream.next().await.unwrap().unwrap();
        assert_eq!(received, JsonReceived::Item(json!(item(number))));
    }
    let mut again = runtime.resume_stream_json(task, 40).await.unwrap();
    for number in 40..100 {
        let received = again.next().await.unwrap().unwrap();
        assert_eq!(received, JsonReceived::Item(json!(item(number))));
    }
    let received = again.next().await.unwrap().unwrap();
    assert_eq!(received, JsonReceived::Output(json!(100)));
    runtime.shutdown().await;
}

/// The next items of a call, so many of them.
async fn next_items(call: &mut Call, count: usize) -> Vec<Value> {
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(call.next().await.unwrap());
    }
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_node_comes_back_to_its_stream_over_another_connection() {
    let folder = tempfile::tempdir().unwrap();
    let teller = Teller::default();
    let runtime = start(&teller).await;
    let path = folder.path().join("socket");
    let server = SocketServer::bind(&path).unwrap();
    runtime.serve(server, Arc::new(runtime.clone())).await;
    let client = SocketClient::connect(&path).await.unwrap();
    let all: Vec<Value> = items(0..300).into_iter().map(Value::from).collect();
    let mut call = client.call(Request::Stream {
        skill: Behind::NAME.to_owned(),
        input: json!({"items": 300, "dies_every": 50, "deaths": 5}),
        options: Box::default(),
    });
    let task: TaskId = serde_json::from_value(call.next().await.unwrap()).unwrap();
    assert_eq!(next_items(&mut call, 70).await, all[..70]);
    drop((call, client));
    let client = SocketClient::connect(&path).await.unwrap();
    let mut call = client.call(Request::Follow { task, position: 70 });
    assert_eq!(next_items(&mut call, 230).await, all[70..]);
    assert_eq!(call.reply().await, Ok(json!(300)));
    let cancel = client.call(Request::CancelStream { task });
    assert_eq!(cancel.reply().await, Ok(json!(false)), "it has ended");
    runtime.shutdown().await;
}
