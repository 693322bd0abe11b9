//! Scenes: a runtime with the author's agent and a quiet neighbour, which are asked in every way that there is.

use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    JsonReceived, JsonStream, Runtime, RuntimeError, Skill, TaskError, TaskOptions,
};
use serde_json::{Value, json};

use super::author::{Add, Author, Errand, Source, Work};
use super::fuse::{Fuse, Place, State};
use super::parcel::{Content, Parcel};
use crate::obedient::Obedient;

/// What failed, and how.
pub(super) type Failed = Vec<(&'static str, String)>;

/// A runtime with the author's agent on it.
pub(super) struct Scene {
    runtime: Runtime,
    fuse: Fuse,
}

impl Scene {
    /// None when the agent is refused by a typed error, as one is whose definition panics.
    pub(super) async fn begin(fuse: &Fuse) -> Option<Self> {
        Self::begin_with(fuse, |_| {}).await
    }

    /// As [`Self::begin`], with a change to the configuration.
    pub(super) async fn begin_with(fuse: &Fuse, change: impl FnOnce(&mut Config)) -> Option<Self> {
        let mut config = Config::default();
        config.defaults.max_batch = 16;
        config.runtime.supervision.backoff_initial = Duration::from_millis(1);
        config.runtime.supervision.backoff_max = Duration::from_millis(5);
        change(&mut config);
        let started = Runtime::builder(config)
            .agent(Author(fuse.clone()))
            .agent(Obedient::default())
            .start()
            .await;
        let runtime = match started {
            Ok(runtime) => runtime,
            Err(RuntimeError::Agent { agent, .. }) if fuse.is_blown() => {
                // One whose name panics has none.
                assert!(agent == "author" || agent == "?", "{agent}");
                return None;
            }
            Err(error) => panic!("unexpected: {error}"),
        };
        let fuse = fuse.clone();
        Some(Self { runtime, fuse })
    }

    /// Asks in every way at once, then takes two new versions of the model; gives what failed.
    ///
    /// What is asked says `content`, and `chunk` is what is sent after it.
    pub(super) async fn round(&self, content: &Content, chunk: &Parcel) -> Failed {
        let parcel = || Parcel(content.clone());
        let held = self.begin_held().await;
        let dropped = self.begin_errand().await;
        let calls = [
            ("work", self.asked(self.work(parcel()))),
            ("durable", self.asked(self.durable(parcel()))),
            ("json", self.asked(json_of(self.runtime.clone(), parcel()))),
            (
                "stream",
                self.asked(stream_of(self.runtime.clone(), parcel())),
            ),
            (
                "add",
                self.asked(add(self.runtime.clone(), parcel(), chunk.json())),
            ),
            ("errand", self.asked(self.errand(parcel()))),
        ];
        let neighbour = json!({ "Echo": 1 });
        let neighbour = self
            .runtime
            .ask_json("test.obey", neighbour, TaskOptions::default());
        assert_eq!(neighbour.await, Ok(json!(1)));
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
        self.fuse.open();
        let mut failed = Failed::new();
        for (name, call) in held.into_iter().map(|call| ("held", call)).chain(calls) {
            if let Err(error) = call.await.unwrap() {
                failed.push((name, error.to_string()));
            }
        }
        assert_eq!(self.runtime.agents().len(), 2);
        for name in ["swap", "second swap"] {
            let source = Source(self.fuse.clone(), None);
            if let Err(fault) = self.runtime.swap("author", "model", source).await {
                failed.push((name, fault.to_string()));
            }
        }
        failed
    }

    /// Asks for work that goes on until the fuse is open, and for work that joins it.
    async fn begin_held(&self) -> Vec<Asked> {
        let fuse = &self.fuse;
        let steps = fuse.passed(Place::Step);
        let mut held = vec![self.asked(self.work(Parcel::held()))];
        fuse.until(|state| state.passed(Place::Step) > steps).await;
        for _ in 0..2 {
            let joined = fuse.passed(Place::Join);
            held.push(self.asked(self.work(Parcel::default())));
            fuse.until(|state| state.is_open || state.passed(Place::Join) > joined)
                .await;
        }
        held
    }

    /// Begins an errand that waits until it is dropped.
    async fn begin_errand(&self) -> Asked {
        let before = self.fuse.passed(Place::Poll);
        let errand = self.asked(self.errand(Parcel::held()));
        let begun = |state: &State| state.passed(Place::Poll) > before;
        self.fuse.until(begun).await;
        errand
    }

    fn work(&self, parcel: Parcel) -> impl Future<Output = Result<(), TaskError>> + 'static {
        let ask = self.runtime.ask::<Work>(parcel);
        async { ask.await.map(std::mem::forget) }
    }

    fn durable(&self, parcel: Parcel) -> impl Future<Output = Result<(), TaskError>> + 'static {
        let ask = self.runtime.ask_durable::<Work>(parcel);
        async { ask.await.map(std::mem::forget) }
    }

    fn errand(&self, parcel: Parcel) -> impl Future<Output = Result<(), TaskError>> + 'static {
        let ask = self.runtime.ask::<Errand>(parcel);
        async { ask.await.map(std::mem::forget) }
    }

    /// Asks for a sum.
    pub(super) async fn add(&self) -> Result<(), TaskError> {
        let parcel = Parcel::default();
        add(self.runtime.clone(), Parcel::default(), parcel.json()).await
    }

    fn asked(&self, call: impl Future<Output = Result<(), TaskError>> + Send + 'static) -> Asked {
        tokio::task::spawn(call)
    }

    /// Whether no worker is about to do anything.
    fn is_at_rest(&self) -> bool {
        let agents = self.runtime.agents();
        let mut workers = agents.iter().flat_map(|agent| &agent.workers);
        workers.all(|worker| matches!(worker.state, "idle" | "unloaded"))
    }

    /// Holds that the agent serves what comes next as if nothing had happened, and ends with nothing lost.
    pub(super) async fn end(self, what: &str) {
        while !self.is_at_rest() {
            tokio::task::yield_now().await;
        }
        let failed = self.round(&Content::default(), &Parcel::default()).await;
        assert!(failed.is_empty(), "{what}, afterwards: {failed:?}");
        let failed: Vec<_> = self
            .runtime
            .agents()
            .into_iter()
            .filter_map(|agent| agent.failed)
            .collect();
        assert!(failed.is_empty(), "{what}: {failed:?}");
        let report = self.runtime.shutdown().await;
        assert_eq!((report.cut_off, report.left_behind), (0, false), "{what}");
    }
}

/// A call whose reply is on its way.
type Asked = tokio::task::JoinHandle<Result<(), TaskError>>;

async fn json_of(runtime: Runtime, parcel: Parcel) -> Result<(), TaskError> {
    let options = TaskOptions::default();
    let asked = runtime.ask_json(Work::NAME, parcel.json(), options);
    std::mem::forget(parcel);
    asked.await.map(drop)
}

async fn stream_of(runtime: Runtime, parcel: Parcel) -> Result<(), TaskError> {
    let options = TaskOptions::default();
    let stream = runtime.stream_json(Work::NAME, parcel.json(), options);
    std::mem::forget(parcel);
    end_of(stream?).await
}

async fn add(runtime: Runtime, parcel: Parcel, chunk: Value) -> Result<(), TaskError> {
    let opened = runtime.open_json(Add::NAME, parcel.json(), TaskOptions::default());
    std::mem::forget(parcel);
    let (chunks, stream) = opened?;
    let sent = chunks.send(chunk).await;
    drop(chunks);
    let ended = end_of(stream).await;
    match sent {
        Err(TaskError::Cancelled { .. }) => ended,
        sent => sent.and(ended),
    }
}

/// The one end of a stream.
async fn end_of(mut stream: JsonStream) -> Result<(), TaskError> {
    let end = loop {
        match stream.next().await.unwrap() {
            Ok(JsonReceived::Item(_)) => {}
            Ok(JsonReceived::Output(_)) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(stream.next().await.is_none(), "nothing follows the end");
    end
}
