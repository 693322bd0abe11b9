//! The tree of actors as the runtime holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::watch;

use crate::core::board::{Board, ServiceState, ServiceStatus};
use crate::core::message::{Child, SupervisorMessage};
#[cfg(feature = "fault-injection")]
use crate::fault_injection::FaultInjection;

/// The name of the root in the tree.
pub(crate) const SUPERVISOR: &str = "supervisor";

/// The part of the runtime that was given up, and why.
pub(crate) type Failure = Option<(String, String)>;

/// The root of a runtime's tree, as the runtime holds it.
pub(crate) struct Supervision {
    root: ActorRef<SupervisorMessage>,
    board: Arc<Board>,
    failed: watch::Receiver<Failure>,
    /// The tree ends because the runtime does.
    is_ending: AtomicBool,
}

impl Supervision {
    pub(crate) fn new(
        root: ActorRef<SupervisorMessage>,
        board: Arc<Board>,
        failed: watch::Receiver<Failure>,
    ) -> Self {
        Self {
            root,
            board,
            failed,
            is_ending: AtomicBool::new(false),
        }
    }

    pub(crate) fn root(&self) -> ActorRef<SupervisorMessage> {
        self.root.clone()
    }

    /// The root and all that is below it, workers left out.
    pub(crate) fn services(&self) -> Vec<ServiceState> {
        let status = match self.root.get_status() {
            ractor::ActorStatus::Stopping | ractor::ActorStatus::Stopped => ServiceStatus::Ended,
            _ => ServiceStatus::Running,
        };
        let root = ServiceState {
            name: SUPERVISOR.to_owned(),
            status,
            restarts: 0,
            failure: None,
        };
        let mut services = self.board.services();
        services.insert(0, root);
        services
    }

    /// Injects a fault into the child of that name. Returns `false` when there is none.
    #[cfg(feature = "fault-injection")]
    pub(crate) async fn inject(&self, name: &str, fault: FaultInjection) -> bool {
        let inject = |found| SupervisorMessage::Inject(name.to_owned(), fault, found);
        let found = self.root.call(inject, None).await;
        found.is_ok_and(|found| found.unwrap_or(name == SUPERVISOR))
    }

    /// Adds children below the root, and returns once they were started, in their order.
    pub(crate) async fn add(&self, children: Vec<Child>) {
        let add = |added| SupervisorMessage::Add(children, added);
        // It fails when the root has ended, which is told by `failure`.
        let _ = self.root.call(add, None).await;
    }

    /// Ends the child of that name, and forgets it.
    pub(crate) async fn remove(&self, name: &Arc<str>) {
        let remove = |removed| SupervisorMessage::Remove(name.clone(), removed);
        let _ = self.root.call(remove, None).await;
    }

    /// Ends whatever serves nobody any more once all work is done. The observers and the environment stay until they are closed.
    pub(crate) async fn end_work(&self) {
        let _ = self.root.call(SupervisorMessage::EndWork, None).await;
    }

    /// Ends the tree.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.root.stop(None);
    }

    /// Ends the tree, and returns once it has ended.
    pub(crate) async fn ended(&self, limit: Duration) {
        self.is_ending.store(true, Ordering::Release);
        let _ = self.root.stop_and_wait(None, Some(limit)).await;
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.failed.has_changed().is_err()
    }

    /// Returns once the root is gone.
    pub(crate) async fn gone(&self) {
        let mut failed = self.failed.clone();
        while failed.changed().await.is_ok() {}
    }

    /// Returns once a part of the runtime is given up: its name, and why.
    pub(crate) async fn failure(&self) -> (String, String) {
        let mut failed = self.failed.clone();
        let told = failed.wait_for(Option::is_some).await;
        let told = told.ok().and_then(|told| told.clone());
        // The root is gone, and the channel with it: with the runtime, or before it.
        if told.is_none() && self.is_ending.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        told.unwrap_or_else(|| (SUPERVISOR.to_owned(), "it has ended".to_owned()))
    }
}
