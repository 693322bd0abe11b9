//! The three networks. All end in how probably there is a face, and in offsets of its box.

use candle_core::{D, Result as CandleResult, Tensor};

use crate::ModelError;
use crate::layers::{Checkpoint, Convolution, Linear, Prelu, Window, max_pool};

/// A step of a network: a convolution, its activation, and what is pooled behind it.
#[derive(Debug)]
struct Step {
    convolution: Convolution,
    prelu: Prelu,
    /// Size and stride.
    pool: Option<(usize, usize)>,
}

/// Sizes of a step: inputs, outputs, the side of the window.
type Sizes = (usize, usize, usize);

impl Step {
    fn read(
        root: &Checkpoint,
        number: usize,
        sizes: Sizes,
        pool: Option<(usize, usize)>,
    ) -> Result<Self, ModelError> {
        let slopes = root.tensor(&format!("prelu{number}.weight"), &[sizes.1])?;
        Ok(Self {
            convolution: convolution(root, &format!("conv{number}"), sizes)?,
            prelu: Prelu::new(&slopes, 4)?,
            pool,
        })
    }

    fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let output = self.prelu.forward(&self.convolution.forward(input)?)?;
        match self.pool {
            Some((size, stride)) => max_pool(&output, size, stride),
            None => Ok(output),
        }
    }

    fn bytes(&self) -> usize {
        self.convolution.bytes() + self.prelu.bytes()
    }
}

fn convolution(
    root: &Checkpoint,
    name: &str,
    (inputs, outputs, side): Sizes,
) -> Result<Convolution, ModelError> {
    let place = root.at(name);
    let weight = place.tensor("weight", &[outputs, inputs, side, side])?;
    let bias = place.tensor("bias", &[outputs])?;
    Convolution::new(&weight, &bias, Window::PLAIN)
}

/// The first network, which goes over a whole picture.
#[derive(Debug)]
pub(super) struct Proposals {
    steps: [Step; 3],
    faces: Convolution,
    offsets: Convolution,
}

impl Proposals {
    pub(super) fn read(root: &Checkpoint) -> Result<Self, ModelError> {
        Ok(Self {
            steps: [
                Step::read(root, 1, (3, 10, 3), Some((2, 2)))?,
                Step::read(root, 2, (10, 16, 3), None)?,
                Step::read(root, 3, (16, 32, 3), None)?,
            ],
            faces: convolution(root, "conv4_1", (32, 2, 1))?,
            offsets: convolution(root, "conv4_2", (32, 4, 1))?,
        })
    }

    /// `[1, 3, rows, columns]` to probabilities `[rows, columns]` and offsets `[4, rows, columns]`,
    /// for each window of 12 x 12, two pixels apart.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<(Tensor, Tensor)> {
        let mut hidden = input.clone();
        for step in &self.steps {
            hidden = step.forward(&hidden)?;
        }
        let faces = self.faces.forward(&hidden)?.squeeze(0)?;
        let faces = candle_nn::ops::softmax(&faces, 0)?.get(1)?;
        Ok((faces, self.offsets.forward(&hidden)?.squeeze(0)?))
    }

    pub(super) fn bytes(&self) -> usize {
        let steps: usize = self.steps.iter().map(Step::bytes).sum();
        steps + self.faces.bytes() + self.offsets.bytes()
    }
}

/// The second and the third network, which look at squares of one size.
#[derive(Debug)]
pub(super) struct Judge {
    steps: Vec<Step>,
    dense: Linear,
    prelu: Prelu,
    faces: Linear,
    offsets: Linear,
    /// Five points, if it finds any: all x, then all y.
    points: Option<Linear>,
}

/// What a network says of squares.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) faces: Vec<f32>,
    pub(super) offsets: Vec<Vec<f32>>,
    /// In shares of the sides.
    pub(super) points: Vec<Vec<f32>>,
}

impl Judge {
    /// The second network, for squares of 24 pixels.
    pub(super) fn second(root: &Checkpoint) -> Result<Self, ModelError> {
        Ok(Self {
            steps: vec![
                Step::read(root, 1, (3, 28, 3), Some((3, 2)))?,
                Step::read(root, 2, (28, 48, 3), Some((3, 2)))?,
                Step::read(root, 3, (48, 64, 2), None)?,
            ],
            dense: Linear::read(&root.at("dense4"), 576, 128)?,
            prelu: Prelu::new(&root.tensor("prelu4.weight", &[128])?, 2)?,
            faces: Linear::read(&root.at("dense5_1"), 128, 2)?,
            offsets: Linear::read(&root.at("dense5_2"), 128, 4)?,
            points: None,
        })
    }

    /// The third network, for squares of 48 pixels.
    pub(super) fn third(root: &Checkpoint) -> Result<Self, ModelError> {
        Ok(Self {
            steps: vec![
                Step::read(root, 1, (3, 32, 3), Some((3, 2)))?,
                Step::read(root, 2, (32, 64, 3), Some((3, 2)))?,
                Step::read(root, 3, (64, 64, 3), Some((2, 2)))?,
                Step::read(root, 4, (64, 128, 2), None)?,
            ],
            dense: Linear::read(&root.at("dense5"), 1152, 256)?,
            prelu: Prelu::new(&root.tensor("prelu5.weight", &[256])?, 2)?,
            faces: Linear::read(&root.at("dense6_1"), 256, 2)?,
            offsets: Linear::read(&root.at("dense6_2"), 256, 4)?,
            points: Some(Linear::read(&root.at("dense6_3"), 256, 10)?),
        })
    }

    /// Looks at squares `[count, 3, side, side]`.
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Judgement> {
        let mut hidden = input.clone();
        for step in &self.steps {
            hidden = step.forward(&hidden)?;
        }
        // Columns before rows, as in the framework that the weights came from.
        let rows = hidden
            .permute((0, 3, 2, 1))?
            .flatten_from(1)?
            .contiguous()?;
        let rows = self.prelu.forward(&self.dense.forward(&rows)?)?;
        let faces = candle_nn::ops::softmax(&self.faces.forward(&rows)?, D::Minus1)?;
        let points = self.points.as_ref();
        let points = points.map(|points| points.forward(&rows)?.to_vec2());
        Ok(Judgement {
            faces: faces.narrow(1, 1, 1)?.flatten_all()?.to_vec1()?,
            offsets: self.offsets.forward(&rows)?.to_vec2()?,
            points: points.transpose()?.unwrap_or_default(),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let steps: usize = self.steps.iter().map(Step::bytes).sum();
        let points = self.points.as_ref().map_or(0, Linear::bytes);
        steps
            + self.dense.bytes()
            + self.prelu.bytes()
            + self.faces.bytes()
            + self.offsets.bytes()
            + points
    }
}
