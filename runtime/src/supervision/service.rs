//! Services: parts of the runtime that run beside the agents, each under an actor of its own.

use std::collections::HashMap;
use std::sync::Arc;

use aimass_environment::panics::Caught;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{Mutex, Notify};

use crate::core::message::{Service, ServiceMessage};
use crate::core::task_link::TaskLink;
use crate::fault_injection::FaultInjection;
use crate::spawn::{AbortOnDrop, Spawner};
use crate::supervision::task::TaskActor;

/// One incarnation of a service.
pub(super) struct ServiceActor;

/// What an incarnation starts with.
#[derive(Clone)]
pub(super) struct ServiceArguments {
    pub(super) service: Arc<dyn Service>,
    /// Whoever holds it runs: a new incarnation waits until the last one has let go of everything.
    pub(super) turn: Arc<Mutex<()>>,
    pub(super) spawner: Arc<Spawner>,
}

/// The service as it runs; it ends with its actor.
pub(super) struct Running {
    service: Arc<dyn Service>,
    trigger: Arc<Notify>,
    /// The tasks that the service has started, by their actors.
    tasks: HashMap<ActorId, Arc<TaskLink>>,
    _task: AbortOnDrop,
}

impl Actor for ServiceActor {
    type Msg = ServiceMessage;
    type State = Running;
    type Arguments = ServiceArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<ServiceMessage>,
        arguments: ServiceArguments,
    ) -> Result<Running, ActorProcessingErr> {
        let ServiceArguments {
            service,
            turn,
            spawner,
        } = arguments;
        service.belongs_to(myself.clone());
        let trigger = Arc::new(Notify::new());
        let (running, triggered) = (service.clone(), trigger.clone());
        let work = async move {
            tokio::select! {
                ended = running.run() => ended,
                () = triggered.notified() => {
                    FaultInjection::Panic.trigger();
                    Ok(())
                }
            }
        };
        let task = spawner.abortable(async move {
            let _turn = turn.lock_owned().await;
            let ended = Caught::new(Box::pin(work)).await;
            let ended = ended.unwrap_or_else(|message| Err(format!("panic: {message}")));
            // It fails when the actor has ended, and then nobody needs to know.
            let _ = myself.cast(ServiceMessage::Ended(ended));
        });
        Ok(Running {
            service,
            trigger,
            tasks: HashMap::new(),
            _task: task,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ServiceMessage>,
        message: ServiceMessage,
        running: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ServiceMessage::Ended(Ok(())) => myself.stop(None),
            ServiceMessage::Ended(Err(why)) => return Err(why.into()),
            ServiceMessage::Adopt(link) => running.adopt(link, &myself).await,
            ServiceMessage::Inject(FaultInjection::PanicInWork) => {
                if !running.service.break_thread() {
                    running.trigger.notify_one();
                }
            }
            ServiceMessage::Inject(fault) => fault.trigger(),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<ServiceMessage>,
        event: SupervisionEvent,
        running: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        let (who, failure) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, Some(error)),
            SupervisionEvent::ActorTerminated(who, ..) => (who, None),
            _ => return Ok(()),
        };
        let Some(link) = running.tasks.remove(&who.get_id()) else {
            return Ok(());
        };
        // Only the actor is gone: the task goes on under another one.
        if !link.has_ended() {
            running.adopt(link, &myself).await;
        } else if let Some(error) = failure {
            tracing::error!(said = %error, "a task of a service of the runtime failed; the others go on");
        }
        Ok(())
    }
}

impl Running {
    /// Gives a task an actor. One that cannot get one goes on without: this actor is about to end
    /// then, and the next one takes the task over.
    async fn adopt(&mut self, link: Arc<TaskLink>, myself: &ActorRef<ServiceMessage>) {
        let spawned = Actor::spawn_linked(None, TaskActor, link.clone(), myself.get_cell());
        if let Ok((actor, _)) = Box::pin(spawned).await {
            self.tasks.insert(actor.get_id(), link);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use ractor::ActorStatus;
    use tokio::runtime::Handle;
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;
    use crate::skill::context::BoxFuture;

    const LONG: Duration = Duration::from_secs(60);

    /// A service that does nothing by itself.
    struct Host;

    impl Service for Host {
        fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
            Box::pin(pending())
        }
    }

    async fn host() -> ActorRef<ServiceMessage> {
        let arguments = ServiceArguments {
            service: Arc::new(Host),
            turn: Arc::default(),
            spawner: Arc::new(Spawner::new(Handle::current())),
        };
        let spawned = Actor::spawn(None, ServiceActor, arguments).await;
        spawned.unwrap().0
    }

    #[tokio::test]
    async fn a_task_that_panics_costs_neither_its_service_nor_the_other_tasks() {
        let service = host().await;
        let places = Arc::new(Semaphore::new(2));
        let mut tasks = JoinSet::new();
        let go_on = Arc::new(Notify::new());
        let other = TaskLink::new(places.clone().try_acquire_owned().unwrap());
        let waits = go_on.clone();
        tasks.spawn(other.clone().run(async move { waits.notified().await }));
        let failing = TaskLink::new(places.clone().try_acquire_owned().unwrap());
        for link in [other, failing.clone()] {
            service.cast(ServiceMessage::Adopt(link)).unwrap();
        }
        tasks.spawn(failing.run(async { std::panic::resume_unwind(Box::new("on purpose")) }));
        // A place is free once its task and its actor have ended.
        let free = timeout(LONG, places.clone().acquire_owned()).await;
        let free = free.expect("its end is no event").unwrap();
        assert_eq!(service.get_status(), ActorStatus::Running);
        assert!(places.try_acquire().is_err(), "the other one is gone too");
        go_on.notify_one();
        let other = timeout(LONG, places.acquire()).await;
        assert!(other.is_ok(), "the other one's end is no event");
        drop(free);
        service.stop(None);
    }

    #[tokio::test]
    async fn a_task_that_ends_before_it_has_an_actor_takes_no_place() {
        let service = host().await;
        let places = Arc::new(Semaphore::new(1));
        let link = TaskLink::new(places.clone().try_acquire_owned().unwrap());
        link.clone().run(async {}).await;
        service.cast(ServiceMessage::Adopt(link)).unwrap();
        assert!(timeout(LONG, places.acquire()).await.is_ok());
        service.stop(None);
    }
}
