//! The root of the tree: it starts services and agents, starts again what fails, and gives the runtime up when one of them fails too often.
//!
//! Strategies across agents are its business as well. Workers restart on their own behalf, whatever the strategy says. What counts as a restart
//! of the agent is what is nobody's task's fault: a model that cannot be read, a lost device, a panic without a task. Of those the root hears, and
//! takes other agents' workers down as the strategy says; their queues stay, and the tasks that they were running run again at no cost.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aimass_config::Strategy;
use aimass_environment::SpanId;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::{Mutex, watch};

use crate::core::AgentCore;
use crate::core::board::Board;
use crate::core::message::{AgentMessage, Child, ServiceMessage, SupervisorMessage};
use crate::core::tree::{Failure, SUPERVISOR};
use crate::fault_injection::FaultInjection;
use crate::restart::{Backoff, RestartBudget, RestartSettings};
use crate::spawn::Spawner;
use crate::supervision::agent::AgentActor;
use crate::supervision::service::{ServiceActor, ServiceArguments};

/// What the supervisors of one runtime share.
pub(crate) struct Team {
    pub(crate) strategy: Strategy,
    pub(crate) restart: RestartSettings,
    pub(crate) spawner: Arc<Spawner>,
    /// By the order in which they were added.
    pub(crate) cores: Vec<Arc<AgentCore>>,
}

/// The root.
pub(crate) struct SupervisorActor;

/// What the root starts with.
pub(crate) struct SupervisorArguments {
    pub(crate) team: Arc<Team>,
    pub(crate) board: Arc<Board>,
    /// Who hears of what was given up.
    pub(crate) failed: watch::Sender<Failure>,
}

/// One child over all its incarnations.
struct Supervised {
    child: Child,
    turn: Arc<Mutex<()>>,
    actor: Option<Incarnation>,
    /// It was taken out. Its place is given to the next one, since places stand for children in messages.
    is_removed: bool,
    budget: RestartBudget,
}

/// The actor of a child at present.
enum Incarnation {
    Service(ActorRef<ServiceMessage>),
    Agent(ActorRef<AgentMessage>),
}

impl Incarnation {
    fn actor_cell(&self) -> ActorCell {
        match self {
            Self::Service(actor) => actor.get_cell(),
            Self::Agent(actor) => actor.get_cell(),
        }
    }

    fn inject(&self, fault: FaultInjection) {
        // It fails when the actor has ended already.
        let _ = match self {
            Self::Service(actor) => actor.cast(ServiceMessage::Inject(fault)).map_err(drop),
            Self::Agent(actor) => actor.cast(AgentMessage::Inject(fault)).map_err(drop),
        };
    }
}

/// What the root knows.
pub(crate) struct Root {
    team: Arc<Team>,
    board: Arc<Board>,
    failed: watch::Sender<Failure>,
    children: Vec<Supervised>,
    backoff: Backoff,
    /// Nothing is started again any more.
    is_ending: bool,
}

impl Actor for SupervisorActor {
    type Msg = SupervisorMessage;
    type State = Root;
    type Arguments = SupervisorArguments;

    async fn pre_start(
        &self,
        _: ActorRef<SupervisorMessage>,
        arguments: SupervisorArguments,
    ) -> Result<Root, ActorProcessingErr> {
        let SupervisorArguments {
            team,
            board,
            failed,
        } = arguments;
        let seed = SpanId::random().to_u64();
        Ok(Root {
            backoff: Backoff::new(&team.restart, seed),
            team,
            board,
            failed,
            children: Vec::new(),
            is_ending: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        root: &mut Root,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Add(children, added) => {
                for child in children {
                    root.add(child, &myself).await;
                }
                // Whoever asked may be gone.
                let _ = added.send(());
            }
            SupervisorMessage::Remove(name, removed) => {
                root.remove(&name);
                let _ = removed.send(());
            }
            SupervisorMessage::Restart(at) => root.start(at, &myself).await,
            SupervisorMessage::CountedRestart { agent, cause } => root.take_along(&agent, &cause),
            SupervisorMessage::EndWork(ended) => {
                root.end_work();
                let _ = ended.send(());
            }
            SupervisorMessage::Inject(name, fault, found) => {
                let _ = found.send(root.inject(&name, fault));
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        root: &mut Root,
    ) -> Result<(), ActorProcessingErr> {
        let (who, failure) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, Some(error.to_string())),
            // Whoever ends as it should hands over its state.
            SupervisionEvent::ActorTerminated(who, Some(_), _) => (who, None),
            SupervisionEvent::ActorTerminated(who, None, why) => {
                (who, Some(why.unwrap_or_else(|| "killed".to_owned())))
            }
            _ => return Ok(()),
        };
        let of_it = |child: &Supervised| {
            let actor = child.actor.as_ref();
            actor.is_some_and(|actor| actor.actor_cell().get_id() == who.get_id())
        };
        let Some(at) = root.children.iter().position(of_it) else {
            return Ok(());
        };
        root.children[at].actor = None;
        match failure {
            None => root.board.ended(at),
            Some(_) if root.is_ending && !root.children[at].child.is_last() => {
                root.board.ended(at);
            }
            Some(why) => root.failed(at, &why, &myself).await,
        }
        Ok(())
    }
}

impl Root {
    async fn add(&mut self, child: Child, myself: &ActorRef<SupervisorMessage>) {
        let supervised = Supervised {
            child,
            turn: Arc::default(),
            actor: None,
            is_removed: false,
            budget: RestartBudget::new(&self.team.restart),
        };
        let free = self.children.iter().position(|child| child.is_removed);
        let at = match free {
            Some(at) => {
                self.children[at] = supervised;
                at
            }
            None => {
                self.children.push(supervised);
                self.children.len() - 1
            }
        };
        self.start(at, myself).await;
    }

    /// Lets go of the child of that name. Its actor ends after what it has been told so far.
    fn remove(&mut self, name: &str) {
        let of_name = |child: &Supervised| !child.is_removed && child.child.name() == name;
        let Some(at) = self.children.iter().position(of_name) else {
            return;
        };
        let child = &mut self.children[at];
        child.is_removed = true;
        // From here on nobody asks what became of the actor.
        if let Some(actor) = child.actor.take() {
            actor.actor_cell().stop(None);
        }
        self.board.removed(at);
    }

    /// Starts a child, or starts it again.
    async fn start(&mut self, at: usize, myself: &ActorRef<SupervisorMessage>) {
        let child = &self.children[at];
        if child.is_removed || self.is_ending && !child.child.is_last() {
            return;
        }
        loop {
            self.board.started(at, self.children[at].child.name());
            let why = match self.spawn(at, myself).await {
                Ok(actor) => {
                    self.children[at].actor = Some(actor);
                    return;
                }
                Err(error) => error.to_string(),
            };
            match self.next_restart(at, &why) {
                Next::At(Duration::ZERO) => {}
                Next::At(after) => return later(myself, at, after),
                Next::Never => return,
            }
        }
    }

    async fn spawn(
        &self,
        at: usize,
        myself: &ActorRef<SupervisorMessage>,
    ) -> Result<Incarnation, SpawnErr> {
        let child = &self.children[at];
        let root = myself.get_cell();
        match &child.child {
            Child::Service(_, service) | Child::LastService(_, service) => {
                let arguments = ServiceArguments {
                    service: service.clone(),
                    turn: child.turn.clone(),
                    spawner: self.team.spawner.clone(),
                };
                let spawned = Actor::spawn_linked(None, ServiceActor, arguments, root).await;
                spawned.map(|(actor, _)| Incarnation::Service(actor))
            }
            Child::Agent(core) => {
                let arguments = (core.clone(), self.team.clone(), self.board.clone());
                let spawned = Actor::spawn_linked(None, AgentActor, arguments, root).await;
                spawned.map(|(actor, _)| Incarnation::Agent(actor))
            }
        }
    }

    async fn failed(&mut self, at: usize, why: &str, myself: &ActorRef<SupervisorMessage>) {
        match self.next_restart(at, why) {
            Next::At(Duration::ZERO) => self.start(at, myself).await,
            Next::At(after) => later(myself, at, after),
            Next::Never => {}
        }
    }

    /// Decides what follows a failure.
    fn next_restart(&mut self, at: usize, why: &str) -> Next {
        let now = self.board.clock().now();
        let child = &mut self.children[at];
        let name = child.child.name().to_owned();
        if !child.budget.spend(now) {
            self.give_up(at, &name, why);
            return Next::Never;
        }
        // The first one has done no harm yet; those that follow wait longer and longer.
        let after = match child.budget.spent() {
            0 | 1 => Duration::ZERO,
            spent => self.backoff.after(spent - 1),
        };
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.board.restarting(at, &name, why, after_ms);
        Next::At(after)
    }

    fn give_up(&self, at: usize, name: &str, why: &str) {
        self.board.given_up(at, name, why);
        match &self.children[at].child {
            Child::Service(_, service) | Child::LastService(_, service) => service.given_up(why),
            Child::Agent(core) => core.give_up(why),
        }
        self.failed.send_if_modified(|failed| {
            let is_first = failed.is_none();
            failed.get_or_insert((name.to_owned(), why.to_owned()));
            is_first
        });
    }

    /// Takes down the workers of those agents that restart with this one.
    fn take_along(&self, agent: &str, cause: &str) {
        let cores = &self.team.cores;
        let Some(at) = cores.iter().position(|core| &*core.name == agent) else {
            return;
        };
        let cause = format!("agent `{agent}` restarts: {cause}");
        for other in taken_along(self.team.strategy, at, cores.len()) {
            if other != at {
                cores[other].take_down(&cause);
            }
        }
    }

    fn end_work(&mut self) {
        self.is_ending = true;
        for supervised in &mut self.children {
            if !supervised.child.is_last()
                && let Some(actor) = &supervised.actor
            {
                actor.actor_cell().kill();
            }
        }
    }

    /// Returns `false` when there is no child of that name.
    fn inject(&self, name: &str, fault: FaultInjection) -> bool {
        if name == SUPERVISOR {
            fault.trigger();
        }
        let (name, worker) = match name.split_once('/') {
            Some((agent, worker)) => (agent, worker.parse::<u32>().ok()),
            None => (name, None),
        };
        let of_name = |child: &&Supervised| !child.is_removed && child.child.name() == name;
        let Some(child) = self.children.iter().find(of_name) else {
            return false;
        };
        match (&child.actor, worker) {
            (Some(Incarnation::Agent(actor)), Some(worker)) => actor
                .cast(AgentMessage::InjectIntoWorker(worker, fault))
                .is_ok(),
            (Some(actor), None) => {
                actor.inject(fault);
                true
            }
            _ => false,
        }
    }
}

/// What follows a failure.
enum Next {
    At(Duration),
    Never,
}

fn later(myself: &ActorRef<SupervisorMessage>, at: usize, after: Duration) {
    // It ends with its wait, and finds nobody when the root has ended.
    drop(myself.send_after(after, move || SupervisorMessage::Restart(at)));
}

/// The agents that restart when agent `at` of `agents` does, by the order in which they were added.
fn taken_along(strategy: Strategy, at: usize, agents: usize) -> Range<usize> {
    match strategy {
        Strategy::OneForOne => at..at,
        Strategy::OneForAll => 0..agents,
        Strategy::RestForOne => at..agents,
    }
}
