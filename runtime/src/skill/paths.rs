//! Paths in inputs: strings that a schema gives the `format` `path`. Where a path may stand, a blob of the environment may, as `blob:HASH`.

use serde_json::Value;

/// What stands before the hash of a blob.
pub(crate) const BLOB: &str = "blob:";
/// How deep a schema is followed: references may lead back to themselves.
const MAX_DEPTH: usize = 32;

/// Whether a path names a blob.
pub(crate) fn is_blob(path: &str) -> bool {
    path.starts_with(BLOB)
}

/// Whether any text of a value names a blob.
pub(crate) fn names_blob(value: &Value) -> bool {
    match value {
        Value::String(text) => is_blob(text),
        Value::Array(items) => items.iter().any(names_blob),
        Value::Object(fields) => fields.values().any(names_blob),
        _ => false,
    }
}

/// Calls `visit` with each path of a value of that schema, which may change it.
///
/// # Errors
/// The first error of `visit`.
pub(crate) fn each<E>(
    schema: &Value,
    value: &mut Value,
    visit: &mut dyn FnMut(&mut String) -> Result<(), E>,
) -> Result<(), E> {
    walk(schema, schema, value, visit, MAX_DEPTH)
}

fn walk<E>(
    root: &Value,
    here: &Value,
    value: &mut Value,
    visit: &mut dyn FnMut(&mut String) -> Result<(), E>,
    depth: usize,
) -> Result<(), E> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(());
    };
    let is_path = here.get("format").and_then(Value::as_str) == Some("path");
    if is_path && let Value::String(path) = value {
        return visit(path);
    }
    let reference = here.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|name| root.pointer(name.strip_prefix('#')?));
    if let Some(target) = target {
        walk(root, target, value, visit, depth)?;
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let forms = here.get(key).and_then(Value::as_array);
        for form in forms.into_iter().flatten() {
            walk(root, form, value, visit, depth)?;
        }
    }
    match value {
        Value::Object(fields) => {
            let known = here.get("properties");
            for (name, field) in fields {
                if let Some(schema) = known.and_then(|known| known.get(name)) {
                    walk(root, schema, field, visit, depth)?;
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = here.get("items") {
                for item in items {
                    walk(root, schema, item, visit, depth)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_found_wherever_the_schema_has_them() {
        let path = json!({"type": "string", "format": "path"});
        let schema = json!({
            "$defs": {"File": {"properties": {"path": path, "next": {"$ref": "#/$defs/File"}}}},
            "properties": {
                "text": {"type": "string"},
                "file": {"anyOf": [{"$ref": "#/$defs/File"}, {"type": "null"}]},
                "paths": {"type": "array", "items": path},
            },
        });
        let mut value = json!({
            "text": "a", "file": {"path": "b", "next": {"path": "c"}}, "paths": ["d", 7], "odd": "e",
        });
        let mut found = Vec::new();
        let seen: Result<(), ()> = each(&schema, &mut value, &mut |path| {
            found.push(path.clone());
            path.push('!');
            Ok(())
        });
        assert_eq!(
            (seen, found),
            (Ok(()), vec!["b".to_owned(), "c".to_owned(), "d".to_owned()])
        );
        assert_eq!(value["file"]["next"]["path"], "c!");
        assert_eq!(value["text"], "a");
        assert!(each(&schema, &mut value, &mut |_| Err("no")).is_err());
    }

    #[test]
    fn a_blob_is_named_at_any_depth() {
        assert!(names_blob(&json!({"a": [{"b": "blob:12"}]})));
        assert!(!names_blob(&json!({"blob:": ["a blob: 12"]})));
    }
}
