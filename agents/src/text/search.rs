//! `text.search`: what is nearest to a query by meaning, in a folder or among the facts of the
//! environment.

mod known_texts;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_runtime::{
    EnvironmentError, Fault, FlowContext, FlowSkill, Operation, Skill, SkillSpec,
};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hits::{fewer_hits, ten};
use crate::text::embed::excerpt;
use crate::text::search::known_texts::KnownTexts;
use crate::text::{Embed, FolderSearchInput, Hit, Hits, SearchFolder, TextInput};
use crate::text_input::read_file;

/// Finds what is nearest to a query by meaning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search;

/// A query, and where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchInput {
    /// The query.
    pub query: String,
    /// Folder or file to search; default: the texts of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub over: Option<PathBuf>,
    /// Maximum number of hits, at most 1,000.
    #[serde(default = "ten")]
    pub limit: u32,
}

impl Skill for Search {
    const NAME: &'static str = "text.search";
    type Input = SearchInput;
    type Output = Hits;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Finds the texts closest in meaning to a query, in a folder or in the environment.",
        )
        .operation(Operation::Search)
        .main_field("query")
    }
}

/// What answers [`Search`], with what it has read of the environment so far. Searches of facts take
/// turns: each is short but the first one of a tenant.
#[derive(Default)]
pub(super) struct SearchFlow {
    known: Arc<Mutex<KnownTexts>>,
}

impl Skill for SearchFlow {
    const NAME: &'static str = Search::NAME;
    type Input = SearchInput;
    type Output = Hits;

    fn spec(&self) -> SkillSpec {
        Search.spec()
    }
}

impl FlowSkill for SearchFlow {
    async fn run(&self, input: Arc<SearchInput>, context: FlowContext) -> Result<Hits, Fault> {
        let SearchInput { query, over, limit } = (*input).clone();
        if let Some(over) = over {
            let input = FolderSearchInput { query, over, limit };
            return Ok(context.ask::<SearchFolder>(input).await?);
        }
        let query = context.ask::<Embed>(TextInput::text(query)).await?;
        let environment = context.environment().clone();
        let namespace = context.namespace().clone();
        let known = self.known.clone();
        let search = move || {
            // The view is taken behind the lock: one that is older than what is known would miss
            // facts.
            let mut known = known.lock();
            let snapshot = environment.snapshot()?;
            let mut hits = known.nearest(&snapshot, &namespace, &query, limit)?;
            drop(known);
            for hit in hits.iter_mut().filter(|hit| hit.text.is_empty()) {
                // It was embedded before texts were kept: then what its file holds today is nearest
                // to what was embedded.
                let text = read_file(Path::new(&hit.source));
                hit.text = text.map_or_else(|_| String::new(), |text| excerpt(&text));
            }
            Ok(hits)
        };
        let found: Result<Vec<Hit>, EnvironmentError> = context.blocking(search).await?;
        let hits = found.map_err(|error| Fault::unavailable(error.to_string()))?;
        let incomplete = fewer_hits(limit, hits.len());
        Ok(Hits { hits, incomplete })
    }
}
