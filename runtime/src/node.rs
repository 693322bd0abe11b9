//! Transports: how a caller reaches a runtime, in this process or in another.
//!
//! A transport takes a [`Request`] and gives a [`Call`]: items while the work goes on, then one reply. The runtime itself is the first
//! transport; the second, [`SocketClient`], sends the same requests over a Unix socket to a [`SocketServer`], which hands them to the first.

mod accept;
mod blobs;
mod call;
mod caller;
mod client;
mod connections;
mod live;
mod local;
mod peer;
mod records;
mod request;
mod server;
mod service;
mod show;
mod wire;

#[cfg(test)]
mod tests;

pub use blobs::{put_blob, read_blob};
pub use call::{Call, Item, ItemSender};
pub use caller::{Caller, CallerTransport, Right};
pub use client::SocketClient;
pub use request::Request;
pub use server::SocketServer;
pub use show::{Records, ShownFact};

use std::path::PathBuf;

use thiserror::Error;

/// A way to a runtime.
pub trait Transport: Send + Sync + 'static {
    /// Starts a call. Nothing happens until the call is polled, and dropping it cancels what was asked.
    fn call(&self, request: Request) -> Call;
}

/// Why there is no connection to a node, or no node to connect to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nobody listens there.
    #[error("no node listens on {}; start one with `aimass start`", .path.display())]
    NoNode {
        /// The socket.
        path: PathBuf,
    },
    /// Another process is the node of this socket.
    #[error("another node already listens on {}; use it, or choose another home with `--home`", .path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket lies where the socket should be.
    #[error("{} is in the way and is not a socket; move it away", .path.display())]
    NotASocket {
        /// Where the socket should be.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The node speaks another version of the protocol, or none.
    #[error("the node on {} cannot be spoken to: {message}; stop it and start this version's `aimass start`", .path.display())]
    Protocol {
        /// The socket.
        path: PathBuf,
        /// What came instead of its greeting.
        message: String,
    },
}
