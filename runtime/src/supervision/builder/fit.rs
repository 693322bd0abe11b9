//! Whether what one skill gives can be what another takes, by their JSON schemas.
//!
//! Only what is sure is said: a schema that says less than it could fits, and so does whatever the reader of the input takes all the same.

use serde_json::{Map, Value};

/// References that are followed one after the other: one may lead back to itself.
const MAX_REFERENCES: usize = 16;
/// How deep fields are compared.
const MAX_DEPTH: usize = 8;

/// A schema, and the root that its references point into.
#[derive(Clone, Copy)]
struct Node<'a> {
    root: &'a Value,
    here: &'a Value,
}

/// Why nothing that the schema `given` describes can be read as one of `taken`; none if something may be.
pub(super) fn misfit(given: &Value, taken: &Value) -> Option<String> {
    let node = |root| Node { root, here: root };
    node(given).misfit(node(taken), MAX_DEPTH)
}

/// A value of that schema in which every field is there: the one that a reader is asked about before anything is refused.
pub(super) fn example(schema: &Value) -> Value {
    Node {
        root: schema,
        here: schema,
    }
    .example(MAX_DEPTH)
}

impl<'a> Node<'a> {
    fn at(self, here: &'a Value) -> Self {
        Self { here, ..self }
    }

    /// The schema behind its references.
    fn resolved(self) -> Self {
        let mut node = self;
        for _ in 0..MAX_REFERENCES {
            let reference = node.here.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|name| self.root.pointer(name.strip_prefix('#')?));
            match target {
                Some(here) => node = self.at(here),
                None => break,
            }
        }
        node
    }

    /// The forms that it allows, itself where it has no choices; behind references.
    fn forms(self, depth: usize) -> Vec<Self> {
        let node = self.resolved();
        let choices = ["anyOf", "oneOf"].map(|key| node.list(key));
        match choices.into_iter().flatten().next() {
            Some(choices) if depth > 0 => {
                let each = choices.iter().map(|here| node.at(here));
                each.flat_map(|choice| choice.forms(depth - 1)).collect()
            }
            _ => vec![node],
        }
    }

    fn list(self, key: &str) -> Option<&'a Vec<Value>> {
        self.here.get(key)?.as_array()
    }

    fn fields(self) -> Option<&'a Map<String, Value>> {
        self.here.get("properties")?.as_object()
    }

    fn requires(self, name: &str) -> bool {
        let names = self.list("required").into_iter().flatten();
        names.into_iter().any(|required| required == name)
    }

    /// The types that it allows; none where it does not say.
    fn types(self) -> Option<Vec<&'a str>> {
        let of = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match self.here.get("type") {
            Some(Value::String(one)) => Some(vec![one]),
            Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
            _ => match (self.here.get("const"), self.list("enum")) {
                (Some(only), _) => Some(vec![of(only)]),
                (None, Some(all)) => Some(all.iter().map(of).collect()),
                (None, None) => None,
            },
        }
    }

    /// Whether its objects have no fields but those it names.
    fn names_all_fields(self) -> bool {
        let more = [
            "allOf",
            "anyOf",
            "oneOf",
            "$ref",
            "if",
            "patternProperties",
            "unevaluatedProperties",
            "dependentSchemas",
        ];
        let further = self.here.get("additionalProperties");
        self.fields().is_some_and(|fields| !fields.is_empty())
            && more.iter().all(|key| self.here.get(key).is_none())
            && further.is_none_or(|further| *further == Value::Bool(false))
    }

    fn misfit(self, taken: Self, depth: usize) -> Option<String> {
        let (given, taken) = (self.forms(depth), taken.forms(depth));
        let mut reason = None;
        for one in &given {
            for other in &taken {
                let why = one.form_misfit(*other, depth)?;
                reason.get_or_insert(why);
            }
        }
        reason
    }

    /// The same of two forms without choices.
    fn form_misfit(self, taken: Self, depth: usize) -> Option<String> {
        let (given_types, taken_types) = (self.types()?, taken.types()?);
        let is_number = |name: &str| matches!(name, "integer" | "number");
        let meets = |one: &&str| {
            let is_it = |other: &&str| one == other || (is_number(one) && is_number(other));
            taken_types.iter().any(is_it)
        };
        if !given_types.iter().any(meets) {
            let (given, taken) = (given_types.join(" or "), taken_types.join(" or "));
            return Some(format!("expected {taken}, got {given}"));
        }
        // Whatever else both may be would fit.
        let are_objects = given_types == ["object"] && taken_types.contains(&"object");
        if !are_objects || depth == 0 {
            return None;
        }
        self.missing_field(taken)
            .or_else(|| self.field_misfit(taken, depth))
    }

    /// A field that must be there and never is.
    fn missing_field(self, taken: Self) -> Option<String> {
        if !self.names_all_fields() {
            return None;
        }
        let has = |name: &&Value| {
            let fields = self.fields().zip(name.as_str());
            fields.is_some_and(|(fields, name)| fields.contains_key(name))
        };
        let mut required = taken.list("required").into_iter().flatten();
        let missing = required.find(|name| !has(name))?.as_str()?;
        Some(format!(
            "expected the field `{missing}`, which is never there"
        ))
    }

    /// A field that is always read and never is what is expected.
    fn field_misfit(self, taken: Self, depth: usize) -> Option<String> {
        let mut both = taken.fields()?.iter().filter_map(|(name, expected)| {
            let found = self.fields()?.get(name)?;
            let is_read = self.requires(name) || taken.requires(name);
            is_read.then_some((name, found, expected))
        });
        both.find_map(|(name, found, expected)| {
            let why = self.at(found).misfit(taken.at(expected), depth - 1)?;
            Some(format!("`{name}`: {why}"))
        })
    }

    fn example(self, depth: usize) -> Value {
        let forms = self.forms(depth);
        // Rather something than null.
        let is_null = |node: &&Self| node.types().is_some_and(|types| types == ["null"]);
        let Some(node) = forms
            .iter()
            .find(|node| !is_null(node))
            .or_else(|| forms.first())
        else {
            return Value::Null;
        };
        if let Some(only) = node.here.get("const") {
            return only.clone();
        }
        if let Some(first) = node.list("enum").and_then(|all| all.first()) {
            return first.clone();
        }
        let types = node.types().unwrap_or_default();
        match types.first().copied() {
            Some("boolean") => Value::Bool(false),
            Some("integer") => Value::from(0),
            Some("number") => Value::from(0.0),
            Some("string") => Value::from(""),
            Some("array") => Value::Array(Vec::new()),
            Some("object") => {
                let fields = node.fields().into_iter().flatten().filter(|_| depth > 0);
                let each = fields.map(|(name, schema)| {
                    let value = node.at(schema).example(depth.saturating_sub(1));
                    (name.clone(), value)
                });
                Value::Object(each.collect())
            }
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(fields: &Value, required: &[&str]) -> Value {
        json!({"type": "object", "properties": fields, "required": required})
    }

    #[test]
    fn what_can_never_be_read_is_told() {
        let text = json!({"type": "string"});
        let number = json!({"type": "integer"});
        let given = object(&json!({"text": text, "score": number}), &["text", "score"]);
        for (taken, why) in [
            (&text, "expected string, got object"),
            (
                &object(&json!({"title": text}), &["title"]),
                "expected the field `title`, which is never there",
            ),
            (
                &object(&json!({"text": number}), &["text"]),
                "`text`: expected integer, got string",
            ),
            // It may be left out, but is always given.
            (
                &object(&json!({"score": text}), &[]),
                "`score`: expected string, got integer",
            ),
            (
                &json!({"anyOf": [text, {"type": "null"}]}),
                "expected string, got object",
            ),
        ] {
            assert_eq!(misfit(&given, taken).as_deref(), Some(why), "{taken}");
        }
    }

    #[test]
    fn what_could_be_read_fits() {
        let text = json!({"type": "string"});
        let maybe = json!({"type": ["string", "null"]});
        let number = json!({"type": "number"});
        let given = object(&json!({"text": maybe, "score": number}), &["text"]);
        let open = |more: Value| {
            let mut open = given.clone();
            open.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            open
        };
        let title = object(&json!({"title": text}), &["title"]);
        for (given, taken) in [
            (&given, &json!(true)),
            (&json!({}), &text),
            (&given, &object(&json!({"text": text}), &["text"])),
            (
                &given,
                &object(&json!({"score": {"type": "integer"}}), &["score"]),
            ),
            // It may never be there, and need not be.
            (&given, &object(&json!({"score": text}), &[])),
            (&open(json!({"additionalProperties": true})), &title),
            (&open(json!({"oneOf": [title]})), &title),
            (&json!({"type": "object"}), &title),
            (&json!({"anyOf": [{"type": "integer"}, text]}), &text),
            (&given, &json!({"anyOf": [text, {"type": "object"}]})),
            (
                &json!({"type": "array", "items": text}),
                &json!({"type": "array", "items": number}),
            ),
            (
                &json!({"$ref": "#"}),
                &json!({"$ref": "#/$defs/text", "$defs": {"text": text}}),
            ),
        ] {
            assert_eq!(misfit(given, taken), None, "{given} as {taken}");
        }
    }

    #[test]
    fn an_example_has_every_field() {
        let schema = json!({
            "type": "object",
            "properties": {
                "text": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/text"}]},
                "kind": {"enum": ["one", "two"]},
                "at": {"type": ["integer", "null"]},
                "all": {"type": "array"},
            },
            "$defs": {"text": {"type": "string"}},
        });
        assert_eq!(
            example(&schema),
            json!({"text": "", "kind": "one", "at": 0, "all": []})
        );
        let endless = json!({"type": "object", "properties": {"again": {"$ref": "#"}}});
        assert!(example(&endless).is_object());
    }
}
