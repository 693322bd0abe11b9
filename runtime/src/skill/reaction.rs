//! Reactions: when a fact of this kind appears, ask this skill. The team works by reactions, not by a fixed pipeline.

use std::fmt;
use std::sync::Arc;

use aimass_environment::{Fact, FactKind, panics};
use serde_json::{Value, json};

use crate::skill::Skill;

/// A rule: when a fact of `kind` appears in an episode, ask `skill`; its output becomes a fact of the kind `produces`.
#[derive(Clone)]
pub struct Reaction {
    /// Its name. Together with the fact it makes the id of the task, so it must not change while episodes are under way.
    pub(crate) name: Arc<str>,
    pub(crate) kind: FactKind,
    pub(crate) skill: Arc<str>,
    pub(crate) produces: Option<FactKind>,
    pub(crate) input: Input,
    /// The agent that brought it; none of one of the configuration.
    pub(crate) agent: Option<Arc<str>>,
}

/// What a rule gives its skill.
#[derive(Clone)]
pub(crate) enum Input {
    /// The fact's content.
    Content,
    /// The path of the file that the fact is about.
    Path,
    /// What its author makes of the fact.
    Made(Arc<dyn Fn(&Fact) -> Value + Send + Sync>),
}

impl Input {
    fn from(&self, fact: &Fact) -> Value {
        match self {
            Self::Content => fact.value.clone(),
            Self::Path => path_of(fact),
            Self::Made(make) => make(fact),
        }
    }
}

impl Reaction {
    /// The rule `name`: facts of `kind` are given to `skill`, whose output becomes a fact named like the skill, in version 1.
    ///
    /// The input is the fact's content; of a fact about a file (`file.*`) it is `{"path": ...}`.
    pub fn new(name: &str, kind: FactKind, skill: &str) -> Self {
        let input = if kind.name().starts_with("file.") {
            Input::Path
        } else {
            Input::Content
        };
        let produces = FactKind::new(skill, 1).ok();
        Self {
            name: name.into(),
            kind,
            skill: skill.into(),
            produces,
            input,
            agent: None,
        }
    }

    /// As [`Self::new`], of a skill that is known by its type.
    pub fn of<S: Skill>(name: &str, kind: FactKind) -> Self {
        Self::new(name, kind, S::NAME)
    }

    /// Names the kind of fact that the output becomes.
    #[must_use]
    pub fn produces(mut self, kind: FactKind) -> Self {
        self.produces = Some(kind);
        self
    }

    /// Makes the input from the fact in another way. A fact of which it makes null is let pass: the skill is not asked. A fact at which it panics
    /// is a failure of its episode, and its task a dead letter.
    #[must_use]
    pub fn input(mut self, input: impl Fn(&Fact) -> Value + Send + Sync + 'static) -> Self {
        self.input = Input::Made(Arc::new(input));
        self
    }

    /// The input that it makes of a fact; null when it lets the fact pass.
    ///
    /// # Errors
    /// What a panic of the author's rule said.
    pub(crate) fn input_from(&self, fact: &Fact) -> Result<Value, String> {
        let input = panics::caught(|| self.input.from(fact));
        input.map_err(|message| format!("panic in the input of rule `{}`: {message}", self.name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The skill that it asks.
    pub fn skill(&self) -> &str {
        &self.skill
    }

    /// The kind of fact that it reacts to.
    pub fn kind(&self) -> &FactKind {
        &self.kind
    }
}

impl fmt::Debug for Reaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} -> {}", self.name, self.kind, self.skill)
    }
}

fn path_of(fact: &Fact) -> Value {
    json!({ "path": fact.value.get("path").cloned().unwrap_or(Value::Null) })
}
