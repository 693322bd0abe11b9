//! What is counted of the records, by skill and by agent.

use std::collections::BTreeMap;
use std::sync::Arc;

use aimass_runtime::{Note, TaskFinished, TaskNote, TaskOutcome, WorkerChange, WorkerChanged};

use super::described::{self as metric, Label};
use super::series::{Families, Histogram, Seen};
use crate::conventions::{Operation, PROVIDER};

/// Upper bounds of durations in seconds: three to a decade, from a hundred microseconds to half an hour.
const DURATIONS: &[f64] = &[
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0,
    50.0, 100.0, 200.0, 500.0, 1800.0,
];
/// Upper bounds of the sizes of batches.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Upper bounds of numbers of tokens: those of OpenTelemetry's conventions for generative AI.
const TOKENS: &[f64] = &[
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
];
/// Versions of models whose tokens are told apart for one skill; the oldest go first.
const MODELS: usize = 16;

/// All that is counted.
#[derive(Default)]
pub(super) struct Counted {
    skills: BTreeMap<Arc<str>, SkillCounts>,
    agents: BTreeMap<Arc<str>, AgentCounts>,
}

struct SkillCounts {
    agent: Arc<str>,
    outcomes: Vec<(String, Histogram)>,
    queue: Histogram,
    model: Histogram,
    first_item: Histogram,
    batch: Histogram,
    tokens: Vec<TokenCounts>,
}

struct TokenCounts {
    model: String,
    input: Histogram,
    output: Histogram,
}

#[derive(Default)]
struct AgentCounts {
    retries: u64,
    dead_letters: u64,
    troubles: BTreeMap<&'static str, u64>,
}

impl Counted {
    /// Counts a task. `seen` is where its values were seen, if its trace is kept.
    pub(super) fn task(&mut self, task: &TaskFinished, seen: Option<Seen>) {
        let skill = self.skills.entry(task.skill.clone());
        let counts = skill.or_insert_with(|| SkillCounts::new(task.agent.clone()));
        counts.add(task, seen);
    }

    pub(super) fn note(&mut self, note: &TaskNote) {
        let agent = self.agents.entry(note.agent.clone()).or_default();
        match note.note {
            Note::Retrying { .. } => agent.retries += 1,
            Note::DeadLettered { .. } => agent.dead_letters += 1,
            _ => {}
        }
    }

    pub(super) fn changed(&mut self, worker: &WorkerChanged) {
        let trouble = match worker.change {
            WorkerChange::Panicked { .. } => "panicked",
            WorkerChange::LoadFailed { .. } => "load_failed",
            WorkerChange::Hung => "hung",
            WorkerChange::Abandoned => "abandoned",
            WorkerChange::TakenDown { .. } => "taken_down",
            WorkerChange::FellBack => "fell_back",
            _ => return,
        };
        let agent = self.agents.entry(worker.agent.clone()).or_default();
        *agent.troubles.entry(trouble).or_default() += 1;
    }

    pub(super) fn collect(&self, families: &mut Families) {
        for (skill, counts) in &self.skills {
            counts.collect(skill, families);
        }
        for (agent, counts) in &self.agents {
            let by_agent = vec![(Label::Agent, agent.to_string())];
            families.number(metric::RETRIES, by_agent.clone(), counts.retries);
            families.number(metric::DEAD_LETTERS, by_agent.clone(), counts.dead_letters);
            for (trouble, count) in &counts.troubles {
                let mut labels = by_agent.clone();
                labels.push((Label::Trouble, (*trouble).to_owned()));
                families.number(metric::TROUBLES, labels, *count);
            }
        }
    }
}

impl SkillCounts {
    fn new(agent: Arc<str>) -> Self {
        Self {
            agent,
            outcomes: Vec::new(),
            queue: Histogram::new(DURATIONS),
            model: Histogram::new(DURATIONS),
            first_item: Histogram::new(DURATIONS),
            batch: Histogram::new(SIZES),
            tokens: Vec::new(),
        }
    }

    fn add(&mut self, task: &TaskFinished, seen: Option<Seen>) {
        let outcome = match &task.outcome {
            TaskOutcome::Done => "done",
            TaskOutcome::Error { error, .. } => error,
        };
        self.outcome(outcome)
            .observe(seconds(task.accepted_ns, task.settled_ns), seen);
        if let Some(started) = task.started_ns {
            self.queue.observe(seconds(task.accepted_ns, started), seen);
        }
        if task.steps > 0 {
            self.model.observe(task.model_ns as f64 / 1e9, seen);
        }
        if let Some(first) = task.first_item_ns {
            self.first_item
                .observe(seconds(task.accepted_ns, first), seen);
        }
        let Some(place) = &task.place else { return };
        // The first of a batch stands for all of it.
        if place.batch_leader.is_none() {
            self.batch.observe(f64::from(place.batch_size), seen);
        }
        let (input, output) = (task.usage.input_tokens, task.usage.output_tokens);
        let Some(model) = place.model.as_ref().filter(|_| input + output > 0) else {
            return;
        };
        let tokens = self.tokens(model.as_str());
        tokens.input.observe(input as f64, seen);
        if output > 0 {
            tokens.output.observe(output as f64, seen);
        }
    }

    fn outcome(&mut self, outcome: &str) -> &mut Histogram {
        let known = self.outcomes.iter().position(|(known, _)| known == outcome);
        let at = known.unwrap_or_else(|| {
            let histogram = Histogram::new(DURATIONS);
            self.outcomes.push((outcome.to_owned(), histogram));
            self.outcomes.len() - 1
        });
        &mut self.outcomes[at].1
    }

    fn tokens(&mut self, model: &str) -> &mut TokenCounts {
        let known = self.tokens.iter().position(|known| known.model == model);
        let at = known.unwrap_or_else(|| {
            if self.tokens.len() == MODELS {
                self.tokens.remove(0);
            }
            self.tokens.push(TokenCounts {
                model: model.to_owned(),
                input: Histogram::new(TOKENS),
                output: Histogram::new(TOKENS),
            });
            self.tokens.len() - 1
        });
        &mut self.tokens[at]
    }

    fn collect(&self, skill: &str, families: &mut Families) {
        let by_skill = vec![
            (Label::Agent, self.agent.to_string()),
            (Label::Skill, skill.to_owned()),
        ];
        for (outcome, histogram) in &self.outcomes {
            let mut labels = by_skill.clone();
            labels.push((Label::Outcome, outcome.clone()));
            families.spread(metric::TASK_DURATION, &labels, histogram);
        }
        families.spread(metric::QUEUE_DURATION, &by_skill, &self.queue);
        families.spread(metric::MODEL_DURATION, &by_skill, &self.model);
        families.spread(metric::FIRST_ITEM_DURATION, &by_skill, &self.first_item);
        families.spread(metric::BATCH_SIZE, &by_skill, &self.batch);
        let operation = Operation::of(skill);
        for tokens in &self.tokens {
            let mut labels = by_skill.clone();
            labels.extend([
                (Label::Model, tokens.model.clone()),
                (Label::Operation, operation.name().to_owned()),
                (Label::Provider, PROVIDER.to_owned()),
            ]);
            tokens.collect(operation, labels, families);
        }
    }
}

impl TokenCounts {
    fn collect(&self, operation: Operation, labels: Vec<(Label, String)>, families: &mut Families) {
        if operation == Operation::Embeddings {
            return families.spread(metric::EMBEDDING_INPUT_TOKENS, &labels, &self.input);
        }
        families.spread(metric::OPERATION_INPUT_TOKENS, &labels, &self.input);
        families.spread(metric::OPERATION_OUTPUT_TOKENS, &labels, &self.output);
        let mut labels = labels;
        labels.push((Label::Modality, operation.modality().to_owned()));
        families.number(metric::INPUT_TOKENS, labels.clone(), self.input.total());
        families.number(metric::OUTPUT_TOKENS, labels, self.output.total());
    }
}

fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}
