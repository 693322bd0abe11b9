//! Supervision: every thread and every task of a runtime has an owner, who hears of its end.
//!
//! The tree stands on ractor, which only tells a supervisor that a child has ended; who is started again, how often and how soon is
//! decided here. Work is never in a mailbox: tasks are in the ledgers of their agents, facts in the environment, records in the observers'
//! channel. So an actor that dies costs its own restart and nothing that was accepted.

mod agent;
mod builder;
mod service;
mod services;
mod supervisor;
mod task;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::Arc;

use ractor::Actor;
use tokio::sync::watch;

pub use builder::RuntimeBuilder;

use crate::core::board::Board;
use crate::core::tree::Supervision;
use supervisor::{SupervisorActor, SupervisorArguments, Team};

/// Starts the root of a tree, with nothing below it.
///
/// # Errors
/// What ractor says when the root cannot be started.
async fn start(team: Arc<Team>, board: Arc<Board>) -> Result<Supervision, ractor::SpawnErr> {
    let (failed, failures) = watch::channel(None);
    let arguments = SupervisorArguments {
        team,
        board: board.clone(),
        failed,
    };
    let (root, _) = Actor::spawn(None, SupervisorActor, arguments).await?;
    Ok(Supervision::new(root, board, failures))
}
