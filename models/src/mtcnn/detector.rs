//! The three steps of a search for faces.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};

use super::boxes::{Candidate, Face, Share, distinct};
use super::networks::{Judge, Proposals};
use super::pyramid::{batch, sampled};
use crate::ModelError;
use crate::layers::Checkpoint;
use crate::picture::{Pixels, Region};
use crate::torch::TorchFile;

/// The side of the window that the first network sees, and the steps in which it moves.
const CELL: f32 = 12.0;
const STRIDE: f32 = 2.0;
/// Each size of the picture is this share of the one before.
const SHRINK: f64 = 0.709;
/// Overlaps at which two boxes say the same: within a size, and among all.
const WITHIN_SIZE: f32 = 0.5;
const AMONG_ALL: f32 = 0.7;
/// The sides of the squares that the second and the third network see.
const SECOND: usize = 24;
const THIRD: usize = 48;
/// Squares that go through a network at once.
const AT_ONCE: usize = 128;
/// Boxes that are carried on: a picture of a crowd has some thousand.
const MOST_BOXES: usize = 20_000;

/// The immutable part of the networks. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct MtcnnWeights {
    first: Proposals,
    second: Judge,
    third: Judge,
    device: Device,
}

/// How faces are searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceSearch {
    /// The side of the smallest face, in pixels. Half of it takes four times as long.
    pub smallest: f32,
    /// How probable a face must be for the first, the second and the third network.
    pub thresholds: [f32; 3],
}

impl Default for FaceSearch {
    /// Those of the reference: 20 pixels; .6, .7, .7.
    fn default() -> Self {
        Self {
            smallest: 20.0,
            thresholds: [0.6, 0.7, 0.7],
        }
    }
}

impl MtcnnWeights {
    /// Reads the networks from `pnet.pt`, `rnet.pt` and `onet.pt` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of another
    /// network; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let open = |name: &str| TorchFile::open(&folder.join(name));
        let (first, second, third) = (open("pnet.pt")?, open("rnet.pt")?, open("onet.pt")?);
        Ok(Self {
            first: Proposals::read(&Checkpoint::new(&first, device))?,
            second: Judge::second(&Checkpoint::new(&second, device))?,
            third: Judge::third(&Checkpoint::new(&third, device))?,
            device: device.clone(),
        })
    }

    /// Returns the bytes of the weights in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (self.first.bytes() + self.second.bytes() + self.third.bytes()) as u64
    }
}

/// The networks in use by one worker.
#[derive(Debug, Clone)]
pub struct Mtcnn {
    weights: Arc<MtcnnWeights>,
}

impl Mtcnn {
    /// Creates networks on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<MtcnnWeights>) -> Self {
        Self { weights }
    }

    /// Returns the faces of a picture of any size, the largest first.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the smallest face has fewer than 12 pixels or a threshold is not
    /// from 0 to 1; [`ModelError::Compute`] if the device fails.
    pub fn detect(&self, picture: &Pixels, search: FaceSearch) -> Result<Vec<Face>, ModelError> {
        check(search)?;
        let found = self.search(picture, search);
        let mut faces = found.map_err(ModelError::compute("look for faces"))?;
        let area = |face: &Face| {
            let [x0, y0, x1, y1] = face.bounds;
            (x1 - x0) * (y1 - y0)
        };
        faces.sort_by(|one, other| area(other).total_cmp(&area(one)));
        Ok(faces)
    }

    fn search(&self, picture: &Pixels, search: FaceSearch) -> CandleResult<Vec<Face>> {
        let proposed = self.propose(picture, search)?;
        let judged = self.judge(picture, proposed, search.thresholds[1])?;
        self.finish(picture, judged, search.thresholds[2])
    }

    /// The first network, over the picture in all sizes.
    fn propose(&self, picture: &Pixels, search: FaceSearch) -> CandleResult<Vec<Candidate>> {
        let mut all = Vec::new();
        for scale in scales(picture, search.smallest) {
            let found = self.propose_at(picture, scale, search.thresholds[0])?;
            let kept = distinct(&found, WITHIN_SIZE, Share::Union);
            all.extend(kept.into_iter().map(|index| found[index]));
        }
        let kept = distinct(&all, AMONG_ALL, Share::Union);
        let kept = kept.into_iter().take(MOST_BOXES);
        Ok(kept
            .map(|index| all[index].corrected(0.0).squared())
            .collect())
    }

    /// The first network, over the picture in one size.
    fn propose_at(
        &self,
        picture: &Pixels,
        scale: f64,
        threshold: f32,
    ) -> CandleResult<Vec<Candidate>> {
        let side = |side: u32| (f64::from(side) * scale + 1.0) as usize;
        let (width, height) = (side(picture.width()), side(picture.height()));
        let values = sampled(picture, whole(picture), width, height);
        let input = Tensor::from_vec(values, (1, 3, height, width), &self.weights.device)?;
        let (faces, offsets) = self.weights.first.forward(&input)?;
        let (_, columns) = faces.dims2()?;
        let faces: Vec<f32> = faces.flatten_all()?.to_vec1()?;
        let offsets: Vec<f32> = offsets.flatten_all()?.to_vec1()?;
        let places = faces.iter().enumerate();
        let found = places.filter(|(_, score)| **score >= threshold);
        let scale = scale as f32;
        let mut found: Vec<Candidate> = found
            .map(|(place, score)| {
                let (x, y) = ((place % columns) as f32, (place / columns) as f32);
                let start = |at: f32| ((STRIDE * at + 1.0) / scale).floor();
                let end = |at: f32| ((STRIDE * at + CELL) / scale).floor();
                Candidate {
                    bounds: [start(x), start(y), end(x), end(y)],
                    score: *score,
                    offsets: [0, 1, 2, 3].map(|part| offsets[part * faces.len() + place]),
                }
            })
            .collect();
        if found.len() > MOST_BOXES {
            found.sort_by(|one, other| other.score.total_cmp(&one.score));
            found.truncate(MOST_BOXES);
        }
        Ok(found)
    }

    /// The second network, over what the first found.
    fn judge(
        &self,
        picture: &Pixels,
        proposed: Vec<Candidate>,
        threshold: f32,
    ) -> CandleResult<Vec<Candidate>> {
        let mut found = Vec::new();
        for some in inside(picture, proposed).chunks(AT_ONCE) {
            let regions: Vec<Region> = some.iter().map(|(_, region)| *region).collect();
            let input = batch(picture, &regions, SECOND, &self.weights.device)?;
            let judgement = self.weights.second.forward(&input)?;
            let numbers = judgement.faces.into_iter().zip(judgement.offsets);
            for ((candidate, _), (score, offsets)) in some.iter().zip(numbers) {
                if score > threshold {
                    found.push(with(*candidate, score, &offsets));
                }
            }
        }
        let kept = distinct(&found, AMONG_ALL, Share::Union);
        let kept = kept.into_iter();
        Ok(kept
            .map(|index| found[index].corrected(1.0).squared())
            .collect())
    }

    /// The third network, over what the second left.
    fn finish(
        &self,
        picture: &Pixels,
        judged: Vec<Candidate>,
        threshold: f32,
    ) -> CandleResult<Vec<Face>> {
        let (mut found, mut landmarks) = (Vec::new(), Vec::new());
        for some in inside(picture, judged).chunks(AT_ONCE) {
            let regions: Vec<Region> = some.iter().map(|(_, region)| *region).collect();
            let input = batch(picture, &regions, THIRD, &self.weights.device)?;
            let judgement = self.weights.third.forward(&input)?;
            let numbers = judgement.faces.into_iter().zip(judgement.offsets);
            let numbers = numbers.zip(judgement.points);
            for ((candidate, _), ((score, offsets), points)) in some.iter().zip(numbers) {
                if score > threshold {
                    landmarks.push(placed(candidate.bounds, &points));
                    found.push(with(*candidate, score, &offsets).corrected(1.0));
                }
            }
        }
        let kept = distinct(&found, AMONG_ALL, Share::Smaller);
        let faces = kept.into_iter().map(|index| Face {
            bounds: found[index].bounds,
            score: found[index].score,
            landmarks: landmarks[index],
        });
        Ok(faces.collect())
    }
}

/// The sizes in which a picture is looked at, as shares of its own.
fn scales(picture: &Pixels, smallest: f32) -> Vec<f64> {
    let mut scale = f64::from(CELL) / f64::from(smallest);
    let mut side = f64::from(picture.width().min(picture.height())) * scale;
    let mut scales = Vec::new();
    while side >= f64::from(CELL) {
        scales.push(scale);
        scale *= SHRINK;
        side *= SHRINK;
    }
    scales
}

fn whole(picture: &Pixels) -> Region {
    Region {
        left: 0,
        top: 0,
        width: picture.width(),
        height: picture.height(),
    }
}

/// The boxes that have pixels of the picture, each with them.
fn inside(picture: &Pixels, candidates: Vec<Candidate>) -> Vec<(Candidate, Region)> {
    let candidates = candidates.into_iter();
    candidates
        .filter_map(|candidate| {
            let region = candidate.region(picture.width(), picture.height())?;
            Some((candidate, region))
        })
        .collect()
}

fn with(candidate: Candidate, score: f32, offsets: &[f32]) -> Candidate {
    Candidate {
        score,
        offsets: [0, 1, 2, 3].map(|part| offsets.get(part).copied().unwrap_or(0.0)),
        ..candidate
    }
}

/// Points, in shares of a box, in pixels.
fn placed([x0, y0, x1, y1]: [f32; 4], points: &[f32]) -> [[f32; 2]; 5] {
    let (width, height) = (x1 - x0 + 1.0, y1 - y0 + 1.0);
    let share = |place: usize| points.get(place).copied().unwrap_or(0.0);
    [0, 1, 2, 3, 4].map(|point| {
        [
            width * share(point) + x0 - 1.0,
            height * share(point + 5) + y0 - 1.0,
        ]
    })
}

fn check(search: FaceSearch) -> Result<(), ModelError> {
    let fits = search.smallest >= CELL && search.smallest.is_finite();
    let are_shares = search
        .thresholds
        .iter()
        .all(|share| (0.0..=1.0).contains(share));
    if fits && are_shares {
        return Ok(());
    }
    Err(ModelError::Input {
        operation: "look for faces",
        expected: format!("faces of at least {CELL} pixels and thresholds from 0 to 1"),
        found: format!("{} pixels and {:?}", search.smallest, search.thresholds),
        advice: "take the default".to_owned(),
    })
}
