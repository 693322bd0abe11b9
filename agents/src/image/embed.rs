//! `image.embed`: the embedding of a picture. Pictures that look alike have similar ones.

use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, ModelVersion, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::classifier::{ImageView, LookedAt};
use crate::image::{ImageClassifier, ImageInput};

/// Turns a picture into an embedding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embed;

/// An embedding of length 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageEmbedding {
    /// The embedding; 1,280 numbers with the default model.
    pub embedding: Vec<f32>,
    /// Version of the model; embeddings of different versions cannot be compared.
    #[schemars(with = "String")]
    pub model: ModelVersion,
}

impl Skill for Embed {
    const NAME: &'static str = "image.embed";
    type Input = ImageInput;
    type Output = ImageEmbedding;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>(
            "Gives the embedding of a picture: pictures that look alike have similar embeddings.",
        )
        .main_field("path")
    }

    fn input_bytes(&self, input: &ImageInput) -> u64 {
        input.bytes()
    }
}

impl BatchSkill for Embed {
    type Model = ImageClassifier;

    fn run(
        &self,
        model: &mut ImageClassifier,
        inputs: &[Arc<ImageInput>],
        context: &mut StepContext<'_>,
    ) -> Vec<Result<ImageEmbedding, Fault>> {
        let version = context.model_version().clone();
        let views = inputs.iter().map(|input| ImageView::of(&input.path));
        let looked_at = model.look(views.collect()).into_iter();
        let embedding = |looked_at: Result<LookedAt, Fault>| {
            Ok(ImageEmbedding {
                embedding: looked_at?.embedding(),
                model: version.clone(),
            })
        };
        looked_at.map(embedding).collect()
    }
}
