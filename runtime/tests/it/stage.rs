//! A stage: a runtime with the probe on it, a desk to steer it and a recorder that sees everything.

use std::time::Duration;

use aimass_config::{AgentConfig, Config};
use aimass_runtime::{
    Agent, Ask, Record, Recorder, Runtime, ShutdownReport, TaskError, TaskFinished, WorkerChange,
};

use crate::desk::Desk;
use crate::probe::{Answer, Order, Probe, ProbeSource, Run, RunOnce};

/// A runtime with the probe on it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) desk: Desk,
    pub(crate) recorder: Recorder,
}

/// How a stage is set.
pub(crate) struct Setting {
    pub(crate) config: Config,
    pub(crate) probe: AgentConfig,
    pub(crate) source: ProbeSource,
    pub(crate) agents: Vec<Box<dyn Agent>>,
    pub(crate) desk: Desk,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::set(|_| {}).await
    }

    /// A stage on which `change` has been made to the setting: one worker, batches of one, quick restarts.
    pub(crate) async fn set(change: impl FnOnce(&mut Setting)) -> Self {
        let desk = Desk::default();
        let mut setting = Setting::new(&desk);
        change(&mut setting);
        let Setting {
            mut config,
            probe,
            source,
            agents,
            desk,
        } = setting;
        *config.agent_mut("probe") = probe;
        let recorder = Recorder::default();
        let mut builder = Runtime::builder(config)
            .observer(recorder.clone())
            .agent(Probe {
                desk: desk.clone(),
                source,
            });
        for agent in agents {
            builder = builder.agent(agent);
        }
        Self {
            runtime: builder.start().await.unwrap(),
            desk,
            recorder,
        }
    }

    pub(crate) fn ask(&self, order: Order) -> Ask<Run> {
        self.runtime.ask::<Run>(order)
    }

    pub(crate) fn ask_once(&self, order: Order) -> Ask<RunOnce> {
        self.runtime.ask::<RunOnce>(order)
    }

    /// Asks at once, and gives what becomes of it.
    pub(crate) fn asked(&self, order: Order) -> Asked {
        self.start(self.ask(order))
    }

    pub(crate) fn start(&self, ask: Ask<Run>) -> Asked {
        let (answer, answers) = tokio::sync::oneshot::channel();
        let before = self.tasks();
        let task = tokio::task::spawn(async move {
            let _ = answer.send(ask.await);
        });
        Asked {
            answers,
            task,
            before,
        }
    }

    /// Tasks that the probe holds.
    pub(crate) fn tasks(&self) -> u64 {
        self.runtime.agents()[0].tasks
    }

    /// All tasks that ended so far.
    pub(crate) async fn finished(&self) -> Vec<TaskFinished> {
        self.runtime.flush_observers().await;
        self.recorder.tasks()
    }

    /// How the workers changed so far.
    pub(crate) async fn changes(&self) -> Vec<WorkerChange> {
        self.runtime.flush_observers().await;
        let change = |record| match record {
            Record::Worker(worker) => Some(worker.change),
            _ => None,
        };
        self.recorder
            .records()
            .into_iter()
            .filter_map(change)
            .collect()
    }

    /// Ends the runtime, and holds that no event was dropped.
    pub(crate) async fn close(self) -> ShutdownReport {
        let report = self.runtime.shutdown().await;
        assert_eq!(report.dropped_events, 0);
        // What happens to tasks and workers is no failure of the runtime's own actors.
        let records = self.recorder.records();
        let failed = |record: &&Record| matches!(record, Record::Service(_));
        assert_eq!(records.iter().find(failed), None);
        report
    }
}

/// A task that was asked and whose answer is on its way.
pub(crate) struct Asked {
    answers: tokio::sync::oneshot::Receiver<Result<Answer, TaskError>>,
    task: tokio::task::JoinHandle<()>,
    before: u64,
}

impl Asked {
    pub(crate) async fn answer(self) -> Result<Answer, TaskError> {
        self.answers.await.unwrap()
    }

    /// Drops the future of the ask.
    pub(crate) async fn drop_it(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Returns once the task is accepted; nothing else may be asked meanwhile.
    pub(crate) async fn accepted(self, stage: &Stage) -> Self {
        while stage.tasks() == self.before {
            tokio::task::yield_now().await;
        }
        self
    }
}

impl Setting {
    fn new(desk: &Desk) -> Self {
        let mut config = Config::default();
        config.runtime.supervision.backoff_initial = Duration::from_millis(1);
        config.runtime.supervision.backoff_max = Duration::from_millis(5);
        let probe = AgentConfig {
            max_batch: 1,
            ..AgentConfig::default()
        };
        let source = ProbeSource::new(desk, "one");
        Self {
            config,
            probe,
            source,
            agents: Vec::new(),
            desk: desk.clone(),
        }
    }
}

/// How long a test has been running.
pub(crate) struct TestClock(tokio::time::Instant);

impl TestClock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
