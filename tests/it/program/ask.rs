//! `aimass ask`, by a skill that needs no model.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};

use aimass_models::Silent;

use super::cache;
use super::harness::{Ended, Place, open_to_all};

const SKILL: &str = "text.language";

#[test]
fn a_text_a_file_and_standard_input_are_asked_alike() {
    let place = Place::new();
    let text = "Guten Morgen, wie geht es Ihnen heute, und was macht die Familie?";
    place.file("letter.txt", text);
    let given = place
        .run(&["ask", SKILL, text, "--json"])
        .assert_ok()
        .document();
    assert_eq!(given["language"], "de");
    assert_eq!(
        place
            .run(&["ask", SKILL, "letter.txt", "--json"])
            .assert_ok()
            .document(),
        given
    );
    let piped = place.run_with_input(&["ask", SKILL, "-", "--json"], text.as_bytes());
    assert_eq!(piped.assert_ok().document(), given);
}

#[test]
fn bad_input_is_one_line_and_65() {
    let place = Place::new();
    place.file("empty.txt", "");
    place.file("latin.txt", b"caf\xe9 au lait");
    place.file("utf16.txt", b"\xff\xfeH\0i");
    File::create(place.here().join("sparse.txt"))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    for (input, word) in [
        ("empty.txt", "white space"),
        ("", "white space"),
        ("latin.txt", "UTF-8"),
        ("utf16.txt", "UTF-16"),
        ("sparse.txt", "at most"),
        (".", "folder"),
        ("/dev/zero", "device"),
    ] {
        place.run(&["ask", SKILL, input]).assert_fails(65, &[word]);
    }
    place
        .run_with_input(&["ask", SKILL, "-"], b"caf\xe9")
        .assert_fails(65, &["UTF-8"]);
    let endless = vec![b'x'; 3 << 20];
    place
        .run_with_input(&["ask", SKILL, "-"], &endless)
        .assert_fails(65, &["more than"]);
}

#[test]
fn a_file_that_may_not_be_read_is_bad_input() {
    let place = Place::new();
    open_to_all(&place.here());
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o777)).unwrap();
    let secret = place.file("secret.txt", "nobody may read this");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    place
        .run_unprivileged(&["ask", SKILL, "secret.txt"])
        .assert_fails(65, &["secret.txt"]);
}

#[test]
fn a_wrong_question_is_64_and_names_the_nearest() {
    let place = Place::new();
    place
        .run(&["ask", "text.langage", "x"])
        .assert_fails(64, &["text.language", "aimass skills"]);
    place
        .run(&["ask", SKILL, "x", "--set", "colour=red"])
        .assert_fails(64, &["colour", "`text`"]);
    place
        .run(&["ask", SKILL, "x", "--set", "colour"])
        .assert_fails(64, &["KEY=VALUE"]);
    place
        .run(&["ask", "text.search", "x", "--set", "limit=many"])
        .assert_fails(64, &["limit", "many"]);
}

#[test]
fn a_model_that_is_not_here_is_69_and_says_what_to_type() {
    let place = Place::new();
    place
        .run(&["ask", "text.embed", "hello"])
        .assert_fails(69, &["aimass models pull minilm"]);
}

#[test]
fn threads_that_slow_models_down_are_said_once_with_what_to_set() {
    let place = Place::new();
    let mut ask = place.command(&["ask", SKILL, "Guten Morgen, wie geht es Ihnen?"]);
    let ended = Ended::from(ask.env("RAYON_NUM_THREADS", "4").output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    for words in [
        "WARN",
        "found 4",
        "RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1",
    ] {
        assert!(
            ended.stderr.contains(words),
            "{words:?} is not in {ended:?}"
        );
    }
}

#[test]
fn skills_have_schemas() {
    let place = Place::new();
    let skills = place.run(&["skills", "--json"]).assert_ok().document();
    let skill = skills
        .as_array()
        .unwrap()
        .iter()
        .find(|skill| skill["name"] == SKILL)
        .unwrap();
    assert!(
        skill["input"].is_object() && skill["output"].is_object(),
        "{skill}"
    );
    let agents = place.run(&["agents", "--json"]).assert_ok().document();
    assert_eq!(agents[0]["name"], "text");
}

#[test]
fn agents_are_a_line_each_that_begins_with_the_name() {
    let place = Place::new();
    for (language, words) in [
        ("en", ["0 tasks", "skills"]),
        ("zh", ["0 项任务", "项技能"]),
    ] {
        let listed = place.run(&["--lang", language, "agents"]);
        let lines: Vec<&str> = listed.assert_ok().stdout.lines().collect();
        let names = lines
            .iter()
            .filter_map(|line| line.split_whitespace().next());
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["text", "image", "speech", "generation"]
        );
        for line in lines {
            assert!(words.iter().all(|word| line.contains(word)), "{line}");
            for raw in ["null", "{", "bytes"] {
                assert!(!line.contains(raw), "{line}");
            }
        }
    }
}

#[test]
fn the_tree_has_a_line_for_each_service_agent_and_worker() {
    let place = Place::new();
    for (language, running) in [("en", "running"), ("zh", "运行中")] {
        let tree = place.run(&["--lang", language, "agents", "--tree"]);
        let lines: Vec<&str> = tree.assert_ok().stdout.lines().collect();
        assert!(lines[0].starts_with("supervisor "), "{lines:?}");
        for name in ["environment", "memory", "text", "reactions", "idle rules"] {
            let line = format!("├─ {name} ");
            let last = format!("└─ {name} ");
            let found = lines
                .iter()
                .find(|known| known.starts_with(&line) || known.starts_with(&last));
            assert!(
                found.is_some_and(|line| line.contains(running)),
                "{name}: {lines:#?}"
            );
        }
        let worker = lines
            .iter()
            .find(|line| line.contains("worker 0 (encoder)"));
        assert!(
            worker.is_some_and(|line| line.contains("minilm")),
            "{lines:#?}"
        );
    }
    let tree = place
        .run(&["agents", "--tree", "--json"])
        .assert_ok()
        .document();
    assert_eq!(tree[0]["name"], "supervisor");
    let children = tree[0]["children"].as_array().unwrap();
    let text = children
        .iter()
        .find(|child| child["name"] == "text")
        .unwrap();
    assert_eq!(text["children"][0]["group"], "encoder");
}

#[test]
fn classes_and_hits_are_lines_with_their_scores() {
    let store = cache::store();
    store.pull("minilm", &mut Silent).unwrap();
    let place = Place::new();
    fs::remove_dir(place.cache()).unwrap();
    symlink(
        std::path::absolute(store.derived("")).unwrap(),
        place.cache(),
    )
    .unwrap();
    let bill = "The bill of 129 euros is due in March.";
    let ask = ["ask", "text.classify", bill, "--set", "labels=health,money"];
    let classes = place.run(&ask);
    let lines: Vec<&str> = classes.assert_ok().stdout.lines().collect();
    assert!(lines[0].ends_with(" money"), "{lines:?}");
    assert!(
        lines[1].ends_with(" health") && lines.len() == 2,
        "{lines:?}"
    );

    place.file("bill.txt", bill);
    place.file("bread.txt", "Knead flour, water and yeast.");
    let ask = ["ask", "text.search", "baking", "--set", "over=."];
    let hits = place.run(&ask);
    let lines: Vec<&str> = hits.assert_ok().stdout.lines().collect();
    assert!(
        lines[0].ends_with("bread.txt: Knead flour, water and yeast."),
        "{lines:?}"
    );
    let document = place.run(&[&ask[..], &["--json"]].concat());
    let document = document.assert_ok().document();
    assert_eq!(document["hits"].as_array().unwrap().len(), lines.len());
}
