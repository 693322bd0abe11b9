//! A process that is stopped for longer than its watchdog's limits: a real one, by SIGSTOP and SIGCONT.

#![expect(
    clippy::print_stdout,
    reason = "the child speaks to its parent through it"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, DeviceName, Fault, ModelSource, ModelVersion, Runtime,
    Skill, SkillSpec, StepContext, WorkerGroup,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::CHILD;

/// How long a step, and the reading of a model, may take.
const LIMIT: Duration = Duration::from_secs(1);
/// How long the process stands still.
const STANDSTILL: Duration = Duration::from_secs(2);
/// Long enough for a watchdog to bark that is about to; the limit is not over by then.
const MOMENT: Duration = Duration::from_millis(400);

/// Waits for a line from the parent, in a step or while the model is read.
#[derive(Clone, Copy, PartialEq)]
enum WaitsIn {
    Step,
    Load,
}

fn wait_for_the_parent() {
    println!("at work");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[derive(Clone, Copy)]
struct Sleeper(WaitsIn);

impl ModelSource for Sleeper {
    type Weights = ();
    type Model = ();

    fn version(&self) -> ModelVersion {
        ModelVersion::new("one")
    }

    fn load(&self, _: &DeviceName) -> Result<(), Fault> {
        if self.0 == WaitsIn::Load {
            wait_for_the_parent();
        }
        Ok(())
    }

    fn build(&self, _: &Arc<()>, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }
}

impl Skill for Sleeper {
    const NAME: &'static str = "bed.sleep";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says the same, once it is woken")
    }
}

impl BatchSkill for Sleeper {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        if self.0 == WaitsIn::Step {
            wait_for_the_parent();
        }
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

struct Bed(Sleeper);

impl Agent for Bed {
    fn name(&self) -> &str {
        "bed"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.group(WorkerGroup::new("sleepers", self.0).skill(self.0)))
    }
}

/// The child: asks once, and says what became of it. It does nothing unless it was started as the child.
#[tokio::test(flavor = "multi_thread")]
async fn bed() {
    let Ok(waits_in) = std::env::var(CHILD) else {
        return;
    };
    let sleeper = Sleeper(match waits_in.as_str() {
        "step" => WaitsIn::Step,
        "load" => WaitsIn::Load,
        _ => return,
    });
    let mut config = Config::default();
    config.runtime.supervision.max_restarts = 0;
    let agent = config.agent_mut("bed");
    agent.step_limit = LIMIT;
    agent.load_limit = LIMIT;
    agent.max_attempts = 1;
    let runtime = Runtime::builder(config).agent(Bed(sleeper));
    let runtime = runtime.start().await.unwrap();
    let answer = runtime.ask::<Sleeper>(7).await;
    let state = runtime.agents().remove(0);
    println!("answer: {answer:?}; {} given up", state.abandoned);
    println!("restarts: {}", state.workers[0].restarts);
    // A thread that hangs waits for the parent, and the parent for this process.
    std::process::exit(0);
}

/// A child, and what it says line by line.
struct Stopped {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Stopped {
    fn start(waits_in: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "standstill::bed", "--nocapture"])
            .env(CHILD, waits_in)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        Self {
            child,
            stdin,
            lines,
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Returns the rest of the first line that has these words.
    fn is_current(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("never said: {words}"));
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    fn is_silent_for(&self, time: Duration) {
        let received = self.lines.recv_timeout(time);
        assert_eq!(received, Err(RecvTimeoutError::Timeout));
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn g3_no_worker_is_given_up_because_its_process_was_stopped_for_longer_than_a_limit() {
    for waits_in in ["step", "load"] {
        let mut child = Stopped::start(waits_in);
        child.is_current("at work");
        for _ in 0..2 {
            child.signal(Signal::STOP);
            child.is_silent_for(STANDSTILL);
            child.signal(Signal::CONT);
            child.is_silent_for(MOMENT);
        }
        child.stdin.write_all(b"wake up\n").unwrap();
        let answer = child.is_current("answer: ");
        assert_eq!(answer, "Ok(7); 0 given up", "in its {waits_in}");
        assert_eq!(child.is_current("restarts: "), "0");
        assert!(child.child.wait().unwrap().success());
    }
}

#[test]
fn g3_a_worker_that_hangs_is_given_up_although_its_process_was_stopped_before() {
    let child = Stopped::start("step");
    child.is_current("at work");
    child.signal(Signal::STOP);
    child.is_silent_for(STANDSTILL);
    child.signal(Signal::CONT);
    let answer = child.is_current("answer: ");
    assert!(answer.contains("DeadLettered"), "{answer}");
}
