//! The views of a team: what its agents show of facts, and what is shown of facts that nobody brings a view for.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use aimass_config::files::{NotText, open, text_of};
use aimass_environment::{Fact, FactKind, json_bytes, panics};
use aimass_locale::{Text, harmless, size, text};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::file_kind::{FileKind, FileKinds, Noun};
use crate::view::{Extent, FactView, Panel};

/// Characters of a line.
const MAX_LINE: usize = 300;
/// Characters of a sentence.
const MAX_SENTENCE: usize = 1000;
/// Sentences of one view.
const MAX_STATEMENTS: usize = 64;
/// Bytes of a panel in JSON: it travels in one frame.
const MAX_PANEL: u64 = 4 << 20;
/// Characters that are shown of a fact without a view.
const MAX_VALUE: usize = 90;

/// How much of a text is read for its beginning, in bytes.
const BEGINNING: u64 = 16 << 10;

/// Makes the view of a fact; none where the fact has not the form that it knows.
pub(crate) type ViewFn = Arc<dyn Fn(&Fact, &str) -> Option<FactView> + Send + Sync>;

/// What a team shows of facts. Cloning it shares it.
#[derive(Clone, Default)]
pub struct Views {
    registry: Arc<ViewRegistry>,
}

/// Views by the kinds of their facts, while a team is put together.
#[derive(Clone, Default)]
pub(crate) struct ViewRegistry {
    views: HashMap<FactKind, (String, ViewFn)>,
    file_kinds: FileKinds,
}

impl ViewRegistry {
    /// Takes in what an agent brings. Gives a kind that two agents have views for, and the first of them.
    pub(crate) fn add(
        &mut self,
        agent: &str,
        views: Vec<(FactKind, ViewFn)>,
        file_kinds: Vec<FileKind>,
    ) -> Result<(), (FactKind, String)> {
        for (kind, view) in views {
            if let Some((first, _)) = self.views.get(&kind) {
                let first = first.clone();
                panics::free(view, "a view");
                return Err((kind, first));
            }
            self.views.insert(kind, (agent.to_owned(), view));
        }
        file_kinds
            .into_iter()
            .for_each(|kind| self.file_kinds.add(agent, kind));
        Ok(())
    }

    /// Takes out what an agent has brought.
    pub(crate) fn remove(&mut self, agent: &str) {
        self.views.retain(|_, (of, _)| of != agent);
        self.file_kinds.remove(agent);
    }

    pub(crate) fn into_views(self) -> Views {
        Views {
            registry: Arc::new(self),
        }
    }
}

impl Drop for ViewRegistry {
    /// Views are closures of agents' authors, whose drop may panic.
    fn drop(&mut self) {
        for (_, (_, view)) in self.views.drain() {
            panics::free(view, "a view");
        }
    }
}

impl Views {
    /// Returns what is shown of a fact about `subject`, the name of an input. May block: a view may read the file that the fact is about.
    ///
    /// A fact that nobody brings a view for, or whose view panics, is shown by its kind and the beginning of its value.
    pub fn of(&self, fact: &Fact, subject: &str) -> FactView {
        let made = self.made(fact, subject).unwrap_or_else(|message| {
            let (kind, agent) = (&fact.kind, self.agent_of(&fact.kind));
            tracing::warn!(%agent, %kind, said = %message, "a view panicked; the fact is shown without it");
            None
        });
        let Some(mut view) = made else {
            return bounded(self.plain(fact));
        };
        if view.line.is_empty() {
            view.line = self.plain(fact).line;
        }
        bounded(view)
    }

    /// Returns what the author's view makes of a fact; none where there is no view of its kind, or
    /// its value has not the form that the view knows.
    ///
    /// # Errors
    /// What a panic of the view said.
    pub(crate) fn made(&self, fact: &Fact, subject: &str) -> Result<Option<FactView>, String> {
        let Some((_, view)) = self.registry.views.get(&fact.kind) else {
            return Ok(None);
        };
        panics::caught(|| view(fact, subject))
    }

    /// The agent that brings the view of that kind; empty where nobody does.
    fn agent_of(&self, kind: &FactKind) -> &str {
        let view = self.registry.views.get(kind);
        view.map_or("", |(agent, _)| agent)
    }

    /// Whether somebody brings a view of that kind.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn has(&self, kind: &FactKind) -> bool {
        self.registry.views.contains_key(kind)
    }

    /// What these views were made of, to make others of it.
    pub(crate) fn registry(&self) -> ViewRegistry {
        ViewRegistry::clone(&self.registry)
    }

    /// Returns the kinds of files that the team tells apart.
    pub fn file_kinds(&self) -> &FileKinds {
        &self.registry.file_kinds
    }

    /// What is shown of a fact that has no view.
    fn plain(&self, fact: &Fact) -> FactView {
        let noun = self.file_kinds().noun(&fact.kind);
        if let Some(view) = noun.and_then(|noun| file(fact, &noun)) {
            return view;
        }
        let value = match &fact.value {
            Value::String(text) => harmless::brief(text, MAX_VALUE),
            other => harmless::brief(&other.to_string(), MAX_VALUE),
        };
        FactView::new(format!("{} {value}", fact.kind))
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.registry.views.keys())
            .finish()
    }
}

/// The view that reads a fact as `T`.
pub(crate) fn typed<T: DeserializeOwned>(
    view: impl Fn(&T, &str) -> FactView + Send + Sync + 'static,
) -> ViewFn {
    Arc::new(move |fact, subject| {
        let value = T::deserialize(&fact.value).ok()?;
        Some(view(&value, subject))
    })
}

/// What is shown of a file that was given: what it is, how large, and as far as the kernel can tell what is in it.
fn file(fact: &Fact, noun: &Noun) -> Option<FactView> {
    let size = size(fact.value.get("bytes").and_then(Value::as_u64)?);
    let Text { english, chinese } = &noun.one;
    let view = FactView::new(text!("{english}, {size}", "{chinese}，{size}"));
    let Some(path) = fact.value.get("path").and_then(Value::as_str) else {
        return Some(view);
    };
    Some(match fact.kind.name() {
        "file.audio" => view.panel(Panel::Sound {
            path: path.to_owned(),
        }),
        "file.text" => match beginning(Path::new(path)) {
            Some((text, extent)) => view
                .panel(Panel::Text { text: text.clone() })
                .excerpt(text, extent),
            None => view,
        },
        _ => view,
    })
}

/// The beginning of a text, from its file; none when that is not to be had any more.
fn beginning(path: &Path) -> Option<(String, Extent)> {
    let mut bytes = Vec::new();
    let (file, metadata) = open(path).ok()?;
    file.take(BEGINNING).read_to_end(&mut bytes).ok()?;
    let text = match text_of(bytes.clone()) {
        Ok(text) => text,
        // They may end within a character.
        Err(NotText::Utf8(whole) | NotText::Utf16(whole)) => {
            bytes.truncate(whole);
            text_of(bytes).ok()?
        }
    };
    let text = text.trim();
    let extent = match metadata.len() > BEGINNING {
        true => Extent::Beginning,
        false => Extent::Whole,
    };
    (!text.is_empty()).then(|| (text.to_owned(), extent))
}

/// A view whose texts stay in their lines, and whose parts fit where they go.
fn bounded(mut view: FactView) -> FactView {
    view.line = brief(&view.line, MAX_LINE);
    view.identity = view.identity.map(|text| brief(&text, MAX_SENTENCE));
    view.statements.truncate(MAX_STATEMENTS);
    for statement in &mut view.statements {
        *statement = brief(statement, MAX_SENTENCE);
    }
    view.panel = view.panel.filter(|panel| json_bytes(panel) <= MAX_PANEL);
    view
}

fn brief(text: &Text, characters: usize) -> Text {
    Text {
        english: harmless::brief(&text.english, characters),
        chinese: harmless::brief(&text.chinese, characters),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "its calls read better")]
    fn fact(kind: &str, value: Value) -> Fact {
        let fact = json!({
            "revision": 1, "namespace": "default", "kind": kind, "value": value,
            "provenance": {}, "at_ms": 0,
        });
        serde_json::from_value(fact).unwrap()
    }

    fn views(view: impl Fn(&u32, &str) -> FactView + Send + Sync + 'static) -> Views {
        let mut registry = ViewRegistry::default();
        let kind = FactKind::new("test.count", 1).unwrap();
        registry
            .add("test", vec![(kind, typed(view))], Vec::new())
            .unwrap();
        registry.into_views()
    }

    fn english(views: &Views, fact: &Fact) -> String {
        views.of(fact, "a.txt").line.english
    }

    #[test]
    fn a_fact_is_shown_by_the_view_of_its_kind() {
        let views = views(|count, subject| FactView::new(format!("{count} of {subject}")));
        assert_eq!(
            english(&views, &fact("test.count@1", json!(3))),
            "3 of a.txt"
        );
        for (kind, value, shown) in [
            ("test.count@1", json!("three"), "test.count@1 three"),
            ("test.count@2", json!(3), "test.count@2 3"),
            (
                "file.audio@1",
                json!({"path": "/a.wav", "bytes": 1234}),
                "recording, 1.2 kB",
            ),
            (
                "file.audio@1",
                json!({"path": "/a.wav"}),
                "file.audio@1 {\"path\":\"/a.wav\"}",
            ),
        ] {
            assert_eq!(english(&views, &fact(kind, value)), shown);
        }
    }

    #[test]
    fn a_view_that_panics_or_says_too_much_harms_nobody() {
        let views = views(|count, _| {
            assert!(*count < 5, "too many");
            let row = vec!["x".repeat(100)];
            FactView::new(format!("a\x1b[2Jb{}", "c".repeat(1000)))
                .statement(text!("d\ne", "d\ne"))
                .panel(Panel::Table {
                    columns: vec!["a".into()],
                    rows: vec![row; *count as usize * 50_000],
                })
        });
        assert_eq!(
            english(&views, &fact("test.count@1", json!(5))),
            "test.count@1 5"
        );
        let view = views.of(&fact("test.count@1", json!(1)), "a.txt");
        assert!(view.line.english.starts_with("a [2Jbc") && view.line.english.ends_with("c…"));
        assert_eq!(view.statements[0].english, "d e");
        assert_eq!(view.panel, None, "it fits into no frame");
    }

    #[test]
    fn two_agents_cannot_have_a_view_of_one_kind() {
        let kind = FactKind::new("test.count", 1).unwrap();
        let view = || typed(|_: &u32, _| FactView::new("one"));
        let mut registry = ViewRegistry::default();
        registry
            .add("first", vec![(kind.clone(), view())], Vec::new())
            .unwrap();
        let refused = registry.add("second", vec![(kind.clone(), view())], Vec::new());
        assert_eq!(refused.unwrap_err(), (kind, "first".to_owned()));
    }
}
