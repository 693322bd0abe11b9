//! Ctrl-C: the first one lets what is under way come to its end, the second cuts it off.

use std::future::Future;
use std::process;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::{Failure, say};

/// What a shell expects of a program that Ctrl-C ended.
const CUT_OFF: i32 = 130;

/// Waits for Ctrl-C, or for the system to ask for an end.
pub(crate) async fn asked_to_end() -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits for the work; after a first Ctrl-C it still does, after a second the process ends.
pub(crate) async fn patiently<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::pin!(work);
    tokio::select! {
        outcome = &mut work => return Ok(outcome),
        asked = asked_to_end() => asked?,
    }
    say("finishing what is under way; Ctrl-C again cuts it off");
    finish(work).await
}

/// Waits for the work, until another Ctrl-C ends the process.
pub(crate) async fn finish<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => Ok(outcome),
        asked = asked_to_end() => {
            asked?;
            say("cut off; what was accepted for an episode goes on at the next start");
            process::exit(CUT_OFF)
        }
    }
}
