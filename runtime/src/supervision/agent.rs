//! The control plane of one agent: its timer, and what its ledger decides about workers.
//!
//! The ledger and the driver's queue are in the agent's core, which outlives every incarnation of this actor: one that dies costs its own
//! restart, while the workers go on with their tasks. The next one takes over the workers that it finds.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use aimass_environment::panics::Caught;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::Notify;

use crate::core::board::Board;
use crate::core::message::AgentMessage;
use crate::core::worker_link::{WorkerLink, WorkerMessage};
use crate::core::{AgentCore, DriverAction};
use crate::fault_injection::FaultInjection;
use crate::restart::RestartBudget;
use crate::spawn::AbortOnDrop;
use crate::supervision::supervisor::Team;
use crate::supervision::worker::{WorkerActor, WorkerArguments};

/// Drives one agent.
pub(crate) struct AgentActor;

/// What the driver knows.
pub(crate) struct Driver {
    core: Arc<AgentCore>,
    board: Arc<Board>,
    workers: HashMap<ActorId, Worker>,
    /// Of the actors of its workers.
    budget: RestartBudget,
    trigger: Arc<Notify>,
    _timer: AbortOnDrop,
}

/// The actor of an incarnation of a worker.
struct Worker {
    actor: ActorRef<WorkerMessage>,
    link: Arc<WorkerLink>,
}

impl Actor for AgentActor {
    type Msg = AgentMessage;
    type State = Driver;
    type Arguments = (Arc<AgentCore>, Arc<Team>, Arc<Board>);

    async fn pre_start(
        &self,
        myself: ActorRef<AgentMessage>,
        (core, team, board): Self::Arguments,
    ) -> Result<Driver, ActorProcessingErr> {
        let (timed, driver) = (core.clone(), myself.clone());
        let trigger = Arc::new(Notify::new());
        let triggered = trigger.clone();
        let work = async move {
            tokio::select! {
                () = timed.keep_time() => {}
                () = triggered.notified() => FaultInjection::PanicInWork.trigger(),
            }
        };
        let timer = core.spawner.abortable(async move {
            let ended = Caught::new(Box::pin(work)).await;
            let why = ended.err().unwrap_or_default();
            // It fails when the driver has ended, and then nobody needs to know.
            let _ = driver.cast(AgentMessage::TimerEnded(why));
        });
        core.driven_by(myself);
        Ok(Driver {
            core,
            board,
            workers: HashMap::new(),
            budget: RestartBudget::new(&team.restart),
            trigger,
            _timer: timer,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<AgentMessage>,
        driver: &mut Driver,
    ) -> Result<(), ActorProcessingErr> {
        for link in driver.core.links() {
            driver.adopt(link, &myself).await;
        }
        driver.carry_out(&myself).await;
        driver.core.report_lost_starts();
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<AgentMessage>,
        message: AgentMessage,
        driver: &mut Driver,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            AgentMessage::Effects => driver.carry_out(&myself).await,
            AgentMessage::TimerEnded(why) => return Err(format!("its timer: {why}").into()),
            AgentMessage::Inject(FaultInjection::PanicInWork) => driver.trigger.notify_one(),
            AgentMessage::Inject(fault) => fault.trigger(),
            AgentMessage::InjectIntoWorker(worker, fault) => driver.inject(worker, fault),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<AgentMessage>,
        event: SupervisionEvent,
        driver: &mut Driver,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error.to_string()),
            SupervisionEvent::ActorTerminated(who, _, why) => (who, why.unwrap_or_default()),
            _ => return Ok(()),
        };
        let Some(Worker { link, .. }) = driver.workers.remove(&who.get_id()) else {
            return Ok(());
        };
        // Whether its thread stopped or panicked, it has told the ledger so itself.
        if !link.is_at_work() {
            return Ok(());
        }
        // Only the actor is gone: its thread goes on under another one.
        let name = driver.core.worker_path(link.incarnation());
        if !driver.budget.spend(driver.core.clock.now()) {
            return Err(format!("the actors of its workers fail too often: {why}").into());
        }
        driver.board.worker_adopted(&name, &why);
        driver.adopt(link, &myself).await;
        Ok(())
    }
}

impl Driver {
    /// Carries out what the ledger has decided, in its order.
    async fn carry_out(&mut self, myself: &ActorRef<AgentMessage>) {
        while let Some((action, now)) = self.core.next_action() {
            match action {
                DriverAction::Start(incarnation, after, weights) => {
                    let Some((link, worker_context)) =
                        self.core.worker_context(incarnation, after, now)
                    else {
                        continue;
                    };
                    let arguments = WorkerArguments::Start {
                        worker_context: Box::new(worker_context),
                        after,
                        weights,
                    };
                    if self.spawn(link, arguments, myself).await.is_break() {
                        return;
                    }
                }
                DriverAction::Adopt(link) => self.adopt(link, myself).await,
                DriverAction::Stop(incarnation) => {
                    self.core.stop(incarnation);
                    let mut workers = self.workers.values();
                    if let Some(worker) =
                        workers.find(|worker| worker.link.incarnation() == incarnation)
                    {
                        // It fails when it has ended already.
                        let _ = worker.actor.cast(WorkerMessage::Stop);
                    }
                }
                DriverAction::Abandon(incarnation) => {
                    self.core.abandon(incarnation, now);
                    // Its thread is nobody's any more.
                    self.workers.retain(|_, worker| {
                        let stays = worker.link.incarnation() != incarnation;
                        if !stays {
                            worker.actor.stop(None);
                        }
                        stays
                    });
                }
                DriverAction::FallBack(incarnation) => self.core.fall_back(incarnation, now),
                DriverAction::CountedRestart(cause) => self.core.count_restart(cause),
                DriverAction::Fail(message) => self.core.fail(message, now),
            }
        }
    }

    /// Gives an incarnation an actor, unless it has one: a driver that takes over finds some twice.
    async fn adopt(&mut self, link: Arc<WorkerLink>, myself: &ActorRef<AgentMessage>) {
        let mut workers = self.workers.values();
        if workers.any(|worker| Arc::ptr_eq(&worker.link, &link)) {
            return;
        }
        let arguments = WorkerArguments::Adopt(link.clone());
        // One that cannot be adopted works on, and says its last word to the ledger.
        let _ = self.spawn(link, arguments, myself).await;
    }

    /// Starts the actor of an incarnation. One that cannot be started lets go of its context, whose last word the ledger hears. Nothing more is to be
    /// carried out then: this actor is about to end, or hears of what the ledger makes of it.
    async fn spawn(
        &mut self,
        link: Arc<WorkerLink>,
        arguments: WorkerArguments,
        myself: &ActorRef<AgentMessage>,
    ) -> ControlFlow<()> {
        let spawned = Actor::spawn_linked(None, WorkerActor, arguments, myself.get_cell());
        // In a box of its own, or the task of this actor has room for it all its life.
        match Box::pin(spawned).await {
            Ok((actor, _)) => {
                let id = actor.get_id();
                self.workers.insert(id, Worker { actor, link });
                ControlFlow::Continue(())
            }
            Err(error) => {
                if !self.core.is_closing() {
                    let agent = &*self.core.name;
                    tracing::error!(agent, %error, "the actor of a worker could not be started");
                }
                ControlFlow::Break(())
            }
        }
    }

    fn inject(&self, worker: u32, fault: FaultInjection) {
        for found in self.workers.values() {
            if found.link.incarnation().worker.0 == worker {
                let _ = found.actor.cast(WorkerMessage::Inject(fault));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F>(
        _: impl FnOnce(&'static mut Driver, &'static ActorRef<AgentMessage>) -> F,
    ) -> usize {
        size_of::<F>()
    }

    /// The task of each agent's actor has room for it, whether anything is to be carried out or
    /// not.
    #[test]
    fn what_is_carried_out_takes_little_room_in_the_actors_task() {
        let size = size_of_future(Driver::carry_out);
        assert!(size <= 512, "{size} bytes");
    }
}
