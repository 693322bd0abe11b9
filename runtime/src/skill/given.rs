//! What a caller gave as JSON, read as what a skill takes.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Path;

/// The names that serde has for what it expects, and what they mean to whoever types a value.
const EXPECTED: [(&str, &str); 12] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0 to 18446744073709551615"),
    ("usize", "a whole number from 0 to 18446744073709551615"),
    ("i8", "a whole number from -128 to 127"),
    ("i16", "a whole number from -32768 to 32767"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    (
        "i64",
        "a whole number from -9223372036854775808 to 9223372036854775807",
    ),
    ("f32", "a number"),
    ("f64", "a number"),
    ("a sequence", "a list"),
];

/// Reads a value.
///
/// # Errors
/// What is wrong, with the field that it is wrong in.
pub(crate) fn read<T: DeserializeOwned>(given: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(given)
        .map_err(|error| in_words(error.path(), &error.inner().to_string()))
}

fn in_words(path: &Path, message: &str) -> String {
    let expected = EXPECTED.iter().find_map(|(name, meaning)| {
        let before = message.strip_suffix(name)?.strip_suffix("expected ")?;
        Some(format!("{before}expected {meaning}"))
    });
    let message = expected.unwrap_or_else(|| message.to_owned());
    let names_it = ["unknown field", "missing field", "duplicate field"];
    match path.iter().len() {
        0 => message,
        1 if names_it.iter().any(|start| message.starts_with(start)) => message,
        _ => format!("`{path}`: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Fields {
        seed: Option<u64>,
        tokens: Option<u32>,
        heat: Option<f32>,
        stop: Option<Vec<String>>,
        said: Option<Vec<Said>>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Said {
        role: String,
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field_and_what_it_may_be() {
        for (given, words) in [
            (
                json!({"seed": -1}),
                "`seed`: invalid value: integer `-1`, expected a whole number from 0 to 18446744073709551615",
            ),
            (
                json!({"tokens": 99_999_999_999_u64}),
                "`tokens`: invalid value: integer `99999999999`, expected a whole number from 0 to 4294967295",
            ),
            (
                json!({"heat": "hot"}),
                "`heat`: invalid type: string \"hot\", expected a number",
            ),
            (
                json!({"stop": [1]}),
                "`stop[0]`: invalid type: integer `1`, expected a string",
            ),
            (
                json!({"stop": 1}),
                "`stop`: invalid type: integer `1`, expected a list",
            ),
            (json!({"said": [{}]}), "`said[0]`: missing field `role`"),
            (
                json!({"sead": 1}),
                "unknown field `sead`, expected one of `seed`, `tokens`, `heat`, `stop`, `said`",
            ),
            (
                json!(1),
                "invalid type: integer `1`, expected struct Fields",
            ),
        ] {
            assert_eq!(read::<Fields>(given).unwrap_err(), words);
        }
    }
}
