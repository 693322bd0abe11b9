//! A program of your own: `aimass` with one more agent. It reads letters and finds the sentences that complain.
//!
//! ```text
//! cargo run --release -p aimass-cli --example complaints -- run letters/
//! cargo run --release -p aimass-cli --example complaints -- ask complaints.find "The cup came broken."
//! cargo run --release -p aimass-cli --example complaints -- doctor
//! ```
//!
//! The agent is one folder's worth of code: two models, of which the second one reads other languages; a setting; a skill that streams; and a view, by which
//! run, report and page show what it finds.

use std::process::ExitCode;
use std::sync::Arc;

use aimass::models::Store;
use aimass::text::{EncoderSource, TextInput, TextModel};
use aimass::{
    Agent, AgentDefinition, AgentManifest, AgentSet, BatchSkill, FactView, Fault, FlowContext,
    FlowSkill, KnownSettings, ModelSlot, Panel, Reaction, ServerStreaming, Skill, SkillSpec,
    StepContext, TaskError, WorkerGroup, file_kind,
};
use aimass_locale::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

fn main() -> ExitCode {
    aimass_cli::run(AgentSet::default().with(MANIFEST))
}

const MANIFEST: AgentManifest = AgentManifest {
    name: "complaints",
    subject: || text!("complaints", "投诉"),
    models: &[ENGLISH, OTHERS],
    settings: KnownSettings::of::<Settings>,
    build: |store, config| {
        Box::new(Complaints {
            store: store.clone(),
            english: ENGLISH.model(config),
            others: OTHERS.model(config),
        })
    },
};

const ENGLISH: ModelSlot = ModelSlot {
    key: Some("model"),
    default: "minilm",
    inputs: &["file.text"],
    switch: None,
    purpose: || text!("complaints are found with it", "用于查找投诉"),
    without: None,
};

/// Nothing is fetched for letters that are all in English: no kind of files needs it.
const OTHERS: ModelSlot = ModelSlot {
    key: Some("multilingual"),
    default: "multilingual-minilm",
    inputs: &[],
    switch: None,
    purpose: || {
        text!(
            "complaints in other languages are found with it",
            "用于查找其他语言的投诉"
        )
    },
    without: None,
};

/// What can be set below `[agents.complaints.settings]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Score from which a sentence counts as a complaint.
    #[schemars(extend("x-rule" = "a number from -1 to 1"))]
    threshold: f32,
    /// Model of the catalogue for languages other than English.
    #[schemars(extend("x-rule" = "the name of a sentence model"))]
    multilingual: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 0.3,
            multilingual: OTHERS.default.to_owned(),
        }
    }
}

struct Complaints {
    store: Store,
    english: String,
    others: String,
}

impl Agent for Complaints {
    fn name(&self) -> &str {
        MANIFEST.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let Settings { threshold, .. } = definition.settings()?;
        let source = |model: &str| EncoderSource::new(self.store.clone(), model);
        Ok(definition
            .group(WorkerGroup::new("english", source(&self.english)?).skill(Score::<true>))
            .group(WorkerGroup::new("others", source(&self.others)?).skill(Score::<false>))
            .flow(Find { threshold })
            .reaction(Reaction::new("complaints", file_kind::TEXT, Find::NAME))
            .view::<Find>(view))
    }
}

/// How much each of some sentences complains, from -2 to 2.
type Scores = Vec<f32>;

/// Scores sentences: in English, or in any language that the other model knows.
struct Score<const ENGLISH: bool>;

type ScoreEnglish = Score<true>;
type ScoreOthers = Score<false>;

impl<const ENGLISH: bool> Skill for Score<ENGLISH> {
    const NAME: &'static str = match ENGLISH {
        true => "complaints.score",
        false => "complaints.score_any_language",
    };
    type Input = Vec<String>;
    type Output = Scores;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(match ENGLISH {
            true => "Scores how much each English sentence complains.",
            false => "Scores how much each sentence complains, in any language.",
        })
    }
}

impl<const ENGLISH: bool> BatchSkill for Score<ENGLISH> {
    type Model = TextModel;

    fn run(
        &self,
        model: &mut TextModel,
        inputs: &[Arc<Vec<String>>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<Scores, Fault>> {
        let scores = |sentences: &Arc<Vec<String>>| scores(model, sentences);
        inputs.iter().map(scores).collect()
    }
}

/// A sentence that complains is nearer to the first of these than to the second one.
const EXAMPLES: [&str; 2] = [
    "I want to complain: it came late, it is broken, and I want my money back.",
    "Thank you, everything is fine and I am happy with it.",
];

fn scores(model: &TextModel, sentences: &[String]) -> Result<Scores, Fault> {
    let sentences = sentences.iter().map(String::as_str);
    let texts: Vec<&str> = EXAMPLES.into_iter().chain(sentences).collect();
    let vectors = model.vectors(&texts)?;
    let [complaint, praise, sentences @ ..] = &vectors[..] else {
        return Err(Fault::bug("the model gave too few vectors"));
    };
    let alike = |one: &[f32], other: &[f32]| -> f32 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    };
    let score = |sentence: &Vec<f32>| alike(sentence, complaint) - alike(sentence, praise);
    Ok(sentences.iter().map(score).collect())
}

/// Finds the sentences of a text that complain, and sends each as soon as it is found.
struct Find {
    threshold: f32,
}

/// A sentence that complains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Complaint {
    /// The sentence.
    text: String,
    /// How much it complains: above the agent's threshold.
    score: f32,
}

/// What was found in a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Found {
    /// Number of sentences.
    sentences: usize,
    /// Those that complain, in their order.
    #[schemars(extend("x-view" = "scored"))]
    complaints: Vec<Complaint>,
}

impl Skill for Find {
    const NAME: &'static str = "complaints.find";
    type Input = TextInput;
    type Output = Found;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Finds the sentences of a text that complain.")
            .main_field("text")
            .sends::<Self>()
            .continues()
    }
}

impl ServerStreaming for Find {
    type Item = Complaint;
}

impl FlowSkill for Find {
    async fn run(&self, input: Arc<TextInput>, context: FlowContext) -> Result<Found, Fault> {
        let text = context
            .blocking(move || input.read().map(String::from))
            .await??;
        let sentences = sentences(&text);
        let is_english = is_english(&context, &text).await?;
        let mut found = Found {
            sentences: sentences.len(),
            complaints: Vec::new(),
        };
        // Few at a time: whoever listens has the first ones early.
        for some in sentences.chunks(16) {
            let scores = match is_english {
                true => context.ask::<ScoreEnglish>(some.to_vec()).await?,
                false => context.ask::<ScoreOthers>(some.to_vec()).await?,
            };
            for (text, score) in some.iter().zip(scores) {
                if score < self.threshold {
                    continue;
                }
                let complaint = Complaint {
                    text: text.clone(),
                    score,
                };
                context.emit(complaint.clone()).await?;
                found.complaints.push(complaint);
            }
        }
        Ok(found)
    }
}

/// Whether a text is in English, as the text agent sees it. A team without that agent reads all as English.
async fn is_english(context: &FlowContext, text: &str) -> Result<bool, Fault> {
    let asked = context.ask_json("text.language", json!({ "text": text }));
    match asked.await {
        Ok(found) => Ok(found["language"] == "en" || found["language"] == "unknown"),
        Err(TaskError::UnknownSkill { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The sentences of a text.
fn sentences(text: &str) -> Vec<String> {
    let ends = ['.', '!', '?', '。', '！', '？'];
    let pieces = text
        .split("\n\n")
        .flat_map(|part| part.split_inclusive(ends));
    let sentences = pieces.map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "));
    sentences
        .filter(|sentence| sentence.chars().any(char::is_alphabetic))
        .collect()
}

/// What people are shown of it.
fn view(found: &Found, name: &str) -> FactView {
    let (count, sentences) = (found.complaints.len(), found.sentences);
    let worst = found.complaints.iter();
    let Some(worst) = worst.max_by(|one, other| one.score.total_cmp(&other.score)) else {
        return FactView::new(text!("no complaint", "没有投诉"));
    };
    let (said, score) = (&worst.text, worst.score);
    let rows = found.complaints.iter();
    let rows = rows.map(|one| vec![format!("{:.2}", one.score), one.text.clone()]);
    FactView::new(text!(
        "{count} of {sentences} sentences complain, most of all ({score:.2}): “{said}”",
        "{sentences} 句中有 {count} 句投诉，最强烈的（{score:.2}）：“{said}”"
    ))
    .statement(text!(
        "{name} complains: “{said}”",
        "{name} 投诉道：“{said}”"
    ))
    .panel(Panel::Table {
        columns: vec![text!("score", "分数"), text!("sentence", "句子")],
        rows: rows.collect(),
    })
}
