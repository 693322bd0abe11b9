//! The network that detects objects: one of two, by the files of its model.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::detection::{CenterNet, Detection, DetectionOptions, SsdMobileNet};
use aimass_models::device::Device;
use aimass_models::picture::Pixels;
use aimass_runtime::Fault;

use crate::image::DetectedObject;
use crate::stored::{Stored, StoredWeights, fault};

/// The file by which CenterNet is known.
const CENTERNET: &str = "centernet.json";
/// Objects of one picture that are returned at most.
const MAX_OBJECTS: usize = 100;

/// The model source of a network that detects objects.
pub type DetectorSource = Stored<DetectorWeights>;

/// A network that detects objects.
#[derive(Debug)]
pub enum DetectorWeights {
    /// SSD with MobileNetV2.
    Ssd(SsdMobileNet),
    /// CenterNet.
    CenterNet(CenterNet),
}

impl StoredWeights for DetectorWeights {
    type Options = ();
    type Model = ObjectDetector;

    const FILE: &'static str = "frozen_inference_graph.pb";

    /// Both run on the processor, whatever the device.
    fn load(folder: &Path, _: &Device, (): &()) -> Result<Self, ModelError> {
        match folder.join(CENTERNET).exists() {
            true => CenterNet::load(folder).map(Self::CenterNet),
            false => SsdMobileNet::load(folder).map(Self::Ssd),
        }
    }

    fn build(weights: &Arc<Self>, _: &DetectorSource) -> ObjectDetector {
        ObjectDetector(weights.clone())
    }

    fn memory_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Ssd(network) => network.size_in_bytes(),
            Self::CenterNet(network) => network.size_in_bytes(),
        };
        bytes as u64
    }
}

/// What a worker that detects objects owns.
pub struct ObjectDetector(Arc<DetectorWeights>);

impl ObjectDetector {
    /// The objects of a picture, the highest score first: of at least that score, or of one that suits the network.
    pub(super) fn objects(
        &self,
        picture: &Pixels,
        least_score: Option<f32>,
    ) -> Result<Vec<DetectedObject>, Fault> {
        let (telling, sure) = match &*self.0 {
            DetectorWeights::Ssd(_) => (SsdMobileNet::WORTH_TELLING, SsdMobileNet::SURE),
            DetectorWeights::CenterNet(_) => (CenterNet::WORTH_TELLING, CenterNet::SURE),
        };
        let options = DetectionOptions {
            least_score: least_score.unwrap_or(telling),
            most: MAX_OBJECTS,
        };
        let found = match &*self.0 {
            DetectorWeights::Ssd(network) => network.detect(picture, &options),
            DetectorWeights::CenterNet(network) => network.detect(picture, &options),
        };
        let found = found.map_err(|error| fault(&error))?;
        Ok(found.iter().map(|found| object(found, sure)).collect())
    }
}

fn object(found: &Detection, sure: f32) -> DetectedObject {
    let place = found.bounds;
    DetectedObject {
        label: found.label().to_owned(),
        score: found.score,
        sure: found.score >= sure,
        bounds: [place.left, place.top, place.right, place.bottom],
    }
}
