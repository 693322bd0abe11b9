//! The network behind classes, embeddings and searches by picture.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::efficientnet::{EfficientNet, EfficientNetWeights, Impression, class_names};
use aimass_models::picture::Pixels;
use aimass_runtime::Fault;

use crate::image::ImageClass;
use crate::image::input::{ImageSize, decoded};
use crate::image::search_folder::KnownPictures;
use crate::stored::{Stored, StoredWeights, fault};

/// The model source of a network that classifies and compares pictures.
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

/// What a worker that classifies and compares pictures owns.
pub struct ImageClassifier {
    network: EfficientNet,
    pub(super) known: KnownPictures,
}

/// A picture as the network sees it.
pub(super) struct ImageView {
    pub(super) size: ImageSize,
    pixels: Pixels,
}

/// What the network makes of a picture.
pub(super) struct LookedAt {
    pub(super) size: ImageSize,
    impression: Impression,
}

impl ImageView {
    /// The view of the picture in a file. The picture itself, which may be large, is not kept.
    pub(super) fn of(path: &Path) -> Result<Self, Fault> {
        let picture = decoded(path)?;
        let pixels = EfficientNet::view(&picture.pixels);
        Ok(Self {
            size: ImageSize::of(&picture),
            pixels: pixels.map_err(|error| fault(&error))?,
        })
    }
}

impl ImageClassifier {
    /// Looks at pictures, all at once. One that there is no view of is answered with why.
    pub(super) fn look(
        &self,
        views: Vec<Result<ImageView, Fault>>,
    ) -> Vec<Result<LookedAt, Fault>> {
        let pixels = views.iter().flatten().map(|view| view.pixels.clone());
        let pixels: Vec<Pixels> = pixels.collect();
        let impressions = match self.network.look(&pixels) {
            Ok(impressions) => impressions,
            Err(error) => {
                let failed = |view: Result<ImageView, Fault>| view.and_then(|_| Err(fault(&error)));
                return views.into_iter().map(failed).collect();
            }
        };
        let mut impressions = impressions.into_iter();
        let looked_at = |view: Result<ImageView, Fault>| {
            let size = view?.size;
            let impression = impressions.next();
            let impression =
                impression.ok_or_else(|| Fault::bug("the network gave nothing for a picture"))?;
            Ok(LookedAt { size, impression })
        };
        views.into_iter().map(looked_at).collect()
    }

    /// The embedding of the picture in a file.
    pub(super) fn embedding(&self, path: &Path) -> Result<Vec<f32>, Fault> {
        let mut looked_at = self.look(vec![ImageView::of(path)]);
        let looked_at = looked_at.pop();
        looked_at
            .unwrap_or_else(|| Err(Fault::bug("the network gave nothing for a picture")))
            .map(|looked_at| looked_at.embedding())
    }
}

impl LookedAt {
    /// The most probable classes, the most probable first.
    pub(super) fn classes(&self, top: usize) -> Vec<ImageClass> {
        let probabilities = self.impression.probabilities.iter().copied();
        let mut ranked: Vec<(usize, f32)> = probabilities.enumerate().collect();
        ranked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let class = |(class, score): (usize, f32)| ImageClass {
            label: class_names(class).unwrap_or_default().to_owned(),
            score,
        };
        ranked.into_iter().take(top).map(class).collect()
    }

    /// An embedding of length 1: pictures that look alike have similar ones.
    pub(super) fn embedding(&self) -> Vec<f32> {
        let features = &self.impression.features;
        let length: f32 = features.iter().map(|value| value * value).sum();
        let length = length.sqrt().max(f32::MIN_POSITIVE);
        features.iter().map(|value| value / length).collect()
    }
}
