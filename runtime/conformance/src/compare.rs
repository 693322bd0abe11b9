//! Whether two answers are the same, up to a tolerance for numbers.

use serde_json::Value;

/// Where `got` differs from `expected`, if it does.
pub(crate) fn difference(expected: &Value, got: &Value, tolerance: f64) -> Option<String> {
    difference_at("the answer", expected, got, tolerance)
}

fn difference_at(at: &str, expected: &Value, got: &Value, tolerance: f64) -> Option<String> {
    match (expected, got) {
        (Value::Number(one), Value::Number(other)) => {
            let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
                return (one != other).then(|| unequal(at, expected, got));
            };
            let far = (one - other).abs() > tolerance * one.abs().max(1.0);
            far.then(|| unequal(at, expected, got))
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let mut pairs = ones.iter().zip(others).enumerate();
            pairs.find_map(|(index, (one, other))| {
                difference_at(&format!("{at}[{index}]"), one, other, tolerance)
            })
        }
        (Value::Object(ones), Value::Object(others)) if ones.len() == others.len() => {
            ones.iter().find_map(|(key, one)| match others.get(key) {
                Some(other) => difference_at(&format!("{at}.{key}"), one, other, tolerance),
                None => Some(format!("{at} has no `{key}`")),
            })
        }
        _ => (expected != got).then(|| unequal(at, expected, got)),
    }
}

fn unequal(at: &str, expected: &Value, got: &Value) -> String {
    format!("{at} was {} and is {}", short(expected), short(got))
}

/// The value as JSON, cut to what a line holds.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_differ_by_the_tolerance_and_nothing_else_may() {
        let expected = json!({ "score": 0.5, "label": "a" });
        assert_eq!(
            difference(&expected, &json!({ "score": 0.5001, "label": "a" }), 1e-3),
            None
        );
        let far = difference(&expected, &json!({ "score": 0.6, "label": "a" }), 1e-3);
        assert_eq!(far.as_deref(), Some("the answer.score was 0.5 and is 0.6"));
        let other = difference(&expected, &json!({ "score": 0.5, "label": "b" }), 1e-3);
        assert_eq!(
            other.as_deref(),
            Some("the answer.label was \"a\" and is \"b\"")
        );
        assert!(difference(&json!([1, 2]), &json!([1]), 1.0).is_some());
    }
}
