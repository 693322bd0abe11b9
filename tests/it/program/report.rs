//! What `aimass run` prints for people: lines as it happens, the report, the page, in two languages; and its sample inbox.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;

use super::harness::{Ended, Place};

/// A place with a letter, whose text agent has no model: what needs none is done all the same.
fn place_with_a_letter() -> Place {
    let place = Place::new();
    place.file(
        "letter.txt",
        "Guten Morgen, das Paket kam zu spät an und die Tasse darin war zerbrochen.",
    );
    // Nothing is to fail for want of a model.
    place.file(
        "aimass.toml",
        "[[reactions]]\nname = \"text-embed\"\nkind = \"file.text@1\"\nskill = \"text.embed\"\nenabled = false\n",
    );
    place
}

fn sentences(report: &Value) -> Vec<&Value> {
    let sections = ["sections", "details"].map(|part| report[part].as_array().unwrap());
    let sentences = sections
        .into_iter()
        .flatten()
        .flat_map(|section| section["sentences"].as_array().unwrap());
    sentences.collect()
}

#[test]
fn the_report_says_what_the_facts_hold_and_names_them() {
    let place = place_with_a_letter();
    let ended = place.run(&["run", "--json", "letter.txt"]);
    ended.assert_ok();
    let document = ended.document();
    let report = &document["report"];
    let facts: HashSet<u64> = document["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["revision"].as_u64().unwrap())
        .collect();
    for reference in report["references"].as_array().unwrap() {
        assert!(facts.contains(&reference["revision"].as_u64().unwrap()));
    }
    let said = sentences(report);
    assert!(said.len() >= 3, "{report}");
    for sentence in &said {
        assert!(!sentence["references"].as_array().unwrap().is_empty());
        assert_eq!(sentence["author"], "facts");
    }
    let texts: Vec<&str> = said
        .iter()
        .map(|sentence| sentence["text"].as_str().unwrap())
        .collect();
    assert!(
        texts[1].starts_with("letter.txt is a text of 75 B"),
        "{texts:?}"
    );
    assert!(texts[2].contains("“Guten Morgen, das Paket"), "{texts:?}");
    // The report is a fact itself, and there is one of it.
    let kinds = document["facts"].as_array().unwrap().iter();
    let reports = kinds.filter(|fact| fact["kind"] == "generation.report@1");
    assert_eq!(reports.count(), 1);
}

#[test]
fn an_episode_is_seen_again_by_its_name() {
    let place = place_with_a_letter();
    let document = place.run(&["run", "--json", "letter.txt"]).document();
    let named = format!("--resume={}", document["episode"].as_str().unwrap());
    let again = place.run(&["run", "--json", &named]);
    assert_eq!(again.assert_ok().document(), document);
    let page = place.run(&["run", "--report", "page.html", &named]);
    page.assert_ok();
    assert!(place.here().join("page.html").is_file());
    for arguments in [
        ["--resume", "letter.txt"],
        ["--resume=letter.txt", "--json"],
    ] {
        place
            .run(&["run", arguments[0], arguments[1]])
            .assert_fails(64, &["--resume"]);
    }
    place
        .run(&["run", "--resume"])
        .assert_fails(65, &["`aimass run --resume=EPISODE`"]);
}

#[test]
fn lines_have_times_and_no_colours_in_a_pipe() {
    let place = place_with_a_letter();
    let ended = place.run(&["run", "letter.txt", "--lang", "en"]);
    ended.assert_ok();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[0].contains("0.00 s  you         letter.txt: text, 75 B"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains(" s  text        letter.txt: German (confidence"),
        "{lines:?}"
    );
    assert!(lines[2].contains(" s  generation  report of"), "{lines:?}");
    assert_eq!(lines[3..5], ["", "Report on 1 input"]);
    assert!(!ended.stdout.contains('\x1b'), "{ended:?}");
}

#[test]
fn the_digest_comes_alone_and_the_rest_when_it_is_asked_for() {
    let place = place_with_a_letter();
    let digest = place.run(&["run", "letter.txt", "--lang", "en"]);
    let digest = &digest.assert_ok().stdout;
    let more = digest.lines().last().unwrap();
    let command = more.strip_prefix("more on each input: `aimass ").unwrap();
    let arguments: Vec<&str> = command.trim_end_matches('`').split(' ').collect();
    let arguments = [&arguments[..], &["--lang", "en"]].concat();
    let whole = place.run(&arguments);
    for words in [
        "\nletter.txt\n  letter.txt is a text of 75 B",
        "It begins: “Guten Morgen",
        "\nReferences\n  [1] letter.txt: file.text@1, fact 1\n",
    ] {
        assert!(
            whole.assert_ok().stdout.contains(words),
            "{words}: {whole:?}"
        );
        assert!(!digest.contains(words), "{words}: {digest}");
    }
    assert!(!whole.stdout.contains("more on each input"), "{whole:?}");
}

#[test]
fn the_locale_and_the_option_choose_the_language() {
    let place = place_with_a_letter();
    let by_option = place.run(&["run", "letter.txt", "--lang", "zh"]);
    let by_locale = place
        .command(&["run", "letter.txt"])
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "zh_CN.UTF-8")
        .output();
    for ended in [by_option, Ended::from(by_locale.unwrap())] {
        ended.assert_ok();
        for words in [
            "用户",
            "德语（置信度",
            "关于 1 份输入的报告",
            "letter.txt：“Guten Morgen",
            "每份输入的详情",
        ] {
            assert!(ended.stdout.contains(words), "{words} is not in {ended:?}");
        }
    }
    place
        .run(&["run", "letter.txt", "--lang", "tlh"])
        .assert_fails(64, &["tlh", "`en` or `zh`"]);
}

#[test]
fn the_page_holds_the_episode_and_takes_the_place_of_an_old_one() {
    let place = place_with_a_letter();
    let page = place.file("page.html", "an old page");
    let ended = place.run(&["run", "letter.txt", "--report", "page.html", "--lang", "en"]);
    ended.assert_ok();
    assert!(
        ended.stdout.trim_end().ends_with("here/page.html"),
        "{ended:?}"
    );
    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    for words in [
        "Guten Morgen, das Paket",
        "text.language",
        "letter.txt",
        "generation.report",
    ] {
        assert!(page.contains(words), "{words} is not in the page");
    }
    assert!(!page.contains("http://"), "the page names another address");
    let json = place.run(&["run", "letter.txt", "--report", "page.html", "--json"]);
    json.assert_ok().document();
}

#[test]
fn a_page_that_cannot_be_written_is_refused_before_the_work() {
    let place = place_with_a_letter();
    place
        .run(&["run", "letter.txt", "--report", "."])
        .assert_fails(64, &["folder"]);
    place
        .run(&["run", "letter.txt", "--report", "none/page.html"])
        .assert_fails(69, &["none/page.html"]);
    assert_eq!(place.run(&["facts", "ls"]).assert_ok().stdout, "");
}

#[test]
fn without_files_the_sample_inbox_is_worked_on() {
    let place = Place::new();
    // Without models it comes to 69; what needs none is done.
    let ended = place.run(&["run", "--lang", "en"]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stdout.starts_with("no files were named"), "{ended:?}");
    for words in [
        "reading.flac",
        "astronaut.jpg",
        "complaint.txt: English",
        "opticks.txt: English",
        "1 recording, 1 image and 2 texts were given.",
    ] {
        assert!(ended.stdout.contains(words), "{words} is not in {ended:?}");
    }
    let inbox = place.home().join("inbox");
    assert!(inbox.join("README.md").is_file(), "its origin is not said");
    assert!(!ended.stdout.contains("README.md"), "{ended:?}");
    let json = place.run(&["run", "--json"]);
    assert_eq!(json.document()["report"]["inputs"], 4);
}
