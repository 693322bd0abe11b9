//! The node that is watched.

use std::path::{Path, PathBuf};

use aimass_locale::text;
use aimass_observers::live::LiveView;
use aimass_runtime::{Request, SocketClient, TaskError, Transport};

use crate::failure::Failure;

/// A connection to the node of a home.
pub(super) struct Node {
    socket: PathBuf,
    client: SocketClient,
}

impl Node {
    pub(super) async fn connect(socket: &Path) -> Result<Self, Failure> {
        Ok(Self {
            client: SocketClient::connect(socket).await?,
            socket: socket.to_owned(),
        })
    }

    /// The first look: a node that ends the connection over it does not know what a look is.
    pub(super) async fn first_look(&self) -> Result<LiveView, Failure> {
        let ended = match self.ask().await {
            Err(TaskError::Transport { .. }) => self.ended(),
            answered => return self.read(answered?),
        };
        if SocketClient::connect(&self.socket).await.is_ok() {
            return Err(self.of_another_version("it knows no live view"));
        }
        Err(ended)
    }

    /// A further look.
    pub(super) async fn look(&self) -> Result<LiveView, Failure> {
        match self.ask().await {
            Err(TaskError::Transport { .. } | TaskError::ShuttingDown { .. }) => Err(self.ended()),
            answered => self.read(answered?),
        }
    }

    async fn ask(&self) -> Result<serde_json::Value, TaskError> {
        self.client.call(Request::Live).reply().await
    }

    fn read(&self, reply: serde_json::Value) -> Result<LiveView, Failure> {
        serde_json::from_value(reply)
            .map_err(|error| self.of_another_version(&format!("its live view: {error}")))
    }

    fn ended(&self) -> Failure {
        let socket = self.socket.display();
        Failure::unavailable(text!(
            "the node on {socket} has ended; start it again with `aimass start`",
            "{socket} 上的节点已结束；请用 `aimass start` 重新启动"
        ))
    }

    fn of_another_version(&self, what: &str) -> Failure {
        let socket = self.socket.display();
        Failure::unavailable(text!(
            "the node on {socket} is of another version ({what}); stop it and start this version's `aimass start`",
            "{socket} 上的节点属于另一版本（{what}）；请停止它，再用此版本的 `aimass start` 启动"
        ))
    }
}
