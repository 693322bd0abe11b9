//! Where the sequences of a packed batch begin and end.

use std::ops::Range;

/// The places of sequences that lie one after the other in the rows of one tensor.
#[derive(Debug, Clone)]
pub(crate) struct Packing {
    ranges: Vec<Range<usize>>,
}

impl Packing {
    /// Packs sequences of these lengths, in rows.
    pub(crate) fn new(lengths: &[usize]) -> Self {
        let mut start = 0;
        let ranges = lengths
            .iter()
            .map(|length| {
                let range = start..start + length;
                start = range.end;
                range
            })
            .collect();
        Self { ranges }
    }

    /// The rows of each sequence, in order.
    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }
}
