//! The network of expressions: four dense blocks of separable convolutions.

use candle_core::{D, Device, Result as CandleResult, Tensor};

use super::manifest::ManifestFile;
use crate::ModelError;
use crate::layers::{Activation, Convolution, Padding, Window};
use crate::weights::{read_tensor, tensor_bytes};

/// Channels behind each block.
const CHANNELS: [usize; 4] = [32, 64, 128, 256];
/// Convolutions of a block.
const DEPTH: usize = 4;

/// What a face expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expression {
    /// None of the others.
    Neutral,
    /// Joy.
    Happy,
    /// Sadness.
    Sad,
    /// Anger.
    Angry,
    /// Fear.
    Fearful,
    /// Disgust.
    Disgusted,
    /// Surprise.
    Surprised,
}

impl Expression {
    /// All, in the order of the network.
    pub const ALL: [Self; 7] = [
        Self::Neutral,
        Self::Happy,
        Self::Sad,
        Self::Angry,
        Self::Fearful,
        Self::Disgusted,
        Self::Surprised,
    ];

    /// Returns its name, such as "happy".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Angry => "angry",
            Self::Fearful => "fearful",
            Self::Disgusted => "disgusted",
            Self::Surprised => "surprised",
        }
    }
}

#[derive(Debug)]
pub(super) struct ExpressionNetwork {
    blocks: Vec<Vec<Step>>,
    /// `[256, 7]`
    weights: Tensor,
    /// `[1, 7]`
    bias: Tensor,
}

/// A convolution by channel, if it has one, and one over the channels.
#[derive(Debug)]
struct Step {
    by_channel: Option<Convolution>,
    across: Convolution,
}

impl ExpressionNetwork {
    /// The side of the square that it sees.
    pub(super) const SIDE: usize = 112;

    pub(super) fn read(file: &ManifestFile, device: &Device) -> Result<Self, ModelError> {
        let mut blocks = Vec::new();
        let mut inputs = 3;
        for (block, outputs) in CHANNELS.into_iter().enumerate() {
            let mut steps = Vec::new();
            for step in 0..DEPTH {
                let name = format!("dense{block}/conv{step}");
                let stride = if step == 0 { 2 } else { 1 };
                steps.push(Step::read(file, &name, [inputs, outputs, stride], device)?);
                inputs = outputs;
            }
            blocks.push(steps);
        }
        let kinds = Expression::ALL.len();
        let bias = read_tensor(file, "fc/bias", &[kinds], device)?;
        Ok(Self {
            blocks,
            weights: read_tensor(file, "fc/weights", &[inputs, kinds], device)?,
            bias: bias
                .unsqueeze(0)
                .map_err(ModelError::compute("lay out weights"))?,
        })
    }

    /// `[count, 3, SIDE, SIDE]` to `[count, 7]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let mut hidden = input.clone();
        for steps in &self.blocks {
            // Each step sees the sum of all before it in its block.
            let mut sum: Option<Tensor> = None;
            for step in steps {
                let output = match &sum {
                    // The first is kept above zero by itself, and the sums once they are made.
                    None => step.forward(&hidden)?.relu()?,
                    Some(sum) => step.forward(&sum.relu()?)?,
                };
                sum = Some(match sum {
                    Some(sum) => (sum + output)?,
                    None => output,
                });
            }
            if let Some(sum) = sum {
                hidden = sum.relu()?;
            }
        }
        let pooled = hidden.flatten_from(2)?.mean(2)?;
        let logits = pooled.matmul(&self.weights)?.broadcast_add(&self.bias)?;
        candle_nn::ops::softmax(&logits, D::Minus1)
    }

    pub(super) fn bytes(&self) -> usize {
        let steps = self.blocks.iter().flatten();
        let steps: usize = steps.map(Step::bytes).sum();
        steps + tensor_bytes(&self.weights) + tensor_bytes(&self.bias)
    }
}

impl Step {
    fn read(
        file: &ManifestFile,
        name: &str,
        [inputs, outputs, stride]: [usize; 3],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let window = Window {
            stride,
            groups: 1,
            padding: Padding::Same,
            activation: Activation::None,
        };
        let named = |part: &str| format!("{name}/{part}");
        let bias = read_tensor(file, &named("bias"), &[outputs], device)?;
        // The first one of all sees few channels, and mixes them at once.
        if inputs == 3 {
            let filters = file.filters(&named("filters"), [3, 3, inputs, outputs], device)?;
            return Ok(Self {
                by_channel: None,
                across: Convolution::new(&filters, &bias, window)?,
            });
        }
        let filters = named("depthwise_filter");
        let by_channel = file.channel_filters(&filters, [3, 3, inputs], device)?;
        let no_bias = Tensor::zeros(inputs, by_channel.dtype(), device);
        let no_bias = no_bias.map_err(ModelError::compute("lay out weights"))?;
        let each = Window {
            groups: inputs,
            ..window
        };
        let across = file.filters(&named("pointwise_filter"), [1, 1, inputs, outputs], device)?;
        Ok(Self {
            by_channel: Some(Convolution::new(&by_channel, &no_bias, each)?),
            across: Convolution::new(
                &across,
                &bias,
                Window {
                    stride: 1,
                    ..window
                },
            )?,
        })
    }

    fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        match &self.by_channel {
            Some(by_channel) => self.across.forward(&by_channel.forward(input)?),
            None => self.across.forward(input),
        }
    }

    fn bytes(&self) -> usize {
        self.by_channel.as_ref().map_or(0, Convolution::bytes) + self.across.bytes()
    }
}
