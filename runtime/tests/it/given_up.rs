//! G3 and episodes: what is given up costs nobody else anything, is kept whole, and is answered in its place when it is redriven.

mod mill;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use aimass_config::{Config, EnvironmentConfig};
use aimass_runtime::{
    DeadLetterRecord, Environment, EnvironmentOptions, Episode, EpisodeReport, FactDraft, Runtime,
    TaskError, TaskId, TaskOptions, TaskRecord, Transaction,
};
use serde_json::{Value, json};

use mill::{Mill, NOON, POISON, kind};

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

async fn start(mill: &Mill, environment: &Environment) -> Runtime {
    let mut config = Config::default();
    config.defaults.max_attempts = 2;
    let builder = Runtime::builder(config).agent(mill.clone());
    let builder = builder.environment(environment.clone());
    builder.start().await.unwrap()
}

fn episode(kind_name: &str, values: impl IntoIterator<Item = Value>) -> Episode {
    let fact = |value| FactDraft::new(kind(kind_name), value);
    let facts = values.into_iter().map(fact);
    facts.fold(Episode::new(), Episode::fact)
}

/// What became of facts of a kind, in their order.
fn values(report: &EpisodeReport, of: &str) -> Vec<Value> {
    let facts = report.facts.iter();
    let facts = facts.filter(|fact| fact.kind == kind(of));
    facts.map(|fact| fact.value.clone()).collect()
}

fn letter_of(runtime: &Runtime, skill: &str) -> DeadLetterRecord {
    let letters = runtime.dead_letters().unwrap();
    let mut letters = letters.into_iter().filter(|one| one.task.skill == skill);
    let letter = letters.next().unwrap();
    assert!(letters.next().is_none(), "one letter only");
    letter
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_at_which_a_rule_panics_fails_its_episode_and_all_others_go_on() {
    let environment = in_memory();
    let runtime = start(&Mill::default(), &environment).await;
    let bad = episode("plate", [json!("not a number"), json!(1)]);
    let report = runtime.run(bad).await.unwrap();
    assert_eq!(values(&report, "meal"), [json!(2)]);
    let [failure] = &report.failures[..] else {
        panic!("unexpected: {:?}", report.failures);
    };
    assert_eq!(failure.error["error"], "dead_lettered");
    assert_eq!(failure.cause, Some(report.facts[0].revision));
    assert!(failure.message.contains("not a number"), "{failure:?}");
    let letter = letter_of(&runtime, "mill.grind");
    assert_eq!(letter.task.id, failure.task);
    assert_eq!(letter.task.rule.as_deref(), Some("taste"));
    // The rule is no other yet, so a redrive says the same, and the letter stays.
    let again = runtime.redrive(failure.task).await.unwrap_err();
    assert!(matches!(again, TaskError::Bug { .. }), "{again}");
    let letter = letter_of(&runtime, "mill.grind");
    assert_eq!(letter.redriven_as, None);

    let good = runtime.run(episode("plate", [json!(5)])).await.unwrap();
    assert_eq!(
        (values(&good, "meal"), good.failures),
        (vec![json!(6)], vec![])
    );
    nobody_is_told_of_a_failure(&runtime).await;
    runtime.shutdown().await;
}

async fn nobody_is_told_of_a_failure(runtime: &Runtime) {
    let mut failure = pin!(runtime.failure());
    let told = poll_fn(|context| Poll::Ready(failure.as_mut().poll(context).is_ready()));
    assert!(!told.await, "the runtime goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_its_skill_panics_at_beside_its_workers_fails_alone() {
    let environment = in_memory();
    let before = TaskId::from_u128(1);
    let left = Transaction {
        accepted: vec![TaskRecord::new(before, "mill.touch", json!("heavy"))],
        ..Transaction::default()
    };
    environment.commit(left).await.unwrap();
    let runtime = start(&Mill::default(), &environment).await;
    let things = ["fragile", "heavy", "stone"].map(Value::from);
    let report = runtime.run(episode("vase", things)).await.unwrap();
    let failures = report.failures.iter();
    let kinds: Vec<&Value> = failures.map(|failure| &failure.error["error"]).collect();
    assert_eq!(kinds, ["dead_lettered", "dead_lettered"]);
    assert_eq!(values(&report, "mill.touch"), [json!("stone")]);
    let unsettled = || environment.snapshot().unwrap().unsettled().unwrap();
    while !unsettled().is_empty() {
        tokio::task::yield_now().await;
    }
    let letter = environment.snapshot().unwrap().dead_letter(before).unwrap();
    assert!(letter.is_some(), "what an earlier process left is kept");
    nobody_is_told_of_a_failure(&runtime).await;
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_that_is_redriven_is_answered_in_its_episode() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    let report = runtime
        .run(episode("plate", [json!(POISON)]))
        .await
        .unwrap();
    assert_eq!(report.failures.len(), 1);
    assert_eq!(values(&report, "mill.count"), [json!(0)]);
    let task = report.failures[0].task;

    mill.cure();
    let (again, output) = runtime.redrive(task).await.unwrap();
    assert_eq!(output, json!(POISON + 1));
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(report.failures, []);
    assert_eq!(values(&report, "meal"), [json!(POISON + 1)]);
    // The idle rules are asked about what is new.
    assert_eq!(values(&report, "mill.count"), [json!(0), json!(1)]);
    let meal = report.facts.iter().find(|fact| fact.kind == kind("meal"));
    let provenance = &meal.unwrap().provenance;
    assert_eq!(provenance.task, Some(again));
    assert_eq!(provenance.cause, Some(report.facts[0].revision));

    assert_eq!(letter_of(&runtime, "mill.grind").redriven_as, Some(again));
    let twice = runtime.redrive(task).await.unwrap_err();
    let TaskError::Rejected { message, .. } = &twice else {
        panic!("unexpected: {twice}");
    };
    assert!(message.contains(&again.to_string()), "{message}");
    assert!(message.contains("was answered"), "{message}");
    // Without its letter, the report is no other.
    runtime.remove_dead_letter(task).await.unwrap();
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(report.failures, []);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_quiet_that_panics_fails_its_episode_and_is_redriven_in_its_place() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    let plates = (100..100 + NOON).map(Value::from);
    let report = runtime.run(episode("plate", plates)).await.unwrap();
    let [failure] = &report.failures[..] else {
        panic!("unexpected: {:?}", report.failures);
    };
    assert_eq!((&*failure.skill, failure.cause), ("mill.count", None));
    let other = runtime.run(episode("plate", [json!(1)])).await.unwrap();
    assert_eq!(values(&other, "mill.count"), [json!(1)]);

    mill.cure();
    runtime.redrive(failure.task).await.unwrap();
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(report.failures, []);
    // Its own answer is no news that it would be asked about again.
    assert_eq!(values(&report, "mill.count"), [json!(NOON)]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_given_up_too_is_the_one_to_redrive() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    let report = runtime
        .run(episode("plate", [json!(POISON)]))
        .await
        .unwrap();
    let first = report.failures[0].task;
    let error = runtime.redrive(first).await.unwrap_err();
    let TaskError::DeadLettered { task: second, .. } = error else {
        panic!("unexpected: {error}");
    };
    let error = runtime.redrive(first).await.unwrap_err().to_string();
    assert!(error.contains(&second.to_string()), "{error}");
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].task, second);
    mill.cure();
    runtime.redrive(second).await.unwrap();
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(
        (report.failures.len(), values(&report, "meal").len()),
        (0, 1)
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_over_a_poisoned_input_is_redriven_as_a_whole() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    let report = runtime
        .run(episode("grain", [json!(POISON)]))
        .await
        .unwrap();
    let [failure] = &report.failures[..] else {
        panic!("unexpected: {:?}", report.failures);
    };
    let flow = letter_of(&runtime, "mill.bake");
    assert_eq!(
        (flow.task.id, flow.task.episode),
        (failure.task, Some(report.episode))
    );
    assert_eq!(failure.error["error"], "dead_lettered");
    let inner = letter_of(&runtime, "mill.grind");
    assert_eq!(inner.task.asked_by, Some(flow.task.id));
    let cause = flow.cause.as_str().unwrap();
    assert!(cause.contains(&inner.task.id.to_string()), "{cause}");
    // Alone it would answer nobody.
    let alone = runtime.redrive(inner.task.id).await.unwrap_err();
    assert!(
        alone.to_string().contains(&flow.task.id.to_string()),
        "{alone}"
    );

    mill.cure();
    runtime.redrive(flow.task.id).await.unwrap();
    let report = runtime.report(report.episode).await.unwrap();
    assert_eq!(report.failures, []);
    assert_eq!(values(&report, "bread"), [json!(POISON + 1)]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_a_panic_below_a_flow_is_told_as_what_it_is() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    for skill in ["mill.bake", "mill.feast"] {
        let asked = runtime.ask_json(skill, json!(POISON), TaskOptions::default());
        let error = asked.await.unwrap_err();
        assert!(
            matches!(error, TaskError::DeadLettered { .. }),
            "{skill}: {error}"
        );
        assert_eq!(error.exit_code(), 70, "{skill}");
    }
    let letters = runtime.dead_letters().unwrap().into_iter();
    let mut skills: Vec<String> = letters.map(|letter| letter.task.skill).collect();
    skills.sort();
    // Each flow on the way is kept, as it can be asked again.
    assert_eq!(
        skills,
        [
            "mill.bake",
            "mill.bake",
            "mill.feast",
            "mill.grind",
            "mill.grind"
        ]
    );
    // Whoever makes do without it is not given up.
    let asked = runtime.ask_json("mill.manage", json!(POISON), TaskOptions::default());
    assert_eq!(asked.await.unwrap(), json!(0));
    assert_eq!(runtime.dead_letters().unwrap().len(), 6);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_removed_for_good_and_once() {
    let (environment, mill) = (in_memory(), Mill::default());
    let runtime = start(&mill, &environment).await;
    for durable in [false, true] {
        let options = TaskOptions {
            episode: match durable {
                true => Some(runtime.begin_episode(Episode::new()).await.unwrap().id),
                false => None,
            },
            ..TaskOptions::default()
        };
        let asked = runtime.ask_json("mill.grind", json!(POISON), options);
        asked.await.unwrap_err();
        let task = letter_of(&runtime, "mill.grind").task.id;
        runtime.remove_dead_letter(task).await.unwrap();
        assert_eq!(runtime.dead_letters().unwrap(), []);
        for error in [
            runtime.remove_dead_letter(task).await.unwrap_err(),
            runtime.redrive(task).await.unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("there is no dead letter"),
                "{error}"
            );
        }
        let settled = environment.snapshot().unwrap().settled(task).unwrap();
        assert_eq!(settled.is_some(), durable, "its settlement stays");
    }
    environment.compact().await.unwrap();
    runtime.shutdown().await;
}
