//! Skills with the fields of what they take and give, out of their JSON schemas.

use std::collections::BTreeMap;
use std::fmt::Write;

use aimass_runtime::{Delivery, Effect, SkillSpec};
use serde_json::{Map, Value};

use crate::schema::is_deprecated;

/// The types that fields refer to, by name.
type Types = BTreeMap<String, Value>;

/// Writes the skills, and after them the types that their fields refer to.
pub(super) fn write(page: &mut String, skills: &[SkillSpec]) {
    *page += "\n## Skills\n\n`aimass skills --json` has the same as JSON schemas. `?` marks what may be left out.\n";
    let mut types = Types::new();
    for skill in skills {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n### `{}`\n\n{}", skill.name, skill.description);
        if let Some(main) = &skill.main_field {
            let _ = write!(page, " `INPUT` is its `{main}`.");
        }
        let _ = writeln!(
            page,
            " {}{}",
            delivery(skill.delivery),
            effect(skill.effect)
        );
        let schemas = [
            ("takes", Some(&skill.input)),
            ("then takes", skill.chunk.as_ref()),
            ("sends", skill.item.as_ref()),
            ("gives", Some(&skill.output)),
        ];
        for (what, schema) in schemas {
            if let Some(schema) = schema {
                write_schema(page, &format!("It {what}"), schema.as_value(), &mut types);
            }
        }
    }
    *page += "\n### Types of fields\n";
    for (name, schema) in &types {
        write_schema(page, &format!("`{name}` is"), schema, &mut Types::new());
    }
}

fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Unary => "",
        Delivery::ServerStreaming => "It sends items while it works. ",
        Delivery::ClientStreaming => "It takes chunks and sends items while it works. ",
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "It changes nothing.",
        Effect::Idempotent => "It changes something; twice is as good as once.",
        Effect::Once => "It changes something each time, and is never done a second time.",
    }
}

fn write_schema(page: &mut String, subject: &str, schema: &Value, types: &mut Types) {
    let defined = schema.get("$defs").and_then(Value::as_object);
    let mut defined = defined.cloned().unwrap_or_default();
    // A text or fields: the fields are those of this schema, whatever others call theirs.
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let reference = choices.into_iter().flatten().find_map(name_of);
    let own = reference.and_then(|name| defined.remove(name));
    types.extend(defined);
    let also = match (&own, choices) {
        (Some(_), Some(choices)) => {
            let others = choices.iter().filter(|choice| name_of(choice).is_none());
            format!(" {}, or", either(others.map(kind)))
        }
        _ => String::new(),
    };
    let shown = own.as_ref().unwrap_or(schema);
    let Some(fields) = shown.get("properties").and_then(Value::as_object) else {
        let about = about(schema);
        let about = if about.is_empty() {
            about
        } else {
            format!(": {about}")
        };
        // Writing to a String cannot fail.
        let _ = write!(page, "\n{subject} {}{about}\n", kind(schema));
        return;
    };
    let _ = write!(
        page,
        "\n{subject}{also}\n\n| field | what | |\n|---|---|---|\n"
    );
    let required = shown.get("required").and_then(Value::as_array);
    for (name, field) in fields.iter().filter(|(_, field)| !is_deprecated(field)) {
        let needed = required.is_some_and(|required| required.iter().any(|one| one == name));
        let mark = if needed { "" } else { "?" };
        let _ = writeln!(
            page,
            "| `{name}`{mark} | {} | {} |",
            kind(field),
            about(field)
        );
    }
}

/// The name of the type that a schema refers to, if it does nothing else.
fn name_of(schema: &Value) -> Option<&str> {
    let reference = schema.get("$ref")?.as_str()?;
    Some(reference.rsplit('/').next().unwrap_or(reference))
}

/// What the schema's author says of it, in one cell of a table.
fn about(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    let mut about = words.join(" ").replace('|', "\\|");
    let default = schema.get("default").filter(|default| !default.is_null());
    if let Some(default) = default {
        about += &format!(" [default: `{default}`]");
    }
    about
}

/// The name of a form: `string`, `list of number`, `Segment`.
fn kind(schema: &Value) -> String {
    if let Some(name) = name_of(schema) {
        return format!("`{name}`");
    }
    let Some(schema) = schema.as_object() else {
        return "JSON".to_owned();
    };
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return either(values.iter().map(|value| format!("`{value}`")));
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
            return either(choices.iter().map(kind));
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) => of_type(name, schema),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            either(names.map(|name| of_type(name, schema)))
        }
        _ => "JSON".to_owned(),
    }
}

fn of_type(name: &str, schema: &Map<String, Value>) -> String {
    match name {
        "array" => match schema.get("items") {
            Some(items) => format!("list of {}", kind(items)),
            None => "list".to_owned(),
        },
        "object" => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => format!("map to {}", kind(values)),
            _ => "object".to_owned(),
        },
        name => name.to_owned(),
    }
}

/// One of several forms; that it may be null is said by the mark of what may be left out.
fn either(kinds: impl Iterator<Item = String>) -> String {
    let kinds: Vec<String> = kinds.filter(|kind| kind != "null").collect();
    kinds.join(" or ")
}
