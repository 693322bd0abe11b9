//! How an output is to be shown, as its schema says: `x-view` at a field, or at the whole.

use aimass_runtime::SkillSpec;
use serde_json::Value;

/// How an output is shown. Without a hint of its author, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presentation {
    pub(crate) form: Form,
    /// The field that is shown; the whole output where there is none.
    field: Option<String>,
}

/// The form of what is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    #[default]
    Json,
    /// A text.
    Text,
    /// Values with `start` and `end`, in seconds.
    Timed,
    /// Values with a `score`.
    Scored,
    /// Values with `x`, `y`, `width` and `height`, in pixels.
    Boxes,
    /// Values whose fields are columns.
    Table,
    /// The path of a file.
    File,
}

impl Presentation {
    /// The presentation of a skill's output.
    pub(crate) fn of(spec: &SkillSpec) -> Self {
        let output = spec.output.as_value();
        if let Some(form) = form(output) {
            return Self { form, field: None };
        }
        let fields = output.get("properties").and_then(Value::as_object);
        let mut hinted = fields
            .into_iter()
            .flatten()
            .filter_map(|(name, field)| Some((name, form(field)?)));
        hinted
            .next()
            .map_or_else(Self::default, |(name, form)| Self {
                form,
                field: Some(name.clone()),
            })
    }

    /// What of an output is shown.
    pub(crate) fn part<'a>(&self, output: &'a Value) -> Option<&'a Value> {
        match &self.field {
            Some(field) => output.get(field),
            None => Some(output),
        }
    }
}

fn form(schema: &Value) -> Option<Form> {
    Some(match schema.get("x-view")?.as_str()? {
        "text" => Form::Text,
        "timed" => Form::Timed,
        "scored" => Form::Scored,
        "boxes" => Form::Boxes,
        "table" => Form::Table,
        "image" | "audio" => Form::File,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hint_stands_at_a_field_or_at_the_whole() {
        let of = |output: Value| {
            let spec = json!({
                "name": "a.b", "description": "", "effect": "pure", "delivery": "unary",
                "input": true, "output": output,
            });
            Presentation::of(&serde_json::from_value(spec).unwrap())
        };
        let whole = of(json!({"type": "string", "x-view": "text"}));
        assert_eq!(
            (whole.form, whole.part(&json!("a"))),
            (Form::Text, Some(&json!("a")))
        );
        let field = of(json!({"properties": {"n": {}, "list": {"x-view": "timed"}}}));
        let output = json!({"n": 1, "list": [2]});
        assert_eq!(
            (field.form, field.part(&output)),
            (Form::Timed, Some(&json!([2])))
        );
        for none in [
            json!({"properties": {"n": {}}}),
            json!({"x-view": "odd"}),
            json!(true),
        ] {
            assert_eq!(of(none), Presentation::default());
        }
    }
}
