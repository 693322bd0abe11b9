//! The runtime as the host of its rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_config::EnvironmentConfig;
use aimass_environment::{Clock, TaskRecord};

use crate::core::router::{Route, Router};
use crate::core::ticket::{Durability, Ticket};
use crate::error::TaskError;
use crate::reactions::RuleHost;
use crate::runtime::Inner;
use crate::skill::idle_rule::IdleRule;
use crate::skill::reaction::Reaction;
use crate::spawn::Spawner;

impl RuleHost for Inner {
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn ticket_to_accept(&self, record: &TaskRecord) -> Result<(Route, Arc<Ticket>), TaskError> {
        self.restore_ticket(record, Durability::Resumed, record.span, None)
    }

    fn router(&self) -> &Router {
        &self.router
    }

    fn spawner(&self) -> Arc<Spawner> {
        self.spawner.clone()
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn reactions(&self) -> Vec<Arc<Reaction>> {
        self.members().reactions.clone()
    }

    fn idle_rules(&self) -> Vec<Arc<IdleRule>> {
        self.members().idle_rules.clone()
    }

    fn limits(&self) -> &EnvironmentConfig {
        &self.config.environment
    }
}
