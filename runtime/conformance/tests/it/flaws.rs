//! The conformance suite: a sound agent passes, and each flaw is caught by the check that is there for it.

use std::time::Duration;

use aimass_config::Config;
use aimass_conformance::{Conformance, ConformanceReport};
use aimass_runtime::Runtime;
use serde_json::json;

use crate::clerk::{Clerk, Count, Flaw};

fn suite(flaw: Flaw) -> Conformance {
    let clerk = Clerk::new(flaw);
    Conformance::new(move || clerk.clone())
        .example("clerk.file", json!("a letter"))
        .example("clerk.file", json!("another"))
        .example("clerk.count", json!(5))
        .example_with_chunks("clerk.add", json!(100), vec![json!(1), json!(2)])
        .example("clerk.post", json!("a parcel"))
        .example("clerk.ponder", json!(4))
        .example("clerk.round", json!("the post"))
        .example("clerk.dictate", json!(4))
        .refuses("clerk.file", json!(""))
        .refuses("clerk.file", json!(["not", "a", "text"]))
        .patience(Duration::from_secs(20))
}

/// The names of the checks that failed.
async fn failures(suite: Conformance) -> Vec<&'static str> {
    let report = suite.run().await;
    let mut names: Vec<&str> = report.failures().map(|check| check.name).collect();
    names.dedup();
    names
}

fn verdict(report: &ConformanceReport, skill: &str, name: &str) -> String {
    let found = report
        .checks
        .iter()
        .find(|check| check.of == skill && check.name == name);
    found.map(|check| check.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_sound_agent_passes_every_check() {
    let report = suite(Flaw::None).run().await;
    assert!(report.passed(), "{report}");
    // Each kind of skill is put through what it can be put through.
    for skill in [
        "clerk.file",
        "clerk.count",
        "clerk.add",
        "clerk.post",
        "clerk.ponder",
    ] {
        for name in [
            "a panic before it begins",
            "a panic in the middle",
            "a hang costs one task",
            "is cancelled between steps",
            "refuses when it is full",
            "takes a new version of its model",
        ] {
            let line = verdict(&report, skill, name);
            assert!(line.starts_with("passed"), "{skill}, {name}: {line}");
        }
    }
    let replay = verdict(&report, "clerk.count", "goes on after its process is gone");
    assert!(replay.starts_with("passed"), "{replay}");
    for name in [
        "its stream goes on after a death",
        "its stream goes on in the next process",
    ] {
        let line = verdict(&report, "clerk.dictate", name);
        assert!(line.starts_with("passed"), "{line}");
    }
    let name = "is shown in both languages";
    let shown = verdict(&report, "clerk.file", name);
    assert!(shown.starts_with("passed"), "{shown}");
    let unseen = verdict(&report, "clerk.count", name);
    assert!(unseen.starts_with("skipped"), "{unseen}");
    let live = verdict(&report, "clerk.add", "goes on after its process is gone");
    assert!(live.starts_with("skipped"), "{live}");
}

#[tokio::test]
async fn an_agent_that_mixes_up_its_batch_is_caught() {
    assert!(
        failures(suite(Flaw::MixesUpBatches))
            .await
            .contains(&"answers the same in company")
    );
}

#[tokio::test]
async fn an_agent_that_remembers_across_panics_is_caught() {
    let failures = failures(suite(Flaw::RemembersPanics)).await;
    assert!(failures.contains(&"a panic in the middle"), "{failures:?}");
}

#[tokio::test]
async fn an_agent_that_answers_bad_input_by_a_panic_is_caught() {
    assert_eq!(
        failures(suite(Flaw::PanicsOnBadInput)).await,
        ["refuses bad input"]
    );
}

#[tokio::test]
async fn an_agent_whose_state_is_shared_by_runtimes_is_caught() {
    let failures = failures(suite(Flaw::SharesState)).await;
    assert!(
        failures.contains(&"two runtimes side by side"),
        "{failures:?}"
    );
}

#[tokio::test]
async fn an_agent_whose_answers_wander_is_caught() {
    let failures = failures(suite(Flaw::Wanders)).await;
    assert!(failures.contains(&"answers the same again"), "{failures:?}");
}

#[tokio::test]
async fn an_agent_that_never_ends_after_a_new_version_is_caught() {
    let suite = suite(Flaw::CannotBeRenewed).patience(Duration::from_millis(500));
    let failures = failures(suite).await;
    assert!(
        failures.contains(&"takes a new version of its model"),
        "{failures:?}"
    );
}

#[tokio::test]
async fn an_agent_that_forgets_what_it_unloads_is_caught() {
    let failures = failures(suite(Flaw::ForgetsWhenUnloaded)).await;
    assert!(
        failures.contains(&"answers after its models were unloaded"),
        "{failures:?}"
    );
}

#[tokio::test]
async fn an_agent_whose_abandoned_jobs_leave_a_mark_is_caught() {
    assert_eq!(
        failures(suite(Flaw::LeavesAMark)).await,
        ["is cancelled between steps"]
    );
}

#[tokio::test]
async fn an_agent_whose_hanging_thread_keeps_a_lock_is_caught() {
    let failures = failures(suite(Flaw::SharesALock)).await;
    assert!(failures.contains(&"a hang costs one task"), "{failures:?}");
}

#[tokio::test]
async fn an_agent_whose_input_is_not_written_down_as_it_was_read_is_caught() {
    let suite = suite(Flaw::LosesInput).example("clerk.stamp", json!({ "stamped": 7 }));
    assert_eq!(failures(suite).await, ["goes on after its process is gone"]);
}

#[tokio::test]
async fn an_agent_that_sends_other_items_than_its_spec_says_is_caught() {
    for flaw in [Flaw::SendsOthers, Flaw::HidesItems] {
        let failures = failures(suite(flaw)).await;
        assert_eq!(failures, ["sends what its spec says"], "{flaw:?}");
    }
}

#[tokio::test]
async fn an_agent_whose_spec_has_the_items_of_another_skill_is_caught() {
    assert_eq!(
        failures(suite(Flaw::SendsForAnother)).await,
        ["is described"]
    );
}

#[tokio::test]
async fn an_agent_whose_stream_does_not_go_on_is_caught() {
    for (flaw, name) in [
        (Flaw::DictatesAnew, "its stream goes on after a death"),
        (
            Flaw::DictatesByStart,
            "its stream goes on in the next process",
        ),
    ] {
        let failures = failures(suite(flaw)).await;
        assert!(failures.contains(&name), "{flaw:?}: {failures:?}");
    }
}

#[tokio::test]
async fn an_agent_whose_facts_cannot_be_shown_is_caught() {
    for flaw in [
        Flaw::ViewPanics,
        Flaw::LineInOneLanguage,
        Flaw::HeadingInOneLanguage,
    ] {
        let failures = failures(suite(flaw)).await;
        assert_eq!(failures, ["is shown in both languages"], "{flaw:?}");
    }
}

#[tokio::test]
async fn an_agent_with_an_alias_that_is_another_skill_is_caught() {
    let report = suite(Flaw::HasAnAliasTwice).run().await;
    let line = verdict(&report, "clerk", "it starts");
    assert!(line.contains("`clerk.add` is offered twice"), "{report}");
}

#[tokio::test]
async fn an_item_of_another_type_ends_its_stream_by_an_error_that_says_so() {
    let clerk = Clerk::new(Flaw::SendsOthers);
    let runtime = Runtime::builder(Config::default()).agent(clerk.clone());
    let runtime = runtime.start().await.unwrap();
    let mut stream = runtime.stream::<Count>(3).unwrap();
    let error = stream.next().await.unwrap().unwrap_err().to_string();
    assert!(
        error.contains("expected an item of the type u32, got u64"),
        "{error}"
    );
    assert!(stream.next().await.is_none(), "that was the end");
    assert!(!runtime.shutdown().await.left_behind);
}

/// Deadlines, refusals and draining are the kernel's, which no agent can break: these checks fail by the answers around them.
#[tokio::test]
async fn an_agent_whose_answers_depend_on_who_waits_is_caught() {
    let failures = failures(suite(Flaw::LooksAround)).await;
    for name in [
        "answers the same in company",
        "meets its deadline",
        "refuses when it is full",
        "shuts down and loses nothing",
    ] {
        assert!(failures.contains(&name), "{name}: {failures:?}");
    }
}

#[tokio::test]
async fn a_skill_without_an_example_is_not_passed_over() {
    let clerk = Clerk::new(Flaw::None);
    let suite = Conformance::new(move || clerk.clone()).example("clerk.file", json!("x"));
    assert!(failures(suite).await.contains(&"has an example"));
}
