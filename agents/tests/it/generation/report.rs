//! `generation.report`, with a skill that completes texts, and without one.

use std::fs;
use std::sync::Arc;

use aimass_agents::generation::{Author, Report, ReportInput, WriteReport};
use aimass_config::Config;
use aimass_locale::Locale;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Episode, Fault, Fresh, IdleRule, Operation, Runtime, Skill,
    SkillSpec, StepContext, TaskError, TaskOptions, WorkerGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Completes a prompt with one of these, by a word that is in it. It stands where a language model would: what matters here is what becomes of
/// its sentences.
struct Parrot;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Prompt {
    prompt: String,
    max_tokens: u32,
    temperature: f32,
    seed: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Completion {
    text: String,
}

impl Skill for Parrot {
    const NAME: &'static str = "generation.complete";
    type Input = Prompt;
    type Output = Completion;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Completes a text.").operation(Operation::Complete)
    }
}

impl BatchSkill for Parrot {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        prompts: &[Arc<Prompt>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Completion, Fault>> {
        let answer = |prompt: &Arc<Prompt>| {
            let text = match &prompt.prompt {
                crane if crane.contains("crane") => {
                    "The crane on pier four lost eleven hours. It rains."
                }
                apples if apples.contains("apples") => "Hanna thanks Peter for 12 apples.",
                _ => return Err(Fault::unavailable("there is no word for it")),
            };
            Ok(Completion {
                text: format!(" {text}"),
            })
        };
        prompts.iter().map(answer).collect()
    }
}

/// A generation agent without anything that completes texts.
struct Reporting;

impl Agent for Reporting {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .flow(WriteReport)
            .on_idle(IdleRule::new("generation-report", "generation.report")))
    }
}

/// One with something that does.
struct Completing;

impl Agent for Completing {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition
            .group(WorkerGroup::new("parrots", Fresh(|| ())).skill(Parrot))
            .flow(WriteReport)
            .on_idle(IdleRule::new("generation-report", "generation.report")))
    }
}

const HARBOUR: &str =
    "The crane on pier four stood still for most of Tuesday. We lost eleven hours.\n";
const ORCHARD: &str = "Thank you for the basket of apples. Yours, Hanna\n";

async fn report_of(agent: impl Agent, texts: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    for (at, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(format!("{at}.txt")), text).unwrap();
    }
    let runtime = Runtime::builder(Config::default())
        .agent(agent)
        .start()
        .await
        .unwrap();
    let report = runtime.run(Episode::from_files([folder.path()])).await;
    let report = report.unwrap();
    assert_eq!(report.failures, []);
    runtime.shutdown().await;
    let fact = report.facts.last().unwrap();
    assert_eq!(fact.kind.to_string(), "generation.report@1");
    serde_json::from_value(fact.value.clone()).unwrap()
}

fn of_model(report: &Report) -> Vec<(&str, &str)> {
    let all = report.sections.iter().flat_map(|section| {
        let heading = section.heading.as_str();
        section.sentences.iter().map(move |one| (heading, one))
    });
    let model = all.filter(|(_, one)| one.author == Author::Model);
    model.map(|(heading, one)| (heading, &*one.text)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_sentence_stands_only_if_its_document_bears_it_out() {
    let report = report_of(Completing, &[HARBOUR, ORCHARD]).await;
    let expected = [("0.txt", "The crane on pier four lost eleven hours.")];
    assert_eq!(of_model(&report), expected);
    let sentence = &report.sections[1].sentences[1];
    assert_eq!(sentence.references, [1], "it rests on the letter");
    assert!(report.plain().contains("hours. (written by the model) [1]"));
}

/// What a report says of the limits that it met, with the references of each.
fn limits(report: &Report) -> Vec<(&str, Vec<u32>)> {
    let overview = report.sections[0].sentences.iter();
    let marks = ["A model was asked about", " rests on ", "仅就前", "仅依据"];
    let limits = overview.filter(|one| marks.iter().any(|mark| one.text.contains(mark)));
    let said = limits.map(|one| (&*one.text, one.references.clone()));
    said.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_was_not_asked_about_is_told() {
    let most = [HARBOUR; 64];
    assert_eq!(limits(&report_of(Completing, &most).await), []);
    let report = report_of(Completing, &[HARBOUR; 66]).await;
    assert_eq!(of_model(&report).len(), 64);
    // Files are in the order of their names.
    let last = &report.sections[65..];
    let left_out: Vec<u32> = last
        .iter()
        .map(|one| one.sentences[0].references[0])
        .collect();
    let said = format!(
        "A model was asked about the first 64 texts and recordings only; 2 more are left out, from {} on.",
        last[0].heading
    );
    assert_eq!(limits(&report), [(&*said, left_out)]);
    // Without a model nothing was left out.
    assert_eq!(limits(&report_of(Reporting, &[HARBOUR; 66]).await), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_that_rests_on_a_beginning_is_told_of() {
    let long = HARBOUR.repeat(30);
    let spaced = format!("{HARBOUR}{}", " ".repeat(17 << 10));
    let report = report_of(Completing, &[HARBOUR, &long, ORCHARD, &spaced]).await;
    let said = "What the model says of 2 inputs rests on their first 2000 bytes.";
    assert_eq!(limits(&report), [(said, vec![2, 4])]);
    let chinese = report.in_locale(Locale::Chinese);
    let said = "模型对其中 2 份输入的描述仅依据其开头 2000 字节。";
    assert_eq!(limits(&chinese), [(said, vec![2, 4])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_or_with_one_that_fails_the_report_is_made_of_facts() {
    let without = report_of(Reporting, &[HARBOUR, ORCHARD]).await;
    assert_eq!(of_model(&without), []);
    assert_eq!(without.sections.len(), 3);
    let failing = report_of(Completing, &["Nobody has a word for this."]).await;
    assert_eq!(of_model(&failing), []);
    assert_eq!(failing.sections.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_can_be_asked_for_in_another_language_and_form() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), HARBOUR).unwrap();
    let runtime = Runtime::builder(Config::default())
        .agent(Reporting)
        .start()
        .await
        .unwrap();
    let done = runtime.run(Episode::from_files([folder.path()])).await;
    let done = done.unwrap();
    let input = json!({"episode": done.episode, "language": "zh", "format": "md"});
    let report = runtime
        .ask_json("generation.report", input, TaskOptions::default())
        .await
        .unwrap();
    let text = report["formatted"].as_str().unwrap();
    assert!(text.starts_with("# 关于 1 份输入的报告\n"), "{text}");
    assert!(text.contains("开头写道：“The crane on pier four"), "{text}");

    let by_facts = ReportInput {
        facts: Some(vec![serde_json::to_value(&done.facts[0]).unwrap()]),
        ..ReportInput::default()
    };
    let report = runtime.ask::<WriteReport>(by_facts).await.unwrap();
    assert_eq!(report.inputs, 1);
    for wrong in [
        json!({}),
        json!({"facts": [7]}),
        json!({"episode": done.episode, "facts": []}),
        json!({"episode": "00000000000000000000000000000001"}),
    ] {
        let asked = runtime.ask_json("generation.report", wrong.clone(), TaskOptions::default());
        let refused = asked.await.unwrap_err();
        assert!(
            matches!(refused, TaskError::Rejected { .. }),
            "{wrong}: {refused}"
        );
    }
    runtime.shutdown().await;
}
