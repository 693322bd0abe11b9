//! Facts as people are shown them, through a transport.

use std::collections::HashMap;

use aimass_environment::{Environment, EnvironmentError, Fact, Namespace, Revision, Snapshot};
use aimass_locale::Locale;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, ItemSender, Request, Transport, records};
use crate::error::TaskError;
use crate::skill::views::Views;
use crate::view::{Panel, subject_of};

/// How far back the input is looked for that a fact is about.
const MAX_CAUSES: usize = 1000;

/// A fact as people are shown it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownFact {
    /// The fact.
    pub revision: Revision,
    /// The name of the input that it is about; empty where it is about all of them.
    pub subject: String,
    /// What it says, in a few words.
    pub line: String,
    /// What a report says of it, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    /// The fact at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<Panel>,
}

/// An environment and the views of a team, without the team: what is there can be shown while nobody works.
#[derive(Clone)]
pub struct Records {
    environment: Environment,
    views: Views,
}

impl Records {
    /// Shows what is in `environment` by `views`.
    pub fn new(environment: Environment, views: Views) -> Self {
        Self { environment, views }
    }
}

impl Transport for Records {
    fn call(&self, request: Request) -> Call {
        let Request::Show {
            revisions,
            namespace,
            locale,
        } = request
        else {
            return self.environment.call(request);
        };
        let Self { environment, views } = self.clone();
        let wanted = Wanted {
            revisions,
            namespace,
            locale,
        };
        Call::new(move |items| show(environment, views, wanted, items))
    }
}

/// Which facts are to be shown, and in which language.
pub(super) struct Wanted {
    pub(super) revisions: Vec<Revision>,
    pub(super) namespace: Option<Namespace>,
    pub(super) locale: Locale,
}

/// Sends each of the facts as people are shown it, and leaves out those that are gone. Gives how many there were.
pub(super) async fn show(
    environment: Environment,
    views: Views,
    wanted: Wanted,
    items: ItemSender,
) -> Result<Value, TaskError> {
    // Views may read files, and a reader that does not take its items may hold this up for long.
    let shown = records::blocking(move || {
        let snapshot = environment.snapshot()?;
        let mut subjects = Subjects::default();
        let mut count = 0_u64;
        for revision in wanted.revisions {
            let Some(fact) = snapshot.fact(revision)? else {
                continue;
            };
            let tenant = wanted.namespace.as_ref();
            if tenant.is_some_and(|tenant| *tenant != fact.namespace) {
                continue;
            }
            let subject = subjects.of(&snapshot, &fact)?;
            let shown = shown(&fact, &views, subject, wanted.locale);
            if items.blocking_send(records::as_json(&shown)?).is_err() {
                break;
            }
            count += 1;
        }
        Ok(json!(count))
    });
    shown.await?
}

fn shown(fact: &Fact, views: &Views, subject: Option<String>, locale: Locale) -> ShownFact {
    let unnamed = || format!("{} #{}", fact.kind, fact.revision);
    let view = views.of(fact, &subject.clone().unwrap_or_else(unnamed));
    let in_locale = |text: &aimass_locale::Text| text.in_locale(locale).to_owned();
    let statements = view.identity.iter().chain(&view.statements);
    ShownFact {
        revision: fact.revision,
        subject: subject.unwrap_or_default(),
        line: in_locale(&view.line),
        statements: statements.map(in_locale).collect(),
        panel: view.panel,
    }
}

/// The inputs that facts are about, by their names.
#[derive(Default)]
struct Subjects {
    known: HashMap<Revision, Option<String>>,
}

impl Subjects {
    fn of(&mut self, snapshot: &Snapshot, fact: &Fact) -> Result<Option<String>, EnvironmentError> {
        let mut passed = vec![fact.revision];
        let mut cause = fact.provenance.cause;
        let mut subject = subject_of(fact);
        while let Some(revision) = cause.filter(|_| passed.len() < MAX_CAUSES) {
            if let Some(known) = self.known.get(&revision) {
                subject = known.clone();
                break;
            }
            let Some(fact) = snapshot.fact(revision)? else {
                break;
            };
            passed.push(revision);
            subject = subject_of(&fact);
            cause = fact.provenance.cause;
        }
        for revision in passed {
            self.known.insert(revision, subject.clone());
        }
        Ok(subject)
    }
}
