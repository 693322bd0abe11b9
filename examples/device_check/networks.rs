//! Each network on the device, held against the processor.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use aimass::Clock;
use aimass::models::bert::{Bert, BertConfig};
use aimass::models::device::Device;
use aimass::models::llama::{Feed, LlamaWeights, Wanted};
use aimass::models::weights::TensorFile;
use aimass::models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};
use aimass::models::{Precision, Silero, SileroState, SileroWeights};

use crate::gguf::Kind;
use crate::random::Random;
use crate::report::{Compared, Report};
use crate::shapes::{Shapes, WHISPER_TOKENS, write_silero};

/// How often each computation is timed; the median counts. One more comes before, which is not timed.
const RUNS: usize = 3;
/// How often where both sides are the processor, and times say nothing about a device.
const RUNS_OF_PROCESSOR: usize = 1;
/// Tokens that a language model reads at once, and then one by one.
const PROMPT: usize = 48;
const FURTHER: usize = 8;

/// A network on one device: computes the same each time.
type Network = Box<dyn Fn() -> Result<Vec<f32>, Box<dyn Error>>>;
/// Which of the two it is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The processor, with the kernels that it has.
    Processor,
    /// The device that is checked.
    Checked,
}

/// Differences that rounding explains, as shares of the largest number of an output. In 32 bits devices add up in another order; 16 bits are widened
/// before; with blocks, the other factor of a product is rounded to 8 bits, one place off here or there.
const F32: f32 = 1e-3;
const BLOCKS: f32 = 6e-2;

/// Compares all networks, and says so line by line.
pub(crate) fn compare(
    shapes: &Shapes,
    device: &Device,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    shapes.minilm.write(1, folder.path())?;
    row(report, "MiniLM L6", "f16 in f32", F32, |side| {
        bert(shapes, folder.path(), &placed(side, device))
    });
    let folder = tempfile::tempdir()?;
    shapes.whisper.write(2, folder.path())?;
    row(report, "Whisper base", "f16 in f32", F32, |side| {
        whisper(shapes, folder.path(), &placed(side, device))
    });
    let folder = tempfile::tempdir()?;
    write_silero(3, folder.path())?;
    row(report, "Silero VAD", "f32", F32, |side| {
        silero(folder.path(), &placed(side, device))
    });
    for (name, shape, kind, tolerance) in [
        ("SmolLM2 135M", &shapes.smollm2, Kind::F16, F32),
        ("SmolLM2 135M", &shapes.smollm2, Kind::Q8_0, BLOCKS),
        ("SmolLM2 135M", &shapes.smollm2, Kind::Q4_1, BLOCKS),
        ("Qwen2.5 0.5B, 4 layers", &shapes.qwen2, Kind::Q4_0, BLOCKS),
    ] {
        let folder = tempfile::tempdir()?;
        shape.write(kind, 4, folder.path())?;
        let dtype = format!("{kind:?}").to_lowercase();
        row(report, name, &dtype, tolerance, |side| {
            llama(shape.vocabulary, folder.path(), side, device)
        });
    }
    Ok(())
}

fn placed(side: Side, device: &Device) -> Device {
    match side {
        Side::Processor => Device::Cpu,
        Side::Checked => device.clone(),
    }
}

/// Builds a network on both sides, compares and times them.
fn row(
    report: &mut Report,
    network: &str,
    dtype: &str,
    tolerance: f32,
    build: impl Fn(Side) -> Result<Network, Box<dyn Error>>,
) {
    let runs = match report.is_of_processor() {
        true => RUNS_OF_PROCESSOR,
        false => RUNS,
    };
    let measured = || -> Result<_, Box<dyn Error>> {
        let (expected, on_processor) = measure(&build(Side::Processor)?, runs)?;
        let (found, on_device) = measure(&build(Side::Checked)?, runs)?;
        Ok((apart(&expected, &found), on_processor, on_device))
    };
    report.compared(match measured() {
        Ok((difference, processor, device)) => Compared {
            network,
            dtype,
            tolerance,
            outcome: Ok((difference, processor, device)),
        },
        Err(error) => Compared {
            network,
            dtype,
            tolerance,
            outcome: Err(error.to_string()),
        },
    });
}

/// What a network computes, and the median of its seconds.
fn measure(network: &Network, runs: usize) -> Result<(Vec<f32>, f64), Box<dyn Error>> {
    let output = network()?;
    let clock = Clock::start();
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        let begun = clock.now();
        network()?;
        seconds.push(clock.now().since(begun).as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok((output, seconds[runs / 2]))
}

/// The largest difference, as a share of the largest number. What is no number is as far apart as can be.
pub(crate) fn apart(expected: &[f32], found: &[f32]) -> f32 {
    if expected.len() != found.len() || !found.iter().all(|value| value.is_finite()) {
        return f32::INFINITY;
    }
    let largest = expected
        .iter()
        .fold(0_f32, |most, value| most.max(value.abs()));
    let pairs = expected.iter().zip(found);
    let apart = pairs.map(|(one, other)| (one - other).abs());
    apart.fold(0.0, f32::max) / largest.max(f32::MIN_POSITIVE)
}

/// Sequences of several lengths in one batch.
fn bert(shapes: &Shapes, folder: &Path, device: &Device) -> Result<Network, Box<dyn Error>> {
    let network = load_bert(folder, device)?;
    let mut random = Random::new(5);
    let lengths = [
        3,
        17,
        shapes.minilm.positions / 4,
        shapes.minilm.positions / 2,
    ];
    let sequences = lengths.map(|length| random.tokens(length, shapes.minilm.vocabulary));
    Ok(Box::new(move || {
        let sequences = sequences.each_ref().map(Vec::as_slice);
        Ok(network.forward(&sequences)?.flatten_all()?.to_vec1()?)
    }))
}

/// Reads the encoder.
pub(crate) fn load_bert(
    folder: &Path,
    device: &Device,
) -> Result<Bert, aimass::models::ModelError> {
    let config = BertConfig::read(&folder.join("config.json"))?;
    let file = TensorFile::open(&folder.join("model.safetensors"))?;
    Bert::read(&config, &file, device)
}

/// The encoder over noise, and the scores of the decoder over some tokens.
fn whisper(shapes: &Shapes, folder: &Path, device: &Device) -> Result<Network, Box<dyn Error>> {
    let weights = WhisperWeights::load(folder, device, Precision::Exact)?;
    let mut random = Random::new(6);
    let samples = random.numbers(shapes.samples, 0.1);
    let special = weights.vocabulary().special();
    let mut tokens = vec![special.start_of_transcript];
    tokens.extend(random.tokens(15, WHISPER_TOKENS));
    Ok(Box::new(move || {
        let spectrogram = weights.filters().log_mel(&samples, samples.len());
        let mut pass = EncoderPass::begin(&weights, &[spectrogram])?;
        while pass.advance(&weights)? {}
        let mut output = Vec::new();
        for audio in EncodedAudio::of(&weights, &pass)? {
            output.extend(audio.scores(&weights, &tokens)?.concat());
        }
        Ok(output)
    }))
}

/// Two stretches of noise, of which the second goes on from the first.
fn silero(folder: &Path, device: &Device) -> Result<Network, Box<dyn Error>> {
    let network = Silero::new(Arc::new(SileroWeights::load(folder, device)?));
    let samples = Random::new(7).numbers(512 * 40, 0.1);
    Ok(Box::new(move || {
        let mut state = SileroState::default();
        let (one, other) = samples.split_at(512 * 10);
        let mut output = network.probabilities(&mut state, one)?;
        output.extend(network.probabilities(&mut state, other)?);
        Ok(output)
    }))
}

/// A prompt at once and further tokens one by one, beside a second text that goes another way behind the same beginning.
fn llama(
    vocabulary: usize,
    folder: &Path,
    side: Side,
    device: &Device,
) -> Result<Network, Box<dyn Error>> {
    let weights = match side {
        Side::Processor => LlamaWeights::load(folder, Some(512), &Device::Cpu)?,
        Side::Checked => LlamaWeights::load_as_tensors(folder, Some(512), device)?,
    };
    let mut random = Random::new(8);
    let prompt = random.tokens(PROMPT, vocabulary);
    let further = [(); 2].map(|()| random.tokens(FURTHER, vocabulary));
    Ok(Box::new(move || {
        let mut first = weights.cache(PROMPT + FURTHER);
        let mut output = weights.forward(&mut [Feed {
            tokens: &prompt,
            cache: &mut first,
            wanted: Wanted::Scores,
        }])?;
        let mut second = first.fork(PROMPT, PROMPT + FURTHER);
        for place in 0..FURTHER {
            let caches = [&mut first, &mut second];
            let mut feeds = further.iter().zip(caches).map(|(tokens, cache)| Feed {
                tokens: &tokens[place..=place],
                cache,
                wanted: Wanted::Scores,
            });
            let mut feeds: Vec<Feed<'_>> = feeds.by_ref().collect();
            output.extend(weights.forward(&mut feeds)?);
        }
        Ok(output.concat())
    }))
}
