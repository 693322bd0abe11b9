//! The timeline on the page: who did what when, and who asked for it.

use std::collections::{HashMap, HashSet};

use aimass_runtime::{Fact, Revision, SpanId};

use crate::facts::{Row, seconds};
use crate::words::Words;

/// Colours that agents are told apart by.
const COLOURS: usize = 6;
/// How far a bar is moved in at most, by who asked whom.
const MAX_DEPTH: usize = 4;
/// Marks on the axis.
const MARKS: u64 = 4;

/// The tasks of an episode over time.
#[derive(Default)]
pub(crate) struct Timeline {
    pub(crate) bars: Vec<Bar>,
    /// Marks on the axis: their place in percent, and their time.
    pub(crate) marks: Vec<(f64, String)>,
    /// Agents, with the number of their colour.
    pub(crate) agents: Vec<(String, usize)>,
    pub(crate) tasks: u64,
    /// Tasks that are not shown.
    pub(crate) left_out: u64,
    pub(crate) length: String,
}

/// A task in its place. Places are in percent of the whole time.
pub(crate) struct Bar {
    pub(crate) skill: String,
    pub(crate) subject: String,
    pub(crate) colour: usize,
    pub(crate) depth: usize,
    /// Who asked for it: a skill, or the user.
    pub(crate) asked_by: String,
    /// The fact that it found.
    pub(crate) fact: Option<Revision>,
    pub(crate) from: f64,
    /// How long it waited for a worker.
    pub(crate) wait: f64,
    /// How long it ran.
    pub(crate) run: f64,
    pub(crate) begins: String,
    pub(crate) took: String,
    pub(crate) failed: bool,
}

/// What is known of the tasks of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Those that are shown.
    pub tasks: Vec<Task>,
    /// How many there were.
    pub count: u64,
}

/// A task. Its times are nanoseconds of one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its span.
    pub span: Option<SpanId>,
    /// The span of whoever asked for it.
    pub parent: Option<SpanId>,
    /// What was asked.
    pub skill: String,
    /// Who did it.
    pub agent: String,
    /// When it was accepted.
    pub accepted_ns: u64,
    /// When a worker took it.
    pub started_ns: u64,
    /// When it was settled.
    pub settled_ns: u64,
    /// Whether it came to nothing.
    pub failed: bool,
}

/// The timeline of what is known of the tasks; where nothing is, of what their facts tell.
pub(crate) fn timeline(work: Option<&Work>, rows: &[Row<'_>], words: &Words) -> Timeline {
    let tasks = match work {
        Some(work) => work.tasks.clone(),
        None => tasks_of_facts(rows, words),
    };
    let tasks = as_tree(tasks);
    let begun = tasks.iter().map(|task| task.accepted_ns).min();
    let ended = tasks.iter().map(|task| task.settled_ns).max();
    let (Some(begun), Some(ended)) = (begun, ended) else {
        return Timeline {
            length: seconds(0),
            ..Timeline::default()
        };
    };
    let axis = Axis {
        begun,
        length: (ended - begun).max(1),
    };
    let agents = agents(&tasks);
    let shown = tasks.len() as u64;
    let known = work.map_or(shown, |work| work.count);
    Timeline {
        bars: bars(&tasks, rows, &agents, &axis, words),
        marks: axis.marks(),
        agents,
        tasks: known.max(shown),
        left_out: known.saturating_sub(shown),
        length: seconds(axis.length / 1_000_000),
    }
}

/// Each task below the one that asked for it; those that the same one asked for, in the order of time.
fn as_tree(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(|task| (task.accepted_ns, task.settled_ns));
    let spans = tasks.iter().enumerate();
    let places: HashMap<SpanId, usize> = spans
        .filter_map(|(place, task)| Some((task.span?, place)))
        .collect();
    let mut asked_by = vec![Vec::new(); tasks.len()];
    let mut open = Vec::new();
    // Backwards, since the last one of a stack is the first to be taken.
    for (place, task) in tasks.iter().enumerate().rev() {
        match task.parent.and_then(|parent| places.get(&parent)) {
            Some(asker) => asked_by[*asker].push(place),
            None => open.push(place),
        }
    }
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut tree = Vec::with_capacity(tasks.len());
    while let Some(place) = open.pop() {
        tree.extend(tasks[place].take());
        open.append(&mut asked_by[place]);
    }
    // Nothing asks for itself; what would is shown all the same.
    tree.extend(tasks.into_iter().flatten());
    tree
}

struct Axis {
    begun: u64,
    length: u64,
}

impl Axis {
    fn percent(&self, ns: u64) -> f64 {
        let share = 100.0 * ns as f64 / self.length as f64;
        (share * 1000.0).round() / 1000.0
    }

    fn marks(&self) -> Vec<(f64, String)> {
        let mark = |number: u64| {
            let at = self.length * number / MARKS;
            (self.percent(at), seconds(at / 1_000_000))
        };
        (0..=MARKS).map(mark).collect()
    }
}

/// Agents in the order of their first tasks.
fn agents(tasks: &[Task]) -> Vec<(String, usize)> {
    let mut agents: Vec<(String, usize)> = Vec::new();
    for task in tasks {
        if agents.iter().all(|(agent, _)| *agent != task.agent) {
            agents.push((task.agent.clone(), agents.len() % COLOURS));
        }
    }
    agents
}

fn bars(
    tasks: &[Task],
    rows: &[Row<'_>],
    agents: &[(String, usize)],
    axis: &Axis,
    words: &Words,
) -> Vec<Bar> {
    let by_span: HashMap<SpanId, &Task> = tasks
        .iter()
        .filter_map(|task| Some((task.span?, task)))
        .collect();
    let mut found: HashMap<SpanId, &Row<'_>> = HashMap::new();
    for row in rows {
        let provenance = &row.fact.provenance;
        if let (Some(span), Some(_)) = (provenance.span, provenance.task) {
            found.insert(span, row);
        }
    }
    let bar = |task: &Task| {
        let asker = task.parent.and_then(|parent| by_span.get(&parent));
        let row = lineage(task, &by_span)
            .into_iter()
            .find_map(|task| found.get(&task.span?));
        let own = task.span.and_then(|span| found.get(&span));
        let own = own.map(|row| row.fact);
        let when_quiet = own.is_some_and(|fact| fact.provenance.cause.is_none());
        let colour = agents.iter().find(|(agent, _)| *agent == task.agent);
        Bar {
            skill: task.skill.clone(),
            subject: row.map(|row| row.subject.clone()).unwrap_or_default(),
            colour: colour.map_or(0, |(_, colour)| *colour),
            depth: (lineage(task, &by_span).len() - 1).min(MAX_DEPTH),
            asked_by: match asker {
                Some(asker) => asker.skill.clone(),
                None if when_quiet => words.quiet.to_owned(),
                None => words.you.to_owned(),
            },
            fact: own.map(|fact| fact.revision),
            from: axis.percent(task.accepted_ns - axis.begun),
            wait: axis.percent(task.started_ns.saturating_sub(task.accepted_ns)),
            run: axis.percent(task.settled_ns.saturating_sub(task.started_ns)),
            begins: seconds((task.accepted_ns - axis.begun) / 1_000_000),
            took: seconds(task.settled_ns.saturating_sub(task.accepted_ns) / 1_000_000),
            failed: task.failed,
        }
    };
    tasks.iter().map(bar).collect()
}

/// A task, the one that asked for it, and so on.
fn lineage<'t>(task: &'t Task, by_span: &HashMap<SpanId, &'t Task>) -> Vec<&'t Task> {
    let mut lineage = vec![task];
    let mut seen: HashSet<SpanId> = task.span.into_iter().collect();
    let mut parent = task.parent;
    while let Some(span) = parent.filter(|span| seen.insert(*span))
        && let Some(asker) = by_span.get(&span)
    {
        lineage.push(asker);
        parent = asker.parent;
    }
    lineage
}

/// Where nothing is known of the tasks, the facts tell of them: from the fact that was reacted to, to the fact that was found.
fn tasks_of_facts(rows: &[Row<'_>], words: &Words) -> Vec<Task> {
    let by_revision: HashMap<Revision, &Fact> = rows
        .iter()
        .map(|row| (row.fact.revision, row.fact))
        .collect();
    let task = |row: &Row<'_>| {
        let fact = row.fact;
        fact.provenance.task?;
        let cause = fact.provenance.cause;
        let cause = cause.and_then(|cause| by_revision.get(&cause));
        let accepted_ms = cause.map_or(fact.at_ms, |cause| cause.at_ms);
        Some(Task {
            span: fact.provenance.span,
            parent: cause.and_then(|cause| cause.provenance.span),
            skill: fact.kind.name().to_owned(),
            agent: row.agent(words).to_owned(),
            accepted_ns: accepted_ms * 1_000_000,
            started_ns: accepted_ms * 1_000_000,
            settled_ns: fact.at_ms * 1_000_000,
            failed: false,
        })
    };
    rows.iter().filter_map(task).collect()
}
