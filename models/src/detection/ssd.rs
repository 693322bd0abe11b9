//! SSD with MobileNetV2, trained on COCO.
//!
//! The file is TensorFlow's frozen graph. Of it the network is run, from the stretched picture to what it says of each anchor; its loops around that, which
//! stretch pictures and choose boxes, are here in Rust.
//!
//! Source: TensorFlow's object detection, `ssd_mobilenet_v2_coco_2018_03_29`.

use std::path::Path;

use super::anchors::{Anchor, anchors};
use super::boxes::{BoundingBox, suppress};
use super::input::stretched;
use super::labels::place;
use super::{Detection, DetectionOptions};
use crate::ModelError;
use crate::graph::{Graph, Part};
use crate::picture::Pixels;

const FILE: &str = "frozen_inference_graph.pb";
/// The side that pictures are stretched to, as they were when it was trained.
const SIDE: usize = 300;
/// What the network takes: numbers from -1 to 1.
const INPUT: &str = "Preprocessor/sub";
/// For each anchor its box and its class logits; class 0 is background.
const OUTPUTS: [&str; 2] = ["concat", "concat_1"];
const KINDS: usize = 91;
/// The box variances.
const MIDDLE_STEP: f32 = 0.1;
const SIDE_STEP: f32 = 0.2;
/// The intersection over union from which boxes of one class are one object.
const OVERLAP: f32 = 0.6;

/// SSD with MobileNetV2. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct SsdMobileNet {
    graph: Graph,
    anchors: Vec<Anchor>,
}

impl SsdMobileNet {
    /// The score of the best F1 on labelled photographs (`benches/peers/detection.py`).
    pub const WORTH_TELLING: f32 = 0.45;
    /// A score of high precision: .93 on these photographs.
    pub const SURE: f32 = 0.75;

    /// Reads the network from `frozen_inference_graph.pb` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if the file is missing, damaged, or of another network.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let part = Part {
            inputs: vec![(INPUT.to_owned(), [1, SIDE, SIDE, 3].map(Some).to_vec())],
            outputs: OUTPUTS.map(str::to_owned).to_vec(),
        };
        let graph = Graph::part_from_tensorflow(&folder.join(FILE), &part)?;
        let anchors = anchors();
        let known = graph.outputs().iter().map(|port| port.sides.clone());
        let expected = [vec![1, anchors.len(), 1, 4], vec![1, anchors.len(), KINDS]];
        let expected = expected.map(|sides| Some(sides.into_iter().map(Some).collect()));
        if !known.eq(expected.iter().cloned()) {
            let expected = format!("outputs of the sides {expected:?}");
            return Err(crate::weights::format_error(
                &folder.join(FILE),
                expected,
                format!("{:?}", graph.outputs()),
            ));
        }
        Ok(Self { graph, anchors })
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
        let computing = || ModelError::compute("find objects");
        let input = stretched(picture, SIDE)?;
        let input = input.affine(2.0 / 255.0, -1.0).map_err(computing())?;
        let outputs = self.graph.run(&[(INPUT, input)])?;
        let mut numbers = Vec::with_capacity(outputs.len());
        for output in &outputs {
            numbers.push(
                output
                    .flatten_all()
                    .and_then(|output| output.to_vec1::<f32>())
                    .map_err(computing())?,
            );
        }
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let mut found = Vec::new();
        if let [places, kinds] = numbers.as_slice() {
            let (places, _) = places.as_chunks::<4>();
            let kinds = kinds.chunks_exact(KINDS);
            for ((anchor, place), kinds) in self.anchors.iter().zip(places).zip(kinds) {
                append(
                    kinds,
                    bounds(anchor, place, width, height),
                    options,
                    &mut found,
                );
            }
        }
        Ok(suppress(found, OVERLAP, options))
    }
}

/// Appends the classes of one anchor that have a high enough score.
fn append(
    kinds: &[f32],
    bounds: BoundingBox,
    options: &DetectionOptions,
    found: &mut Vec<Detection>,
) {
    for (number, logit) in kinds.iter().enumerate() {
        let score = 1.0 / (1.0 + (-logit).exp());
        if score < options.least_score {
            continue;
        }
        if let Some(class) = place(number) {
            found.push(Detection {
                class,
                score,
                bounds,
            });
        }
    }
}

/// Where a box is that is measured from an anchor: middle from above and left, then height and width.
fn bounds(anchor: &Anchor, place: &[f32; 4], width: f32, height: f32) -> BoundingBox {
    let [down, across, taller, wider] = place;
    let x = across.mul_add(MIDDLE_STEP * anchor.width, anchor.x);
    let y = down.mul_add(MIDDLE_STEP * anchor.height, anchor.y);
    let half_width = (wider * SIDE_STEP).exp() * anchor.width / 2.0;
    let half_height = (taller * SIDE_STEP).exp() * anchor.height / 2.0;
    let bounds = BoundingBox {
        left: (x - half_width) * width,
        top: (y - half_height) * height,
        right: (x + half_width) * width,
        bottom: (y + half_height) * height,
    };
    bounds.within(width, height)
}
