//! The way of a live view to other processes: a runtime's transport that answers one request more.

use aimass_runtime::{Call, FaultKind, Request, Runtime, TaskError, Transport};

use super::Live;

/// A runtime with its live view, to be served by a [`SocketServer`](aimass_runtime::SocketServer).
///
/// It answers [`Request::Live`], and hands everything else to the runtime. A view is made when it is asked for: a client that does not
/// ask, or does not read, costs nothing.
pub struct LiveTransport {
    runtime: Runtime,
    live: Live,
}

impl LiveTransport {
    /// Serves `runtime` and its view.
    pub fn new(runtime: Runtime, live: Live) -> Self {
        Self { runtime, live }
    }
}

impl Transport for LiveTransport {
    fn call(&self, request: Request) -> Call {
        if !matches!(request, Request::Live) {
            return self.runtime.call(request);
        }
        let (runtime, live) = (self.runtime.clone(), self.live.clone());
        Call::new(move |_| async move {
            serde_json::to_value(live.view(&runtime)).map_err(|error| TaskError::Refused {
                kind: FaultKind::Bug,
                message: error.to_string(),
            })
        })
    }
}
