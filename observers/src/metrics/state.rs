//! What is looked at when somebody asks: how full and how healthy the agents are, and how fast the store is.

use std::collections::BTreeMap;

use aimass_runtime::{AgentState, CommitTimes, Runtime, ServiceStatus};

use super::described::{self as metric, Label};
use super::series::{Families, Histogram};

/// Looks at the runtime.
pub(super) fn collect(runtime: &Runtime, families: &mut Families) {
    runtime
        .agents()
        .iter()
        .for_each(|agent| collect_agent(agent, families));
    for service in runtime.services() {
        let by_service = vec![(Label::Service, service.name)];
        let failed = u64::from(service.status == ServiceStatus::Failed);
        families.number(
            metric::SERVICE_RESTARTS,
            by_service.clone(),
            service.restarts,
        );
        families.number(metric::SERVICE_FAILED, by_service, failed);
    }
    let commits = histogram(runtime.environment().commit_times());
    families.spread(metric::COMMIT_DURATION, &[], &commits);
    families.number(
        metric::DROPPED_RECORDS,
        Vec::new(),
        runtime.dropped_events(),
    );
}

fn collect_agent(agent: &AgentState, families: &mut Families) {
    let by_agent = vec![(Label::Agent, agent.name.clone())];
    let restarts = agent.workers.iter().map(|worker| worker.restarts).sum();
    let numbers = [
        (metric::WAITING_TASKS, agent.waiting),
        (metric::TASKS, agent.tasks),
        (metric::INPUT, agent.bytes),
        (metric::FAILED, u64::from(agent.failed.is_some())),
        (metric::ABANDONED_THREADS, u64::from(agent.abandoned)),
        (metric::RESTARTS, restarts),
    ];
    for (of, value) in numbers {
        families.number(of, by_agent.clone(), value);
    }
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    let mut models: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for worker in &agent.workers {
        *states.entry(worker.state).or_default() += 1;
        if matches!(worker.state, "idle" | "busy" | "leaving") {
            let (group, device) = (worker.group.clone(), worker.device.to_string());
            // Workers of a group share the weights of a device.
            models.insert(
                [group, device, worker.model.to_string()],
                worker.model_bytes,
            );
        }
    }
    for (state, count) in states {
        let mut labels = by_agent.clone();
        labels.push((Label::State, state.to_owned()));
        families.number(metric::WORKERS, labels, count);
    }
    for ([group, device, model], bytes) in models {
        let mut labels = by_agent.clone();
        labels.extend([
            (Label::Group, group),
            (Label::Device, device),
            (Label::Model, model),
        ]);
        families.number(metric::MODEL_MEMORY, labels, bytes);
    }
}

fn histogram(times: CommitTimes) -> Histogram {
    let exemplars = vec![None; times.counts.len()];
    Histogram {
        bounds: times.bounds,
        counts: times.counts,
        sum: times.sum.as_secs_f64(),
        exemplars,
    }
}
