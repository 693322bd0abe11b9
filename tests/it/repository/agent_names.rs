//! Nothing outside `agents/` names an agent or a skill: who adds one adds a folder and a line to `AGENTS`.

use std::collections::BTreeSet;
use std::path::Path;

use aimass::{AGENTS, AgentDefinition, Config};

use super::files::sources;
use super::literals::literals;

/// Where no agent is named. Tests are not meant.
const SEARCHED: [&str; 9] = [
    "src/",
    "cli/src/",
    "pages/",
    "observers/src/",
    "config/src/",
    "locale/",
    "runtime/src/",
    "runtime/environment/src/",
    "models/src/",
];

const WORD: &str = "the word, and no agent";
const EXAMPLE: &str = "an example for people";

/// What is named all the same: the file, the name, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("cli/src/ask.rs", "text", WORD),
    ("cli/src/help/chinese.rs", "text.language", EXAMPLE),
    ("cli/src/presentation.rs", "image", WORD),
    ("cli/src/presentation.rs", "text", WORD),
    ("cli/src/readable.rs", "text", WORD),
    ("config/src/rule.rs", "text.embed", EXAMPLE),
    ("config/src/settings/reader.rs", "text", WORD),
    ("config/src/template.rs", "text.embed", EXAMPLE),
    ("observers/src/conventions.rs", "text", WORD),
    ("runtime/src/file_kind.rs", "image", WORD),
    ("runtime/src/file_kind.rs", "text", WORD),
    ("runtime/src/file_kind/media.rs", "image", WORD),
    ("runtime/src/file_kind/media.rs", "text", WORD),
    ("runtime/src/view/report.rs", "text", WORD),
];

/// The names of agents and skills.
fn names() -> BTreeSet<String> {
    let cache = tempfile::tempdir().unwrap();
    let config = Config::default();
    let store = aimass::model_store(&config.models, cache.path()).unwrap();
    let mut names = BTreeSet::new();
    for manifest in AGENTS {
        let agent = (manifest.build)(&store, &config.agent(manifest.name));
        let definition = agent.define(AgentDefinition::default()).unwrap();
        names.insert(manifest.name.to_owned());
        for skill in definition.skills() {
            names.extend(skill.aliases.iter().chain([&skill.name]).cloned());
        }
    }
    names
}

/// The names that a literal is, or that stand as words in it. A name without a dot is a common word, and counts only alone.
fn named<'a>(literal: &'a str, names: &'a BTreeSet<String>) -> impl Iterator<Item = &'a str> {
    let of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let words = literal.split(move |letter: char| !of_a_name(letter));
    let words = words.map(|word| word.trim_matches('.'));
    let words = words.filter(move |word| word.contains('.') || *word == literal);
    words.filter(|word| names.contains(*word))
}

fn is_searched(path: &Path) -> bool {
    let path = path.to_str().unwrap();
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs");
    SEARCHED.iter().any(|folder| path.starts_with(folder)) && !is_test
}

#[test]
fn agents_and_skills_are_named_where_they_live_only() {
    let names = names();
    let root = crate::repository_root();
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        let path = path.strip_prefix(root).unwrap();
        if !is_searched(path) {
            continue;
        }
        // Tests stand at the end of a file.
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        for literal in literals(code) {
            let named = named(&literal, &names);
            found.extend(named.map(|name| (path.display().to_string(), name.to_owned())));
        }
    }
    let allowed = |(file, name, _): &(&str, &str, &str)| ((*file).to_owned(), (*name).to_owned());
    let allowed: BTreeSet<_> = EXCEPTIONS.iter().map(allowed).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    assert!(
        new.is_empty(),
        "named outside `agents/`; go through `AGENTS` or the skill's definition: {new:#?}"
    );
    let idle: Vec<_> = allowed.difference(&found).collect();
    assert!(idle.is_empty(), "no longer needed in EXCEPTIONS: {idle:#?}");
}
