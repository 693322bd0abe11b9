//! Numbers of a file that are read as something else than they say, because its own bytes speak against them.

use std::collections::BTreeMap;

/// What is read in the place of single bytes of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Corrections(BTreeMap<u64, u8>);

impl Corrections {
    /// From now on these bytes are read at a position.
    pub(super) fn put(&mut self, at: u64, bytes: &[u8]) {
        self.0.extend((at..).zip(bytes.iter().copied()));
    }

    /// Overwrites what was read at a position.
    pub(super) fn apply(&self, at: u64, read: &mut [u8]) {
        let end = at.saturating_add(read.len() as u64);
        for (place, corrected) in self.0.range(at..end) {
            if let Some(byte) = read.get_mut((place - at) as usize) {
                *byte = *corrected;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_holds_wherever_a_read_begins_and_ends() {
        let mut corrections = Corrections::default();
        corrections.put(3, b"abc");
        let corrected: Vec<u8> = (0..8)
            .flat_map(|at| {
                let mut byte = [b'.'];
                corrections.apply(at, &mut byte);
                byte
            })
            .collect();
        assert_eq!(corrected, b"...abc..");
        let mut part = *b"....";
        corrections.apply(4, &mut part);
        assert_eq!(&part, b"bc..");
        corrections.apply(u64::MAX, &mut []);
    }
}
