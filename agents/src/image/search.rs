//! `image.search`: pictures like a picture, or those whose description or text is near a query.

mod known;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_runtime::{Fault, FlowContext, FlowSkill, Operation, Skill, SkillSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::hits::{MAX_HITS, fewer_hits, most_hits, ten};
use crate::image::{Embed, FolderSearchInput, ImageInput, SearchFolder};

/// Finds pictures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search;

/// A picture or words, and where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchInput {
    /// Words for what pictures of the environment show or say, such as `a dog on a beach`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A picture, to find those that look like it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// Folder of pictures to search, with `path`; default: the pictures of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub over: Option<PathBuf>,
    /// Maximum number of hits, at most 1,000.
    #[serde(default = "ten")]
    pub limit: u32,
}

/// Pictures that were found, the nearest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PictureHits {
    /// Hits, the nearest first.
    #[schemars(extend("x-view" = "scored"))]
    pub hits: Vec<PictureHit>,
    /// What was not searched and why; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// A picture that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PictureHit {
    /// Its file.
    pub source: String,
    /// What was found in it, of a search by words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Cosine similarity to the query, -1 to 1.
    pub score: f32,
}

/// What a search goes by.
enum Query<'a> {
    Words(&'a str),
    Picture(&'a Path),
}

impl SearchInput {
    /// Returns the input for pictures of the environment that look like the one in this file.
    pub fn like(path: impl Into<PathBuf>) -> Self {
        Self {
            query: None,
            path: Some(path.into()),
            over: None,
            limit: ten(),
        }
    }

    /// Returns the input for pictures of the environment whose description or text is near these words.
    pub fn words(query: impl Into<String>) -> Self {
        Self {
            query: Some(query.into()),
            path: None,
            over: None,
            limit: ten(),
        }
    }

    fn query(&self) -> Result<Query<'_>, Fault> {
        match (&self.query, &self.path) {
            (Some(_), Some(_)) => Err(Fault::rejected(
                "expected `query` or `path`, got both; leave one out",
            )),
            (None, None) => Err(Fault::rejected(
                "expected `query` or `path`, got neither; name a picture, or say what it shows",
            )),
            (Some(_), None) if self.over.is_some() => Err(Fault::rejected(
                "expected a picture as `path` to search a folder with, got words; words find pictures of the environment: `aimass run FOLDER` puts those of a folder there",
            )),
            (Some(words), None) if words.trim().is_empty() => Err(Fault::rejected(
                "expected a query, got nothing but white space",
            )),
            (Some(words), None) => Ok(Query::Words(words)),
            (None, Some(path)) => Ok(Query::Picture(path)),
        }
    }
}

impl Skill for Search {
    const NAME: &'static str = "image.search";
    type Input = SearchInput;
    type Output = PictureHits;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Finds pictures that look like a picture, or whose description or text is near a query.",
        )
        .main_field("query")
    }
}

impl FlowSkill for Search {
    async fn run(
        &self,
        input: Arc<SearchInput>,
        context: FlowContext,
    ) -> Result<PictureHits, Fault> {
        match (input.query()?, &input.over) {
            (Query::Picture(path), Some(over)) => {
                let input = FolderSearchInput {
                    path: path.to_owned(),
                    over: over.clone(),
                    limit: input.limit,
                };
                Ok(context.ask::<SearchFolder>(input).await?)
            }
            (Query::Picture(path), None) => like(path, input.limit, &context).await,
            (Query::Words(words), _) => by_words(words, input.limit, &context).await,
        }
    }
}

/// The pictures of the environment that look like this one.
async fn like(path: &Path, limit: u32, context: &FlowContext) -> Result<PictureHits, Fault> {
    let query = context.ask::<Embed>(ImageInput::path(path)).await?;
    let environment = context.environment().clone();
    let namespace = context.namespace().clone();
    let search = move || known::nearest(&environment.snapshot()?, &namespace, &query, limit);
    let found = context.blocking(search).await?;
    let hits = found.map_err(|error| Fault::unavailable(error.to_string()))?;
    let incomplete = fewer_hits(limit, hits.len());
    Ok(PictureHits { hits, incomplete })
}

/// The pictures whose description is nearest to the words, as the team's search in texts has it.
async fn by_words(words: &str, limit: u32, context: &FlowContext) -> Result<PictureHits, Fault> {
    let search = context.skill_for(Operation::Search).ok_or_else(|| {
        Fault::unavailable(
            "a search by words needs an agent that searches in texts, and this team has none",
        )
    })?;
    let environment = context.environment().clone();
    let namespace = context.namespace().clone();
    let pictures = move || known::described(&environment.snapshot()?, &namespace);
    let pictures = context.blocking(pictures).await?;
    let pictures = pictures.map_err(|error| Fault::unavailable(error.to_string()))?;
    // Texts that are no pictures stand among the hits, so all are asked for.
    let asked = json!({"query": words, "limit": MAX_HITS});
    let found = context.ask_json(&search, asked).await?;
    let PictureHits { hits, .. } = serde_json::from_value(found).map_err(|error| {
        Fault::unavailable(format!(
            "expected hits of `{search}` with source, text and score: {error}"
        ))
    })?;
    let all = hits.len();
    let hits = hits.into_iter();
    let mut hits: Vec<PictureHit> = hits.filter(|hit| pictures.contains(&hit.source)).collect();
    let crowded = all == MAX_HITS as usize && hits.len() < most_hits(limit);
    hits.truncate(most_hits(limit));
    let crowded = crowded.then(|| {
        format!("of the {MAX_HITS} texts that are nearest to it, these are about pictures; further ones were not looked at")
    });
    Ok(PictureHits {
        incomplete: crowded.or_else(|| fewer_hits(limit, hits.len())),
        hits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_by_words_or_by_a_picture() {
        let refused = |json: serde_json::Value| {
            let input: SearchInput = serde_json::from_value(json).unwrap();
            let query = input.query();
            query.err().map(|fault| fault.message).unwrap_or_default()
        };
        assert_eq!(refused(json!({"query": "a dog"})), "");
        assert_eq!(refused(json!({"path": "a.png", "over": "pictures"})), "");
        assert!(refused(json!({})).contains("got neither"));
        assert!(refused(json!({"query": "a dog", "path": "a.png"})).contains("got both"));
        assert!(refused(json!({"query": " "})).contains("white space"));
        assert!(refused(json!({"query": "a dog", "over": "pictures"})).contains("aimass run"));
    }
}
