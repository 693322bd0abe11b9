//! `aimass ask generation.chat`, with a tiny random model.

use serde_json::Value;

use super::harness::Place;

/// A place whose generation agent has the tiny model, which looks at so many tokens; its home's configuration goes on with `more`.
pub(super) fn place_with(context: u32, more: &str) -> Place {
    let place = Place::new();
    let goldens = crate::repository_root().join("models/goldens/llama");
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
            "[models]\ncatalogues = [{catalogue:?}]\n[agents.generation.settings]\ncontext = {context}\ncache_bytes = \"1MiB\"\n[agents.generation]\nmodel = \"tiny\"\n{more}"
        ),
    )
    .unwrap();
    let goldens = goldens.to_str().unwrap();
    let imported = place.run(&["models", "import", "tiny", goldens]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    place
}

fn place() -> Place {
    place_with(256, "")
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
fn lists_are_spelt_with_commas_or_as_json() {
    let place = place();
    let complete = |set: &str| {
        place.run(&[
            "ask",
            "generation.complete",
            "hello",
            "--set",
            set,
            "--set",
            "max_tokens=40",
        ])
    };
    let chosen = complete(r#"choice=["yes, please","no, thanks"]"#);
    assert!(
        ["yes, please\n", "no, thanks\n"].contains(&&*chosen.stdout),
        "{chosen:?}"
    );
    // White space ends a text too.
    for stop in ["stop=\n", "stop=\nUser:", r#"stop=["\n"]"#] {
        assert_eq!(complete(stop).code, Some(0), "{stop:?}");
    }
    complete("stop=[INST]").assert_fails(64, &["`stop`", r#"`["[INST]"]`"#]);

    let messages = r#"messages=[{"role":"user","content":"hello"}]"#;
    let short = ["--set", "max_tokens=8"];
    let by_messages =
        place.run(&[&["ask", "generation.chat", "--set", messages][..], &short].concat());
    let by_input = place.run(&[&["ask", "generation.chat", "hello"][..], &short].concat());
    assert_eq!(by_messages.assert_ok().stdout, by_input.assert_ok().stdout);
    place
        .run(&["ask", "generation.chat"])
        .assert_fails(64, &["INPUT"]);
    place
        .run(&["ask", "text.search", "--set", "limit=3"])
        .assert_fails(64, &["`query`"]);
}

#[test]
fn what_cannot_be_is_one_line_and_65() {
    let place = place();
    for (set, words) in [
        ("top_p=7", ["top_p", "7"]),
        ("max_tokens=0", ["max_tokens", "0"]),
        ("regex=(ab", ["unclosed group", "simpler"]),
        ("regex=(?=a)a", ["look-around", "not supported"]),
        ("regex=a{2,1}", ["repetition", "start must be <= the end"]),
        ("seed=-1", ["`seed`", "from 0 to 18446744073709551615"]),
        (
            "max_tokens=99999999999",
            ["`max_tokens`", "from 0 to 4294967295"],
        ),
        (
            "temperature=\"hot\"",
            ["`temperature`", "expected a number"],
        ),
        (
            "messages=[{\"role\":\"me\"}]",
            ["`messages[0].role`", "unknown variant `me`"],
        ),
    ] {
        place
            .run(&["ask", "generation.chat", "hello", "--set", set])
            .assert_fails(65, &words);
    }
}

#[test]
fn a_model_that_is_not_here_is_69_and_says_what_to_type() {
    Place::new()
        .run(&["ask", "generation.chat", "hello", "--json"])
        .assert_fails(69, &["aimass models pull smollm2"]);
}
