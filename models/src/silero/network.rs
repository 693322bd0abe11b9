//! The network: frames in, probabilities out.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};

use super::lstm::Lstm;
use super::state::{CONTEXT, HIDDEN};
use super::{FRAME, SileroState};
use crate::ModelError;
use crate::kernels::DenseWeight;
use crate::layers::{Checkpoint, Linear};
use crate::onnx::OnnxFile;

/// The file of an artefact that holds the weights.
const FILE: &str = "silero_vad_16k_sequence.onnx";
/// Samples between two spectra.
const HOP: usize = 128;
/// Samples of a spectrum: two hops.
const WINDOW: usize = 2 * HOP;
/// Numbers of a spectrum, from 0 to half the sample rate.
const BINS: usize = WINDOW / 2 + 1;
/// Spectra of a frame.
const SPECTRA: usize = 4;
/// A frame behind its context, with the last samples mirrored after it.
const PADDED: usize = (SPECTRA + 1) * HOP;
/// How many frames go through the network at once: their intermediate results stay in the second
/// cache.
const FRAMES_AT_ONCE: usize = 64;
/// A sample beyond this is no audio between -1 and 1 that was a little too loud, and could make
/// infinite numbers.
const MAX_SAMPLE: f32 = 100.0;
/// The taps of a convolution.
const TAPS: usize = 3;

/// The immutable part of the network. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct SileroWeights {
    /// Cosines, then sines, each under a Hann window: from [`WINDOW`] to `2 * BINS`.
    spectrum: DenseWeight,
    convolutions: [Convolution; 4],
    lstm: Lstm,
    /// `[1, HIDDEN]`
    last: DenseWeight,
    last_bias: f64,
    device: Device,
}

/// A convolution over time as a linear layer of its windows.
#[derive(Debug)]
struct Convolution {
    linear: Linear,
    /// Which steps of the padded input the windows take, one window after the other.
    steps: Tensor,
    windows: usize,
}

impl SileroWeights {
    /// Reads the network from `silero_vad_16k_sequence.onnx` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if the file is missing, damaged, or of
    /// another network; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = OnnxFile::open(&folder.join(FILE))?;
        let checkpoint = Checkpoint::new(&file, device);
        let spectrum = checkpoint.tensor("stft.forward_basis_buffer", &[2 * BINS, 1, WINDOW])?;
        let convolution = |name, inputs, outputs, length, stride| {
            Convolution::read(&checkpoint.at(name), [inputs, outputs, length, stride])
        };
        let convolutions = [
            convolution("encoder.0", BINS, 128, SPECTRA, 1)?,
            convolution("encoder.1", 128, 64, SPECTRA, 2)?,
            convolution("encoder.2", 64, 64, 2, 2)?,
            convolution("encoder.3", 64, HIDDEN, 1, 1)?,
        ];
        let lstm = Lstm::read(&file, &checkpoint)?;
        let last = checkpoint.tensor("output.weight", &[1, HIDDEN, 1])?;
        let last_bias = checkpoint.tensor("output.bias", &[1])?;
        let laid_out = || {
            Ok(Self {
                spectrum: DenseWeight::new(&spectrum.squeeze(1)?)?,
                convolutions,
                lstm,
                last: DenseWeight::new(&last.squeeze(2)?)?,
                last_bias: f64::from(last_bias.squeeze(0)?.to_scalar::<f32>()?),
                device: device.clone(),
            })
        };
        laid_out().map_err(ModelError::compute("lay out weights"))
    }

    /// The bytes that the weights take.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let convolutions = self.convolutions.iter().map(|step| step.linear.bytes());
        let ends = self.spectrum.bytes() + self.last.bytes();
        (convolutions.sum::<usize>() + ends + self.lstm.bytes()) as u64
    }
}

impl Convolution {
    /// One with [`TAPS`] taps over inputs of `length` steps, padded by one step on both sides.
    fn read(
        checkpoint: &Checkpoint,
        [inputs, outputs, length, stride]: [usize; 4],
    ) -> Result<Self, ModelError> {
        let windows = (length - 1) / stride + 1;
        let steps = (0..windows).flat_map(|window| (0..TAPS).map(move |tap| window * stride + tap));
        let steps: Vec<u32> = steps.map(|step| step as u32).collect();
        let steps = Tensor::new(steps, checkpoint.device());
        Ok(Self {
            linear: Linear::convolution(checkpoint, inputs, outputs, TAPS)?,
            steps: steps.map_err(ModelError::compute("lay out a convolution"))?,
            windows,
        })
    }

    /// `[frames, length, inputs]` to `[frames, windows, outputs]`, none below 0.
    fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let (frames, _, inputs) = input.dims3()?;
        let padded = input.pad_with_zeros(1, 1, 1)?;
        let rows = padded.index_select(&self.steps, 1)?;
        let rows = rows.reshape((frames * self.windows, TAPS * inputs))?;
        let output = self.linear.forward(&rows)?.relu()?;
        output.reshape((frames, self.windows, ()))
    }
}

/// The network in use by one worker.
#[derive(Debug, Clone)]
pub struct Silero {
    weights: Arc<SileroWeights>,
}

impl Silero {
    /// A network on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<SileroWeights>) -> Self {
        Self { weights }
    }

    /// How probably each frame of 512 samples holds speech, from 0 to 1. `samples` are mono, 16
    /// kHz, from -1 to 1, and go on where those of `state` ended. The result does not depend on how
    /// a recording is cut into stretches, up to rounding.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the samples are no whole frames or far from -1 to 1, or the state
    /// is not one of this network; [`ModelError::Compute`] if the device fails. The state is then
    /// as it was.
    pub fn probabilities(
        &self,
        state: &mut SileroState,
        samples: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        check(samples)?;
        state.check()?;
        let mut next = state.clone();
        let mut probabilities = Vec::with_capacity(samples.len() / FRAME);
        for stretch in samples.chunks(FRAMES_AT_ONCE * FRAME) {
            let found = self.stretch(&mut next, stretch);
            probabilities.extend(found.map_err(ModelError::compute("look for speech"))?);
        }
        *state = next;
        Ok(probabilities)
    }

    fn stretch(&self, state: &mut SileroState, samples: &[f32]) -> CandleResult<Vec<f32>> {
        let weights = &*self.weights;
        let mut hidden = weights.magnitudes(samples, &mut state.context)?;
        for convolution in &weights.convolutions {
            hidden = convolution.forward(&hidden)?;
        }
        let steps = hidden.squeeze(1)?;
        let outputs = weights.lstm.forward(&steps, state)?;
        let last = weights.last.product(&outputs.relu()?)?;
        let logits = last.flatten_all()?.to_vec1::<f32>()?;
        let sigmoid = |logit: f32| 1.0 / (1.0 + (-f64::from(logit) - weights.last_bias).exp());
        Ok(logits
            .into_iter()
            .map(|logit| sigmoid(logit) as f32)
            .collect())
    }
}

impl SileroWeights {
    /// The magnitudes of the spectra, `[frames, SPECTRA, BINS]`.
    fn magnitudes(&self, samples: &[f32], context: &mut Vec<f32>) -> CandleResult<Tensor> {
        let frames = samples.len() / FRAME;
        let padded = Tensor::from_vec(
            padded(samples, context),
            (frames, SPECTRA + 1, HOP),
            &self.device,
        )?;
        let halves = [padded.narrow(1, 0, SPECTRA)?, padded.narrow(1, 1, SPECTRA)?];
        let windows = Tensor::cat(&halves, 2)?.reshape((frames * SPECTRA, WINDOW))?;
        let parts = self.spectrum.product(&windows)?.sqr()?;
        let power = (parts.narrow(1, 0, BINS)? + parts.narrow(1, BINS, BINS)?)?;
        power.sqrt()?.reshape((frames, SPECTRA, BINS))
    }
}

/// Each frame behind the end of the one before, with its own end mirrored after it. `context`
/// becomes the end of the last frame.
fn padded(samples: &[f32], context: &mut Vec<f32>) -> Vec<f32> {
    let (frames, _) = samples.as_chunks::<FRAME>();
    let mut padded = Vec::with_capacity(frames.len() * PADDED);
    for frame in frames {
        padded.extend_from_slice(context);
        padded.extend_from_slice(frame);
        // The last sample is not repeated.
        padded.extend(frame.iter().rev().skip(1).take(PADDED - CONTEXT - FRAME));
        context.clear();
        context.extend_from_slice(&frame[FRAME - CONTEXT..]);
    }
    padded
}

fn check(samples: &[f32]) -> Result<(), ModelError> {
    let refuse = |expected: String, found: String, advice: &str| {
        Err(ModelError::Input {
            operation: "look for speech",
            expected,
            found,
            advice: advice.to_owned(),
        })
    };
    if !samples.len().is_multiple_of(FRAME) {
        return refuse(
            format!("whole frames of {FRAME} samples"),
            format!("{} samples", samples.len()),
            "fill the last frame with zeros",
        );
    }
    let quiet = |sample: &f32| sample.abs() <= MAX_SAMPLE;
    if let Some(at) = samples.iter().position(|sample| !quiet(sample)) {
        return refuse(
            "samples from -1 to 1".to_owned(),
            format!("{} at {at}", samples[at]),
            "scale them: whole numbers of 16 bits by 1 / 32,768",
        );
    }
    Ok(())
}
