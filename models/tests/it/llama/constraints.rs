//! Texts that are held to a form: a random model knows nothing of it, and meets it all the same.

use aimass_models::ModelError;
use aimass_models::llama::{CachePool, Constraint, Generated, GenerationOptions, LlamaWeights};
use serde_json::{Value, json};

use super::{tiny, write};

fn held(
    weights: &LlamaWeights,
    constraint: Constraint,
    seed: u64,
    max_tokens: usize,
) -> Result<Generated, ModelError> {
    let options = GenerationOptions {
        max_tokens,
        temperature: 1.0,
        seed,
        constraint: Some(constraint),
        ..GenerationOptions::default()
    };
    let prompt = weights.prompt("hello").unwrap();
    write(weights, &mut CachePool::new(0), [(prompt, options)]).remove(0)
}

#[test]
fn a_schema_is_always_met() {
    let weights = tiny("llama");
    let schema = json!({
        "type": "object",
        "properties": {
            "mood": {"enum": ["good", "bad"]},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "names": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 1, "maxItems": 3},
            "sure": {"type": "boolean"},
        },
        "required": ["mood", "age", "names", "sure"],
        "additionalProperties": false,
    });
    for seed in 0..12 {
        let text = held(&weights, Constraint::Schema(schema.clone()), seed, 300)
            .unwrap()
            .text;
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(
            ["good", "bad"].contains(&value["mood"].as_str().unwrap()),
            "{text}"
        );
        assert!(
            (0..=120).contains(&value["age"].as_i64().unwrap()),
            "{text}"
        );
        let names = value["names"].as_array().unwrap();
        assert!((1..=3).contains(&names.len()), "{text}");
        assert!(
            names
                .iter()
                .all(|name| name.as_str().unwrap().chars().count() <= 8),
            "{text}"
        );
        assert!(value["sure"].is_boolean(), "{text}");
        assert_eq!(value.as_object().unwrap().len(), 4, "{text}");
    }
}

#[test]
fn a_choice_is_one_of_its_texts_even_where_one_begins_another() {
    let weights = tiny("qwen2");
    let texts = ["yes", "yes, \"surely\"", "no", "漢字"].map(str::to_owned);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let written = held(&weights, Constraint::Choice(texts.to_vec()), seed, 60).unwrap();
        assert!(texts.contains(&written.text), "{written:?}");
        seen.insert(written.text);
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[test]
fn a_pattern_matches_the_whole_text() {
    let weights = tiny("llama");
    for seed in 0..10 {
        let pattern = Constraint::Regex("[0-9]{4}-[0-9]{2}-[0-9]{2}".to_owned());
        let text = held(&weights, pattern, seed, 40).unwrap().text;
        let parts: Vec<usize> = text.split('-').map(str::len).collect();
        assert_eq!(parts, [4, 2, 2], "{text}");
        assert!(
            text.chars()
                .all(|letter| letter.is_ascii_digit() || letter == '-')
        );
    }
}

/// As ECMA-262 has it: a random model would else write the digits of all scripts.
#[test]
fn classes_of_a_pattern_are_those_of_ascii_and_their_opposites_are_not() {
    let weights = tiny("llama");
    type Is = fn(char) -> bool;
    let word: Is = |letter| letter.is_ascii_alphanumeric() || letter == '_';
    let digit: Is = |letter| letter.is_ascii_digit();
    let classes: [(&str, Is); 7] = [
        (r"\d{6}", digit),
        (r"[\d]{6}", digit),
        (r"[\d.]{6}", |letter| {
            letter.is_ascii_digit() || letter == '.'
        }),
        (r"\w{6}", word),
        (r"[\w-]{6}", |letter| {
            letter.is_ascii_alphanumeric() || "_-".contains(letter)
        }),
        (r"\s{6}", char::is_whitespace),
        (r"[^\D]{6}", digit),
    ];
    for (pattern, is) in classes {
        for seed in 0..6 {
            let regex = Constraint::Regex(pattern.to_owned());
            let text = held(&weights, regex, seed, 60).unwrap().text;
            assert_eq!(text.chars().count(), 6, "{pattern}: {text:?}");
            assert!(text.chars().all(is), "{pattern}: {text:?}");
            let schema = json!({"type": "string", "pattern": format!("^{pattern}$")});
            let text = held(&weights, Constraint::Schema(schema), seed, 80)
                .unwrap()
                .text;
            let text: String = serde_json::from_str(&text).unwrap();
            assert!(text.chars().all(is), "{pattern} in a schema: {text:?}");
        }
    }
    // What is no digit of ASCII may be one of another script.
    for pattern in [r"\D\W\D", r"\\d", r"[^\w\s]/"] {
        let text = held(&weights, Constraint::Regex(pattern.to_owned()), 0, 60);
        let text = text.unwrap().text;
        assert!(
            !text.contains(|letter: char| letter.is_ascii_digit()),
            "{text:?}"
        );
    }
}

/// Half a document is worse than none.
#[test]
fn what_is_not_met_within_its_tokens_is_an_error() {
    let weights = tiny("llama");
    let schema = json!({"type": "string", "minLength": 100});
    let error = held(&weights, Constraint::Schema(schema), 0, 10).unwrap_err();
    assert!(error.to_string().contains("raise `max_tokens`"), "{error}");
}

#[test]
fn forms_that_cannot_be_are_refused() {
    let weights = tiny("llama");
    for constraint in [
        Constraint::Regex("(".to_owned()),
        Constraint::Regex("x".repeat(1 << 19)),
        Constraint::Choice(Vec::new()),
        Constraint::Schema(json!({"type": "nonsense"})),
        Constraint::Schema(json!({"$ref": "https://example.org/other"})),
        Constraint::Schema(json!(7)),
        Constraint::Schema(json!({"type": "integer", "minimum": 3, "maximum": 2})),
    ] {
        let error = held(&weights, constraint.clone(), 0, 10).unwrap_err();
        assert!(
            matches!(error, ModelError::Input { .. }),
            "{constraint:?}: {error}"
        );
    }
}
