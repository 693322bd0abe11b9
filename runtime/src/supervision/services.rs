//! The services of a runtime: each keeps in itself what must survive its restarts.

use std::sync::{Arc, Weak};

use aimass_environment::{Environment, panics};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::core::AgentCore;
use crate::core::memory::{Deficit, Memory};
use crate::core::message::Service;
use crate::observer::{EventSink, Pump};
use crate::reactions::{Reacting, RuleHost, react, watch_over_idle};
use crate::runtime::{Inner, Unsettled, take_up};
use crate::skill::context::BoxFuture;
use crate::spawn::service_thread;

/// Owns the environment's writer: when its thread dies, it is started again on the same queue, after the store was loaded anew.
pub(crate) struct EnvironmentService {
    environment: Environment,
}

impl EnvironmentService {
    /// From now on a writer that panics waits to be started again.
    pub(crate) fn new(environment: Environment) -> Self {
        environment.supervised();
        Self { environment }
    }
}

impl Service for EnvironmentService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            self.environment
                .restart_writer()
                .map_err(|error| error.to_string())?;
            self.environment.writer_ended().await
        })
    }

    fn given_up(&self, _: &str) {
        self.environment.give_writer_up();
    }

    #[cfg(feature = "fault-injection")]
    fn break_thread(&self) -> bool {
        self.environment.inject_panic();
        true
    }
}

/// How a thread has ended; nothing until it has.
type Ended = watch::Receiver<Option<Result<(), String>>>;

/// Owns the thread that serves the observers.
pub(crate) struct ObserverService {
    events: Arc<EventSink>,
    /// Between two threads.
    pump: Arc<Mutex<Option<Pump>>>,
    /// The thread of now, or of before: it goes on when only its actor dies.
    thread: Mutex<Option<Ended>>,
}

impl ObserverService {
    pub(crate) fn new(events: Arc<EventSink>, pump: Pump) -> Self {
        Self {
            events,
            pump: Arc::new(Mutex::new(Some(pump))),
            thread: Mutex::new(None),
        }
    }

    /// The end of the thread that serves, which is started where there is none.
    fn thread(&self) -> std::io::Result<Ended> {
        let mut thread = self.thread.lock();
        if let Some(alive) = thread.as_ref().filter(|thread| thread.borrow().is_none()) {
            return Ok(alive.clone());
        }
        let (end, ended) = watch::channel(None);
        let slot = self.pump.clone();
        service_thread("aimass-observers", move || {
            let Some(mut pump) = slot.lock().take() else {
                return;
            };
            let served = panics::caught(|| pump.serve());
            if served.is_err() {
                *slot.lock() = Some(pump);
            }
            end.send_replace(Some(served));
        })?;
        *thread = Some(ended.clone());
        Ok(ended)
    }
}

impl Service for ObserverService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            let thread = self.thread();
            let mut thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
            match thread.wait_for(Option::is_some).await {
                Ok(ended) => ended.clone().unwrap_or(Ok(())),
                Err(_) => Err("its thread has ended without a word".to_owned()),
            }
        })
    }

    fn given_up(&self, _: &str) {
        // Nobody takes records any more: they are counted as dropped, and nobody waits for a flush.
        drop(self.pump.lock().take());
    }

    fn break_thread(&self) -> bool {
        self.events.inject_panic();
        true
    }
}

/// Grants memory for weights, and has those unloaded that nobody uses.
pub(crate) struct MemoryService {
    memory: Arc<Memory>,
    cores: Vec<Arc<AgentCore>>,
}

impl MemoryService {
    pub(crate) fn new(memory: Arc<Memory>, cores: Vec<Arc<AgentCore>>) -> Self {
        Self { memory, cores }
    }

    /// Has weights unloaded that nobody uses, the longest unused first, if that makes enough room.
    fn make_room(&self, deficit: Deficit) {
        let mut unused = Vec::new();
        for (key, bytes) in deficit.held {
            let core = self.cores.iter().find(|core| core.name == key.agent);
            if let Some(core) = core
                && let Some(since) = core.idle_since(key.group)
            {
                unused.push((since, bytes, key.group, core));
            }
        }
        // While too much is in use to make enough room, nobody is unloaded in vain.
        let all = unused.iter().map(|(_, bytes, ..)| *bytes);
        if all.fold(0, u64::saturating_add) < deficit.bytes {
            return;
        }
        unused.sort_by_key(|(since, ..)| *since);
        let mut freed = 0_u64;
        for (_, bytes, group, core) in unused {
            if freed >= deficit.bytes {
                return;
            }
            core.unload(group);
            freed = freed.saturating_add(bytes);
        }
    }
}

impl Service for MemoryService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            loop {
                if let Some(deficit) = self.memory.grant() {
                    self.make_room(deficit);
                }
                self.memory.changed().await;
            }
        })
    }

    fn given_up(&self, _: &str) {
        self.memory.close_line();
    }
}

/// Answers facts by the team's reactions, from a durable cursor.
pub(crate) struct ReactionService {
    host: Weak<dyn RuleHost>,
    environment: Environment,
    reacting: Arc<Reacting>,
}

impl ReactionService {
    pub(crate) fn new(host: Weak<dyn RuleHost>, environment: Environment) -> Self {
        Self {
            host,
            environment,
            reacting: Arc::default(),
        }
    }
}

impl Service for ReactionService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        let (host, environment) = (self.host.clone(), self.environment.clone());
        Box::pin(react(host, environment, self.reacting.clone()))
    }
}

/// Asks what is to be asked once an episode is idle.
pub(crate) struct IdleRuleService {
    host: Weak<dyn RuleHost>,
    environment: Environment,
}

impl IdleRuleService {
    pub(crate) fn new(host: Weak<dyn RuleHost>, environment: Environment) -> Self {
        Self { host, environment }
    }
}

impl Service for IdleRuleService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        let (host, environment) = (self.host.clone(), self.environment.clone());
        Box::pin(watch_over_idle(host, environment))
    }
}

/// Takes up what an earlier process accepted.
pub(crate) struct RecoveryService {
    runtime: Weak<Inner>,
    environment: Environment,
    unsettled: Unsettled,
}

impl RecoveryService {
    pub(crate) fn new(
        runtime: Weak<Inner>,
        environment: Environment,
        unsettled: Unsettled,
    ) -> Self {
        Self {
            runtime,
            environment,
            unsettled,
        }
    }
}

impl Service for RecoveryService {
    fn run(self: Arc<Self>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            let (runtime, environment) = (self.runtime.clone(), self.environment.clone());
            take_up(&runtime, &environment, &self.unsettled).await
        })
    }
}
