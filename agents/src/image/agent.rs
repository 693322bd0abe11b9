//! The image agent's parts.

use aimass_locale::text;
use aimass_models::Store;
use aimass_runtime::{Agent, AgentDefinition, Fault, Reaction, Skill, WorkerGroup, file_kind};

use crate::image::{
    ClassifierSource, Classify, CompareFaces, Describe, Detect, DetectorSource, Embed,
    FaceFeatures, FaceFinderSource, FaceReaderSource, Faces, FindFaces, ImageDescription,
    ImageEmbedding, Read, ReaderSource, Search, SearchFolder,
};
use crate::manifest::{AgentManifest, KnownSettings, ModelSlot};

/// What is known of the agent before it is built.
pub const MANIFEST: AgentManifest = AgentManifest {
    name: "image",
    subject: || text!("image", "图像"),
    models: &[MODEL, CLASSIFIER, FACES, FEATURES, READER],
    settings: KnownSettings::default,
    build: |store, config| Box::new(ImageAgent::new(store.clone(), Some(&MODEL.model(config)))),
};

/// The model that detects objects.
const MODEL: ModelSlot = ModelSlot {
    key: Some("model"),
    default: "ssd-mobilenet-v2",
    inputs: &["file.image"],
    switch: None,
    purpose: || {
        text!(
            "objects in pictures are detected with it",
            "用于检测图片中的物体"
        )
    },
    without: None,
};

/// The model that classifies and compares pictures.
const CLASSIFIER: ModelSlot = ModelSlot {
    key: None,
    default: "efficientnet-lite0",
    purpose: || {
        text!(
            "pictures are classified and compared with it",
            "用于图片的分类与比较"
        )
    },
    ..MODEL
};

/// The model that detects faces.
const FACES: ModelSlot = ModelSlot {
    key: None,
    default: "mtcnn",
    purpose: || text!("faces are detected with it", "用于检测人脸"),
    ..MODEL
};

/// The model for facial expressions and face embeddings. Optional: `aimass run` does not fetch it, because it comes
/// through npm.
const FEATURES: ModelSlot = ModelSlot {
    key: None,
    default: "face-api",
    inputs: &[],
    purpose: || text!("faces are compared with it", "用于比较人脸"),
    without: Some(|| {
        text!(
            "without it faces have no expression, and cannot be compared",
            "没有它，人脸没有表情，也无法比较"
        )
    }),
    ..MODEL
};

/// The model that reads.
const READER: ModelSlot = ModelSlot {
    key: None,
    default: "pp-ocr-v4",
    purpose: || text!("text in pictures is read with it", "用于识别图片中的文字"),
    ..MODEL
};

/// The agent for pictures.
#[derive(Debug, Clone)]
pub struct ImageAgent {
    store: Store,
    model: String,
}

impl ImageAgent {
    /// Creates an agent that finds its models in `store`; `model` is the catalogue's name of the one that
    /// detects objects, by default that of its slot.
    pub fn new(store: Store, model: Option<&str>) -> Self {
        Self {
            store,
            model: model.unwrap_or(MODEL.default).to_owned(),
        }
    }

    /// Returns the catalogue's name of the model that detects objects.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Agent for ImageAgent {
    fn name(&self) -> &str {
        MANIFEST.name
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let store = || self.store.clone();
        let detector = DetectorSource::new(store(), &self.model)?;
        let classifier = ClassifierSource::new(store(), CLASSIFIER.default)?;
        let classifier = WorkerGroup::new("classifier", classifier)
            .skill(Classify)
            .skill(Embed)
            .skill(SearchFolder);
        let faces = FaceFinderSource::new(store(), FACES.default)?;
        let features = FaceReaderSource::new(store(), FEATURES.default)?;
        let reader = ReaderSource::new(store(), READER.default)?;
        Ok(definition
            .view::<Describe>(ImageDescription::view)
            .view::<Embed>(ImageEmbedding::view)
            .group(WorkerGroup::new("detector", detector).skill(Detect))
            .group(classifier)
            .group(WorkerGroup::new("faces", faces).skill(FindFaces))
            .group(WorkerGroup::new("face-features", features).skill(FaceFeatures))
            .group(WorkerGroup::new("reader", reader).skill(Read))
            .flow(Faces::new(store(), FEATURES.default))
            .flow(CompareFaces)
            .flow(Describe)
            .flow(Search)
            .reaction(Reaction::new(
                "image-describe",
                file_kind::IMAGE,
                Describe::NAME,
            ))
            .reaction(Reaction::new("image-embed", file_kind::IMAGE, Embed::NAME)))
    }
}
