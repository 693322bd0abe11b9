//! What a service or a cluster is written against: the runtime by name and by type, agents that
//! join and leave, callers, requests and blobs. Never called: that it compiles is the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, Ask, Blob, BlobHash, Call, Caller, CallerTransport, Environment, EnvironmentError,
    Episode, EpisodeId, EpisodeReport, FactFilter, Fault, JsonChunks, JsonReceived, JsonStream,
    Locale, Namespace, Operation, Panel, Priority, Reaction, Records, Request, Revision, Right,
    RunningEpisode, Runtime, RuntimeBuilder, RuntimeError, ShownFact, ShutdownReport, SkillSpec,
    SocketClient, SocketServer, TaskError, TaskId, TaskOptions, TaskStream, TraceContext,
    Transport, TransportError, Views,
};
use serde_json::{Value, json};

use super::{Batched, Stepped};

#[expect(dead_code, reason = "its types are what is tested")]
async fn team(agent: impl Agent, other: impl Agent) -> Result<Runtime, RuntimeError> {
    let builder: RuntimeBuilder = Runtime::builder(Config::default()).agent(agent);
    let _: Views = builder.views()?;
    let builder = builder.store(Path::new("store"))?;
    let runtime: Runtime = builder.start().await?;
    runtime.add_agent(other).await?;
    let removed: Result<bool, Fault> = runtime.remove_agent("other", Duration::ZERO).await;
    drop(removed);
    let _: Vec<SkillSpec> = runtime.skills();
    let _: Option<String> = runtime.skill_for(Operation::Chat);
    let _: Vec<Reaction> = runtime.reactions();
    let _: Views = runtime.views();
    let _: &Environment = runtime.environment();
    let _: ShutdownReport = runtime.shutdown().await;
    let _: ShutdownReport = runtime.shutdown_within(Duration::ZERO).await;
    Ok(runtime)
}

#[expect(dead_code, reason = "its types are what is tested")]
async fn by_type(runtime: Runtime, options: TaskOptions) -> Result<(), TaskError> {
    let ask: Ask<Batched> = runtime.ask::<Batched>(7);
    let _: u64 = ask.options(options).deadline(Duration::ZERO).await?;
    let ask = runtime.ask_durable::<Batched>(7);
    let ask = ask.priority(Priority::Interactive);
    let ask = ask.namespace(Namespace::default());
    let task: TaskId = ask.episode(EpisodeId::random()).detach().await?;
    let _: Option<Result<u64, TaskError>> = runtime.outcome::<Batched>(task)?;
    let mut stream: TaskStream<Stepped> = runtime.stream::<Stepped>(7)?;
    let _: Option<Result<u64, TaskError>> = stream.next().await;
    let _: u64 = stream.output().await?;
    let stream = runtime.ask_durable::<Stepped>(7).stream_durable().await?;
    let (task, position): (TaskId, u64) = (stream.task(), stream.position());
    let stream = runtime.resume_stream::<Stepped>(task, position).await?;
    stream.cancel();
    let (chunks, _) = runtime.open::<Stepped>(7)?;
    chunks.send(1_u64).await
}

#[expect(dead_code, reason = "its types are what is tested")]
async fn by_name(runtime: Runtime, skill: &str) -> Result<(), TaskError> {
    let options = TaskOptions::default;
    let _: Value = runtime.ask_json(skill, json!(7), options()).await?;
    let mut stream: JsonStream = runtime.stream_json(skill, json!(7), options())?;
    match stream.next().await {
        Some(Ok(JsonReceived::Item(_) | JsonReceived::Output(_))) | None => {}
        Some(Err(error)) => return Err(error),
    }
    let stream = runtime.stream_json_durable(skill, json!(7), options());
    let (task, position) = {
        let stream: JsonStream = stream.await?;
        (stream.task(), stream.position())
    };
    let _: JsonStream = runtime.resume_stream_json(task, position).await?;
    let _: bool = runtime.cancel_stream(task);
    let _: Option<Result<Value, TaskError>> = runtime.outcome_json(task)?;
    let (chunks, _): (JsonChunks, JsonStream) = runtime.open_json(skill, json!(7), options())?;
    chunks.send(json!(1)).await?;
    let running: RunningEpisode = runtime.begin_episode(Episode::new()).await?;
    let _: EpisodeReport = runtime.report(running.id).await?;
    let _: EpisodeReport = runtime.run(Episode::from_files(["a.txt"])).await?;
    Ok(())
}

#[expect(dead_code, reason = "its types are what is tested")]
fn blobs(environment: &Environment) -> Result<Request, EnvironmentError> {
    let Blob { hash, .. } = environment.put_blob(&b"a letter"[..])?;
    let _: PathBuf = environment.blob_path(hash)?;
    let _: BlobHash = hash;
    Ok(Request::Run {
        paths: vec![PathBuf::from(format!("blob:{hash}"))],
        namespace: None,
        trace: None,
    })
}

#[expect(dead_code, reason = "its types are what is tested")]
async fn callers(runtime: Runtime, path: &Path) -> Result<(), TransportError> {
    let caller = Caller {
        tenant: Namespace("tenant".into()),
        rights: BTreeSet::from([Right::Work, Right::Files, Right::Operate]),
    };
    let records: Records = Records::new(runtime.environment().clone(), runtime.views());
    let _: Arc<dyn Transport> = Arc::new(records);
    let transport: Arc<dyn Transport> = Arc::new(runtime);
    let transport: CallerTransport = CallerTransport::new(transport, caller);
    let server: SocketServer = SocketServer::bind(path)?;
    server.serve(Arc::new(transport), async {}).await;
    let client: SocketClient = SocketClient::connect(path).await?;
    let mut call: Call = client.call(Request::Skills);
    let _: Option<Value> = call.next().await;
    let _: Result<Value, TaskError> = call.reply().await;
    let _: Call = Call::new(|items| async move {
        let _ = items.send(json!(1)).await;
        Ok(Value::Null)
    });
    Ok(())
}

#[expect(dead_code, reason = "its types are what is tested")]
fn requests(task: TaskId, episode: EpisodeId, trace: TraceContext) -> [Request; 23] {
    let (skill, input, options) = (String::new, || json!(1), Box::<TaskOptions>::default);
    let (filter, chunk) = (FactFilter::default, json!(1));
    let _ = TaskOptions {
        priority: Priority::Normal,
        deadline: None,
        namespace: None,
        episode: None,
        trace: Some(trace),
        keep_items: true,
    };
    [
        Request::Ask {
            skill: skill(),
            input: input(),
            options: options(),
        },
        Request::Open {
            skill: skill(),
            input: input(),
            options: options(),
        },
        Request::Stream {
            skill: skill(),
            input: input(),
            options: options(),
        },
        Request::Follow { task, position: 0 },
        Request::CancelStream { task },
        Request::Chunk {
            stream: task,
            chunk,
        },
        Request::End { stream: task },
        Request::Resume {
            episode: Some(episode),
        },
        Request::Skills,
        Request::Agents,
        Request::Services,
        Request::Live,
        Request::Facts { filter: filter() },
        Request::Fact {
            revision: Revision(1),
        },
        Request::Show {
            revisions: vec![Revision(1)],
            namespace: None,
            locale: Locale::English,
        },
        Request::Export {
            filter: filter(),
            into: PathBuf::new(),
        },
        Request::Import {
            from: PathBuf::new(),
        },
        Request::Forget { episode },
        Request::DeadLetters,
        Request::DeadLetter { task },
        Request::RemoveDeadLetter { task },
        Request::Redrive { task },
        Request::Run {
            paths: Vec::new(),
            namespace: None,
            trace: None,
        },
    ]
}

#[expect(dead_code, reason = "its types are what is tested")]
fn replies(fact: ShownFact) -> Option<Panel> {
    let ShownFact {
        revision: Revision(_),
        subject,
        line,
        statements,
        panel,
    } = fact;
    let _: (String, String, Vec<String>) = (subject, line, statements);
    panel
}
