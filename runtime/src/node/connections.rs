//! The connections of a node: a place for each, and the actor that they belong to.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::core::message::ServiceMessage;
use crate::core::task_link::TaskLink;

/// Connections at the same time; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 64;

/// The connections of one node.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None where no runtime supervises the node.
    actor: Option<ActorRef<ServiceMessage>>,
    links: Vec<Weak<TaskLink>>,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            state: Mutex::default(),
        }
    }

    /// Returns once there is a place for a connection.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.places).acquire_owned().await {
            Ok(place) => place,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Adds a connection, which belongs to the node's actor from now on.
    pub(super) fn add(&self, place: OwnedSemaphorePermit) -> Arc<TaskLink> {
        let link = TaskLink::new(place);
        let mut state = self.state.lock();
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        if let Some(actor) = &state.actor {
            adopt(actor, link.clone());
        }
        link
    }

    /// All connections, those to come among them, belong to this actor.
    pub(super) fn belong_to(&self, actor: ActorRef<ServiceMessage>) {
        let mut state = self.state.lock();
        let open = state.links.iter().filter_map(Weak::upgrade);
        open.for_each(|link| adopt(&actor, link));
        state.actor = Some(actor);
    }
}

/// It fails when the actor has ended; the next one takes them all over.
fn adopt(actor: &ActorRef<ServiceMessage>, link: Arc<TaskLink>) {
    let _ = actor.cast(ServiceMessage::Adopt(link));
}

#[cfg(test)]
mod tests {
    use ractor::{Actor, ActorProcessingErr};
    use tokio::sync::mpsc;

    use super::*;

    /// Says of each connection that it is given.
    struct Owner;

    impl Actor for Owner {
        type Msg = ServiceMessage;
        type State = mpsc::UnboundedSender<Arc<TaskLink>>;
        type Arguments = mpsc::UnboundedSender<Arc<TaskLink>>;

        async fn pre_start(
            &self,
            _: ActorRef<ServiceMessage>,
            given: Self::Arguments,
        ) -> Result<Self::State, ActorProcessingErr> {
            Ok(given)
        }

        async fn handle(
            &self,
            _: ActorRef<ServiceMessage>,
            message: ServiceMessage,
            given: &mut Self::State,
        ) -> Result<(), ActorProcessingErr> {
            if let ServiceMessage::Adopt(link) = message {
                given.send(link)?;
            }
            Ok(())
        }
    }

    async fn owner() -> (
        ActorRef<ServiceMessage>,
        mpsc::UnboundedReceiver<Arc<TaskLink>>,
    ) {
        let (given, taken) = mpsc::unbounded_channel();
        let spawned = Actor::spawn(None, Owner, given).await;
        (spawned.unwrap().0, taken)
    }

    #[tokio::test]
    async fn open_connections_belong_to_whichever_actor_the_node_has() {
        let connections = Connections::new();
        let first = connections.add(connections.place().await);
        let (actor, mut taken) = owner().await;
        connections.belong_to(actor.clone());
        let second = connections.add(connections.place().await);
        for link in [&first, &second] {
            assert!(Arc::ptr_eq(&taken.recv().await.unwrap(), link));
        }
        drop(first);
        let (next, mut taken) = owner().await;
        connections.belong_to(next.clone());
        assert!(Arc::ptr_eq(&taken.recv().await.unwrap(), &second));
        actor.stop(None);
        next.stop_and_wait(None, None).await.unwrap();
        assert!(taken.recv().await.is_none(), "it got more than is open");
    }

    #[tokio::test]
    async fn a_flood_of_connections_waits_for_places() {
        let connections = Connections::new();
        let mut open = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            open.push(connections.add(connections.place().await));
        }
        let next = connections.places.clone().try_acquire_owned();
        assert!(next.is_err(), "there is a place for one more");
        open.pop();
        connections.add(connections.place().await);
    }
}
