//! What metrics are made of: histograms with exemplars, and points with their labels.

use aimass_runtime::{SpanId, TraceId};

use super::described::{Described, Label, METRICS};

/// Counts values by size, and keeps for each size a trace in which it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    /// The largest value that each count is for; the last count has no bound.
    pub(crate) bounds: &'static [f64],
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
    pub(crate) exemplars: Vec<Option<Exemplar>>,
}

/// A value, and the span that it was seen in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    pub(crate) seen: Seen,
}

/// Where and when a value was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) at_ns: u64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
            exemplars: vec![None; bounds.len() + 1],
        }
    }

    pub(super) fn observe(&mut self, value: f64, seen: Option<Seen>) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at] += 1;
        self.sum += value;
        if let Some(seen) = seen {
            self.exemplars[at] = Some(Exemplar { value, seen });
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of values that are whole numbers.
    pub(super) fn total(&self) -> u64 {
        self.sum as u64
    }
}

/// One metric at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    pub(crate) described: Described,
    pub(crate) points: Vec<Point>,
}

/// A value of a metric with the labels that tell it from others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) labels: Vec<(Label, String)>,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Of a counter or a gauge.
    Number(u64),
    Spread(Histogram),
}

/// All metrics at one moment, in the order of the documentation.
pub(crate) struct Families(Vec<Family>);

impl Families {
    pub(super) fn new() -> Self {
        let family = |described| Family {
            described,
            points: Vec::new(),
        };
        Self(METRICS.into_iter().map(family).collect())
    }

    pub(super) fn number(&mut self, of: Described, labels: Vec<(Label, String)>, value: u64) {
        let value = Value::Number(value);
        self.add(of, Point { labels, value });
    }

    /// A histogram in which nothing was counted is left out.
    pub(super) fn spread(&mut self, of: Described, labels: &[(Label, String)], value: &Histogram) {
        if value.count() == 0 {
            return;
        }
        let (labels, value) = (labels.to_vec(), Value::Spread(value.clone()));
        self.add(of, Point { labels, value });
    }

    fn add(&mut self, of: Described, point: Point) {
        if let Some(family) = self.0.iter_mut().find(|family| family.described == of) {
            family.points.push(point);
        }
    }

    /// Those that have points.
    pub(crate) fn into_filled(self) -> impl Iterator<Item = Family> {
        self.0
            .into_iter()
            .filter(|family| !family.points.is_empty())
    }
}

impl Point {
    /// The agent that it is about.
    pub(crate) fn agent(&self) -> Option<&str> {
        let mut agents = self
            .labels
            .iter()
            .filter(|(label, _)| *label == Label::Agent);
        agents.next().map(|(_, agent)| agent.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_at_or_below_its_bound_and_leaves_its_trace_there() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        let seen = |at_ns| {
            Some(Seen {
                trace: TraceId::random(),
                span: SpanId::random(),
                at_ns,
            })
        };
        histogram.observe(1.0, seen(1));
        histogram.observe(0.5, None);
        histogram.observe(1.5, seen(2));
        histogram.observe(2.5, seen(3));
        histogram.observe(9.0, seen(4));
        assert_eq!(histogram.counts, [2, 1, 2]);
        assert_eq!((histogram.count(), histogram.sum), (5, 14.5));
        let exemplars = histogram.exemplars.iter().flatten();
        let last: Vec<_> = exemplars.map(|one| (one.value, one.seen.at_ns)).collect();
        assert_eq!(last, [(1.0, 1), (1.5, 2), (9.0, 4)]);
    }
}
