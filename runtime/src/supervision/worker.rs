//! One incarnation of a worker: its wait, its thread, and the end of it.
//!
//! The thread works for the ledger and not for this actor. What joins them is a [`WorkerLink`]: the thread says its last word through it, and an
//! actor that takes the place of one that failed finds the thread by it.

use std::sync::Arc;
use std::time::Duration;

use aimass_environment::panics;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::core::Runner;
use crate::core::driver::ClaimedStart;
use crate::core::group_runner::GroupRunner;
use crate::core::memory::Share;
use crate::core::worker_context::{Successor, WorkerContext};
use crate::core::worker_link::{WorkerLink, WorkerMessage};
use crate::fault::Fault;
use crate::ledger::effect::Reload;
use crate::spawn::AbortOnDrop;
use crate::worker::flow;

/// Looks after one incarnation.
pub(super) struct WorkerActor;

/// What it starts with.
pub(super) enum WorkerArguments {
    /// A new incarnation, which waits so long first.
    Start {
        worker_context: Box<WorkerContext>,
        after: Duration,
        weights: Reload,
    },
    /// One whose actor failed, or whose agent's did.
    Adopt(Arc<WorkerLink>),
}

/// What it knows.
pub(super) struct Run {
    /// Until the thread has it.
    waiting: Option<(Box<WorkerContext>, Reload)>,
    _wait: Option<AbortOnDrop>,
}

impl Actor for WorkerActor {
    type Msg = WorkerMessage;
    type State = Run;
    type Arguments = WorkerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<WorkerMessage>,
        arguments: WorkerArguments,
    ) -> Result<Run, ActorProcessingErr> {
        let mut run = Run {
            waiting: None,
            _wait: None,
        };
        match arguments {
            WorkerArguments::Adopt(link) => {
                if let Some(end) = link.join(myself.clone()) {
                    let _ = myself.cast(WorkerMessage::Ended(end));
                }
            }
            WorkerArguments::Start {
                worker_context,
                after,
                weights,
            } => {
                worker_context.link().join(myself.clone());
                run.waiting = Some((worker_context, weights));
                match after {
                    Duration::ZERO => run.begin(&myself),
                    // It finds nobody when the actor has ended.
                    after => drop(myself.send_after(after, || WorkerMessage::Begin)),
                }
            }
        }
        Ok(run)
    }

    async fn handle(
        &self,
        myself: ActorRef<WorkerMessage>,
        message: WorkerMessage,
        run: &mut Run,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WorkerMessage::Begin => run.begin(&myself),
            WorkerMessage::Granted(share) => run.granted(share),
            WorkerMessage::Stop => {
                if let Some((worker_context, _)) = run.waiting.take() {
                    worker_context.stopped();
                }
            }
            WorkerMessage::Ended(Ok(())) => myself.stop(None),
            WorkerMessage::Ended(Err(why)) => return Err(why.into()),
            WorkerMessage::Inject(fault) => fault.trigger(),
        }
        Ok(())
    }
}

impl Run {
    /// Starts the incarnation, or gets in line for its weights.
    fn begin(&mut self, myself: &ActorRef<WorkerMessage>) {
        let Some((worker_context, weights)) = self.waiting.take() else {
            return;
        };
        if let Some(worker_context) = start(worker_context, weights) {
            self.wait_for_room(worker_context, weights, myself);
        }
    }

    fn wait_for_room(
        &mut self,
        worker_context: Box<WorkerContext>,
        weights: Reload,
        myself: &ActorRef<WorkerMessage>,
    ) {
        let core = worker_context.core.clone();
        let Runner::Model(runner) = core.runner(worker_context.group) else {
            return;
        };
        let (group, device, asking) = (worker_context.group, worker_context.device(), core.clone());
        // A swap may change version and size while it waits.
        let grant = core.memory.request(move || {
            let key = asking.key(group, device, runner.generation());
            (vec![key], runner.memory_bytes())
        });
        let actor = myself.clone();
        self.waiting = Some((worker_context, weights));
        self._wait = Some(core.spawner.abortable(async move {
            let share = grant.await.into_iter().next();
            // A share that finds nobody goes back at once.
            let _ = actor.cast(WorkerMessage::Granted(share));
        }));
    }

    fn granted(&mut self, share: Option<Share>) {
        let Some((worker_context, weights)) = self.waiting.take() else {
            return;
        };
        if worker_context.core.is_closing() {
            return worker_context.release();
        }
        let Some(share) = share else {
            let fault = Fault::unavailable("nobody grants memory for weights any more");
            return worker_context.load_failed(fault);
        };
        if let Runner::Model(runner) = worker_context.core.runner(worker_context.group) {
            start_thread(worker_context, share, runner, weights);
        }
    }
}

/// Starts the task or the thread of an incarnation. Gives the context back when its weights have no room in memory yet.
fn start(worker_context: Box<WorkerContext>, weights: Reload) -> Option<Box<WorkerContext>> {
    if worker_context.core.is_closing() {
        worker_context.release();
        return None;
    }
    let core = worker_context.core.clone();
    let runner = match core.runner(worker_context.group) {
        Runner::Model(runner) => runner,
        Runner::Flow(dyn_skill) => {
            worker_context.link().started();
            core.spawner.task(flow::live(dyn_skill, *worker_context));
            return None;
        }
    };
    let bytes = runner.memory_bytes();
    if bytes > core.memory.budget() {
        worker_context.load_failed(core.too_large(worker_context.group, bytes));
        return None;
    }
    let key = core.key(
        worker_context.group,
        worker_context.device(),
        runner.generation(),
    );
    let share = core.memory.share(&key, bytes);
    core.free_left_share(worker_context.incarnation);
    let Some(share) = share else {
        return Some(worker_context);
    };
    start_thread(worker_context, share, runner, weights);
    None
}

fn start_thread(
    worker_context: Box<WorkerContext>,
    share: Share,
    runner: Arc<dyn GroupRunner>,
    weights: Reload,
) {
    worker_context.hold_share(share);
    let name = format!(
        "{}-{}",
        worker_context.core.name, worker_context.incarnation.worker.0
    );
    let worker_context: Arc<WorkerContext> = Arc::from(worker_context);
    let worker = worker_context.clone();
    worker_context.link().started();
    let spawned = worker_context
        .core
        .spawner
        .thread(name, move || live(worker, &*runner, weights));
    if let Err(error) = spawned {
        worker_context.load_failed(Fault::retryable(format!("cannot start a thread: {error}")));
    }
}

/// Lives an incarnation on its thread, and those that follow it there. An incarnation's share goes
/// only once the next one has taken its own, or the weights are free.
fn live(mut worker: Arc<WorkerContext>, runner: &dyn GroupRunner, mut weights: Reload) {
    loop {
        if let Err(message) = panics::caught(|| runner.live(&worker, weights)) {
            worker.panicked(message);
        }
        let Some(Successor { start, end }) = worker.successor() else {
            return;
        };
        weights = start.weights;
        let next = go_on(start, runner);
        worker.link().end(end);
        match next {
            Some(next) => worker = next,
            None => return,
        }
    }
}

/// Goes on with the next incarnation, where there is room for its weights. Otherwise it is left to
/// the driver, as all other starts are: only an actor can wait.
fn go_on(claimed: ClaimedStart, runner: &dyn GroupRunner) -> Option<Arc<WorkerContext>> {
    let (core, incarnation) = (claimed.core.clone(), claimed.incarnation);
    let group = core.group_of(incarnation);
    let key = core.key(group, core.device(incarnation), runner.generation());
    let share = core.memory.share(&key, runner.memory_bytes())?;
    let started = core.worker_context(incarnation, Duration::ZERO, claimed.decided);
    let Some((link, worker_context)) = started else {
        claimed.needless();
        return None;
    };
    if core.is_closing() {
        worker_context.release();
        claimed.needless();
        return None;
    }
    core.free_left_share(incarnation);
    worker_context.hold_share(share);
    link.started();
    claimed.started(link);
    Some(Arc::new(worker_context))
}
