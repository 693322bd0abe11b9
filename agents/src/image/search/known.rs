//! What the environment knows of pictures.

use std::collections::{HashMap, HashSet};

use aimass_runtime::{EnvironmentError, Fact, FactFilter, Namespace, Skill, Snapshot, file_kind};
use serde::Deserialize;
use serde_json::Value;

use crate::hits::{cosine, most_hits, nearer};
use crate::image::search::PictureHit;
use crate::image::{Describe, Embed, ImageEmbedding};

/// How many causes are followed from a fact to the file that it is about.
const MAX_CAUSES: usize = 32;

/// Returns the pictures of this tenant that look most like the query, the nearest first, by all
/// embeddings of the same model. Of a file that was embedded several times, the newest one counts.
pub(super) fn nearest(
    snapshot: &Snapshot,
    namespace: &Namespace,
    query: &ImageEmbedding,
    limit: u32,
) -> Result<Vec<PictureHit>, EnvironmentError> {
    let mut newest: HashMap<String, f32> = HashMap::new();
    for fact in snapshot.facts(of(namespace, Embed::NAME))? {
        let fact = fact?;
        let Ok(known) = ImageEmbedding::deserialize(&fact.value) else {
            continue;
        };
        if known.model != query.model {
            continue;
        }
        if let Some(source) = file(&fact, snapshot)? {
            newest.insert(source, cosine(&query.embedding, &known.embedding));
        }
    }
    let mut ranked: Vec<(String, f32)> = newest.into_iter().collect();
    ranked.sort_by(|(one, score), (other, others)| nearer((*score, one), (*others, other)));
    let hit = |(source, score)| PictureHit {
        source,
        text: String::new(),
        score,
    };
    Ok(ranked.into_iter().take(most_hits(limit)).map(hit).collect())
}

/// Returns the files of this tenant's pictures that were described.
pub(super) fn described(
    snapshot: &Snapshot,
    namespace: &Namespace,
) -> Result<HashSet<String>, EnvironmentError> {
    let mut files = HashSet::new();
    for fact in snapshot.facts(of(namespace, Describe::NAME))? {
        files.extend(file(&fact?, snapshot)?);
    }
    Ok(files)
}

fn of(namespace: &Namespace, kind: &str) -> FactFilter {
    FactFilter {
        namespace: Some(namespace.clone()),
        kind: Some(kind.to_owned()),
        ..FactFilter::default()
    }
}

/// Follows the causes of a fact up to the picture that it is about.
fn file(fact: &Fact, snapshot: &Snapshot) -> Result<Option<String>, EnvironmentError> {
    let mut cause = fact.provenance.cause;
    for _ in 0..MAX_CAUSES {
        let Some(revision) = cause else { break };
        let Some(fact) = snapshot.fact(revision)? else {
            break;
        };
        if fact.kind == file_kind::IMAGE {
            let path = fact.value.get("path").and_then(Value::as_str);
            return Ok(path.map(str::to_owned));
        }
        cause = fact.provenance.cause;
    }
    Ok(None)
}
