//! `text.search`: what is nearest to a query by meaning, in a folder or among the facts of the environment.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_runtime::{
    Environment, EnvironmentError, Fact, FactFilter, FactKind, Fault, FlowContext, FlowSkill,
    ModelVersion, Namespace, Skill, SkillSpec, Snapshot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::embed::excerpt;
use crate::text::encoder::cosine;
use crate::text::input::read_file;
use crate::text::search_folder::best;
use crate::text::{Embed, Embedding, FolderSearchInput, Hit, Hits, SearchFolder, TextInput};

/// How many causes are followed from an embedding to the file that it is about.
const MAX_CAUSES: usize = 32;

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
        let namespace = context.namespace().clone();
        let found = context
            .blocking(move || search_facts(&environment, namespace, &query, limit))
            .await?;
        found.map_err(|error| Fault::unavailable(error.to_string()))
    }
}

/// Compares the query with every embedding of the same model that the environment holds of this tenant.
fn search_facts(
    environment: &Environment,
    namespace: Namespace,
    query: &Embedding,
    limit: u32,
) -> Result<Hits, EnvironmentError> {
    let snapshot = environment.snapshot()?;
    let filter = FactFilter {
        namespace: Some(namespace),
        kind: Some(Embed::NAME.to_owned()),
        ..FactFilter::default()
    };
    // The same file may have been embedded in many episodes: its newest embedding counts.
    let mut newest: HashMap<Origin, Hit> = HashMap::new();
    let mut others: BTreeSet<ModelVersion> = BTreeSet::new();
    for fact in snapshot.facts(filter)? {
        let fact = fact?;
        let Ok(found) = Embedding::deserialize(&fact.value) else {
            continue;
        };
        if found.model != query.model {
            others.insert(found.model);
            continue;
        }
        let Some(origin) = Origin::of(&fact, &snapshot)? else {
            continue;
        };
        let hit = Hit {
            source: origin.name.clone(),
            text: found.excerpt,
            score: cosine(&query.embedding, &found.embedding),
        };
        newest.insert(origin, hit);
    }
    for model in others {
        tracing::warn!(%model, newest = %query.model, "facts embedded by another model are left out; `aimass run` their files again");
    }
    let mut hits = best(newest.into_values().collect(), limit);
    for hit in hits.iter_mut().filter(|hit| hit.text.is_empty()) {
        // It was embedded before texts were kept: then what its file holds today is nearest to what was embedded.
        hit.text =
            read_file(Path::new(&hit.source)).map_or_else(|_| String::new(), |text| excerpt(&text));
    }
    Ok(Hits { hits })
}

/// Where an embedded text comes from.
#[derive(PartialEq, Eq, Hash)]
struct Origin {
    /// What the text was: a file, a transcript.
    kind: FactKind,
    /// What a user knows it by: the path of the file, or of the recording; else the fact that it stands in.
    name: String,
}

impl Origin {
    /// Follows the causes of an embedding up to a file. None where what was embedded is not there any more.
    fn of(embedding: &Fact, snapshot: &Snapshot) -> Result<Option<Self>, EnvironmentError> {
        let cause = |fact: &Fact| match fact.provenance.cause {
            Some(cause) => snapshot.fact(cause),
            None => Ok(None),
        };
        let Some(embedded) = cause(embedding)? else {
            return Ok(None);
        };
        let kind = embedded.kind.clone();
        let mut name = format!("fact {}", embedded.revision);
        let mut at = Some(embedded);
        for _ in 0..MAX_CAUSES {
            let Some(fact) = at else { break };
            if let Some(path) = fact.value.get("path").and_then(Value::as_str) {
                name = path.to_owned();
                break;
            }
            at = cause(&fact)?;
        }
        Ok(Some(Self { kind, name }))
    }
}
