//! References: the facts that sentences rest on, numbered in the order in which they are first named.

use std::collections::HashMap;

use aimass_locale::Text;
use aimass_runtime::{Fact, Revision};

use super::{Reference, Sentence};

/// The references of a report that is being put together.
#[derive(Default)]
pub(super) struct References {
    numbers: HashMap<Revision, u32>,
    all: Vec<Reference>,
}

impl References {
    /// A sentence put together from facts about `source`.
    pub(super) fn sentence(&mut self, says: Text, rests_on: &[(&Fact, &str)]) -> Sentence {
        let mut references: Vec<u32> = Vec::new();
        for (fact, source) in rests_on {
            let n = self.cite(fact, source);
            // Of several things in one fact it is named once.
            if !references.contains(&n) {
                references.push(n);
            }
        }
        Sentence::of_facts(says, references)
    }

    /// The number of a fact about `source`.
    pub(super) fn cite(&mut self, fact: &Fact, source: &str) -> u32 {
        if let Some(n) = self.numbers.get(&fact.revision) {
            return *n;
        }
        let n = self.all.len() as u32 + 1;
        self.numbers.insert(fact.revision, n);
        self.all.push(Reference {
            n,
            revision: fact.revision,
            kind: fact.kind.to_string(),
            source: source.to_owned(),
            agent: fact.provenance.agent.as_deref().map(str::to_owned),
        });
        n
    }

    pub(super) fn into_all(self) -> Vec<Reference> {
        self.all
    }
}
