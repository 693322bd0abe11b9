//! When the writer looks through the history for what is past retention.
//!
//! What stays whatever its age (the latest fact of each key) is passed over by each look. So a look begins only when the log has grown by a
//! part of what the last one left, and goes on from commit to commit: no commit pays for the whole log, and a fact that comes costs the
//! sight of a fixed number of others, however many stay.

use std::time::SystemTime;

use crate::clock::Time;
use crate::error::EnvironmentError;
use crate::ids::Revision;
use crate::options::EnvironmentOptions;
use crate::retention::{PIECE, trim_facts, trim_settled};
use crate::snapshot::Snapshot;
use crate::store::Store;

/// A look begins when there is more by this part than may stay, or than the last look left.
const OVERHANG: u64 = 8;
/// A look passes at least so many facts for each that a commit brings, so that it comes to its end before the log has grown much.
const SEEN_FOR_EACH: u64 = 16;

/// Where the looking has come to.
pub(crate) struct Trimming {
    /// Where the look at the facts goes on; none between two looks.
    at: Option<Revision>,
    /// The next look begins when there are more facts than this.
    beyond: u64,
    /// When the next look begins in any case; never without a limit of age.
    facts_due: Time,
    /// The same for settled tasks and dead letters.
    settled_due: Time,
}

impl Trimming {
    pub(crate) fn new(options: &EnvironmentOptions, now: Time) -> Self {
        let due = later(now, options);
        Self {
            at: None,
            beyond: grown(options, 0),
            facts_due: due,
            settled_due: due,
        }
    }

    /// Trims the history by a bounded piece after a commit that appended so many facts. Returns how many facts it looked at.
    pub(crate) fn after_commit(
        &mut self,
        store: &mut Store,
        options: &EnvironmentOptions,
        now: Time,
        appended: u64,
    ) -> Result<u64, EnvironmentError> {
        let (facts, settled) = lengths(store)?;
        if now >= self.settled_due || settled > grown(options, 0) {
            let removed = trim_settled(store, options, SystemTime::now())?;
            // There may be more: the next commit goes on.
            self.settled_due = match removed.is_empty() {
                true => later(now, options),
                false => now,
            };
        }
        if self.at.is_none() && (now >= self.facts_due || facts > self.beyond) {
            self.at = Some(Revision(0));
        }
        let wanted = appended.saturating_mul(SEEN_FOR_EACH).max(PIECE as u64);
        let mut seen = 0;
        while let Some(from) = self.at
            && seen < wanted
        {
            let piece = trim_facts(store, options, SystemTime::now(), from)?;
            seen += piece.seen;
            self.at = piece.next;
            if self.at.is_none() {
                let (left, _) = lengths(store)?;
                self.beyond = grown(options, left);
                self.facts_due = later(now, options);
            }
        }
        Ok(seen)
    }
}

/// How many facts, and how many settled tasks and dead letters, there are.
fn lengths(store: &Store) -> Result<(u64, u64), EnvironmentError> {
    let snapshot = Snapshot::new(store.tables().read()?);
    Ok((snapshot.len()?, snapshot.settled_len()?))
}

/// Beyond how many entries there are too many, where the last look left so many.
fn grown(options: &EnvironmentOptions, left: u64) -> u64 {
    let Some(max) = options.retention.max_facts else {
        return u64::MAX;
    };
    let base = max.max(left);
    base.saturating_add(base / OVERHANG).saturating_add(1)
}

/// When to look again for what is too old.
fn later(now: Time, options: &EnvironmentOptions) -> Time {
    let age = options.retention.max_age;
    age.map_or(Time::NEVER, |age| now + age / OVERHANG as u32)
}
