//! What an agent says about itself.

use std::collections::BTreeSet;

use aimass_runtime::{AgentDefinition, Delivery, SkillSpec};
use serde_json::Value;

use crate::case::{Finding, failed};
use crate::checks::Notes;
use crate::conformance::Conformance;
use crate::report::Verdict;
use crate::stage::Stage;

pub(crate) fn check(suite: &Conformance, stage: &Stage, notes: &mut Notes) {
    let own = format!("{}.", stage.agent);
    let specs = stage.runtime.skills();
    let specs: Vec<&SkillSpec> = specs
        .iter()
        .filter(|spec| spec.name.starts_with(&own))
        .collect();
    for spec in &specs {
        let verdict = described(spec).err().unwrap_or(Verdict::Passed);
        notes.put("is described", &spec.name, verdict);
        if !suite
            .examples
            .iter()
            .any(|example| example.skill == spec.name)
        {
            let why = "there is no example of it; give one with `Conformance::example`";
            notes.put("has an example", &spec.name, failed(why.to_owned()));
        }
    }
    let verdict = constant(suite, &specs).err().unwrap_or(Verdict::Passed);
    notes.put("defines the same skills each time", &stage.agent, verdict);
}

fn described(spec: &SkillSpec) -> Finding {
    if spec.description.trim().is_empty() {
        return Err(failed("expected a sentence as its description".to_owned()));
    }
    streams(spec)?;
    if let Some(why) = spec.why_it_cannot_continue() {
        return Err(failed(why.to_owned()));
    }
    let Some(field) = &spec.main_field else {
        return Ok(());
    };
    if has_field(spec.input.as_value(), field) {
        return Ok(());
    }
    Err(failed(format!(
        "its main field is `{field}`, which its input does not have"
    )))
}

/// What it is said to send and to take goes with how it is said to travel.
fn streams(spec: &SkillSpec) -> Finding {
    if let Some(other) = spec.streams_of().find(|name| *name != spec.name) {
        return Err(failed(format!(
            "its spec has items or chunks of `{other}`; use `.sends::<Self>()` and `.takes::<Self>()`"
        )));
    }
    let why = match (spec.delivery, &spec.item, &spec.chunk) {
        (Delivery::ServerStreaming, None, _) => {
            "it sends items, and its spec does not say which; use `sends`"
        }
        (Delivery::ClientStreaming, _, None) => {
            "it takes chunks, and its spec does not say which; use `takes`"
        }
        (Delivery::Unary, Some(_), _) => {
            "its spec has items, and says that it sends none; use `sends`"
        }
        (Delivery::Unary | Delivery::ServerStreaming, _, Some(_)) => {
            "its spec has chunks, and says that it takes none; use `takes`"
        }
        _ => return Ok(()),
    };
    Err(failed(why.to_owned()))
}

/// Whether any form of the input has a field of that name.
fn has_field(schema: &Value, field: &str) -> bool {
    match schema {
        Value::Object(keywords) => {
            let fields = keywords.get("properties").and_then(Value::as_object);
            fields.is_some_and(|fields| fields.contains_key(field))
                || keywords.values().any(|below| has_field(below, field))
        }
        Value::Array(forms) => forms.iter().any(|below| has_field(below, field)),
        _ => false,
    }
}

fn constant(suite: &Conformance, specs: &[&SkillSpec]) -> Finding {
    let defined = (suite.make)()
        .define(AgentDefinition::default())
        .map_err(|fault| failed(format!("it cannot be defined twice: {fault}")))?;
    let again: BTreeSet<&str> = defined.skills().map(|spec| spec.name.as_str()).collect();
    let first: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    if first == again {
        return Ok(());
    }
    Err(failed(format!("first it had {first:?}, then {again:?}")))
}
