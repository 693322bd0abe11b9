//! Convolution of pictures, `[count, channels, rows, columns]`.

use candle_core::{Result as CandleResult, Tensor, bail};

use crate::ModelError;
use crate::kernels::{self, Finish, Margins, Pictures, Unary, Weights, with_values};
use crate::weights::tensor_bytes;

/// A convolution, what is put around its input, and what follows it.
#[derive(Debug)]
pub(crate) struct Convolution {
    form: Form,
    /// Rows and columns of the window.
    size: [usize; 2],
    window: Window,
}

#[derive(Debug)]
enum Form {
    /// In the processor's memory, as its kernel wants them.
    OnCpu(kernels::Convolution),
    /// On another device, for candle's own convolution.
    OnDevice {
        /// `[outputs, inputs / groups, rows, columns]`
        weight: Tensor,
        /// `[1, outputs, 1, 1]`
        bias: Tensor,
    },
}

/// How a convolution goes over its input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// From one position to the next.
    pub(crate) stride: usize,
    /// Of how many convolutions side by side it consists.
    pub(crate) groups: usize,
    /// What is put around the input.
    pub(crate) padding: Padding,
    /// What is done to each sum.
    pub(crate) activation: Activation,
}

/// What is put around an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Nothing: the window stays inside.
    Valid,
    /// Zeros, so that there is an output for each `stride` inputs; where their number is odd, the
    /// one more lies behind. So TensorFlow has it.
    Same,
}

/// What is done to each sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Nothing.
    None,
    /// What is below 0 becomes 0.
    Relu,
    /// The same, and what is above 6 becomes 6.
    Relu6,
}

impl Window {
    /// One that stays inside and moves by one, without an activation.
    pub(crate) const PLAIN: Self = Self {
        stride: 1,
        groups: 1,
        padding: Padding::Valid,
        activation: Activation::None,
    };
}

impl Convolution {
    /// Takes weights `[outputs, inputs / groups, side, side]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if memory has no room.
    pub(crate) fn new(weight: &Tensor, bias: &Tensor, window: Window) -> Result<Self, ModelError> {
        let laid_out = || {
            let (.., rows, columns) = weight.dims4()?;
            Ok(Self {
                form: match weight.device().is_cpu() {
                    true => Form::OnCpu(on_cpu(weight, bias, window)?),
                    false => Form::OnDevice {
                        weight: weight.contiguous()?,
                        bias: bias.reshape((1, (), 1, 1))?,
                    },
                },
                size: [rows, columns],
                window,
            })
        };
        laid_out().map_err(ModelError::compute("lay out a convolution"))
    }

    /// `[count, inputs, rows, columns]` to `[count, outputs, ..]`.
    pub(crate) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let (count, channels, rows, columns) = input.dims4()?;
        let sides = [rows, columns];
        let margins = self.margins(sides);
        match &self.form {
            Form::OnCpu(kernel) => {
                let pictures = Pictures {
                    count,
                    channels,
                    sides,
                    margins,
                };
                let input = input.contiguous()?;
                let output = with_values(&input, |values| Ok(kernel.run(values, pictures)))?;
                let places = kernel.window().positions(sides, margins);
                let (Some(output), Some([rows, columns])) = (output, places) else {
                    bail!(
                        "a convolution of {channels} channels of {rows} x {columns} does not fit"
                    );
                };
                let shape = (count, kernel.outputs(), rows, columns);
                Tensor::from_vec(output, shape, input.device())
            }
            Form::OnDevice { weight, bias } => {
                let mut padded = input.clone();
                for (axis, side) in [2, 3].into_iter().enumerate() {
                    let (before, after) = (margins.before[axis], margins.after[axis]);
                    padded = padded.pad_with_zeros(side, before, after)?;
                }
                let Window { stride, groups, .. } = self.window;
                let sums = padded.conv2d(weight, 0, stride, 1, groups)?;
                self.window.activation.apply(&sums.broadcast_add(bias)?)
            }
        }
    }

    /// What is put around an input of these sides.
    fn margins(&self, sides: [usize; 2]) -> Margins {
        let mut margins = Margins::default();
        if self.window.padding == Padding::Valid {
            return margins;
        }
        let stride = self.window.stride;
        for axis in [0, 1] {
            let steps = sides[axis].div_ceil(stride).saturating_sub(1);
            let zeros = (steps * stride + self.size[axis]).saturating_sub(sides[axis]);
            margins.before[axis] = zeros / 2;
            margins.after[axis] = zeros - zeros / 2;
        }
        margins
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        match &self.form {
            Form::OnCpu(kernel) => kernel.bytes(),
            Form::OnDevice { weight, bias } => tensor_bytes(weight) + tensor_bytes(bias),
        }
    }
}

impl Activation {
    fn apply(self, sums: &Tensor) -> CandleResult<Tensor> {
        match self {
            Self::None => Ok(sums.clone()),
            Self::Relu => sums.relu(),
            Self::Relu6 => sums.clamp(0f32, 6f32),
        }
    }

    fn unary(self) -> Option<Unary> {
        match self {
            Self::None => None,
            Self::Relu => Some(Unary::Relu),
            Self::Relu6 => Some(Unary::Clip(0.0, 6.0)),
        }
    }
}

/// Lays out weights for the processor's kernel.
fn on_cpu(weight: &Tensor, bias: &Tensor, window: Window) -> CandleResult<kernels::Convolution> {
    let (outputs, _, rows, columns) = weight.dims4()?;
    let weight = weight.contiguous()?;
    let bias: Vec<f32> = bias.to_vec1()?;
    let kernel = with_values(&weight, |values| {
        Ok(kernels::Convolution::new(Weights {
            values,
            outputs,
            groups: window.groups,
            window: kernels::Window {
                size: [rows, columns],
                stride: [window.stride; 2],
                dilation: [1, 1],
            },
            finish: Finish {
                bias,
                activation: window.activation.unary(),
                line: Vec::new(),
            },
        }))
    })?;
    match kernel {
        Some(kernel) => Ok(kernel),
        None => bail!(
            "weights {:?} in {} groups are no convolution",
            weight.shape(),
            window.groups
        ),
    }
}

/// A channel's share of what is below 0, and all of what is not.
#[derive(Debug)]
pub(crate) struct Prelu {
    /// `[1, channels, 1, ...]`
    slopes: Tensor,
}

impl Prelu {
    /// Takes slopes `[channels]`, for inputs with this number of axes.
    pub(crate) fn new(slopes: &Tensor, axes: usize) -> Result<Self, ModelError> {
        let mut shape = vec![1; axes];
        shape[1] = slopes.elem_count();
        let slopes = slopes.reshape(shape);
        Ok(Self {
            slopes: slopes.map_err(ModelError::compute("lay out an activation"))?,
        })
    }

    /// To the same shape.
    pub(crate) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let above = input.relu()?;
        let below = (input - &above)?;
        above + below.broadcast_mul(&self.slopes)?
    }

    /// The bytes that it takes on the device.
    pub(crate) fn bytes(&self) -> usize {
        tensor_bytes(&self.slopes)
    }
}

/// The greatest of each window, also where the last one sticks out.
pub(crate) fn max_pool(input: &Tensor, size: usize, stride: usize) -> CandleResult<Tensor> {
    let mut input = input.clone();
    for axis in [2, 3] {
        let side = input.dim(axis)?;
        let windows = side.saturating_sub(size).div_ceil(stride) + 1;
        let needed = (windows - 1) * stride + size;
        // The last column is repeated, which changes no maximum.
        input = input.pad_with_same(axis, 0, needed.saturating_sub(side))?;
    }
    input.contiguous()?.max_pool2d_with_stride(size, stride)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn windows_that_stick_out_are_pooled() {
        let input = Tensor::arange(0f32, 25.0, &Device::Cpu).unwrap();
        let input = input.reshape((1, 1, 5, 5)).unwrap();
        let pooled = max_pool(&input, 2, 2).unwrap();
        let values: Vec<f32> = pooled.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(values, [6.0, 8.0, 9.0, 16.0, 18.0, 19.0, 21.0, 23.0, 24.0]);
        assert_eq!(max_pool(&input, 3, 2).unwrap().dims(), [1, 1, 2, 2]);
    }

    #[test]
    fn an_odd_number_of_zeros_has_the_one_more_behind() {
        let ones = |shape: &[usize]| Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu);
        let (weight, bias) = (ones(&[1, 1, 3, 3]).unwrap(), ones(&[1]).unwrap());
        let window = Window {
            stride: 2,
            padding: Padding::Same,
            activation: Activation::Relu6,
            ..Window::PLAIN
        };
        let convolution = Convolution::new(&weight, &bias, window).unwrap();
        let sums = convolution.forward(&ones(&[1, 1, 4, 4]).unwrap()).unwrap();
        let sums: Vec<f32> = sums.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(sums, [6.0, 6.0, 6.0, 5.0]);
    }
}
