//! Documents: each input of an episode with what was found out about it, as the views of the team tell it.

use std::collections::HashMap;
use std::path::Path;

use aimass_locale::harmless;
use aimass_runtime::{Excerpt, Fact, FactView, FoundLanguage, Meaning, Noun, Revision, Views};
use serde_json::Value;

/// Characters of a name that are shown.
const NAME: usize = 200;

/// An input with what was found out about it.
pub(super) struct Document<'a> {
    pub(super) input: &'a Fact,
    /// What is shown of the input itself.
    given: FactView,
    /// How it is called, differently from all others.
    pub(super) name: String,
    /// What files of its kind are called; none of an input that is no file.
    pub(super) noun: Option<Noun>,
    /// What was found out about it, in the order of the revisions: of each kind of facts the last one.
    found: Vec<Found<'a>>,
}

/// A fact, and what is shown of it.
struct Found<'a> {
    fact: &'a Fact,
    view: FactView,
}

/// The documents of an episode, in the order in which they were given. Facts come in the order of their revisions. Blocks: views read files.
pub(super) fn documents<'a>(facts: &'a [Fact], views: &Views) -> Vec<Document<'a>> {
    let mut documents: Vec<Document<'_>> = Vec::new();
    let mut about: HashMap<Revision, usize> = HashMap::new();
    let mut found: Vec<(usize, &Fact)> = Vec::new();
    for fact in facts {
        if fact.provenance.task.is_none() {
            about.insert(fact.revision, documents.len());
            documents.push(Document::new(fact, views));
            continue;
        }
        let cause = fact.provenance.cause;
        let Some(at) = cause.and_then(|cause| about.get(&cause)).copied() else {
            continue;
        };
        about.insert(fact.revision, at);
        found.push((at, fact));
    }
    tell_apart(&mut documents);
    for (at, fact) in found {
        if let Some(document) = documents.get_mut(at) {
            document.learn(fact, views);
        }
    }
    documents
}

/// Documents of the same name are called by their whole paths.
fn tell_apart(documents: &mut [Document<'_>]) {
    let mut uses: HashMap<String, u32> = HashMap::new();
    for document in &*documents {
        *uses.entry(document.name.clone()).or_default() += 1;
    }
    for document in documents {
        let shared = uses.get(&document.name).is_some_and(|uses| *uses > 1);
        if shared && let Some(path) = path_of(document.input) {
            document.name = harmless::brief(path, NAME);
        }
    }
}

fn path_of(fact: &Fact) -> Option<&str> {
    fact.value.get("path").and_then(Value::as_str)
}

impl<'a> Document<'a> {
    fn new(input: &'a Fact, views: &Views) -> Self {
        let file = path_of(input).and_then(|path| Path::new(path).file_name()?.to_str());
        let name = file.map_or_else(
            || format!("{} #{}", input.kind, input.revision),
            |file| harmless::brief(file, NAME),
        );
        Self {
            given: views.of(input, &name),
            noun: views.file_kinds().noun(&input.kind),
            input,
            name,
            found: Vec::new(),
        }
    }

    /// Takes in what a fact says about it. Of two facts of a kind the later one stands.
    fn learn(&mut self, fact: &'a Fact, views: &Views) {
        let view = views.of(fact, &self.name);
        self.found.retain(|found| found.fact.kind != fact.kind);
        self.found.push(Found { fact, view });
    }

    /// What is shown of the input itself.
    pub(super) fn given(&self) -> &FactView {
        &self.given
    }

    /// What is shown of the input, and then of each fact about it.
    pub(super) fn views(&self) -> impl Iterator<Item = (&'a Fact, &FactView)> {
        let found = self.found.iter().map(|found| (found.fact, &found.view));
        std::iter::once((self.input, &self.given)).chain(found)
    }

    /// The last of what the views tell of one thing.
    fn last<'s, T>(
        &'s self,
        part: impl Fn(&'s FactView) -> Option<&'s T>,
    ) -> Option<(&'a Fact, &'s T)> {
        let told = self
            .views()
            .filter_map(|(fact, view)| Some((fact, part(view)?)));
        told.last()
    }

    /// Its language: what was heard comes before what its letters look like.
    pub(super) fn language(&self) -> Option<(&'a Fact, &FoundLanguage)> {
        let told = self.views();
        let told = told.filter_map(|(fact, view)| Some((fact, view.language.as_ref()?)));
        told.max_by_key(|(_, language)| language.evidence)
    }

    /// Whether anything was found out about it.
    pub(super) fn is_read(&self) -> bool {
        let tells = |view: &FactView| {
            let says = !view.statements.is_empty() || view.excerpt.is_some();
            says || view.identity.is_some() || view.language.is_some() || view.meaning.is_some()
        };
        self.views().any(|(_, view)| tells(view))
    }

    /// Its vector.
    pub(super) fn meaning(&self) -> Option<(&'a Fact, &Meaning)> {
        self.last(|view| view.meaning.as_ref())
    }

    /// Its words.
    pub(super) fn excerpt(&self) -> Option<(&'a Fact, &Excerpt)> {
        self.last(|view| view.excerpt.as_ref())
    }

    /// The size of its file, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = self.input.value.get("bytes").and_then(Value::as_u64);
        bytes.unwrap_or_default()
    }
}
