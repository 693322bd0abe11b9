//! `generation.report`, with a skill that completes texts, and without one.

use std::fs;
use std::sync::Arc;

use aimass_agents::generation::{
    Annotate, Annotated, Author, Reason, Report, ReportInput, WriteReport,
};
use aimass_config::Config;
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
                    "The crane on pier four stood still on Tuesday. It rains."
                }
                apples if apples.contains("apples") => "Hanna thanks Peter for 12 apples.",
                cat if cat.contains("cat") => "A cat slept on the roof.",
                _ => return Err(Fault::unavailable("there is no word for it")),
            };
            Ok(Completion {
                text: format!(" {text}"),
            })
        };
        prompts.iter().map(answer).collect()
    }
}

/// Says of texts about cats that no short one means what a long one does, and of all others that they mean the same.
struct Meanings;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Words {
    text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Vector {
    embedding: Vec<f32>,
}

impl Skill for Meanings {
    const NAME: &'static str = "generation.embed";
    type Input = Words;
    type Output = Vector;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Embeds a text.").operation(Operation::Embed)
    }
}

impl BatchSkill for Meanings {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        texts: &[Arc<Words>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Vector, Fault>> {
        let embed = |words: &Arc<Words>| {
            let is_apart = words.text.contains("cat") && words.text.len() < 40;
            let embedding = if is_apart {
                vec![0.0, 1.0]
            } else {
                vec![1.0, 0.0]
            };
            Ok(Vector { embedding })
        };
        texts.iter().map(embed).collect()
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
            .flow(Annotate)
            .on_idle(IdleRule::of::<WriteReport>("generation-report")))
    }
}

/// One with something that does.
struct Completing;

impl Agent for Completing {
    fn name(&self) -> &str {
        "generation"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let words = WorkerGroup::new("words", Fresh(|| ()));
        let definition = definition.group(words.skill(Parrot).skill(Meanings));
        Reporting.define(definition)
    }
}

const HARBOUR: &str =
    "The crane on pier four stood still for most of Tuesday. We lost eleven hours.\n";
const ORCHARD: &str =
    "Thank you very much for the basket of apples that came on Friday. Yours, Hanna\n";
const ROOF: &str = "A cat slept on the roof of the old school until the bell rang at noon.\n";

/// The report on texts, and the same with sentences of a model.
async fn reports_on(agent: impl Agent, texts: &[&str]) -> (Report, Result<Annotated, TaskError>) {
    let folder = tempfile::tempdir().unwrap();
    for (at, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(format!("{at}.txt")), text).unwrap();
    }
    let runtime = Runtime::builder(Config::default())
        .agent(agent)
        .start()
        .await
        .unwrap();
    let done = runtime.run(Episode::from_files([folder.path()])).await;
    let done = done.unwrap();
    assert_eq!(done.failures, []);
    let annotated = runtime.ask::<Annotate>(ReportInput::on(done.episode)).await;
    runtime.shutdown().await;
    let fact = done.facts.last().unwrap();
    assert_eq!(fact.kind.to_string(), "generation.report@1");
    let report = serde_json::from_value(fact.value.clone()).unwrap();
    (report, annotated)
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
async fn a_models_sentence_stands_only_if_it_passes_the_check() {
    let (report, annotated) = reports_on(Completing, &[HARBOUR, ORCHARD, ROOF]).await;
    assert_eq!(of_model(&report), [], "the report itself is made of facts");
    let Annotated { report, left_out } = annotated.unwrap();
    let heading = "In the words of the language model";
    let expected = [(heading, "The crane on pier four stood still on Tuesday.")];
    assert_eq!(of_model(&report), expected);
    let last = report.sections.last().unwrap();
    assert_eq!(last.sentences[0].references, [1], "it rests on the letter");
    assert!(
        report
            .plain()
            .contains("Tuesday. (written by the model) [1]")
    );
    let why: Vec<(&str, Reason)> = left_out
        .iter()
        .map(|one| (one.source.as_str(), one.reason))
        .collect();
    assert_eq!(why, [("1.txt", Reason::Number), ("2.txt", Reason::Meaning)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_says_five_sentences_at_most() {
    let (_, annotated) = reports_on(Completing, &[HARBOUR; 9]).await;
    assert_eq!(of_model(&annotated.unwrap().report).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_or_with_one_that_fails_the_report_is_made_of_facts() {
    let (without, annotated) = reports_on(Reporting, &[HARBOUR, ORCHARD]).await;
    assert_eq!(of_model(&without), []);
    assert_eq!(without.details.len(), 2);
    let annotated = annotated.unwrap();
    assert_eq!((annotated.report, annotated.left_out), (without, vec![]));
    let wordless = "Nobody has a word for this, and yet it is long enough to be asked about.";
    let (failing, annotated) = reports_on(Completing, &[wordless]).await;
    assert_eq!(failing.details.len(), 1);
    assert_eq!(annotated.unwrap().report, failing);
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
