//! What a skill's JSON schema says about a field of its input, as far as a command line has to know.

use serde_json::Value;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// The path of a file or folder: text whose `format` is `path`.
    Path,
    /// A list of texts.
    Texts,
    /// Something else, spelt as JSON.
    Json,
}

/// A schema, and the root that its references point into.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    root: &'a Value,
    here: &'a Value,
}

/// References to references are followed this far.
const MAX_REFERENCES: usize = 16;

impl<'a> Schema<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, here: root }
    }

    /// The fields of an object.
    pub(crate) fn fields(self) -> Vec<&'a str> {
        let fields = self
            .resolved()
            .here
            .get("properties")
            .and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let here = self.resolved().here.get("properties")?.get(name)?;
        Some(Self {
            root: self.root,
            here,
        })
    }

    pub(crate) fn kind(self) -> Kind {
        let schema = self.resolved().here;
        if is_type(schema, "string") {
            let is_path = schema.get("format").and_then(Value::as_str) == Some("path");
            return if is_path { Kind::Path } else { Kind::Text };
        }
        let holds_texts = schema.get("items").is_some_and(|items| {
            let items = Self {
                root: self.root,
                here: items,
            };
            matches!(items.kind(), Kind::Text | Kind::Path)
        });
        if is_type(schema, "array") && holds_texts {
            Kind::Texts
        } else {
            Kind::Json
        }
    }

    /// The schema behind references and behind "this or nothing".
    fn resolved(self) -> Self {
        let mut here = self.here;
        for _ in 0..MAX_REFERENCES {
            let referred = here
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| self.root.pointer(reference.strip_prefix('#')?));
            let wrapped = || {
                let choices = here.get("anyOf")?.as_array()?;
                let mut real = choices.iter().filter(|choice| !is_type(choice, "null"));
                real.next().filter(|_| real.next().is_none())
            };
            match referred.or_else(wrapped) {
                Some(next) => here = next,
                None => break,
            }
        }
        Self {
            root: self.root,
            here,
        }
    }
}

fn is_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(found)) => found == name,
        Some(Value::Array(found)) => found.iter().any(|found| found == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_are_found_behind_references_and_options() {
        let root = json!({
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "over": {"type": ["string", "null"], "format": "path"},
                "labels": {"type": "array", "items": {"$ref": "#/$defs/label"}},
                "limit": {"type": "integer"},
                "mode": {"anyOf": [{"$ref": "#/$defs/label"}, {"type": "null"}]},
                "loop": {"$ref": "#/properties/loop"},
            },
            "$defs": {"label": {"type": "string"}},
        });
        let schema = Schema::new(&root);
        let kind = |name| schema.field(name).map(Schema::kind);
        assert_eq!(kind("text"), Some(Kind::Text));
        assert_eq!(kind("over"), Some(Kind::Path));
        assert_eq!(kind("labels"), Some(Kind::Texts));
        assert_eq!(kind("limit"), Some(Kind::Json));
        assert_eq!(kind("mode"), Some(Kind::Text));
        assert_eq!(kind("loop"), Some(Kind::Json));
        assert_eq!(kind("nothing"), None);
        assert_eq!(schema.fields().len(), 6);
    }
}
