//! `aimass models`, on a small artefact that lies in a folder.

use std::fs;
use std::path::PathBuf;

use super::harness::{Ended, Place};

/// A place whose catalogue has an artefact `tiny` of one file.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.here().join("source")).unwrap();
    place.file("source/weights.bin", "some weights");
    let source = place.here().join("source").display().to_string();
    place.file(
        "extra.toml",
        format!(
            "[[artefact]]\nname = \"tiny\"\ntask = \"text\"\nfamily = \"none\"\nlicence = \"MIT\"\nmegabytes = 1\n\
             description = \"A tiny one\"\n[[artefact.source]]\nkind = \"folder\"\npath = {source:?}\nfiles = [\"weights.bin\"]\n"
        ),
    );
    place.file(
        "aimass.toml",
        "[models]\ncatalogues = [\"extra.toml\"]\noffline = true\n",
    );
    place
}

fn folder(place: &Place) -> PathBuf {
    let shown = place
        .run(&["models", "path", "tiny", "--json"])
        .assert_ok()
        .document();
    PathBuf::from(shown["path"].as_str().unwrap())
}

fn presence(place: &Place) -> String {
    let list = place
        .run(&["models", "ls", "--json"])
        .assert_ok()
        .document();
    let tiny = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "tiny")
        .unwrap();
    tiny["presence"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_is_imported_verified_found_and_removed() {
    let place = place();
    assert_eq!(presence(&place), "absent");
    place
        .run(&["models", "path", "tiny"])
        .assert_fails(69, &["aimass models pull tiny"]);
    place
        .run(&["models", "import", "tiny", "source"])
        .assert_ok();
    assert_eq!(presence(&place), "present");
    place.run(&["models", "verify", "tiny"]).assert_ok();
    let folder = folder(&place);
    assert!(folder.starts_with(place.cache()), "{folder:?}");
    assert_eq!(
        fs::read_to_string(folder.join("weights.bin")).unwrap(),
        "some weights"
    );
    place.run(&["models", "rm", "tiny"]).assert_ok();
    assert_eq!(presence(&place), "absent");
}

#[test]
fn several_are_fetched_at_once_and_none_when_a_name_is_wrong() {
    let place = place();
    let catalogue = fs::read_to_string(place.here().join("extra.toml")).unwrap();
    let second = catalogue.replace("name = \"tiny\"", "name = \"other\"");
    place.file("extra.toml", format!("{catalogue}{second}"));
    place
        .run(&["models", "pull", "tiny", "othr"])
        .assert_fails(64, &["othr", "other"]);
    assert_eq!(presence(&place), "absent");
    let mut pull = place.command(&["models", "pull", "tiny", "other", "--json"]);
    let fetched = pull.env("AIMASS_MODELS__OFFLINE", "false").output();
    let fetched = Ended::from(fetched.unwrap()).assert_ok().document();
    assert_eq!(
        (&fetched[0]["name"], &fetched[1]["name"]),
        (&"tiny".into(), &"other".into())
    );
    place.run(&["models", "verify", "other"]).assert_ok();
    assert_eq!(presence(&place), "present");
}

#[test]
fn what_cannot_be_reached_is_not_available() {
    let place = place();
    place
        .run(&["models", "pull", "tiny"])
        .assert_fails(69, &["models.offline", "aimass models import tiny"]);
    // Nobody listens there.
    let hub = "kind = \"hub\"\nrepository = \"owner/name\"\nrevision = \"main\"\nfiles = [\"weights.bin\"]\n";
    let catalogue = fs::read_to_string(place.here().join("extra.toml")).unwrap();
    let (head, _) = catalogue.split_once("kind =").unwrap();
    place.file("extra.toml", format!("{head}{hub}"));
    let mut pull = place.command(&["models", "pull", "tiny"]);
    pull.env("AIMASS_MODELS__OFFLINE", "false")
        .env("AIMASS_MODELS__HUB_ENDPOINT", "http://127.0.0.1:9");
    Ended::from(pull.output().unwrap())
        .assert_fails(69, &["http://127.0.0.1:9", "models.hub_endpoint"]);
    assert_eq!(presence(&place), "absent");
}

#[test]
fn an_unknown_model_is_a_wrong_command_line() {
    let place = place();
    for command in ["pull", "verify", "path", "rm"] {
        place
            .run(&["models", command, "tny"])
            .assert_fails(64, &["tny", "tiny"]);
    }
    place
        .run(&["models", "import", "tny", "source"])
        .assert_fails(64, &["tny", "tiny"]);
}

#[test]
fn a_folder_that_is_no_model_is_bad_input() {
    let place = place();
    place
        .run(&["models", "import", "tiny", "."])
        .assert_fails(65, &["weights.bin"]);
    place
        .run(&["models", "import", "tiny", "nothing"])
        .assert_fails(65, &["nothing"]);
    assert_eq!(presence(&place), "absent");
}

#[test]
fn a_tampered_and_a_truncated_file_are_refused_with_what_to_do() {
    let place = place();
    place
        .run(&["models", "import", "tiny", "source"])
        .assert_ok();
    let weights = folder(&place).join("weights.bin");
    fs::write(&weights, "evil weights").unwrap();
    place
        .run(&["models", "verify", "tiny"])
        .assert_fails(69, &["weights.bin", "aimass models"]);
    fs::write(&weights, "some").unwrap();
    place
        .run(&["models", "path", "tiny"])
        .assert_fails(69, &["weights.bin", "aimass models"]);
    assert_eq!(presence(&place), "damaged");
}

#[test]
fn doctor_names_the_models_of_the_agents_that_are_switched_on() {
    let place = Place::new();
    let found = |what: &str| {
        let found = place.run(&["doctor", "--json"]).document();
        let all = found.as_array().unwrap().clone();
        all.into_iter().find(|one| one["what"] == what)
    };
    for (what, name) in [("text model", "minilm"), ("speech model", "whisper-base")] {
        let model = found(what).unwrap();
        let remedy = format!("type `aimass models pull {name}`");
        assert_eq!(model["remedy"], remedy, "{model}");
    }
    place.file(
        "aimass.toml",
        "[agents.text]\nmodel = \"multilingual-minilm\"\n[agents.speech]\nenabled = false\n",
    );
    let model = found("text model").unwrap();
    assert_eq!(model["found"], "multilingual-minilm is not here");
    assert!(found("speech model").is_none());
}
