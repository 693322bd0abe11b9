//! Hits of searches: how alike two vectors are, in which order hits stand, and how many are given.

use std::cmp::Ordering;

/// Hits that one search may give.
pub(crate) const MAX_HITS: u32 = 1000;

/// Hits that a search gives, where the caller names no number.
pub(crate) fn ten() -> u32 {
    10
}

/// How alike two unit vectors are, from -1 to 1.
pub(crate) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter()
        .zip(other)
        .map(|(left, right)| left * right)
        .sum()
}

/// How many hits are given where so many are asked for.
pub(crate) fn most_hits(limit: u32) -> usize {
    limit.clamp(1, MAX_HITS) as usize
}

/// The order of two hits by their scores, the nearest first; equals in the order of their sources.
pub(crate) fn nearer(one: (f32, &str), other: (f32, &str)) -> Ordering {
    other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1))
}

/// What is said where more hits are asked for than are ever given.
pub(crate) fn fewer_hits(limit: u32, given: usize) -> Option<String> {
    let fewer = limit > MAX_HITS && given == MAX_HITS as usize;
    fewer.then(|| format!("{limit} hits were asked for, and no more than {MAX_HITS} are given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_hits_than_asked_for_are_told() {
        assert_eq!(fewer_hits(MAX_HITS, MAX_HITS as usize), None);
        assert_eq!(fewer_hits(MAX_HITS + 1, 7), None);
        let said = fewer_hits(5000, MAX_HITS as usize).unwrap();
        assert!(said.contains("5000") && said.contains("1000"), "{said}");
    }
}
