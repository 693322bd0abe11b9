//! Which traces are kept: a share of all by their ids, and every trace that holds an error, a second attempt or something slow.
//!
//! A trace whose id is outside the share waits until its outermost span has ended, since only then it is known what it holds. What waits is
//! bounded; a trace that waits when there is no more room, or that never ends, goes by what it has held so far.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use aimass_config::TracesConfig;
use aimass_runtime::{AttemptInterrupted, EpisodeFinished, TaskFinished, TaskOutcome, TraceId};

use super::spans::AgentSpan;

/// Spans that wait for the end of their traces at most.
const WAITING: usize = 20_000;
/// Kept traces whose late spans are kept too.
const REMEMBERED: usize = 4096;

/// What is known of a trace without what it holds, and of a task without its trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    threshold: u64,
    slow_ns: Option<u64>,
}

/// Decides trace by trace.
pub(super) struct Sampler {
    rule: Rule,
    waiting: HashMap<TraceId, Vec<AgentSpan>>,
    order: VecDeque<TraceId>,
    count: usize,
    kept: HashSet<TraceId>,
    kept_order: VecDeque<TraceId>,
}

/// What a span says of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    trace: TraceId,
    recorded: bool,
    remarkable: bool,
    outermost: bool,
}

impl Sampler {
    pub(super) fn new(config: &TracesConfig) -> Self {
        Self {
            rule: Rule::new(config),
            waiting: HashMap::new(),
            order: VecDeque::new(),
            count: 0,
            kept: HashSet::new(),
            kept_order: VecDeque::new(),
        }
    }

    pub(super) fn sight_of_task(&self, task: &TaskFinished) -> Sight {
        Sight {
            trace: task.trace,
            recorded: task.sampled,
            remarkable: self.rule.is_remarkable(task),
            // Asked from outside, and not on behalf of an episode, which ends later.
            outermost: task.episode.is_none()
                && task
                    .caller
                    .as_ref()
                    .is_some_and(|caller| caller.agent.is_none()),
        }
    }

    pub(super) fn sight_of_episode(&self, episode: &EpisodeFinished) -> Sight {
        Sight {
            trace: episode.trace,
            recorded: episode.sampled,
            // A whole episode is not measured by the time that one task may take.
            remarkable: episode.failures > 0,
            outermost: true,
        }
    }

    pub(super) fn sight_of_interrupted(&self, attempt: &AttemptInterrupted) -> Sight {
        Sight {
            trace: attempt.trace,
            recorded: attempt.sampled,
            remarkable: true,
            outermost: false,
        }
    }

    /// Takes spans in, and gives those that are to be exported now. Spans that nobody wants are not even made.
    pub(super) fn decide(
        &mut self,
        sight: Sight,
        tell: impl FnOnce() -> Vec<AgentSpan>,
    ) -> Vec<AgentSpan> {
        let Sight { trace, .. } = sight;
        if !sight.recorded {
            return Vec::new();
        }
        if self.rule.is_in_share(trace) || self.kept.contains(&trace) {
            return tell();
        }
        if sight.remarkable {
            let mut all = self.take(trace);
            all.extend(tell());
            self.remember(trace);
            return all;
        }
        if sight.outermost {
            self.take(trace);
            return Vec::new();
        }
        self.wait(trace, tell());
        Vec::new()
    }

    fn wait(&mut self, trace: TraceId, told: Vec<AgentSpan>) {
        self.count += told.len();
        let order = &mut self.order;
        let waiting = self.waiting.entry(trace).or_insert_with(|| {
            order.push_back(trace);
            Vec::new()
        });
        waiting.extend(told);
        while self.count > WAITING
            && let Some(oldest) = self.order.front().copied()
        {
            self.take(oldest);
        }
    }

    fn take(&mut self, trace: TraceId) -> Vec<AgentSpan> {
        let Some(waited) = self.waiting.remove(&trace) else {
            return Vec::new();
        };
        self.count -= waited.len();
        self.order.retain(|known| *known != trace);
        waited
    }

    fn remember(&mut self, trace: TraceId) {
        if self.kept.insert(trace) {
            self.kept_order.push_back(trace);
        }
        if self.kept_order.len() > REMEMBERED
            && let Some(oldest) = self.kept_order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }
}

impl Rule {
    pub(crate) fn new(config: &TracesConfig) -> Self {
        Self {
            threshold: threshold(config.ratio),
            slow_ns: config.slow.map(nanos),
        }
    }

    /// Whether the task's trace is sure to be kept.
    pub(crate) fn keeps(&self, task: &TaskFinished) -> bool {
        task.sampled && (self.is_in_share(task.trace) || self.is_remarkable(task))
    }

    /// By the id alone, so that every process that sees the trace decides alike. As OpenTelemetry's ratio sampler does, by the last 8 bytes.
    fn is_in_share(&self, trace: TraceId) -> bool {
        self.threshold == u64::MAX || (trace.to_u128() as u64 >> 1) < self.threshold
    }

    /// What was done at the second attempt is as telling as what failed.
    fn is_remarkable(&self, task: &TaskFinished) -> bool {
        let took = task.settled_ns.saturating_sub(task.accepted_ns);
        let slow = self.slow_ns.is_some_and(|slow| took >= slow);
        slow || task.outcome != TaskOutcome::Done || task.runs > 1
    }
}

fn threshold(ratio: f64) -> u64 {
    if ratio >= 1.0 {
        return u64::MAX;
    }
    (ratio.max(0.0) * (1u64 << 63) as f64) as u64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use aimass_runtime::{EpisodeId, Namespace, SpanId};

    use super::*;
    use crate::traces::spans;

    fn sampler(ratio: f64) -> Sampler {
        Sampler::new(&TracesConfig { ratio, slow: None })
    }

    fn span() -> Vec<AgentSpan> {
        vec![spans::of_episode(&EpisodeFinished {
            episode: EpisodeId::random(),
            namespace: Namespace::default(),
            trace: TraceId::random(),
            span: SpanId::random(),
            parent: None,
            sampled: true,
            begun_ns: 1,
            finished_ns: 2,
            facts: 0,
            failures: 0,
        })]
    }

    fn sight(trace: TraceId) -> Sight {
        Sight {
            trace,
            recorded: true,
            remarkable: false,
            outermost: false,
        }
    }

    #[test]
    fn the_share_is_as_large_as_asked_for() {
        for ratio in [0.0, 0.01, 0.5, 1.0] {
            let mut sampler = sampler(ratio);
            let kept = (0..20_000).filter(|_| {
                let sight = sight(TraceId::random());
                !sampler.decide(sight, span).is_empty()
            });
            let share = kept.count() as f64 / 20_000.0;
            assert!((share - ratio).abs() < 0.02, "{share} of {ratio}");
        }
    }

    #[test]
    fn a_trace_with_an_error_is_kept_whole_and_one_without_is_dropped_whole() {
        let mut sampler = sampler(0.0);
        let (bad, good) = (TraceId::random(), TraceId::random());
        for trace in [bad, good] {
            assert!(sampler.decide(sight(trace), span).is_empty());
        }
        let error = Sight {
            remarkable: true,
            ..sight(bad)
        };
        assert_eq!(sampler.decide(error, span).len(), 2);
        let end = |trace| Sight {
            outermost: true,
            ..sight(trace)
        };
        assert_eq!(sampler.decide(end(bad), span).len(), 1, "late, but kept");
        assert!(sampler.decide(end(good), span).is_empty());
        assert_eq!(
            (sampler.count, sampler.waiting.len(), sampler.order.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn what_the_caller_does_not_record_is_not_recorded() {
        let mut sampler = sampler(1.0);
        let sight = Sight {
            recorded: false,
            remarkable: true,
            ..sight(TraceId::random())
        };
        assert!(sampler.decide(sight, span).is_empty());
    }

    #[test]
    fn traces_that_never_end_take_bounded_room() {
        let mut sampler = sampler(0.0);
        for _ in 0..WAITING + 1000 {
            sampler.decide(sight(TraceId::random()), span);
        }
        assert_eq!(sampler.count, WAITING);
        assert_eq!(sampler.waiting.len(), sampler.order.len());
    }
}
