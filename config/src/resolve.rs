//! The one function from what the user wrote to what the program means, and its way back.

use crate::raw::{
    Bytes, OrNone, RawAgent, RawConfig, RawEnvironment, RawModels, RawObservers, RawOtlp,
    RawReaction, RawRetention, RawRuntime, RawSupervision, RawTraces, Span,
};
use crate::{
    AgentConfig, Config, EnvironmentConfig, ModelsConfig, ObserversConfig, OtlpConfig, Places,
    ReactionConfig, Retention, RuntimeConfig, Settings, SupervisionConfig, TracesConfig,
};

/// The keys of all agents that became settings of some.
const MOVED: [&str; 3] = ["context", "cache_bytes", "precision"];

impl From<RawConfig> for Config {
    /// Fills in what the user left out. The rules were checked before, where the places of the values are known.
    fn from(raw: RawConfig) -> Self {
        let defaults = agent(raw.defaults, &AgentConfig::default());
        let agents = raw.agents.into_iter();
        Self {
            runtime: runtime(raw.runtime),
            environment: environment(raw.environment),
            agents: agents
                .map(|(name, raw)| (name, agent(raw, &defaults)))
                .collect(),
            defaults,
            reactions: raw.reactions.into_iter().map(reaction).collect(),
            models: models(raw.models),
            observers: observers(raw.observers),
            places: Places::default(),
        }
    }
}

fn runtime(raw: RawRuntime) -> RuntimeConfig {
    let base = RuntimeConfig::default();
    RuntimeConfig {
        shutdown_limit: raw
            .shutdown_limit
            .map_or(base.shutdown_limit, |span| span.0),
        default_deadline: raw
            .default_deadline
            .map_or(base.default_deadline, |span| span.0.map(|span| span.0)),
        memory_budget: raw
            .memory_budget
            .map_or(base.memory_budget, |size| size.0.map(|size| size.0)),
        supervision: supervision(&raw.supervision, &base.supervision),
        event_capacity: raw.event_capacity.unwrap_or(base.event_capacity),
    }
}

fn supervision(raw: &RawSupervision, base: &SupervisionConfig) -> SupervisionConfig {
    SupervisionConfig {
        strategy: raw.strategy.unwrap_or(base.strategy),
        max_restarts: raw.max_restarts.unwrap_or(base.max_restarts),
        window: raw.window.map_or(base.window, |span| span.0),
        backoff_initial: raw
            .backoff_initial
            .map_or(base.backoff_initial, |span| span.0),
        backoff_max: raw.backoff_max.map_or(base.backoff_max, |span| span.0),
    }
}

fn environment(raw: RawEnvironment) -> EnvironmentConfig {
    let base = EnvironmentConfig::default();
    EnvironmentConfig {
        fsync: raw.fsync.unwrap_or(base.fsync),
        retention: Retention {
            max_facts: raw
                .retention
                .max_facts
                .map_or(base.retention.max_facts, |facts| facts.0),
            max_age: raw
                .retention
                .max_age
                .map_or(base.retention.max_age, |span| span.0.map(|span| span.0)),
        },
        namespace: raw.namespace.unwrap_or(base.namespace),
        max_fact_bytes: raw
            .max_fact_bytes
            .map_or(base.max_fact_bytes, |size| size.0),
        max_blob_bytes: raw
            .max_blob_bytes
            .map_or(base.max_blob_bytes, |size| size.0),
        max_reaction_depth: raw.max_reaction_depth.unwrap_or(base.max_reaction_depth),
        max_reactions_per_episode: raw
            .max_reactions_per_episode
            .unwrap_or(base.max_reactions_per_episode),
    }
}

fn agent(raw: RawAgent, base: &AgentConfig) -> AgentConfig {
    AgentConfig {
        enabled: raw.enabled.unwrap_or(base.enabled),
        placement: raw.placement.unwrap_or_else(|| base.placement.clone()),
        replicas: raw.replicas.unwrap_or(base.replicas),
        capacity: raw.capacity.unwrap_or(base.capacity),
        capacity_bytes: raw
            .capacity_bytes
            .map_or(base.capacity_bytes, |size| size.0),
        max_attempts: raw.max_attempts.unwrap_or(base.max_attempts),
        max_batch: raw.max_batch.unwrap_or(base.max_batch),
        max_wait: raw.max_wait.map_or(base.max_wait, |span| span.0),
        step_limit: raw.step_limit.map_or(base.step_limit, |span| span.0),
        load_limit: raw.load_limit.map_or(base.load_limit, |span| span.0),
        grace: raw.grace.map_or(base.grace, |span| span.0),
        max_abandoned: raw.max_abandoned.unwrap_or(base.max_abandoned),
        idle_unload: raw
            .idle_unload
            .map_or(base.idle_unload, |span| span.0.map(|span| span.0)),
        lazy: raw.lazy.unwrap_or(base.lazy),
        model: raw.model.map_or_else(|| base.model.clone(), |name| name.0),
        settings: Settings {
            own: raw.settings,
            moved: moved(
                [raw.context, raw.cache_bytes, raw.precision],
                &base.settings.moved,
            ),
        },
    }
}

/// Settings at the places of keys of all agents, over those of the defaults.
fn moved(values: [Option<toml::Value>; 3], base: &toml::Table) -> toml::Table {
    let mut moved = base.clone();
    for (key, value) in MOVED.into_iter().zip(values) {
        if let Some(value) = value {
            moved.insert(key.to_owned(), value);
        }
    }
    moved
}

fn reaction(raw: RawReaction) -> ReactionConfig {
    ReactionConfig {
        name: raw.name,
        kind: raw.kind,
        skill: raw.skill,
        enabled: raw.enabled.unwrap_or(true),
    }
}

fn models(raw: RawModels) -> ModelsConfig {
    let base = ModelsConfig::default();
    ModelsConfig {
        offline: raw.offline.unwrap_or(base.offline),
        hub_endpoint: raw.hub_endpoint.unwrap_or(base.hub_endpoint),
        hub_token_variable: raw.hub_token_variable.unwrap_or(base.hub_token_variable),
        catalogues: raw.catalogues.unwrap_or(base.catalogues),
    }
}

fn observers(raw: RawObservers) -> ObserversConfig {
    let base = ObserversConfig::default();
    let (otlp, traces) = (raw.otlp, raw.traces);
    ObserversConfig {
        json_lines: raw.json_lines.and_then(|path| path.0),
        content: raw.content.unwrap_or_default(),
        log: raw.log.unwrap_or_default(),
        log_level: raw.log_level.unwrap_or_default(),
        metrics: raw.metrics.and_then(|address| address.0),
        otlp: OtlpConfig {
            endpoint: otlp.endpoint.and_then(|endpoint| endpoint.0),
            protocol: otlp.protocol.unwrap_or(base.otlp.protocol),
            headers: otlp.headers.unwrap_or(base.otlp.headers),
            certificate: otlp.certificate.and_then(|path| path.0),
            timeout: otlp.timeout.map_or(base.otlp.timeout, |span| span.0),
            queue_bytes: otlp
                .queue_bytes
                .map_or(base.otlp.queue_bytes, |size| size.0),
            metrics_interval: otlp
                .metrics_interval
                .map_or(base.otlp.metrics_interval, |span| span.0.map(|span| span.0)),
            logs: otlp.logs.unwrap_or(base.otlp.logs),
            service_name: otlp.service_name.unwrap_or(base.otlp.service_name),
        },
        traces: TracesConfig {
            ratio: traces.ratio.unwrap_or(base.traces.ratio),
            slow: traces.slow.and_then(|slow| slow.0).map(|span| span.0),
        },
    }
}

impl From<&ObserversConfig> for RawObservers {
    fn from(observers: &ObserversConfig) -> Self {
        let (otlp, traces) = (&observers.otlp, &observers.traces);
        Self {
            json_lines: Some(OrNone(observers.json_lines.clone())),
            content: Some(observers.content),
            log: Some(observers.log),
            log_level: Some(observers.log_level),
            metrics: Some(OrNone(observers.metrics.clone())),
            otlp: RawOtlp {
                endpoint: Some(OrNone(otlp.endpoint.clone())),
                protocol: Some(otlp.protocol),
                headers: Some(otlp.headers.clone()),
                certificate: Some(OrNone(otlp.certificate.clone())),
                timeout: Some(Span(otlp.timeout)),
                queue_bytes: Some(Bytes(otlp.queue_bytes)),
                metrics_interval: Some(OrNone(otlp.metrics_interval.map(Span))),
                logs: Some(otlp.logs),
                service_name: Some(otlp.service_name.clone()),
            },
            traces: RawTraces {
                ratio: Some(traces.ratio),
                slow: Some(OrNone(traces.slow.map(Span))),
            },
        }
    }
}

impl From<&Config> for RawConfig {
    /// Writes out every value, so that nothing is left to defaults.
    fn from(config: &Config) -> Self {
        let agents = config.agents.iter();
        Self {
            runtime: RawRuntime::from(&config.runtime),
            environment: RawEnvironment::from(&config.environment),
            defaults: RawAgent::from(&config.defaults),
            agents: agents
                .map(|(name, agent)| (name.clone(), own(agent, &config.defaults)))
                .collect(),
            reactions: config.reactions.iter().map(RawReaction::from).collect(),
            models: RawModels {
                offline: Some(config.models.offline),
                hub_endpoint: Some(config.models.hub_endpoint.clone()),
                hub_token_variable: Some(config.models.hub_token_variable.clone()),
                catalogues: Some(config.models.catalogues.clone()),
            },
            observers: RawObservers::from(&config.observers),
        }
    }
}

/// What was written for one agent; what moved and comes from the defaults stays there.
fn own(agent: &AgentConfig, defaults: &AgentConfig) -> RawAgent {
    let mut agent = agent.clone();
    let defaults = &defaults.settings.moved;
    let settings = &mut agent.settings.moved;
    settings.retain(|key, value| defaults.get(key) != Some(value));
    RawAgent::from(&agent)
}

impl From<&RuntimeConfig> for RawRuntime {
    fn from(runtime: &RuntimeConfig) -> Self {
        let supervision = &runtime.supervision;
        Self {
            shutdown_limit: Some(Span(runtime.shutdown_limit)),
            default_deadline: Some(OrNone(runtime.default_deadline.map(Span))),
            memory_budget: Some(OrNone(runtime.memory_budget.map(Bytes))),
            event_capacity: Some(runtime.event_capacity),
            supervision: RawSupervision {
                strategy: Some(supervision.strategy),
                max_restarts: Some(supervision.max_restarts),
                window: Some(Span(supervision.window)),
                backoff_initial: Some(Span(supervision.backoff_initial)),
                backoff_max: Some(Span(supervision.backoff_max)),
            },
        }
    }
}

impl From<&EnvironmentConfig> for RawEnvironment {
    fn from(environment: &EnvironmentConfig) -> Self {
        Self {
            fsync: Some(environment.fsync),
            namespace: Some(environment.namespace.clone()),
            max_fact_bytes: Some(Bytes(environment.max_fact_bytes)),
            max_blob_bytes: Some(Bytes(environment.max_blob_bytes)),
            max_reaction_depth: Some(environment.max_reaction_depth),
            max_reactions_per_episode: Some(environment.max_reactions_per_episode),
            retention: RawRetention {
                max_facts: Some(OrNone(environment.retention.max_facts)),
                max_age: Some(OrNone(environment.retention.max_age.map(Span))),
            },
        }
    }
}

impl From<&AgentConfig> for RawAgent {
    fn from(agent: &AgentConfig) -> Self {
        let moved = |key| agent.settings.moved.get(key).cloned();
        Self {
            enabled: Some(agent.enabled),
            placement: Some(agent.placement.clone()),
            replicas: Some(agent.replicas),
            capacity: Some(agent.capacity),
            capacity_bytes: Some(Bytes(agent.capacity_bytes)),
            max_attempts: Some(agent.max_attempts),
            max_batch: Some(agent.max_batch),
            max_wait: Some(Span(agent.max_wait)),
            step_limit: Some(Span(agent.step_limit)),
            load_limit: Some(Span(agent.load_limit)),
            grace: Some(Span(agent.grace)),
            max_abandoned: Some(agent.max_abandoned),
            idle_unload: Some(OrNone(agent.idle_unload.map(Span))),
            lazy: Some(agent.lazy),
            model: Some(OrNone(agent.model.clone())),
            context: moved("context"),
            cache_bytes: moved("cache_bytes"),
            precision: moved("precision"),
            settings: agent.settings.own.clone(),
        }
    }
}

impl From<&ReactionConfig> for RawReaction {
    fn from(reaction: &ReactionConfig) -> Self {
        Self {
            name: reaction.name.clone(),
            kind: reaction.kind.clone(),
            skill: reaction.skill.clone(),
            enabled: Some(reaction.enabled),
        }
    }
}
