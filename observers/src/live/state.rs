//! The state behind the view. It reads no clock and asks nobody: it is told records, and at last the moment to make a view of.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aimass_runtime::{AgentState, Note, Record, TaskFinished, TaskNote, TaskOutcome};

use super::durations::Durations;
use super::episodes::Works;
use super::happenings::Happenings;
use super::rates::{Ended, Rates};
use super::view::{Activity, AgentView, LiveView, NodeView, SkillView};

/// Skills that are counted one by one, and agents; the others are counted with their team only. A skill takes 19 kB.
pub(super) const MAX_COUNTED: usize = 512;

/// What is known so far.
#[derive(Default)]
pub(super) struct LiveState {
    team: Tally,
    skills: HashMap<Arc<str>, Tally>,
    agents: HashMap<Arc<str>, Troubles>,
    works: Works,
    happenings: Happenings,
}

/// What a view is made at: everything that records do not say.
pub(super) struct Moment {
    pub(super) now_ns: u64,
    pub(super) uptime: Duration,
    pub(super) memory_bytes: Option<u64>,
    pub(super) dropped_events: u64,
    pub(super) agents: Vec<AgentState>,
}

/// What ended, and how long it took.
#[derive(Default)]
struct Tally {
    ended: Ended,
    rates: Rates,
    duration: Durations,
    wait: Durations,
}

#[derive(Default, Clone, Copy)]
struct Troubles {
    retries: u64,
    dead_letters: u64,
}

impl LiveState {
    /// Takes in one record. Records may come in any order.
    pub(super) fn on(&mut self, record: &Record) {
        match record {
            Record::Task(task) => self.on_task(task),
            Record::Note(note) => {
                self.on_note(note);
                self.happenings.on_note(note);
            }
            Record::Worker(changed) => self.happenings.on_worker(changed),
            Record::Agent(changed) => self.happenings.on_agent(changed),
            Record::Service(changed) => self.happenings.on_service(changed),
            Record::Episode(finished) => self.works.on_episode(finished),
            _ => {}
        }
    }

    fn on_task(&mut self, task: &TaskFinished) {
        self.team.count(task);
        if let Some(tally) = bounded(&mut self.skills, &task.skill) {
            tally.count(task);
        }
        self.works.on_task(task);
    }

    fn on_note(&mut self, note: &TaskNote) {
        let Some(troubles) = bounded(&mut self.agents, &note.agent) else {
            return;
        };
        match note.note {
            Note::Retrying { .. } => troubles.retries += 1,
            Note::DeadLettered { .. } => troubles.dead_letters += 1,
            _ => {}
        }
    }

    /// The view of that moment.
    pub(super) fn view(&self, moment: Moment) -> LiveView {
        let now_ns = moment.now_ns;
        let mut agents: Vec<AgentView> = moment
            .agents
            .into_iter()
            .map(|state| self.agent(state, now_ns))
            .collect();
        let left_out = leave_out(&mut agents);
        LiveView {
            node: NodeView {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                at_ns: now_ns,
                uptime_ms: u64::try_from(moment.uptime.as_millis()).unwrap_or(u64::MAX),
                memory_bytes: moment.memory_bytes,
                model_bytes: model_bytes(&agents),
                dropped_events: moment.dropped_events,
            },
            team: self.team.activity(now_ns),
            agents,
            agents_left_out: left_out,
            episodes: self.works.episodes(),
            calls: self.works.calls(),
            happenings: self.happenings.all(),
        }
    }

    fn agent(&self, mut state: AgentState, now_ns: u64) -> AgentView {
        let mut skills = std::mem::take(&mut state.skills);
        skills.sort_unstable();
        let idle = Tally::default();
        let skill = |name: String| {
            let tally = self.skills.get(name.as_str()).unwrap_or(&idle);
            SkillView {
                activity: tally.activity(now_ns),
                name: name.into(),
            }
        };
        let mut view = AgentView::new(state, skills.into_iter().map(skill).collect());
        if let Some(troubles) = self.agents.get(&*view.name) {
            view.retries = troubles.retries;
            view.dead_letters = troubles.dead_letters;
        }
        view
    }
}

/// The entry of that name, made where it is missing and there is room.
fn bounded<'a, T: Default>(
    map: &'a mut HashMap<Arc<str>, T>,
    name: &Arc<str>,
) -> Option<&'a mut T> {
    if !map.contains_key(name) {
        if map.len() >= MAX_COUNTED {
            return None;
        }
        map.insert(name.clone(), T::default());
    }
    map.get_mut(name)
}

/// Takes agents out until the skills of the rest fit a view: those with the least to do. Gives how many.
fn leave_out(agents: &mut Vec<AgentView>) -> u64 {
    let weight = |agent: &AgentView| 1 + agent.skills.len().max(agent.workers.len());
    if agents.iter().map(weight).sum::<usize>() <= 2 * MAX_COUNTED {
        return 0;
    }
    let before = agents.len();
    agents.sort_by_key(|agent| {
        let ended: u64 = agent.skills.iter().map(|skill| skill.activity.tasks).sum();
        Reverse((agent.failed.is_some(), agent.waiting, ended))
    });
    let mut room = 2 * MAX_COUNTED;
    agents.retain(|agent| {
        room = room.saturating_sub(weight(agent));
        room > 0
    });
    (before - agents.len()) as u64
}

/// What the weights in memory take: those of a group once for each device.
fn model_bytes(agents: &[AgentView]) -> u64 {
    let mut seen = HashSet::new();
    let workers = agents.iter().flat_map(|agent| {
        agent
            .workers
            .iter()
            .map(move |worker| (&agent.name, worker))
    });
    workers
        .filter(|(_, worker)| worker.holds_weights())
        .filter(|(agent, worker)| seen.insert((*agent, &worker.group, &worker.device)))
        .map(|(_, worker)| worker.model_bytes)
        .fold(0, u64::saturating_add)
}

impl Tally {
    fn count(&mut self, task: &TaskFinished) {
        let ended = Ended {
            tasks: 1,
            errors: u64::from(task.outcome != TaskOutcome::Done),
        };
        self.ended += ended;
        self.rates.add(task.settled_ns, ended);
        // A task that never ran was refused or cancelled: how long that took says nothing of the skill.
        if let Some(started_ns) = task.started_ns {
            let since = |from_ns: u64, to_ns: u64| to_ns.saturating_sub(from_ns);
            let took_ns = since(task.accepted_ns, task.settled_ns);
            let waited_ns = since(task.accepted_ns, started_ns);
            self.duration.add(task.settled_ns, took_ns);
            self.wait.add(task.settled_ns, waited_ns);
        }
    }

    fn activity(&self, now_ns: u64) -> Activity {
        let (tasks_per_second, errors_per_second) = self.rates.per_second(now_ns);
        Activity {
            tasks: self.ended.tasks,
            errors: self.ended.errors,
            tasks_per_second,
            errors_per_second,
            history: self.rates.history(now_ns),
            duration: self.duration.percentiles(now_ns),
            wait: self.wait.percentiles(now_ns),
        }
    }
}
