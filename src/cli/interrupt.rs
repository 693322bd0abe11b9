//! Ctrl-C: the first one lets what is under way come to its end, the second cuts it off.

use std::future::Future;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::{Failure, say};

/// What a shell expects of a program that Ctrl-C ended.
const CUT_OFF: i32 = 130;

/// What asks the process to end, from the moment that it listens: nothing that comes between two waits is lost.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// From now on Ctrl-C and the system's own wish for an end no longer end the process by themselves.
    ///
    /// To be called before the user is told that Ctrl-C has an effect.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for Ctrl-C, or for the system to ask for an end.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for the work; after a first Ctrl-C it still does, after a second the process ends.
    pub(crate) async fn patiently<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            outcome = &mut work => return outcome,
            () = self.asked() => {}
        }
        say("finishing what is under way; Ctrl-C again cuts it off");
        self.finish(work).await
    }

    /// Waits for the work, until another Ctrl-C ends the process.
    pub(crate) async fn finish<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            outcome = work => outcome,
            () = self.asked() => {
                say("cut off; what was accepted for an episode goes on at the next start");
                process::exit(CUT_OFF)
            }
        }
    }
}
