//! The runtime as the host of its rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aimass_config::EnvironmentConfig;
use aimass_environment::{Clock, TaskRecord};

use crate::episode::RuleHost;
use crate::error::TaskError;
use crate::quiet_rule::QuietRule;
use crate::reaction::Reaction;
use crate::router::{Route, Router};
use crate::runtime::Inner;
use crate::spawn::Spawner;
use crate::ticket::{Durability, Ticket};

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

    fn reactions(&self) -> &[Arc<Reaction>] {
        &self.reactions
    }

    fn quiet_rules(&self) -> &[Arc<QuietRule>] {
        &self.quiet_rules
    }

    fn limits(&self) -> &EnvironmentConfig {
        &self.config.environment
    }
}
