//! What rules need of the runtime that they belong to.

use std::sync::Arc;

use aimass_config::EnvironmentConfig;
use aimass_environment::{Clock, TaskRecord};

use crate::core::router::{Route, Router};
use crate::core::ticket::Ticket;
use crate::error::TaskError;
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::Reaction;
use crate::spawn::Spawner;

/// The runtime as its rules see it.
pub(crate) trait RuleHost: Send + Sync {
    /// Whether nothing is taken any more.
    fn is_closing(&self) -> bool;
    /// The ticket of a task whose acceptance is about to be written down, in the span that its record names, and the way to its agent.
    fn ticket_to_accept(&self, record: &TaskRecord) -> Result<(Route, Arc<Ticket>), TaskError>;
    fn router(&self) -> &Router;
    fn spawner(&self) -> Arc<Spawner>;
    fn clock(&self) -> Clock;
    fn reactions(&self) -> Vec<Arc<Reaction>>;
    fn idle_rules(&self) -> Vec<Arc<IdleRule>>;
    /// How far reactions may go in an episode.
    fn limits(&self) -> &EnvironmentConfig;
}
