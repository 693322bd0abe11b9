//! The network behind classes, embeddings and searches by picture.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::efficientnet::{EfficientNet, EfficientNetWeights, Impression, class_names};
use aimass_models::picture::Pixels;
use aimass_runtime::Fault;

use crate::image::ImageClass;
use crate::image::search_folder::KnownPictures;
use crate::stored::{Stored, StoredWeights, fault};

/// The model source of a network that sorts and compares pictures.
pub type ClassifierSource = Stored<EfficientNetWeights>;

impl StoredWeights for EfficientNetWeights {
    type Options = ();
    type Model = ImageClassifier;

    const FILE: &'static str = ".pth";

    fn load(folder: &Path, device: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder, device)
    }

    fn build(weights: &Arc<Self>, _: &ClassifierSource) -> ImageClassifier {
        ImageClassifier {
            network: EfficientNet::new(weights.clone()),
            known: KnownPictures::default(),
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}

/// What a worker that sorts and compares pictures owns.
pub struct ImageClassifier {
    network: EfficientNet,
    pub(super) known: KnownPictures,
}

impl ImageClassifier {
    /// The likeliest classes of a picture, the likeliest first.
    pub(super) fn classes(&self, picture: &Pixels, top: usize) -> Result<Vec<ImageClass>, Fault> {
        let Impression { probabilities, .. } = self.look(picture)?;
        let mut ranked: Vec<(usize, f32)> = probabilities.into_iter().enumerate().collect();
        ranked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let class = |(class, score): (usize, f32)| ImageClass {
            label: class_names(class).unwrap_or_default().to_owned(),
            score,
        };
        Ok(ranked.into_iter().take(top).map(class).collect())
    }

    /// A vector of length 1, near those of pictures that look alike.
    pub(super) fn embedding(&self, picture: &Pixels) -> Result<Vec<f32>, Fault> {
        let Impression { features, .. } = self.look(picture)?;
        let length: f32 = features.iter().map(|value| value * value).sum();
        let length = length.sqrt().max(f32::MIN_POSITIVE);
        Ok(features.iter().map(|value| value / length).collect())
    }

    fn look(&self, picture: &Pixels) -> Result<Impression, Fault> {
        let seen = self.network.look(std::slice::from_ref(picture));
        let seen = seen.map_err(|error| fault(&error))?.pop();
        seen.ok_or_else(|| Fault::bug("the network gave nothing for a picture"))
    }
}
