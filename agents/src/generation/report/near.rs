//! Nearness: which documents mean similar things, by their embeddings.

use super::documents::Document;

/// Embeddings that are less alike than this are not called close.
const NEAR: f32 = 0.3;
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
        let own = documents.get(at)?.meaning()?.1;
        let mut best: Option<Near> = None;
        for (other, document) in documents.iter().enumerate().take(COMPARED) {
            let Some((_, found)) = document.meaning() else {
                continue;
            };
            if other == at || found.model != own.model {
                continue;
            }
            let similarity = cosine(&own.vector, &found.vector);
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

/// A number as it is said: to two digits.
pub(super) fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The cosine of the angle between two vectors of length 1.
fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let pairs = one.iter().zip(other);
    pairs.map(|(left, right)| left * right).sum()
}
