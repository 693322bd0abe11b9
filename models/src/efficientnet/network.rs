//! The network: pictures in, classes and vectors out.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};

use super::{CLASSES, FEATURES, SIDE};
use crate::ModelError;
use crate::layers::{Activation, Checkpoint, Convolution, Linear, Padding, Window};
use crate::picture::{Filter, Layout, Pixels, Region, Scaling};
use crate::torch::TorchFile;

/// The file of an artefact that holds the weights.
const FILE: &str = "efficientnet-lite0-57934424.pth";
/// What is added to a variance before its root is taken.
const EPSILON: f64 = 1e-3;
/// The bytes that the weights were trained on, as numbers from about -1 to 1.
const SCALING: Scaling = Scaling::even(127.0, 128.0);
/// How much of the shorter side is looked at: 224 of 256 pixels.
const CENTRE: f64 = 224.0 / 256.0;
/// Pictures that go through the network at once.
const AT_ONCE: usize = 8;

/// Blocks in a row: how many, the side of their window, the stride of the first, how many times as
/// many channels they have within, and their outputs.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];
/// Channels before the first block.
const STEM: usize = 32;

/// The immutable part of the network. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct EfficientNetWeights {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
    classes: Linear,
    device: Device,
}

/// An inverted residual: wide, by channel, narrow.
#[derive(Debug)]
struct Block {
    widen: Option<Convolution>,
    by_channel: Convolution,
    narrow: Convolution,
    /// Whether the input is added to the output.
    is_residual: bool,
}

/// What the network makes of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Impression {
    /// How probable each of the [`CLASSES`] is. They add up to 1.
    pub probabilities: Vec<f32>,
    /// What the probabilities are the softmax of.
    pub logits: Vec<f32>,
    /// [`FEATURES`] numbers of at least 0: near each other, as by their cosine, for pictures that
    /// look alike.
    pub features: Vec<f32>,
}

impl EfficientNetWeights {
    /// Reads the network from `efficientnet-lite0-57934424.pth` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if the file is missing, damaged, or of
    /// another network; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = TorchFile::open(&folder.join(FILE))?;
        let root = Checkpoint::new(&file, device);
        let stem = read(
            &root,
            ["_conv_stem", "_bn0"],
            [3, STEM, 3, 2, 1],
            Activation::Relu6,
        )?;
        let mut blocks = Vec::new();
        let mut inputs = STEM;
        for (count, side, first_stride, wider, outputs) in STAGES {
            for number in 0..count {
                let place = root.at(&format!("_blocks.{}", blocks.len()));
                let stride = if number == 0 { first_stride } else { 1 };
                let sizes = [inputs, outputs, side, stride, wider];
                blocks.push(Block::read(&place, sizes)?);
                inputs = outputs;
            }
        }
        let head = [inputs, FEATURES, 1, 1, 1];
        Ok(Self {
            stem,
            blocks,
            head: read(&root, ["_conv_head", "_bn1"], head, Activation::Relu6)?,
            classes: Linear::read(&root.at("_fc"), FEATURES, CLASSES)?,
            device: device.clone(),
        })
    }

    /// Returns the bytes of the weights in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let blocks: usize = self.blocks.iter().map(Block::bytes).sum();
        let ends = self.stem.bytes() + self.head.bytes() + self.classes.bytes();
        (blocks + ends) as u64
    }

    /// `[count, 3, SIDE, SIDE]` to `[count, FEATURES]`.
    fn features(&self, input: &Tensor) -> CandleResult<Tensor> {
        let mut hidden = self.stem.forward(input)?;
        for block in &self.blocks {
            hidden = block.forward(&hidden)?;
        }
        self.head.forward(&hidden)?.flatten_from(2)?.mean(2)
    }
}

/// Reads a convolution of sizes `[inputs, outputs, side, stride, groups]` and the normalization
/// behind it, as one.
fn read(
    checkpoint: &Checkpoint,
    [weights, normalization]: [&str; 2],
    [inputs, outputs, side, stride, groups]: [usize; 5],
    activation: Activation,
) -> Result<Convolution, ModelError> {
    let shape = [outputs, inputs / groups, side, side];
    let weight = checkpoint.at(weights).tensor("weight", &shape)?;
    let norm = checkpoint.at(normalization);
    let [scale, shift, mean, variance] =
        ["weight", "bias", "running_mean", "running_var"].map(|name| norm.tensor(name, &[outputs]));
    let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
    let fused = || {
        let scale = scale.div(&(variance + EPSILON)?.sqrt()?)?;
        let bias = (shift - (mean * &scale)?)?;
        let weight = weight.broadcast_mul(&scale.reshape((outputs, 1, 1, 1))?)?;
        Ok((weight, bias))
    };
    let (weight, bias) = fused().map_err(ModelError::compute("fuse a normalization"))?;
    let window = Window {
        stride,
        groups,
        padding: Padding::Same,
        activation,
    };
    Convolution::new(&weight, &bias, window)
}

impl Block {
    fn read(
        place: &Checkpoint,
        [inputs, outputs, side, stride, wider]: [usize; 5],
    ) -> Result<Self, ModelError> {
        let wide = inputs * wider;
        let widen = || {
            let sizes = [inputs, wide, 1, 1, 1];
            read(place, ["_expand_conv", "_bn0"], sizes, Activation::Relu6)
        };
        let by_channel = [wide, wide, side, stride, wide];
        let narrow = [wide, outputs, 1, 1, 1];
        Ok(Self {
            widen: (wider > 1).then(widen).transpose()?,
            by_channel: read(
                place,
                ["_depthwise_conv", "_bn1"],
                by_channel,
                Activation::Relu6,
            )?,
            narrow: read(place, ["_project_conv", "_bn2"], narrow, Activation::None)?,
            is_residual: stride == 1 && inputs == outputs,
        })
    }

    fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let wide = match &self.widen {
            Some(widen) => widen.forward(input)?,
            None => input.clone(),
        };
        let output = self.narrow.forward(&self.by_channel.forward(&wide)?)?;
        match self.is_residual {
            true => output + input,
            false => Ok(output),
        }
    }

    fn bytes(&self) -> usize {
        let widen = self.widen.as_ref().map_or(0, Convolution::bytes);
        widen + self.by_channel.bytes() + self.narrow.bytes()
    }
}

/// The network in use by one worker.
#[derive(Debug, Clone)]
pub struct EfficientNet {
    weights: Arc<EfficientNetWeights>,
}

impl EfficientNet {
    /// Creates a network on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<EfficientNetWeights>) -> Self {
        Self { weights }
    }

    /// Returns what the network is shown of a picture of any size: the middle square, of 7/8 of the
    /// shorter side, with [`SIDE`] pixels on each side.
    ///
    /// # Errors
    /// None for a picture that there is: [`ModelError::Input`] is what resizing could say.
    pub fn view(picture: &Pixels) -> Result<Pixels, ModelError> {
        let (width, height) = (picture.width(), picture.height());
        let side = (f64::from(width.min(height)) * CENTRE) as u32;
        let side = side.max(1);
        let square = Region {
            left: (width - side).div_ceil(2),
            top: (height - side).div_ceil(2),
            width: side,
            height: side,
        };
        picture.crop(square)?.resize(SIDE, SIDE, Filter::Bicubic)
    }

    /// Looks at [`view`](Self::view)s. One does not change what is found in another.
    ///
    /// # Errors
    /// [`ModelError::Input`] if one has other sides; [`ModelError::Compute`] if the device fails.
    pub fn look(&self, views: &[Pixels]) -> Result<Vec<Impression>, ModelError> {
        let mut found = Vec::with_capacity(views.len());
        for some in views.chunks(AT_ONCE) {
            let inputs = some.iter().map(|view| {
                check(view)?;
                view.to_tensor(Layout::Nchw, SCALING, &self.weights.device)
            });
            let inputs: Vec<Tensor> = inputs.collect::<Result<_, _>>()?;
            let impressions = self.impressions(&inputs);
            found.extend(impressions.map_err(ModelError::compute("look at a picture"))?);
        }
        Ok(found)
    }

    fn impressions(&self, views: &[Tensor]) -> CandleResult<Vec<Impression>> {
        let features = self.weights.features(&Tensor::cat(views, 0)?)?;
        let logits = self.weights.classes.forward(&features)?;
        let probabilities = candle_nn::ops::softmax_last_dim(&logits)?;
        let features = features.to_vec2()?.into_iter();
        let numbers = logits.to_vec2()?.into_iter().zip(probabilities.to_vec2()?);
        let all = numbers.zip(features);
        Ok(all
            .map(|((logits, probabilities), features)| Impression {
                probabilities,
                logits,
                features,
            })
            .collect())
    }
}

fn check(view: &Pixels) -> Result<(), ModelError> {
    let (width, height) = (view.width(), view.height());
    if (width, height) == (SIDE, SIDE) {
        return Ok(());
    }
    Err(ModelError::Input {
        operation: "look at a picture",
        expected: format!("{SIDE} x {SIDE} pixels"),
        found: format!("{width} x {height}"),
        advice: "give what `EfficientNet::view` makes of it".to_owned(),
    })
}
