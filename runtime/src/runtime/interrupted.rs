//! Attempts that ended with an earlier process: told by this one, since that one could not.

use aimass_environment::{EnvironmentError, InterruptedAttempt, TaskRecord};

use crate::observer::{AttemptInterrupted, Record, SpanPlace};
use crate::runtime::Runtime;

impl Runtime {
    /// Tells the observers of attempts that were cut off.
    pub(super) fn tell_interrupted(
        &self,
        attempts: &[InterruptedAttempt],
    ) -> Result<(), EnvironmentError> {
        let inner = &self.inner;
        if attempts.is_empty() || !inner.events.is_listening() {
            return Ok(());
        }
        let snapshot = inner.environment.snapshot()?;
        for attempt in attempts {
            let Some(record) = snapshot.task(attempt.task)? else {
                continue;
            };
            let found_ns = inner.clock.unix_nanos(inner.clock.now());
            let told = told(&record, attempt, found_ns);
            if let Some(told) = told {
                inner.events.emit(|| Record::Interrupted(Box::new(told)));
            }
        }
        Ok(())
    }
}

/// What is known of the attempt; nothing of a task that is part of no trace.
fn told(
    record: &TaskRecord,
    interrupted: &InterruptedAttempt,
    found_ns: u64,
) -> Option<AttemptInterrupted> {
    let InterruptedAttempt {
        attempt, earlier, ..
    } = interrupted;
    let trace = record.trace?;
    // The first attempt begins with the task, as it does where nothing is cut off.
    let began_ms = match record.span == Some(attempt.span) {
        true => record.accepted_ms,
        false => attempt.began_ms,
    };
    Some(AttemptInterrupted {
        task: record.id,
        namespace: record.namespace.clone(),
        // A skill is named after its agent.
        agent: record.skill.split('.').next().unwrap_or_default().into(),
        skill: record.skill.as_str().into(),
        episode: record.episode,
        rule: record.rule.as_deref().map(Into::into),
        cause: record.cause,
        redrive_of: record.redrive_of,
        trace,
        span: attempt.span,
        parent: record.parent,
        earlier_attempt: earlier.map(|span| SpanPlace { trace, span }),
        sampled: record.sampled,
        priority: record.priority,
        accepted_ns: nanos(began_ms),
        started_ns: nanos(attempt.began_ms),
        found_ns,
    })
}

fn nanos(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}
