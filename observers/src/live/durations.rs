//! How long things took within the last minute: histograms of bounded size.

use super::view::Percentiles;

const SECOND_NS: u64 = 1_000_000_000;
/// A histogram covers that many seconds.
const SLOT_SECONDS: u64 = 10;
/// The last minute is in the histogram of this moment and the six before it.
const LOOK_BACK: u64 = 6;
/// More than are looked at, so that none of those can lose its place to a newer one.
const SLOTS: usize = 8;
/// Every doubling is cut into eight buckets of equal width: half a bucket is at most 1/16 of its value.
const CUT: u32 = 3;
/// The longest that is told apart, as a power of two of microseconds: 19 hours.
const LONGEST: u32 = 36;
const BUCKETS: usize = (1 << CUT) * (LONGEST - CUT + 1) as usize;

/// Durations of the last minute. The order in which they are told makes no difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    slots: [Option<Slot>; SLOTS],
}

#[derive(Debug, Clone)]
struct Slot {
    /// Which stretch of time, counted from the Unix epoch.
    stretch: u64,
    counts: Box<[u32; BUCKETS]>,
}

impl Durations {
    /// Counts a duration of something that ended at that time.
    pub(super) fn add(&mut self, at_ns: u64, took_ns: u64) {
        let stretch = at_ns / SECOND_NS / SLOT_SECONDS;
        let place = &mut self.slots[(stretch % SLOTS as u64) as usize];
        let slot = place.get_or_insert_with(|| Slot {
            stretch,
            counts: Box::new([0; BUCKETS]),
        });
        if slot.stretch < stretch {
            slot.stretch = stretch;
            slot.counts.fill(0);
        }
        if slot.stretch == stretch {
            let count = &mut slot.counts[bucket(took_ns / 1000)];
            *count = count.saturating_add(1);
        }
    }

    /// Half, nineteen in twenty and ninety-nine in a hundred took at most so long; none when nothing ended.
    pub(super) fn percentiles(&self, now_ns: u64) -> Option<Percentiles> {
        let now = now_ns / SECOND_NS / SLOT_SECONDS;
        let mut sums = [0_u64; BUCKETS];
        let slots = self.slots.iter().flatten();
        for slot in
            slots.filter(|slot| (now.saturating_sub(LOOK_BACK)..=now).contains(&slot.stretch))
        {
            for (sum, count) in sums.iter_mut().zip(slot.counts.iter()) {
                *sum += u64::from(*count);
            }
        }
        let all: u64 = sums.iter().sum();
        let share = |hundredths: u64| {
            let rank = (all * hundredths).div_ceil(100);
            let mut seen = 0;
            let reached = sums.iter().position(|sum| {
                seen += sum;
                seen >= rank
            });
            middle(reached.unwrap_or(BUCKETS - 1))
        };
        (all > 0).then(|| Percentiles {
            p50_us: share(50),
            p95_us: share(95),
            p99_us: share(99),
        })
    }
}

/// The bucket of a duration: linear up to 8 microseconds, eight to a doubling from there.
fn bucket(us: u64) -> usize {
    let us = us.min((1 << LONGEST) - 1);
    if us < 1 << CUT {
        return us as usize;
    }
    let doublings = us.ilog2() - CUT;
    let within = (us >> doublings) as usize - (1 << CUT);
    ((doublings as usize + 1) << CUT) + within
}

/// The middle of a bucket, in microseconds.
fn middle(bucket: usize) -> u64 {
    if bucket < 1 << CUT {
        return bucket as u64;
    }
    let doublings = (bucket >> CUT) - 1;
    let first = (((bucket & ((1 << CUT) - 1)) + (1 << CUT)) as u64) << doublings;
    first + (1 << doublings) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_by_a_value_near_everything_in_it() {
        let mut last = 0;
        for us in (0..100_000).chain((17..36).flat_map(|power| [(1 << power) - 1, 1 << power])) {
            let bucket = bucket(us);
            assert!(bucket >= last && bucket < BUCKETS, "{us}");
            last = bucket;
            let off = middle(bucket).abs_diff(us);
            assert!(off * 16 <= us, "{us} is told as {}", middle(bucket));
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_last_minute() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentiles(7), None);
        let at = 1_000 * SECOND_NS;
        for ms in 1..=100 {
            durations.add(at, ms * 1_000_000);
        }
        let found = durations.percentiles(at).unwrap();
        for (found, expected) in [
            (found.p50_us, 50_000),
            (found.p95_us, 95_000),
            (found.p99_us, 99_000),
        ] {
            assert!(
                found.abs_diff(expected) * 16 <= expected,
                "{found} for {expected}"
            );
        }
        assert_eq!(durations.percentiles(at + 59 * SECOND_NS), Some(found));
        assert_eq!(durations.percentiles(at + 80 * SECOND_NS), None);
        // The same place, eight stretches later.
        let later = at + 80 * SECOND_NS;
        durations.add(later, 1_000);
        durations.add(at, 1_000_000);
        assert_eq!(
            durations.percentiles(later).map(|found| found.p99_us),
            Some(1)
        );
    }
}
