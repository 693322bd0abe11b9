//! Samples at any rate to samples at 16 kHz, with rubato.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Indexing, SincInterpolationParameters, WindowFunction,
    calculate_cutoff,
};

use super::{SAMPLE_RATE, limits, mix};
use crate::ModelError;

/// Live samples to mono at 16 kHz.
///
/// The result does not depend on how the samples are cut into pushes. It lags what was pushed by
/// less than 0.2 s at every usual rate, and it is as long as the recording to within one sample,
/// and not shifted against it.
pub struct Resampler {
    channels: usize,
    /// The beginning of a frame whose other channels were not pushed yet.
    frame: Vec<f32>,
    mono: Vec<f32>,
    converter: RateConverter,
}

impl Resampler {
    /// A resampler for interleaved samples of `channels` channels at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`ModelError::Input`] unless the rate is 1,000 to 768,000 Hz and there are 1 to 64 channels.
    pub fn new(sample_rate: u32, channels: u32) -> Result<Self, ModelError> {
        limits::check_shape(sample_rate, channels)?;
        Ok(Self {
            channels: channels as usize,
            frame: Vec::new(),
            mono: Vec::new(),
            converter: RateConverter::new(sample_rate)?,
        })
    }

    /// Takes the next samples, interleaved, and returns what can be said of the recording at 16 kHz
    /// so far. A push may end in the midst of a frame. What is no number counts as silence, and
    /// what is outside of -1..=1 is clamped.
    pub fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut rest = samples;
        self.mono.clear();
        if !self.frame.is_empty() {
            let missing = (self.channels - self.frame.len()).min(rest.len());
            let (head, tail) = rest.split_at(missing);
            self.frame.extend_from_slice(head);
            rest = tail;
            if self.frame.len() < self.channels {
                return Vec::new();
            }
            mix::interleaved(&self.frame, self.channels, &mut self.mono);
            self.frame.clear();
        }
        let (frames, part) = rest.split_at(rest.len() - rest.len() % self.channels);
        mix::interleaved(frames, self.channels, &mut self.mono);
        self.frame.extend_from_slice(part);
        let mut out = Vec::new();
        self.converter.push(&self.mono, &mut out);
        out
    }

    /// Ends the recording and returns what is left of it. An unfinished frame is dropped.
    pub fn finish(self) -> Vec<f32> {
        let mut out = Vec::new();
        self.converter.finish(&mut out);
        out
    }
}

/// Mono samples at one rate to mono samples at 16 kHz.
pub(super) struct RateConverter {
    sample_rate: u64,
    /// `None` where the rate is 16 kHz already: then every sample passes as it is.
    engine: Option<Engine>,
    /// Samples taken and given so far.
    taken: u64,
    given: u64,
}

impl RateConverter {
    /// A converter for a rate that [`limits::check_shape`] accepts.
    pub(super) fn new(sample_rate: u32) -> Result<Self, ModelError> {
        let engine = (sample_rate != SAMPLE_RATE)
            .then(|| Engine::new(sample_rate))
            .transpose()?;
        Ok(Self {
            sample_rate: u64::from(sample_rate),
            engine,
            taken: 0,
            given: 0,
        })
    }

    /// Takes samples in -1..=1 and appends what they give to `out`.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let before = out.len();
        match &mut self.engine {
            Some(engine) => engine.push(samples, out),
            None => out.extend_from_slice(samples),
        }
        self.taken += samples.len() as u64;
        self.given += (out.len() - before) as u64;
    }

    /// Appends the rest to `out`, so that in all there is one sample for each sixteen-thousandth of
    /// a second.
    pub(super) fn finish(self, out: &mut Vec<f32>) {
        let whole = (self.taken * u64::from(SAMPLE_RATE) + self.sample_rate / 2) / self.sample_rate;
        let missing = usize::try_from(whole.saturating_sub(self.given)).unwrap_or(0);
        if let Some(engine) = self.engine {
            engine.finish(missing, out);
        }
    }
}

/// rubato, fed in chunks of the size that it wants, without its delay.
struct Engine {
    rubato: Box<dyn rubato::Resampler<f32>>,
    /// Input that does not fill a chunk yet.
    waiting: Vec<f32>,
    output: Vec<f32>,
    /// How many samples of the delay are still to be dropped.
    delay: usize,
}

/// The number of samples at the lower rate that a filter spans. It passes 98 % of the band that
/// both rates have, as `sox rate -v` does.
const SPAN: usize = 1024;

/// The longest block, in samples of the input, that is transformed at once. Rates that share no
/// large divisor with 16,000 would need blocks of a second and more; they take a filter in time
/// instead, which costs more work but neither memory nor delay.
const MAX_BLOCK: usize = 1 << 16;

/// By how much of a sample of the result it may lie beside its place. A tone at full scale is then
/// off by less than 0.0004.
const MISALIGNMENT: f64 = 1e-4;

impl Engine {
    fn new(sample_rate: u32) -> Result<Self, ModelError> {
        let (rate, target) = (sample_rate as usize, SAMPLE_RATE as usize);
        let divisor = greatest_common_divisor(rate, target);
        let (input, output) = (rate / divisor, target / divisor);
        // An even number of the smallest possible blocks, so that the delay, which is half a block,
        // is a whole number of samples at both rates.
        let blocks = SPAN.div_ceil(input.min(output)).next_multiple_of(2);
        if blocks * input <= MAX_BLOCK {
            return Self::in_blocks(rate, target, blocks * input);
        }
        Self::in_time(input, output)
    }

    /// By Fourier transforms of `block` input samples.
    fn in_blocks(rate: usize, target: usize, block: usize) -> Result<Self, ModelError> {
        let rubato =
            Fft::new(rate, target, block, 1, FixedSync::Both).map_err(|error| unusable(&error))?;
        let delay = rubato::Resampler::output_delay(&rubato);
        Ok(Self::with(Box::new(rubato), delay))
    }

    /// By a windowed sinc, where `input` samples last as long as `output` samples of the result.
    fn in_time(input: usize, output: usize) -> Result<Self, ModelError> {
        let ratio = input as f64 / output as f64;
        let window = WindowFunction::BlackmanHarris2;
        let span = SPAN / 4;
        let widening = ratio.max(1.0).ceil();
        let length = span * widening as usize;
        // A filter that is wider is smoother, and needs fewer points in between.
        let points = (256.0 / widening).ceil().max(8.0);
        let parameters = SincInterpolationParameters::new(length, window)
            .f_cutoff(calculate_cutoff(span, window))
            .oversampling_factor(points as usize);
        let rubato = Async::new_sinc(1.0 / ratio, 1.0, &parameters, length, 1, FixedAsync::Input)
            .map_err(|error| unusable(&error))?;
        // The first sample of rubato's output lies half a filter before the input, plus one step
        // and, by the order of its table of filters, plus one of the points in between. So many
        // zeros go before the input that a whole number of steps leads to the input's first sample.
        // As `input` and `output` have no divisor in common, `input` numbers of zeros lead to as
        // many places within a step, so that one comes near enough.
        let steps = |zeros: usize| ((length / 2 + zeros) as f64 - 1.0 / points) / ratio;
        let zeros = (0..input)
            .find(|&zeros| (steps(zeros) - steps(zeros).round()).abs() < MISALIGNMENT)
            .unwrap_or(0);
        let delay = (steps(zeros).round() as usize).saturating_sub(1);
        let mut engine = Self::with(Box::new(rubato), delay);
        engine.push(&vec![0.0; zeros], &mut Vec::new());
        Ok(engine)
    }

    fn with(rubato: Box<dyn rubato::Resampler<f32>>, delay: usize) -> Self {
        let output = vec![0.0; rubato.output_frames_max()];
        Self {
            rubato,
            waiting: Vec::new(),
            output,
            delay,
        }
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let mut rest = samples;
        loop {
            let missing = self
                .rubato
                .input_frames_next()
                .saturating_sub(self.waiting.len());
            if rest.len() < missing {
                self.waiting.extend_from_slice(rest);
                return;
            }
            let (head, tail) = rest.split_at(missing);
            self.waiting.extend_from_slice(head);
            rest = tail;
            self.convert(out);
        }
    }

    /// Appends `missing` samples more: what is still under way, with silence after it.
    fn finish(mut self, missing: usize, out: &mut Vec<f32>) {
        let end = out.len() + missing;
        while out.len() < end {
            self.convert(out);
        }
        out.truncate(end);
    }

    /// Converts one chunk: what waits, and silence where that is too short.
    fn convert(&mut self, out: &mut Vec<f32>) {
        let waiting = self.waiting.len();
        let given = self.rubato.output_frames_next().min(self.output.len());
        let input = InterleavedSlice::new(self.waiting.as_slice(), 1, waiting);
        let output = InterleavedSlice::new_mut(self.output.as_mut_slice(), 1, given);
        let converted = match (input, output) {
            (Ok(input), Ok(mut output)) => self
                .rubato
                .process_into_buffer(
                    &input,
                    &mut output,
                    Some(&Indexing::new().partial_len(waiting)),
                )
                .is_ok(),
            _ => false,
        };
        debug_assert!(converted, "rubato refuses only buffers of a wrong size");
        self.waiting.clear();
        let heard = self.output.get(..given).unwrap_or_default();
        let dropped = self.delay.min(heard.len());
        self.delay -= dropped;
        // A filter may overshoot at a steep edge.
        out.extend(heard.iter().skip(dropped).copied().map(mix::audible));
    }
}

fn unusable(error: &rubato::ResamplerConstructionError) -> ModelError {
    ModelError::Input {
        operation: "resample audio",
        expected: "a sample rate that can be converted to 16,000 Hz".to_owned(),
        found: error.to_string(),
        advice: "record or convert at another rate".to_owned(),
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
