//! The server of a node, under the supervision of its runtime.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::ActorRef;
use tokio::sync::watch;

use crate::core::message::{Child, Service, ServiceMessage};
use crate::node::{SocketServer, Transport};
use crate::runtime::{Runtime, Served};
use crate::skill::context::BoxFuture;

/// Serves a socket. Its connections are the socket's: they go on when whoever takes them dies.
struct NodeService {
    server: SocketServer,
    transport: Arc<dyn Transport>,
    stage: watch::Sender<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    Stopping,
    Ended,
}

impl NodeService {
    fn new(server: SocketServer, transport: Arc<dyn Transport>) -> Self {
        let stage = watch::Sender::new(Stage::Serving);
        Self {
            server,
            transport,
            stage,
        }
    }
}

impl Served for NodeService {
    fn stop<'a>(&'a self, gone: BoxFuture<'a, ()>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.stage.send_if_modified(|stage| {
                let serves = *stage == Stage::Serving;
                if serves {
                    *stage = Stage::Stopping;
                }
                serves
            });
            let mut stage = self.stage.subscribe();
            let ended = async {
                // The sender is in `self`: it cannot go before this returns.
                let _ = stage.wait_for(|stage| *stage == Stage::Ended).await;
            };
            tokio::select! {
                () = ended => {}
                () = gone => self.server.end_connections().await,
            }
        })
    }
}

impl Service for NodeService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            let mut stage = self.stage.subscribe();
            tokio::select! {
                _ = stage.wait_for(|stage| *stage != Stage::Serving) => {}
                () = self.server.take_connections(&self.transport) => {}
            }
            self.server.end_connections().await;
            self.stage.send_replace(Stage::Ended);
            Ok(())
        })
    }

    fn belongs_to(&self, actor: ActorRef<ServiceMessage>) {
        self.server.belongs_to(actor);
    }

    fn given_up(&self, _: &str) {
        self.stage.send_replace(Stage::Ended);
    }
}

impl Runtime {
    /// Serves a socket under the runtime's supervision, until the runtime shuts down: what serves it is started again when it fails, and
    /// connections that are open go on meanwhile. It keeps the runtime alive until then. Calls that are still open at the shutdown have a moment to reply, and are cancelled after it.
    pub async fn serve(&self, server: SocketServer, transport: Arc<dyn Transport>) {
        let node = Arc::new(NodeService::new(server, transport));
        {
            let mut nodes = self.inner.nodes.lock();
            // A shutdown says that it has begun before it looks for nodes.
            if self.inner.closing.load(Ordering::Acquire) {
                return;
            }
            nodes.push(node.clone());
        }
        let child = Child::LastService("node".to_owned(), node);
        self.inner.supervision.add(vec![child]).await;
    }
}
