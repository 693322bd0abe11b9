//! `aimass ask generation.chat`, with a tiny random model.

use std::path::Path;

use serde_json::Value;

use super::harness::Place;

/// A place whose generation agent has the tiny model.
fn place() -> Place {
    let place = Place::new();
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/goldens/llama");
    let catalogue = place.file(
        "catalogue.toml",
        format!(
            "[[artefact]]\nname = \"tiny\"\ntask = \"text generation\"\nfamily = \"llama\"\nlicence = \"MIT\"\nmegabytes = 1\n\
             description = \"random\"\n[[artefact.source]]\nkind = \"folder\"\npath = {goldens:?}\nfiles = [\"tiny-llama.gguf\"]\n"
        ),
    );
    std::fs::write(
        place.home().join("aimass.toml"),
        format!(
            "[models]\ncatalogues = [{catalogue:?}]\n[agents.generation]\nmodel = \"tiny\"\ncontext = 256\ncache_bytes = \"1MiB\"\n"
        ),
    )
    .unwrap();
    let goldens = goldens.to_str().unwrap();
    let imported = place.run(&["models", "import", "tiny", goldens]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    place
}

#[test]
fn a_text_is_shown_once_and_is_that_of_the_document() {
    let place = place();
    let arguments = [
        "ask",
        "generation.chat",
        "hello",
        "--set",
        "seed=7",
        "--set",
        "temperature=0.9",
        "--set",
        "max_tokens=40",
    ];
    let shown = place.run(&arguments);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let document = place.run(&[&arguments[..], &["--json"]].concat());
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(
        shown.stdout,
        format!("{}\n", document["text"].as_str().unwrap())
    );
    let usage = &document["usage"];
    assert!(
        usage["completion_tokens"].as_u64().unwrap() <= 40,
        "{document}"
    );
    assert!(usage["prompt_tokens"].as_u64().unwrap() > 5, "{document}");
}

#[test]
fn a_choice_is_one_of_its_texts() {
    let place = place();
    let chosen = place.run(&[
        "ask",
        "generation.complete",
        "hello",
        "--set",
        "choice=yes,no",
    ]);
    assert!(["yes\n", "no\n"].contains(&&*chosen.stdout), "{chosen:?}");
}

#[test]
fn what_cannot_be_is_one_line_and_65() {
    let place = place();
    for (set, word) in [
        ("top_p=7", "top_p"),
        ("max_tokens=0", "max_tokens"),
        ("regex=(", "simpler"),
    ] {
        place
            .run(&["ask", "generation.chat", "hello", "--set", set])
            .assert_fails(65, &[word]);
    }
}

#[test]
fn a_model_that_is_not_here_is_69_and_says_what_to_type() {
    Place::new()
        .run(&["ask", "generation.chat", "hello", "--json"])
        .assert_fails(69, &["aimass models pull smollm2"]);
}
