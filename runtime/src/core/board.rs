//! What can be seen of the tree from outside: cheap, and serialisable.

use std::collections::BTreeMap;
use std::sync::Arc;

use aimass_environment::Clock;
use parking_lot::Mutex;
use serde::Serialize;

use crate::observer::{EventSink, Record, ServiceChange, ServiceChanged};

/// A part of the runtime at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    /// Its name in the tree, such as `reactions`.
    pub name: String,
    /// What it does at this moment.
    pub status: ServiceStatus,
    /// How often its actor was started again.
    pub restarts: u64,
    /// Why it ended last, if it ever failed.
    pub failure: Option<String>,
}

/// What a part of the runtime does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// It works.
    Running,
    /// It failed, and is about to be started again.
    Restarting,
    /// Its work is done.
    Ended,
    /// It failed too often: the runtime cannot go on without it.
    Failed,
}

/// Where the supervisors write down how their children are, and from where observers hear of it.
pub(crate) struct Board {
    /// In the order in which they were added.
    services: Mutex<BTreeMap<usize, ServiceState>>,
    events: Arc<EventSink>,
    clock: Clock,
}

impl Board {
    pub(crate) fn new(events: Arc<EventSink>, clock: Clock) -> Self {
        Self {
            services: Mutex::default(),
            events,
            clock,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// All parts, in the order in which they were added.
    pub(crate) fn services(&self) -> Vec<ServiceState> {
        self.services.lock().values().cloned().collect()
    }

    /// Its actor runs.
    pub(crate) fn started(&self, at: usize, name: &str) {
        let mut services = self.services.lock();
        let service = services.entry(at).or_insert_with(|| ServiceState {
            name: name.to_owned(),
            status: ServiceStatus::Running,
            restarts: 0,
            failure: None,
        });
        service.status = ServiceStatus::Running;
    }

    /// It is no part of the runtime any more.
    pub(crate) fn removed(&self, at: usize) {
        self.services.lock().remove(&at);
    }

    /// Its work is done.
    pub(crate) fn ended(&self, at: usize) {
        if let Some(service) = self.services.lock().get_mut(&at) {
            service.status = ServiceStatus::Ended;
        }
    }

    /// Its actor is started again.
    pub(crate) fn restarting(&self, at: usize, name: &str, cause: &str, after_ms: u64) {
        tracing::error!(
            service = name,
            said = cause,
            after_ms,
            "a service of the runtime failed and is restarted"
        );
        self.failed_as(at, cause, ServiceStatus::Restarting);
        self.tell(name, || ServiceChange::Restarting {
            cause: cause.to_owned(),
            after_ms,
        });
    }

    /// It is given up.
    pub(crate) fn given_up(&self, at: usize, name: &str, cause: &str) {
        tracing::error!(
            service = name,
            said = cause,
            "a service of the runtime failed too often; start the runtime again"
        );
        self.failed_as(at, cause, ServiceStatus::Failed);
        self.tell(name, || ServiceChange::GivenUp {
            cause: cause.to_owned(),
        });
    }

    /// A worker's actor is started again, while its thread goes on.
    pub(crate) fn worker_adopted(&self, name: &str, cause: &str) {
        tracing::error!(
            service = name,
            said = cause,
            "the actor of a worker failed and is restarted"
        );
        self.tell(name, || ServiceChange::Restarting {
            cause: cause.to_owned(),
            after_ms: 0,
        });
    }

    fn failed_as(&self, at: usize, cause: &str, status: ServiceStatus) {
        if let Some(service) = self.services.lock().get_mut(&at) {
            service.status = status;
            service.failure = Some(cause.to_owned());
            service.restarts += u64::from(status == ServiceStatus::Restarting);
        }
    }

    fn tell(&self, name: &str, change: impl FnOnce() -> ServiceChange) {
        let at_ns = self.clock.unix_nanos(self.clock.now());
        self.events.emit(|| {
            Record::Service(ServiceChanged {
                service: name.into(),
                at_ns,
                change: change(),
            })
        });
    }
}
