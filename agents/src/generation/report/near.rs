//! Nearness: which documents mean similar things, by their embeddings.

use super::documents::Document;

/// Embeddings that are less alike than this are not called close.
const NEAR: f32 = 0.3;
/// Embeddings that are at least so alike belong to one group.
pub(super) const GROUPED: f32 = 0.5;
/// Documents that are compared with each other: the work grows with their square.
pub(super) const COMPARED: usize = 1000;

/// A document that is near another.
pub(super) struct Near {
    /// Its place among the documents.
    pub(super) other: usize,
    /// The cosine of the angle between the embeddings, to two digits.
    pub(super) similarity: f32,
}

/// The nearest other document of each, among those that the same model embedded, if one is near.
pub(super) fn nearest(documents: &[Document<'_>]) -> Vec<Option<Near>> {
    let near = |at: usize| {
        let own = documents.get(at)?;
        let mut best: Option<Near> = None;
        for (other, document) in documents.iter().enumerate().take(COMPARED) {
            let Some(similarity) = similarity(own, document).filter(|_| other != at) else {
                continue;
            };
            // Compared as they are said, so that a last bit does not decide who is nearest.
            let similarity = hundredths(f64::from(similarity)) as f32;
            if similarity >= NEAR
                && best
                    .as_ref()
                    .is_none_or(|best| similarity > best.similarity)
            {
                best = Some(Near { other, similarity });
            }
        }
        best
    };
    (0..documents.len().min(COMPARED)).map(near).collect()
}

/// Returns groups of documents with words, by their places, the largest group first. Each document is
/// close in meaning to the first one of its group; what is close to none is a group of its own.
pub(super) fn groups(documents: &[Document<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, document) in documents.iter().enumerate().take(COMPARED) {
        if document.excerpt().is_none() {
            continue;
        }
        let belongs = |group: &Vec<usize>| {
            let first = group.first().and_then(|first| documents.get(*first));
            let similarity = first.and_then(|first| similarity(document, first));
            similarity.is_some_and(|similarity| similarity >= GROUPED)
        };
        match groups.iter_mut().find(|group| belongs(group)) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// The cosine between the embeddings of two documents, if the same model made them.
fn similarity(one: &Document<'_>, other: &Document<'_>) -> Option<f32> {
    let (one, other) = (one.meaning()?.1, other.meaning()?.1);
    (one.model == other.model).then(|| cosine(&one.vector, &other.vector))
}

/// A number as it is said: to two digits.
pub(super) fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The cosine of the angle between two vectors of length 1.
pub(super) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let pairs = one.iter().zip(other);
    pairs.map(|(left, right)| left * right).sum()
}
