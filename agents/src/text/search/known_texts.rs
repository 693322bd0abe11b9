//! The embedded texts of the environment that `text.search` has read, kept for the next search.
//!
//! An embedding stands in the store as JSON, and to read it takes many times as long as to compare it. So a search reads what is new since the one
//! before; `agents/benches/search.rs` measures both. What left the environment, by `forget` or past retention, leaves this memory with the next search of
//! the same tenant.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use aimass_runtime::{
    EnvironmentError, Fact, FactFilter, FactKind, ModelVersion, Namespace, Revision, Skill,
    Snapshot,
};
use serde::Deserialize;
use serde_json::Value;

use crate::hits::{cosine, most_hits, nearer};
use crate::text::{Embed, Embedding, Hit};

/// How many causes are followed from an embedding to the file that it is about.
const MAX_CAUSES: usize = 32;
/// Bytes that are kept, of all tenants together. Texts beyond are read from the store in each search.
const MAX_BYTES: usize = 256 << 20;

/// What was read of each tenant.
pub(super) struct KnownTexts {
    tenants: HashMap<Namespace, Tenant>,
    max_bytes: usize,
}

/// What was read of one tenant.
struct Tenant {
    /// The model whose embeddings are kept.
    model: ModelVersion,
    /// Other models that embedded something there. Each is warned of once.
    others: BTreeSet<ModelVersion>,
    /// In the order of their revisions.
    texts: Vec<KnownText>,
    bytes: usize,
    /// All facts up to here were read, and what counts of them is kept.
    read: Revision,
    /// How many facts had left the environment by then.
    removed: u64,
}

struct KnownText {
    /// The facts that it was read from: its embedding, what was embedded, and what caused that.
    facts: Vec<Revision>,
    text: Text,
    vector: Vec<f32>,
}

struct Text {
    origin: Origin,
    excerpt: String,
}

/// Where an embedded text comes from.
#[derive(PartialEq, Eq, Hash)]
struct Origin {
    /// What the text was: a file, a transcript.
    kind: FactKind,
    /// What a user knows it by: the path of the file, or of the recording; else the fact that it stands in.
    name: String,
}

impl Default for KnownTexts {
    fn default() -> Self {
        Self::within(MAX_BYTES)
    }
}

impl KnownTexts {
    fn within(max_bytes: usize) -> Self {
        Self {
            tenants: HashMap::new(),
            max_bytes,
        }
    }

    /// The texts of this tenant that are nearest to the query, the nearest first, by all embeddings of the same model.
    pub(super) fn nearest(
        &mut self,
        snapshot: &Snapshot,
        namespace: &Namespace,
        query: &Embedding,
        limit: u32,
    ) -> Result<Vec<Hit>, EnvironmentError> {
        let known = self.tenants.remove(namespace);
        let known = known.filter(|tenant| tenant.model == query.model);
        let mut tenant = match known {
            Some(tenant) => tenant.still_there(snapshot)?,
            None => Tenant::new(query.model.clone(), snapshot)?,
        };
        let most = self.max_bytes.saturating_sub(self.bytes());
        let rest = tenant.read_on(snapshot, namespace, most, query)?;
        if !rest.is_empty() {
            // With the next search, the room goes to whoever searches now.
            self.tenants.clear();
        }
        let known = tenant.texts.iter();
        let known = known.map(|known| (cosine(&query.embedding, &known.vector), &known.text));
        let rest = rest.iter().map(|(score, text)| (*score, text));
        let hits = best(known.chain(rest), limit);
        self.tenants.insert(namespace.clone(), tenant);
        Ok(hits)
    }

    fn bytes(&self) -> usize {
        self.tenants.values().map(|tenant| tenant.bytes).sum()
    }
}

/// The best of all texts, which come in the order of their revisions. The same file may have been embedded in many episodes: its newest embedding counts.
fn best<'t>(texts: impl Iterator<Item = (f32, &'t Text)>, limit: u32) -> Vec<Hit> {
    let newest: HashMap<&Origin, (f32, &str)> = texts
        .map(|(score, text)| (&text.origin, (score, text.excerpt.as_str())))
        .collect();
    let mut ranked: Vec<_> = newest.into_iter().collect();
    ranked.sort_by(|(one, (score, _)), (other, (others, _))| {
        nearer((*score, &one.name), (*others, &other.name))
    });
    let hit = |(origin, (score, excerpt)): (&Origin, (f32, &str))| Hit {
        source: origin.name.clone(),
        text: excerpt.to_owned(),
        score,
    };
    ranked.into_iter().take(most_hits(limit)).map(hit).collect()
}

impl Tenant {
    fn new(model: ModelVersion, snapshot: &Snapshot) -> Result<Self, EnvironmentError> {
        Ok(Self {
            model,
            others: BTreeSet::new(),
            texts: Vec::new(),
            bytes: size_of::<Self>(),
            read: Revision(0),
            removed: removed(snapshot)?,
        })
    }

    /// The same without what has left the environment since.
    fn still_there(mut self, snapshot: &Snapshot) -> Result<Self, EnvironmentError> {
        let removed = removed(snapshot)?;
        if removed == self.removed {
            return Ok(self);
        }
        let mut kept = Vec::with_capacity(self.texts.len());
        for known in self.texts {
            // Where a cause is gone, the name may be another one.
            let found = match known.is_whole(snapshot)? {
                true => Some(known),
                false => known.read_again(snapshot)?,
            };
            kept.extend(found);
        }
        self.bytes = size_of::<Self>() + kept.iter().map(KnownText::bytes).sum::<usize>();
        self.texts = kept;
        self.removed = removed;
        Ok(self)
    }

    /// Reads what is new, and keeps as much of it as fits into `most` bytes. Gives the rest, compared with the query.
    fn read_on(
        &mut self,
        snapshot: &Snapshot,
        namespace: &Namespace,
        most: usize,
        query: &Embedding,
    ) -> Result<Vec<(f32, Text)>, EnvironmentError> {
        let filter = FactFilter {
            namespace: Some(namespace.clone()),
            kind: Some(Embed::NAME.to_owned()),
            from: Some(Revision(self.read.0 + 1)),
            ..FactFilter::default()
        };
        let mut rest = Vec::new();
        for fact in snapshot.facts(filter)? {
            let fact = fact?;
            let Ok(embedding) = Embedding::deserialize(&fact.value) else {
                continue;
            };
            if embedding.model != self.model {
                self.leave_out(embedding.model);
                continue;
            }
            let Some(known) = KnownText::of(&fact, embedding, snapshot)? else {
                continue;
            };
            if !rest.is_empty() || self.bytes + known.bytes() > most {
                rest.push((cosine(&query.embedding, &known.vector), known.text));
                continue;
            }
            self.bytes += known.bytes();
            self.texts.push(known);
            self.read = fact.revision;
        }
        if rest.is_empty() {
            self.read = snapshot.head()?;
        }
        Ok(rest)
    }

    fn leave_out(&mut self, model: ModelVersion) {
        if self.others.contains(&model) {
            return;
        }
        tracing::warn!(%model, newest = %self.model, "facts embedded by another model are left out; `aimass run` their files again");
        self.others.insert(model);
    }
}

/// How many facts have left the environment so far. Each takes the next revision when it comes.
fn removed(snapshot: &Snapshot) -> Result<u64, EnvironmentError> {
    Ok(snapshot.head()?.0.saturating_sub(snapshot.len()?))
}

impl KnownText {
    /// Follows the causes of an embedding up to a file. None where what was embedded is not there any more.
    fn of(
        fact: &Fact,
        embedding: Embedding,
        snapshot: &Snapshot,
    ) -> Result<Option<Self>, EnvironmentError> {
        let cause = |fact: &Fact| match fact.provenance.cause {
            Some(cause) => snapshot.fact(cause),
            None => Ok(None),
        };
        let Some(embedded) = cause(fact)? else {
            return Ok(None);
        };
        let mut origin = Origin {
            kind: embedded.kind.clone(),
            name: format!("fact {}", embedded.revision),
        };
        let mut facts = vec![fact.revision];
        let mut at = Some(embedded);
        for _ in 0..MAX_CAUSES {
            let Some(fact) = at else { break };
            facts.push(fact.revision);
            if let Some(path) = fact.value.get("path").and_then(Value::as_str) {
                origin.name = path.to_owned();
                break;
            }
            at = cause(&fact)?;
        }
        let text = Text {
            origin,
            excerpt: embedding.excerpt,
        };
        Ok(Some(Self {
            facts,
            text,
            vector: embedding.embedding,
        }))
    }

    /// Whether all facts are there that it was read from.
    fn is_whole(&self, snapshot: &Snapshot) -> Result<bool, EnvironmentError> {
        for fact in &self.facts {
            if !snapshot.contains(*fact)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_again(self, snapshot: &Snapshot) -> Result<Option<Self>, EnvironmentError> {
        let Some(revision) = self.facts.first() else {
            return Ok(None);
        };
        let Some(fact) = snapshot.fact(*revision)? else {
            return Ok(None);
        };
        match Embedding::deserialize(&fact.value) {
            Ok(embedding) => Self::of(&fact, embedding, snapshot),
            Err(_) => Ok(None),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&self.facts[..])
            + size_of_val(&self.vector[..])
            + self.text.origin.name.len()
            + self.text.excerpt.len()
    }
}
