//! `image.search_folder`: the pictures of a folder that look like a picture.
//!
//! Exact search: every picture is compared, one a step. What was embedded is kept by the worker for
//! as long as a file stays as it is.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use aimass_runtime::{BatchIndex, Fault, ModelSkill, Skill, SkillSpec, Step, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hits::{cosine, fewer_hits, most_hits, nearer, ten};
use crate::image::{ImageClassifier, PictureHit, PictureHits};
use crate::listed::{FileKey, Listed};
use crate::skipped::{SkipReason, Skipped};

/// Vectors that a worker keeps: 64 MiB of 1,280 numbers.
const MAX_KEPT: usize = 13_000;

/// Finds the pictures of a folder that look like a picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchFolder;

/// A picture, and the folder to look in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderSearchInput {
    /// The picture.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
    /// Folder or file to search.
    #[schemars(extend("format" = "path"))]
    pub over: PathBuf,
    /// Maximum number of hits, at most 1,000.
    #[serde(default = "ten")]
    pub limit: u32,
}

/// The vectors that a worker has made of files, as they were then.
#[derive(Default)]
pub(super) struct KnownPictures(HashMap<FileKey, Arc<Vec<f32>>>);

impl KnownPictures {
    fn keep(&mut self, key: FileKey, vector: Arc<Vec<f32>>) {
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(key, vector);
    }
}

/// A search that is under way.
pub struct PictureSearch {
    query: Vec<f32>,
    limit: u32,
    files: Vec<FileKey>,
    at: usize,
    hits: Vec<PictureHit>,
    skipped: Skipped,
}

impl Skill for SearchFolder {
    const NAME: &'static str = "image.search_folder";
    type Input = FolderSearchInput;
    type Output = PictureHits;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Finds the pictures of a folder that look like a picture.")
            .main_field("path")
    }

    fn input_bytes(&self, input: &FolderSearchInput) -> u64 {
        (input.path.as_os_str().len() + input.over.as_os_str().len()) as u64 + 16
    }
}

impl ModelSkill for SearchFolder {
    type Model = ImageClassifier;
    /// None of those that are settled.
    type Job = Vec<Option<Result<PictureSearch, Fault>>>;

    fn begin(
        &self,
        model: &mut ImageClassifier,
        inputs: Vec<Arc<FolderSearchInput>>,
        _: &mut StepContext<'_>,
    ) -> Result<Self::Job, Fault> {
        let mut begin = |input: &Arc<_>| Some(PictureSearch::begin(model, input));
        Ok(inputs.iter().map(&mut begin).collect())
    }

    fn step(
        &self,
        model: &mut ImageClassifier,
        job: &mut Self::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<PictureHits>, Fault> {
        for (member, search) in job.iter_mut().enumerate() {
            let member = BatchIndex(member as u32);
            if context.is_cancelled(member) {
                *search = None;
            }
            let is_over = match search {
                None => continue,
                Some(Ok(under_way)) => under_way.at == under_way.files.len(),
                Some(Err(_)) => true,
            };
            if is_over {
                let outcome = search.take().map(|search| search.map(PictureSearch::hits));
                let outcome = outcome.map(|hits| (member, hits));
                return Ok(Step::Settled(outcome.into_iter().collect()));
            }
            if let Some(Ok(under_way)) = search {
                context.progress(member, under_way.at as f32 / under_way.files.len() as f32);
                under_way.step(model);
            }
            return Ok(Step::Continue);
        }
        Ok(Step::Finished)
    }

    fn finish(
        &self,
        _: &mut ImageClassifier,
        _: Self::Job,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<PictureHits, Fault>)> {
        Vec::new()
    }
}

impl PictureSearch {
    fn begin(model: &mut ImageClassifier, input: &FolderSearchInput) -> Result<Self, Fault> {
        let Listed { files, skipped } = Listed::below(&input.over)?;
        if files.is_empty() {
            let path = input.over.display();
            let skipped = skipped.in_words().map(|words| format!("; {words}"));
            return Err(Fault::rejected(format!(
                "expected pictures, found no files in `{path}`{}",
                skipped.unwrap_or_default()
            )));
        }
        Ok(Self {
            query: model.embedding(&input.path)?,
            limit: input.limit,
            files,
            at: 0,
            hits: Vec::new(),
            skipped,
        })
    }

    /// Compares the next file. One that is no picture is left out, and told at the end.
    fn step(&mut self, model: &mut ImageClassifier) {
        let Some(key) = self.files.get(self.at).cloned() else {
            return;
        };
        self.at += 1;
        let known = model.known.0.get(&key).cloned();
        let vector = known.or_else(|| {
            let vector = Arc::new(model.embedding(&key.path).ok()?);
            model.known.keep(key.clone(), vector.clone());
            Some(vector)
        });
        let Some(vector) = vector else {
            self.skipped.note(SkipReason::NotPicture, &key.path);
            return;
        };
        self.hits.push(PictureHit {
            source: key.path.display().to_string(),
            text: String::new(),
            score: cosine(&self.query, &vector),
        });
    }

    fn hits(mut self) -> PictureHits {
        self.hits
            .sort_by(|one, other| nearer((one.score, &one.source), (other.score, &other.source)));
        self.hits.truncate(most_hits(self.limit));
        let fewer = fewer_hits(self.limit, self.hits.len());
        let incomplete: Vec<String> = self.skipped.in_words().into_iter().chain(fewer).collect();
        PictureHits {
            hits: self.hits,
            incomplete: Some(incomplete.join("; ")).filter(|words| !words.is_empty()),
        }
    }
}
