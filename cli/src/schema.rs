//! What a skill's JSON schema says about a field of its input, as far as a command line has to know.

use serde_json::Value;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// The path of a file or folder: text whose `format` is `path`.
    Path,
    /// Text, or something else that its first character tells apart: a list, or fields.
    TextOrMore,
    /// A list of texts.
    Texts,
    /// A list of texts in which white space counts: its `format` is `exact`.
    ExactTexts,
    /// Something else, spelt as JSON.
    Json,
}

/// A schema, and the root that its references point into.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    root: &'a Value,
    here: &'a Value,
}

/// Forms of one field that are looked at: a reference may lead back to itself.
const MAX_CHOICES: usize = 32;

impl<'a> Schema<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, here: root }
    }

    /// The fields of an object, whichever of its forms has them, without those that are there for what was written before.
    pub(crate) fn fields(self) -> Vec<&'a str> {
        let choices = self.choices().into_iter();
        let fields = choices.filter_map(|choice| choice.here.get("properties")?.as_object());
        let fields = fields.flatten().filter(|(_, field)| !is_deprecated(field));
        fields.map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let mut choices = self.choices().into_iter();
        let here = choices.find_map(|choice| choice.here.get("properties")?.get(name))?;
        Some(Self {
            root: self.root,
            here,
        })
    }

    /// Whether an object without that field is none of its forms.
    pub(crate) fn requires(self, name: &str) -> bool {
        let choices = self.choices().into_iter();
        let mut required = choices.filter_map(|choice| choice.here.get("required")?.as_array());
        required.any(|names| names.iter().any(|required| required == name))
    }

    /// What it holds; text where text is one of its forms.
    pub(crate) fn kind(self) -> Kind {
        let choices = self.choices();
        let format = |choice: &Self| choice.here.get("format").and_then(Value::as_str);
        if let Some(text) = choices.iter().find(|choice| is_type(choice.here, "string")) {
            let is_more =
                |choice: &Self| is_type(choice.here, "array") || is_type(choice.here, "object");
            return match format(text) {
                Some("path") => Kind::Path,
                _ if choices.iter().any(is_more) => Kind::TextOrMore,
                _ => Kind::Text,
            };
        }
        let holds_texts = |choice: &Self| {
            let items = choice.here.get("items").map(|here| Self {
                root: self.root,
                here,
            });
            let texts = items.is_some_and(|items| {
                items
                    .choices()
                    .iter()
                    .any(|item| is_type(item.here, "string"))
            });
            is_type(choice.here, "array") && texts
        };
        match choices.iter().find(|choice| holds_texts(choice)) {
            Some(texts) if format(texts) == Some("exact") => Kind::ExactTexts,
            Some(_) => Kind::Texts,
            None => Kind::Json,
        }
    }

    /// The forms that it allows, behind references and choices, itself included.
    fn choices(self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(next) = open.pop() {
            if found.len() == MAX_CHOICES {
                break;
            }
            found.push(next);
            let referred = next.here.get("$ref").and_then(Value::as_str);
            let referred = referred.and_then(|name| self.root.pointer(name.strip_prefix('#')?));
            let one_of = ["anyOf", "oneOf"]
                .into_iter()
                .filter_map(|key| next.here.get(key)?.as_array());
            let further = referred.into_iter().chain(one_of.flatten());
            open.extend(further.map(|here| Self {
                root: self.root,
                here,
            }));
        }
        found
    }
}

/// Whether a field is taken, and said to nobody any more.
pub(crate) fn is_deprecated(field: &Value) -> bool {
    field.get("deprecated") == Some(&Value::Bool(true))
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
                "either": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                "stop": {"type": "array", "items": {"type": "string"}, "format": "exact"},
                "said": {"type": "array", "items": {"$ref": "#/$defs/said"}},
                "mode": {"anyOf": [{"$ref": "#/$defs/label"}, {"type": "null"}]},
                "loop": {"$ref": "#/properties/loop"},
                "before": {"type": "string", "deprecated": true},
            },
            "required": ["text"],
            "$defs": {
                "label": {"type": "string"},
                "said": {"type": "object", "properties": {"role": {"type": "string"}}},
            },
        });
        let schema = Schema::new(&root);
        let kind = |name| schema.field(name).map(Schema::kind);
        assert_eq!(kind("text"), Some(Kind::Text));
        assert_eq!(kind("over"), Some(Kind::Path));
        assert_eq!(kind("labels"), Some(Kind::Texts));
        assert_eq!(kind("limit"), Some(Kind::Json));
        assert_eq!(kind("either"), Some(Kind::TextOrMore));
        assert_eq!(kind("stop"), Some(Kind::ExactTexts));
        assert_eq!(kind("said"), Some(Kind::Json));
        assert_eq!(kind("mode"), Some(Kind::Text));
        assert_eq!(kind("loop"), Some(Kind::Json));
        assert_eq!(kind("before"), Some(Kind::Text));
        assert_eq!(kind("nothing"), None);
        assert_eq!(schema.fields().len(), 9);
        assert!(schema.requires("text") && !schema.requires("over"));
    }
}
