//! `text.search_folder`: what is nearest to a query by meaning, among the passages of a folder's
//! text files.
//!
//! Exact search: every passage is compared. Its steps are short: first the files are listed, then
//! each step embeds some passages. What was embedded is kept by the worker for as long as file and
//! model stay as they are, and on disk by the text's content for the next process.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_runtime::{BatchIndex, Fault, ModelSkill, Skill, SkillSpec, Step, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hits::{MAX_HITS, cosine, fewer_hits, most_hits, nearer, ten};
use crate::listed::{FileKey, Listed};
use crate::passages::passages;
use crate::skipped::{SkipReason, Skipped};
use crate::text::TextModel;
use crate::text::encoder::{PASSAGE, tokens_read};
use crate::text::vector_store::{VectorKey, VectorStore};
use crate::text_input::read_text;

/// Passages that one step embeds.
const STEP_PASSAGES: usize = 32;
/// Bytes of passages and vectors that a worker keeps.
const MAX_CACHE_BYTES: usize = 256 << 20;

/// Finds the passages of a folder that are nearest to a query.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchFolder;

/// A query, and the folder to look in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderSearchInput {
    /// The query.
    pub query: String,
    /// Folder or file to search.
    #[schemars(extend("format" = "path"))]
    pub over: PathBuf,
    /// Maximum number of hits, at most 1,000.
    #[serde(default = "ten")]
    pub limit: u32,
}

/// Hits, closest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hits {
    /// Hits, closest first.
    #[schemars(extend("x-view" = "scored"))]
    pub hits: Vec<Hit>,
    /// What was not searched and why, or that `limit` was above 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// A text that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// The file, recording or fact.
    pub source: String,
    /// The passage, or the start of the embedded text.
    pub text: String,
    /// Cosine similarity to the query, -1 to 1.
    pub score: f32,
}

/// A passage and its vector.
type Passage = (String, Vec<f32>);

/// Passages that a worker has embedded.
#[derive(Default)]
pub(super) struct PassageCache {
    files: HashMap<FileKey, Arc<Vec<Passage>>>,
    bytes: usize,
    disk: Option<VectorStore>,
}

/// A search that is under way.
pub struct FolderSearch {
    query: Vec<f32>,
    limit: u32,
    files: Vec<FileKey>,
    at: usize,
    /// The passages of the present file that are not embedded yet, in reverse.
    left: Vec<String>,
    done: Vec<Passage>,
    /// The present file's text under the model.
    key: Option<VectorKey>,
    hits: Vec<Hit>,
    skipped: Skipped,
}

impl Skill for SearchFolder {
    const NAME: &'static str = "text.search_folder";
    type Input = FolderSearchInput;
    type Output = Hits;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Finds the passages of text files in a folder that are closest in meaning to a query.",
        )
        .main_field("query")
    }
}

impl ModelSkill for SearchFolder {
    type Model = TextModel;
    type Job = Vec<Result<FolderSearch, Fault>>;

    fn begin(
        &self,
        model: &mut TextModel,
        inputs: Vec<Arc<FolderSearchInput>>,
        context: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let begin = |(at, input): (usize, &Arc<FolderSearchInput>)| {
            let (search, tokens) = FolderSearch::begin(model, input)?;
            context.count(BatchIndex(at as u32), tokens_read(tokens));
            Ok(search)
        };
        Ok(inputs.iter().enumerate().map(begin).collect())
    }

    fn step(
        &self,
        model: &mut TextModel,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<Hits>, Fault> {
        for (member, search) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            let Ok(under_way) = search else { continue };
            if context.is_cancelled(member) || under_way.at == under_way.files.len() {
                continue;
            }
            context.progress(member, under_way.at as f32 / under_way.files.len() as f32);
            match under_way.step(model) {
                Ok(tokens) => context.count(member, tokens_read(tokens)),
                Err(fault) => *search = Err(fault),
            }
            return Ok(Step::Continue);
        }
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut TextModel,
        job: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<Hits, Fault>)> {
        let hits = |search: FolderSearch| {
            let hits = best(search.hits, search.limit);
            let skipped = search.skipped.in_words();
            let fewer = fewer_hits(search.limit, hits.len());
            let incomplete: Vec<String> = skipped.into_iter().chain(fewer).collect();
            Hits {
                hits,
                incomplete: (!incomplete.is_empty()).then(|| incomplete.join("; ")),
            }
        };
        job.into_iter()
            .enumerate()
            .map(|(at, search)| (BatchIndex(at as u32), search.map(hits)))
            .collect()
    }
}

impl FolderSearch {
    /// A search, and how many tokens the model read for its query.
    fn begin(model: &mut TextModel, input: &FolderSearchInput) -> Result<(Self, u64), Fault> {
        if input.query.trim().is_empty() {
            return Err(Fault::rejected(
                "expected a query, got nothing but white space",
            ));
        }
        let Listed { files, skipped } = Listed::below(&input.over)?;
        if files.is_empty() {
            let path = input.over.display();
            let skipped = skipped.in_words().map(|words| format!("; {words}"));
            return Err(Fault::rejected(format!(
                "expected text files, found none in `{path}`{}",
                skipped.unwrap_or_default()
            )));
        }
        let query = model.embed(&[&input.query])?.into_iter().next();
        let query = query.ok_or_else(|| Fault::bug("the model gave no vector"))?;
        let tokens = query.tokens;
        let search = Self {
            query: query.vector,
            limit: input.limit,
            files,
            at: 0,
            left: Vec::new(),
            done: Vec::new(),
            key: None,
            hits: Vec::new(),
            skipped,
        };
        Ok((search, tokens))
    }

    /// Goes on with the present file: from the worker's memory, from the disk, or some passages
    /// further. Gives the tokens that the model read for it.
    fn step(&mut self, model: &mut TextModel) -> Result<u64, Fault> {
        let Some(key) = self.files.get(self.at).cloned() else {
            return Ok(0);
        };
        if let Some(known) = model.folders.files.get(&key).cloned() {
            self.rank(&key.path, &known);
            self.at += 1;
            return Ok(0);
        }
        if self.left.is_empty() && self.done.is_empty() {
            let text = match read_text(&key.path) {
                Ok(text) => text,
                Err(unread) => {
                    // The others still count. It may be readable next time, so nobody remembers
                    // this.
                    self.skipped.note(SkipReason::from(&unread), &key.path);
                    self.at += 1;
                    return Ok(0);
                }
            };
            let cut = passages(&text, PASSAGE);
            let vector_key = VectorKey::new(model.content(), &text);
            if let Some(known) = model.folders.read_back(vector_key, &cut) {
                self.end_file(model, key, known);
                return Ok(0);
            }
            self.key = Some(vector_key);
            self.left = cut.into_iter().rev().map(str::to_owned).collect();
        }
        let from = self.left.len().saturating_sub(STEP_PASSAGES);
        let next: Vec<String> = self.left.drain(from..).rev().collect();
        let texts: Vec<&str> = next.iter().map(String::as_str).collect();
        let encoded = model.embed(&texts)?;
        let tokens = encoded.iter().map(|one| one.tokens).sum();
        let vectors = encoded.into_iter().map(|one| one.vector);
        self.done.extend(next.into_iter().zip(vectors));
        if self.left.is_empty() {
            let done = std::mem::take(&mut self.done);
            if let Some(vector_key) = self.key.take() {
                model.folders.write_out(vector_key, &done);
            }
            self.end_file(model, key, done);
        }
        Ok(tokens)
    }

    fn end_file(&mut self, model: &mut TextModel, key: FileKey, passages: Vec<Passage>) {
        self.rank(&key.path, &passages);
        model.folders.keep(key, Arc::new(passages));
        self.at += 1;
    }

    fn rank(&mut self, path: &Path, passages: &[Passage]) {
        let source = path.display().to_string();
        self.hits.extend(passages.iter().map(|(text, vector)| Hit {
            source: source.clone(),
            text: text.clone(),
            score: cosine(&self.query, vector),
        }));
        // Only the best can still count: memory does not grow with the folder.
        if self.hits.len() > 4 * MAX_HITS as usize {
            self.hits = best(std::mem::take(&mut self.hits), self.limit);
        }
    }
}

impl PassageCache {
    pub(super) fn keep_in(&mut self, folder: PathBuf) {
        self.disk = Some(VectorStore::new(folder));
    }

    fn read_back(&self, key: VectorKey, passages: &[&str]) -> Option<Vec<Passage>> {
        let vectors = self.disk.as_ref()?.get(key, passages.len())?;
        let texts = passages.iter().map(|text| (*text).to_owned());
        Some(texts.zip(vectors).collect())
    }

    fn write_out(&mut self, key: VectorKey, passages: &[Passage]) {
        if let Some(disk) = self.disk.as_mut().filter(|_| !passages.is_empty()) {
            let vectors = passages.iter().map(|(_, vector)| vector.as_slice());
            disk.put(key, &vectors.collect::<Vec<_>>());
        }
    }

    fn keep(&mut self, key: FileKey, passages: Arc<Vec<Passage>>) {
        let bytes: usize = passages
            .iter()
            .map(|(text, vector)| text.len() + 4 * vector.len())
            .sum();
        if self.bytes + bytes > MAX_CACHE_BYTES {
            self.files.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.files.insert(key, passages);
    }
}

/// The best hits, the nearest first.
fn best(mut hits: Vec<Hit>, limit: u32) -> Vec<Hit> {
    hits.sort_by(|one, other| nearer((one.score, &one.source), (other.score, &other.source)));
    hits.truncate(most_hits(limit));
    hits
}
