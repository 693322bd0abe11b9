//! Configuration and home folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{Ended, Place, open_to_all};

#[cfg(not(target_os = "macos"))]
#[test]
fn the_home_is_ours_before_the_platforms_and_that_before_the_usual_one() {
    let place = Place::new();
    let here = place.here();
    let home = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["doctor", "--json"]);
        command
            .env_remove("AIMASS_HOME")
            .env_remove("XDG_DATA_HOME")
            .env("HOME", &here)
            .envs(variables.iter().copied());
        let findings = Ended::from(command.output().unwrap()).document();
        let mut findings = findings.as_array().unwrap().iter();
        let home = findings.find(|finding| finding["what"] == "home").unwrap();
        home["found"].as_str().unwrap().to_owned()
    };
    let is = |home: String, folder: &str| assert_eq!(home, here.join(folder).display().to_string());
    is(home(&[]), ".local/share/aimass");
    // The specification of these variables asks to ignore a relative path.
    is(
        home(&[("XDG_DATA_HOME", "relative")]),
        ".local/share/aimass",
    );
    let data = here.join("data").display().to_string();
    is(home(&[("XDG_DATA_HOME", &data)]), "data/aimass");
    is(
        home(&[("XDG_DATA_HOME", &data), ("AIMASS_HOME", "own")]),
        "own",
    );
}

#[test]
fn a_typo_in_the_configuration_is_named_with_its_line_and_the_nearest_key() {
    let place = Place::new();
    place.file("aimass.toml", "[runtime]\nshutdwon_limit = \"5s\"\n");
    for arguments in [vec!["config", "check"], vec!["facts", "ls"]] {
        place
            .run(&arguments)
            .assert_fails(64, &["aimass.toml:2", "shutdwon_limit", "`shutdown_limit`"]);
    }
}

#[test]
fn a_name_that_nobody_has_is_named_with_its_line_and_the_one_that_was_meant() {
    let place = Place::new();
    place.file("aimass.toml", "[agents.tezt]\nreplicas = 2\n");
    for arguments in [vec!["config", "check"], vec!["agents"]] {
        place
            .run(&arguments)
            .assert_fails(64, &["aimass.toml:1", "`tezt`", "did you mean `text`?"]);
    }
    place.file(
        "aimass.toml",
        "[[reactions]]\nname = \"mine\"\nkind = \"file.text@1\"\nskill = \"generation.chat\"\n",
    );
    place.run(&["config", "check"]).assert_fails(
        64,
        &[
            "aimass.toml:4",
            "`generation.chat`",
            "must be a skill that takes",
        ],
    );
    // A kind of fact that programs may write is odd, and holds.
    place.file(
        "aimass.toml",
        "[[reactions]]\nname = \"mine\"\nkind = \"file.txt@1\"\nskill = \"text.language\"\n",
    );
    let checked = place.run(&["config", "check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stderr.contains("`file.text@1`?"), "{checked:?}");
}

#[test]
fn a_setting_of_another_agent_is_refused_and_its_agent_named() {
    let place = Place::new();
    place.file(
        "aimass.toml",
        "[agents.text.settings]\nprecision = \"q8_0\"\n",
    );
    for arguments in [vec!["config", "check"], vec!["agents"]] {
        place.run(&arguments).assert_fails(
            64,
            &[
                "aimass.toml:2",
                "`agents.text.settings.precision`",
                "did you mean `agents.speech.settings.precision`?",
            ],
        );
    }
    for (name, value, words) in [
        (
            "SPEECH__SETTINGS__PRECISION",
            "q4",
            "one of \"exact\", \"q8_0\"",
        ),
        ("GENERATION__SETTINGS__CONTEXT", "7", "from 64 to 16777216"),
        ("GENERATION__SETTINGS__CONTEXTS", "70", "`context`?"),
    ] {
        let name = format!("AIMASS_AGENTS__{name}");
        let place = Place::new();
        let mut command = place.command(&["config", "check"]);
        let ended = Ended::from(command.env(&name, value).output().unwrap());
        ended.assert_fails(64, &[&name, words]);
    }
}

#[test]
fn a_setting_at_its_old_place_holds_and_one_line_says_where_it_is_written_now() {
    let place = Place::new();
    place.file(
        "aimass.toml",
        "[agents.speech]\nprecision = \"q8_0\"\n[defaults]\ncontext = 4096\n",
    );
    let checked = place.run(&["config", "check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    for words in [
        "aimass.toml:2: `agents.speech.precision` holds, and is written `agents.speech.settings.precision` now",
        "aimass.toml:4: `defaults.context` holds, and is written `agents.generation.settings.context` now",
    ] {
        assert!(checked.stderr.contains(words), "{checked:?}");
    }
    let shown = place.run(&["config", "show", "--json"]).document();
    let settings = |agent: &str| shown["agents"][agent]["settings"].clone();
    assert_eq!(settings("speech")["precision"], "q8_0");
    assert_eq!(settings("generation")["context"], 4096);
    assert_eq!(settings("generation")["cache_bytes"], "1GiB");
}

#[test]
fn several_problems_are_still_one_line() {
    let place = Place::new();
    place.file(
        "aimass.toml",
        "[runtime]\nbogus = 1\nevent_capacity = \"many\"\n",
    );
    place
        .run(&["config", "check"])
        .assert_fails(64, &["aimass.toml:2", "aimass.toml:3", "; "]);
}

#[test]
fn a_configuration_that_is_no_text_or_not_there_is_refused() {
    let place = Place::new();
    place.file("bad.toml", b"\xff\xfe");
    place
        .run(&["--config", "bad.toml", "config", "show"])
        .assert_fails(64, &["bad.toml:1", "UTF-8"]);
    place
        .run(&["--config", "none.toml", "config", "show"])
        .assert_fails(64, &["none.toml"]);
    place
        .run(&["--config", "/", "config", "show"])
        .assert_fails(64, &["folder"]);
}

#[test]
fn init_writes_a_configuration_that_holds_and_never_overwrites_one() {
    let place = Place::new();
    place.run(&["config", "init"]).assert_ok();
    let written = fs::read_to_string(place.home().join("aimass.toml")).unwrap();
    place.run(&["config", "check"]).assert_ok();
    place
        .run(&["config", "init"])
        .assert_fails(64, &["exists already"]);
    assert_eq!(
        fs::read_to_string(place.home().join("aimass.toml")).unwrap(),
        written
    );
}

#[test]
fn show_has_what_the_file_and_the_variables_say() {
    let place = Place::new();
    place.file("aimass.toml", "[agents.text]\nreplicas = 2\n");
    let output = place
        .command(&["config", "show", "--json"])
        .env("AIMASS_RUNTIME__SHUTDOWN_LIMIT", "7s")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["agents"]["text"]["replicas"], 2);
    assert_eq!(shown["runtime"]["shutdown_limit"], "7s");
}

#[test]
fn a_home_that_cannot_be_written_is_unavailable() {
    let place = Place::new();
    open_to_all(&place.home());
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o555)).unwrap();
    let home = place.home().display().to_string();
    place
        .run_unprivileged(&["facts", "ls"])
        .assert_fails(69, &[&home]);
    place
        .run_unprivileged(&["config", "init"])
        .assert_fails(69, &["--config FILE"]);
    let below = place.home().join("below").display().to_string();
    place
        .run_unprivileged(&["--home", &below, "facts", "ls"])
        .assert_fails(69, &[&below, "--home"]);
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_home_that_is_a_file_is_unavailable() {
    let place = Place::new();
    let file = place.file("file", "").display().to_string();
    place
        .run(&["--home", &file, "facts", "ls"])
        .assert_fails(69, &[&file]);
}
