//! What the actors of the tree are told. Whoever is below them holds the way to an actor, and knows no actor.

use std::sync::Arc;

use ractor::{ActorRef, RpcReplyPort};

use crate::core::AgentCore;
use crate::core::task_link::TaskLink;
use crate::fault_injection::FaultInjection;
use crate::skill::context::BoxFuture;

/// What the driver of an agent is told.
pub(crate) enum AgentMessage {
    /// The ledger has decided something that the driver carries out: it is in the core's queue.
    Effects,
    /// The timer has ended, though it never should.
    TimerEnded(String),
    /// A test lets it die.
    Inject(FaultInjection),
    /// A test lets the actor of a worker die.
    InjectIntoWorker(u32, FaultInjection),
}

/// What the root is told.
pub(crate) enum SupervisorMessage {
    /// There are more to look after.
    Add(Vec<Child>, RpcReplyPort<()>),
    /// The child of that name is not looked after any more: its actor ends.
    Remove(Arc<str>, RpcReplyPort<()>),
    /// The wait before a restart is over.
    Restart(usize),
    /// A worker of `agent` was restarted, for a reason that counts against the agent.
    CountedRestart { agent: Arc<str>, cause: String },
    /// All work is done: what serves it ends.
    EndWork(RpcReplyPort<()>),
    /// A test lets the child of that name die. It is told whether there is one.
    #[cfg_attr(
        not(feature = "fault-injection"),
        expect(dead_code, reason = "only tests send it")
    )]
    Inject(String, FaultInjection, RpcReplyPort<bool>),
}

/// What the actor of a service is told.
pub(crate) enum ServiceMessage {
    /// The service has come to its end.
    Ended(Result<(), String>),
    /// The service has started a task, which belongs to the actor.
    Adopt(Arc<TaskLink>),
    /// A test lets it die.
    Inject(FaultInjection),
}

/// What is to run below the root.
pub(crate) enum Child {
    /// A service that work needs, under its name.
    Service(String, Arc<dyn Service>),
    /// A service that also runs while the runtime ends: it ends when what it serves is closed.
    LastService(String, Arc<dyn Service>),
    /// An agent.
    Agent(Arc<AgentCore>),
}

impl Child {
    /// Whether it also runs while the runtime ends.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::LastService(..))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Service(name, _) | Self::LastService(name, _) => name,
            Self::Agent(core) => &core.name,
        }
    }
}

/// A part of the runtime that runs until its work is done, and again after each failure. What it must not lose over a restart it keeps in
/// itself: it outlives its actors.
pub(crate) trait Service: Send + Sync + 'static {
    /// Runs the service.
    ///
    /// # Errors
    /// Why it cannot go on. It is started again then.
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>>;

    /// Called when an actor takes the service over: the tasks that the service has started, and
    /// will start, belong to it from now on.
    fn belongs_to(&self, actor: ActorRef<ServiceMessage>) {
        drop(actor);
    }

    /// Called once when it failed too often and will not be started again: nobody may wait for it any more.
    fn given_up(&self, cause: &str) {
        let _ = cause;
    }

    /// Lets the thread that the service owns die, if it owns one.
    fn break_thread(&self) -> bool {
        false
    }
}
