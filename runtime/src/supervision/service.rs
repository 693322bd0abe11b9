//! Services: parts of the runtime that run beside the agents, each under an actor of its own.

use std::sync::Arc;

use aimass_environment::panics::Caught;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{Mutex, Notify};

use crate::core::message::Service;
use crate::fault_injection::FaultInjection;
use crate::spawn::{AbortOnDrop, Spawner};

/// One incarnation of a service.
pub(super) struct ServiceActor;

/// What a service's actor is told.
pub(super) enum ServiceMessage {
    /// The service has come to its end.
    Ended(Result<(), String>),
    /// A test lets it die.
    Inject(FaultInjection),
}

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
            ServiceMessage::Inject(FaultInjection::PanicInWork) => {
                if !running.service.break_thread() {
                    running.trigger.notify_one();
                }
            }
            ServiceMessage::Inject(fault) => fault.trigger(),
        }
        Ok(())
    }
}
