//! `text.search`: what is nearest to a query by meaning, in a folder or among the facts of the environment.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_runtime::{
    Environment, EnvironmentError, Fact, FactFilter, Fault, FlowContext, FlowSkill, ModelVersion,
    Revision, Skill, SkillSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::encoder::cosine;
use crate::text::input::read_file;
use crate::text::search_folder::best;
use crate::text::{Embed, Embedding, FolderSearchInput, Hit, Hits, SearchFolder, TextInput};

/// Characters of a found text that are shown.
const EXCERPT: usize = 240;

/// Finds what is nearest to a query by meaning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search;

/// A query, and where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchInput {
    /// What to look for.
    pub query: String,
    /// The folder or file to look in; without it, the environment's texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub over: Option<PathBuf>,
    /// How many hits to give, at most 1,000.
    #[serde(default = "ten")]
    pub limit: u32,
}

pub(super) fn ten() -> u32 {
    10
}

impl Skill for Search {
    const NAME: &'static str = "text.search";
    type Input = SearchInput;
    type Output = Hits;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Finds the texts nearest to a query by meaning, in a folder or in the environment.",
        )
        .main_field("query")
    }
}

impl FlowSkill for Search {
    async fn run(&self, input: Arc<SearchInput>, context: FlowContext) -> Result<Hits, Fault> {
        let SearchInput { query, over, limit } = (*input).clone();
        if let Some(over) = over {
            let input = FolderSearchInput { query, over, limit };
            return Ok(context.ask(SearchFolder, input).await?);
        }
        let query = context.ask(Embed, TextInput::text(query)).await?;
        let environment = context.environment().clone();
        let found = context
            .blocking(move || search_facts(&environment, &query, limit))
            .await?;
        found.map_err(|error| Fault::unavailable(error.to_string()))
    }
}

/// Compares the query with every embedding of the same model that the environment holds.
fn search_facts(
    environment: &Environment,
    query: &Embedding,
    limit: u32,
) -> Result<Hits, EnvironmentError> {
    let snapshot = environment.snapshot()?;
    let filter = FactFilter {
        kind: Some(Embed::NAME.to_owned()),
        ..FactFilter::default()
    };
    // The same file may have been embedded in many episodes: its newest embedding counts.
    let mut newest: HashMap<String, (f32, Revision)> = HashMap::new();
    let mut others: BTreeSet<ModelVersion> = BTreeSet::new();
    for fact in snapshot.facts(filter)? {
        let fact = fact?;
        let Ok(found) = serde_json::from_value::<Embedding>(fact.value) else {
            continue;
        };
        if found.model != query.model {
            others.insert(found.model);
            continue;
        }
        let Some(cause) = fact.provenance.cause else {
            continue;
        };
        let Some(source) = snapshot.fact(cause)? else {
            continue;
        };
        newest.insert(
            name_of(&source),
            (cosine(&query.embedding, &found.embedding), cause),
        );
    }
    for model in others {
        tracing::warn!(%model, newest = %query.model, "facts embedded by another model are left out; `aimass run` their files again");
    }
    let hits = newest.into_iter().map(|(source, (score, _))| Hit {
        source,
        text: String::new(),
        score,
    });
    let mut hits = best(hits.collect(), limit);
    for hit in &mut hits {
        hit.text = excerpt(Path::new(&hit.source));
    }
    Ok(Hits { hits })
}

fn name_of(source: &Fact) -> String {
    let path = source.value.get("path").and_then(Value::as_str);
    path.map_or_else(|| format!("fact {}", source.revision), str::to_owned)
}

/// The beginning of a file, if it is still there.
fn excerpt(path: &Path) -> String {
    read_file(path).map_or_else(
        |_| String::new(),
        |text| text.trim().chars().take(EXCERPT).collect(),
    )
}
