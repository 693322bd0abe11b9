//! From a picture to its lines of text.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::boxes::{ProbabilityMap, boxes};
use super::crop::{Turns, UPRIGHT, flat, half, quarter};
use super::hull::{Corners, sides};
use super::order::{Placed, in_reading_order};
use super::recognizer::{ReadLine, backwards, is_on_its_head, recognize};
use crate::ModelError;
use crate::graph::Graph;
use crate::picture::{Filter, Layout, Pixels, Scaling};

const DETECTOR: &str = "ch_PP-OCRv4_det_infer.onnx";
const JUDGE: &str = "ch_ppocr_mobile_v2.0_cls_infer.onnx";
const RECOGNIZER: &str = "ch_PP-OCRv4_rec_infer.onnx";

/// The longer side of a picture as the first network sees it, at most, before the shorter one is
/// made [`SHORTER`].
const LONGER: u32 = 2000;
/// The shorter side of a picture as the first network sees it, at least.
const SHORTER: u32 = 736;
/// A picture that is longer by more than this is padded: it would become too large.
const RATIO: u32 = 8;
/// Sides of what the first network sees are multiples of this.
const MULTIPLE: u32 = 32;
/// Lines that are read with less are none.
const READABLE: f32 = 0.5;
/// The least side of a line, in pixels of the picture.
const MIN_SIDE: f32 = 3.0;

/// The immutable part of the networks. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct OcrWeights {
    detector: Graph,
    judge: Graph,
    recognizer: Graph,
    /// The character of each class of the recognizer; that of class 0 is none.
    characters: Vec<String>,
}

impl OcrWeights {
    /// Reads the three networks from `folder`. They run on the processor, whatever the device.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of another
    /// network.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let open = |name: &str| Graph::from_onnx(&folder.join(name));
        let recognizer = open(RECOGNIZER)?;
        let Some(listed) = recognizer.metadata().get("character") else {
            return Err(ModelError::Format {
                path: folder.join(RECOGNIZER),
                expected: "a network that names its characters".to_owned(),
                found: "none".to_owned(),
                advice: "fetch it again with `aimass models pull`".to_owned(),
            });
        };
        // Before those that the file lists there is none, behind them the space.
        let listed = listed.lines().map(str::to_owned);
        let characters = std::iter::once(String::new())
            .chain(listed)
            .chain([" ".to_owned()]);
        Ok(Self {
            detector: open(DETECTOR)?,
            judge: open(JUDGE)?,
            characters: characters.collect(),
            recognizer,
        })
    }

    /// Returns the bytes of the weights in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let graphs = [&self.detector, &self.judge, &self.recognizer];
        graphs
            .map(|graph| graph.size_in_bytes() as u64)
            .iter()
            .sum()
    }
}

/// The networks in use by one worker.
#[derive(Debug, Clone)]
pub struct TextReader {
    weights: Arc<OcrWeights>,
}

/// A picture that is being read, line by line.
#[derive(Debug)]
pub struct Reading {
    page: Page,
    /// The boxes that are left, in reverse.
    left: Vec<Corners>,
    boxes: usize,
    lines: Vec<Placed>,
}

impl TextReader {
    /// Creates networks on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<OcrWeights>) -> Self {
        Self { weights }
    }

    /// Returns all lines of a picture of any size, in the order in which they are read.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if a network fails.
    pub fn read(&self, picture: Pixels) -> Result<Vec<ReadLine>, ModelError> {
        let mut reading = self.begin(picture)?;
        while !self.step(&mut reading)? {}
        Ok(reading.lines())
    }

    /// Finds the lines of a picture, each of which is read by a further step.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if a network fails.
    pub fn begin(&self, picture: Pixels) -> Result<Reading, ModelError> {
        let (page, mut left) = self.page(picture)?;
        left.reverse();
        Ok(Reading {
            page,
            boxes: left.len(),
            left,
            lines: Vec::new(),
        })
    }

    /// Reads the next line. Returns whether all are read.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if a network fails.
    pub fn step(&self, reading: &mut Reading) -> Result<bool, ModelError> {
        let Some(corners) = reading.left.pop() else {
            return Ok(true);
        };
        let page = &reading.page;
        let (mut line, Turns(mut turns)) = flat(&page.picture, &corners)?;
        if is_on_its_head(&self.weights.judge, &line)? {
            line = half(&line)?;
            turns += 2;
        }
        let weights = &self.weights;
        let (text, score) = recognize(&weights.recognizer, &weights.characters, &line)?;
        if score >= READABLE && !text.trim().is_empty() {
            // Of a line that was turned the first corner is another one.
            let mut turned = corners;
            turned.rotate_left(usize::from(turns));
            let line = ReadLine {
                text,
                score,
                corners: turned.map(|corner| page.place(corner)),
            };
            let turns = turns + page.turns.0;
            reading.lines.push(Placed { line, turns });
        }
        Ok(reading.left.is_empty())
    }

    /// A page as it is read, and the boxes around its lines. The first network sees lines that lie
    /// flat far better than those that stand upright: where most do, the page is turned.
    fn page(&self, picture: Pixels) -> Result<(Page, Vec<Corners>), ModelError> {
        let boxes = self.find(&picture)?;
        let page = Page {
            width: picture.width() as f32,
            picture,
            turns: Turns(0),
        };
        if !stand_upright(&boxes) {
            return Ok((page, boxes));
        }
        let turned = quarter(&page.picture)?;
        let found = self.find(&turned)?;
        if stand_upright(&found) {
            return Ok((page, boxes));
        }
        let page = Page {
            picture: turned,
            turns: Turns(1),
            ..page
        };
        Ok((page, found))
    }

    /// The boxes around lines, in pixels of the picture.
    fn find(&self, picture: &Pixels) -> Result<Vec<Corners>, ModelError> {
        let Seen {
            pixels,
            scale,
            width,
            height,
        } = seen(picture)?;
        let tensor = backwards(&pixels)?;
        let tensor = tensor.to_tensor(Layout::Nchw, Scaling::even(127.5, 127.5), &Device::Cpu)?;
        let map = only_output(&self.weights.detector, tensor)?;
        let values = map.flatten_all().and_then(|all| all.to_vec1());
        let values: Vec<f32> = values.map_err(ModelError::compute("find lines"))?;
        let found = boxes(&ProbabilityMap {
            values: &values,
            width: pixels.width() as usize,
        });
        let inside = |corner: [f32; 2]| {
            [
                (corner[0] * scale[0]).round().clamp(0.0, width),
                (corner[1] * scale[1]).round().clamp(0.0, height),
            ]
        };
        let found = found.into_iter().map(|corners| corners.map(inside));
        let is_line = |corners: &Corners| sides(corners).iter().all(|side| *side > MIN_SIDE);
        Ok(found.filter(is_line).collect())
    }
}

impl Reading {
    /// Returns how much of it is done, 0 to 1.
    #[must_use]
    pub fn done(&self) -> f32 {
        1.0 - self.left.len() as f32 / self.boxes.max(1) as f32
    }

    /// Returns the lines that were read, in the order in which they are read.
    #[must_use]
    pub fn lines(self) -> Vec<ReadLine> {
        in_reading_order(self.lines)
    }
}

/// A page as it is read.
#[derive(Debug)]
struct Page {
    picture: Pixels,
    /// How the picture was turned.
    turns: Turns,
    /// The width of the picture before.
    width: f32,
}

impl Page {
    /// Where a place of the page is in the picture as it was given.
    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        match self.turns {
            Turns(0) => [x, y],
            _ => [self.width - y, x],
        }
    }
}

/// Whether most of the lines stand upright, by their lengths.
fn stand_upright(boxes: &[Corners]) -> bool {
    let (mut upright, mut flat) = (0.0, 0.0);
    for corners in boxes {
        let [width, height] = sides(corners);
        match height >= UPRIGHT * width {
            true => upright += height,
            false => flat += width,
        }
    }
    upright > flat
}

/// What the first network sees of a picture.
struct Seen {
    pixels: Pixels,
    /// What a place in it is multiplied by to be one of the picture.
    scale: [f32; 2],
    /// The picture's sides.
    width: f32,
    height: f32,
}

/// A picture in a size that the first network is good at: padded where it is very long, made
/// smaller where it is large, larger where it is small.
fn seen(picture: &Pixels) -> Result<Seen, ModelError> {
    let (width, height) = (picture.width(), picture.height());
    let padded = padded(picture)?;
    let (wide, high) = (f64::from(padded.width()), f64::from(padded.height()));
    let smaller = (f64::from(LONGER) / wide.max(high)).min(1.0);
    let larger = (f64::from(SHORTER) / (smaller * wide.min(high))).max(1.0);
    let side = |side: f64| {
        let multiple = (side * smaller * larger / f64::from(MULTIPLE)).round() as u32;
        multiple.max(1) * MULTIPLE
    };
    let pixels = padded.resize(side(wide), side(high), Filter::FourNearest)?;
    Ok(Seen {
        scale: [
            padded.width() as f32 / pixels.width() as f32,
            padded.height() as f32 / pixels.height() as f32,
        ],
        pixels,
        width: width as f32,
        height: height as f32,
    })
}

/// The picture with black below it or on its right, so that it is not longer than [`RATIO`] allows.
fn padded(picture: &Pixels) -> Result<Pixels, ModelError> {
    let (width, height) = (picture.width(), picture.height());
    let (wide, high) = (
        width.max(height.div_ceil(RATIO)),
        height.max(width.div_ceil(RATIO)),
    );
    if (wide, high) == (width, height) {
        return Ok(picture.clone());
    }
    let mut rgb = vec![0; wide as usize * high as usize * 3];
    let rows = rgb.chunks_exact_mut(3 * wide as usize);
    let filled = picture.rgb().chunks_exact(3 * width as usize);
    for (row, filled) in rows.zip(filled) {
        row[..filled.len()].copy_from_slice(filled);
    }
    Pixels::new(wide, high, rgb)
}

/// Runs a network that takes one tensor and gives one.
pub(super) fn only_output(network: &Graph, input: Tensor) -> Result<Tensor, ModelError> {
    let name = network.inputs().first().map(|port| port.name.clone());
    let mut outputs = network.run(&[(&name.unwrap_or_default(), input)])?;
    match outputs.len() {
        1 => Ok(outputs.swap_remove(0)),
        count => Err(ModelError::Input {
            operation: "run a graph",
            expected: "a network with one output".to_owned(),
            found: format!("{count} outputs"),
            advice: "fetch the model again with `aimass models pull`".to_owned(),
        }),
    }
}
