//! Calls an empty skill as often as standard input says, and tells how long that took: the side of ours in `benches/peers/calls.py`.
//!
//! Each line is `{"way": "here", "calls": 1000, "in_flight": 64}`; each answer is `{"seconds": 0.1, "p50_us": 5.0, "p99_us": 9.0}`. The way is
//! `here`, to an agent in this process, or `socket`, to a node in a process of its own.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Observer, Record, Request, Runtime, Skill,
    SkillSpec, SocketClient, SocketServer, StepContext, Transport, WorkerGroup,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

struct Empty;

impl Agent for Empty {
    fn name(&self) -> &str {
        "empty"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("nothing", Fresh(|| ())).skill(Nothing)))
    }
}

struct Nothing;

impl Skill for Nothing {
    const NAME: &'static str = "empty.nothing";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Does nothing")
    }
}

impl BatchSkill for Nothing {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

/// With somebody who takes the records, they are all made.
struct Witness;

impl Observer for Witness {
    fn observe(&mut self, record: &Record) {
        std::hint::black_box(record);
    }
}

#[derive(Deserialize)]
struct Round {
    way: Way,
    calls: u64,
    in_flight: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    Here,
    Socket,
}

#[derive(Serialize)]
struct Rate {
    seconds: f64,
    p50_us: f64,
    p99_us: f64,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome<()> {
    let runtime = Runtime::builder(Config::default())
        .agent(Empty)
        .observer(Witness)
        .start()
        .await?;
    match std::env::args().nth(1) {
        Some(socket) => serve(runtime, Path::new(&socket)).await,
        None => measure(runtime).await,
    }
}

/// Is a node until standard input ends.
async fn serve(runtime: Runtime, socket: &Path) -> Outcome<()> {
    let server = SocketServer::bind(socket)?;
    let ended = async {
        let wait = || io::stdin().lock().read_until(0, &mut Vec::new());
        let _ = tokio::task::spawn_blocking(wait).await;
    };
    println(b"listening")?;
    server.serve(Arc::new(runtime), ended).await;
    Ok(())
}

async fn measure(runtime: Runtime) -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("aimass-call-rate-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let socket = folder.join("node.sock");
    let mut node = node(&socket)?;
    let client = Arc::new(SocketClient::connect(&socket).await?);
    for line in io::stdin().lock().lines() {
        let round: Round = serde_json::from_str(&line?)?;
        let rate = match round.way {
            Way::Here => rate(&round, &Here(runtime.clone())).await?,
            Way::Socket => rate(&round, &Socket(client.clone())).await?,
        };
        println(&serde_json::to_vec(&rate)?)?;
    }
    drop(node.stdin.take());
    node.wait()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// A node in a process of its own, once it listens.
fn node(socket: &Path) -> Outcome<Child> {
    let mut node = Command::new(std::env::current_exe()?)
        .arg(socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = node.stdout.take().ok_or("the node has no output")?;
    io::BufReader::new(output).read_line(&mut String::new())?;
    Ok(node)
}

/// One way to the empty skill.
trait Caller: Clone + Send + 'static {
    fn call(&self, input: u64) -> impl Future<Output = Outcome<()>> + Send;
}

#[derive(Clone)]
struct Here(Runtime);

impl Caller for Here {
    async fn call(&self, input: u64) -> Outcome<()> {
        let output = self.0.ask::<Nothing>(input).await?;
        (output == input).then_some(()).ok_or("another's answer")?;
        Ok(())
    }
}

#[derive(Clone)]
struct Socket(Arc<SocketClient>);

impl Caller for Socket {
    async fn call(&self, input: u64) -> Outcome<()> {
        let request = Request::Ask {
            skill: Nothing::NAME.to_owned(),
            input: input.into(),
            options: Box::default(),
        };
        let output = self.0.call(request).reply().await?;
        (output == input).then_some(()).ok_or("another's answer")?;
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the callers of a measurement stand outside the runtime"
)]
async fn rate(round: &Round, caller: &impl Caller) -> Outcome<Rate> {
    let began = Instant::now();
    let mut callers = Vec::new();
    for number in 0..round.in_flight {
        let caller = caller.clone();
        let inputs = (number..round.calls).step_by(round.in_flight as usize);
        callers.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for input in inputs {
                let asked = Instant::now();
                caller.call(input).await?;
                times.push(asked.elapsed());
            }
            Ok::<Vec<Duration>, Box<dyn Error + Send + Sync>>(times)
        }));
    }
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| {
        let time = times.get(times.len() * percent / 100).copied();
        time.unwrap_or_default().as_secs_f64() * 1e6
    };
    Ok(Rate {
        seconds,
        p50_us: at(50),
        p99_us: at(99),
    })
}

fn println(line: &[u8]) -> Outcome<()> {
    let mut output = io::stdout().lock();
    output.write_all(line)?;
    output.write_all(b"\n")?;
    output.flush()?;
    Ok(())
}
