//! Where the time of hearing goes: `cargo run --release -p aimass-models --example speech_phases -- WHISPER SILERO exact|q8_0 BEAM FILE...`.
//!
//! The folders are what `aimass models path whisper-base` and `... silero-vad` print. Each file is one window, of which the first 30 seconds are
//! heard, in English, one after the other. For each phase, the seconds of all files together and their share.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aimass_models::audio::{AudioFile, SAMPLE_RATE};
use aimass_models::silero::FRAME;
use aimass_models::whisper::alignment::{Spoken, align};
use aimass_models::whisper::decoding::{Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights, segments};
use aimass_models::{Precision, Silero, SileroState, SileroWeights, device};

const WINDOW: usize = 30 * SAMPLE_RATE as usize;
/// Samples of a position of the encoder's output.
const POSITION: usize = 320;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The phases in the order in which they came first, each with its time.
#[derive(Default)]
struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement of wall time, outside any runtime"
    )]
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let began = std::time::Instant::now();
        let outcome = work();
        let took = began.elapsed();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, total)) => *total += took,
            None => self.0.push((name, took)),
        }
        outcome
    }

    #[expect(clippy::print_stdout, reason = "it is what the example does")]
    fn print(&self) {
        let total: f64 = self.0.iter().map(|(_, took)| took.as_secs_f64()).sum();
        for (name, took) in &self.0 {
            let took = took.as_secs_f64();
            println!("{name}: {took:.3} s, {:.1} %", took / total * 100.0);
        }
    }
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [whisper, silero, precision, beam, files @ ..] = &arguments[..] else {
        return Err("usage: speech_phases WHISPER SILERO exact|q8_0 BEAM FILE...".into());
    };
    let precision = match precision.as_str() {
        "q8_0" => Precision::Q8_0,
        _ => Precision::Exact,
    };
    let cpu = device::open("cpu")?;
    let whisper = WhisperWeights::load(Path::new(whisper), &cpu, precision)?;
    let silero = Silero::new(Arc::new(SileroWeights::load(Path::new(silero), &cpu)?));
    let mut phases = Phases::default();
    for file in files {
        let samples = phases.time("reading the file", || read(file))?;
        phases.time("finding speech", || detect(&silero, &samples))?;
        hear(&whisper, &samples, beam.parse()?, &mut phases)?;
    }
    phases.print();
    Ok(())
}

fn read(file: &str) -> Outcome<Vec<f32>> {
    let mut file = AudioFile::open(Path::new(file))?;
    let mut samples = Vec::new();
    while let Some(block) = file.next_block()? {
        samples.extend(block);
    }
    samples.truncate(WINDOW);
    Ok(samples)
}

/// Fills the last frame up, as the agent does.
fn detect(silero: &Silero, samples: &[f32]) -> Outcome<()> {
    let mut state = SileroState::default();
    for piece in samples.chunks(625 * FRAME) {
        let mut piece = piece.to_vec();
        piece.resize(piece.len().next_multiple_of(FRAME), 0.0);
        silero.probabilities(&mut state, &piece)?;
    }
    Ok(())
}

fn hear(
    whisper: &WhisperWeights,
    samples: &[f32],
    beam: usize,
    phases: &mut Phases,
) -> Outcome<()> {
    let spectrogram = phases.time("spectrogram", || whisper.filters().log_mel(samples, WINDOW));
    let mut pass = EncoderPass::begin(whisper, &[spectrogram])?;
    phases.time("encoder", || -> Outcome<()> {
        while pass.advance(whisper)? {}
        Ok(())
    })?;
    let audio = phases.time("keys of the decoder", || EncodedAudio::of(whisper, &pass))?;
    let audio = Arc::new(audio.into_iter().next().ok_or("no audio was encoded")?);
    let language = whisper.vocabulary().language("en");
    let options = DecodingOptions {
        task: Task::Transcribe,
        language,
        strategy: Strategy::Beam {
            size: beam,
            patience: 1.0,
        },
        prompt: Vec::new(),
        latest_start: 1.0,
        seed: 0,
    };
    let mut decoding = Decoding::new(whisper, audio.clone(), options);
    phases.time("decoder", || -> Outcome<()> {
        while !decoding.is_done() {
            Decoding::advance(whisper, &mut [&mut decoding])?;
        }
        Ok(())
    })?;
    let duration = samples.len() as f64 / f64::from(SAMPLE_RATE);
    let (found, _) = segments(whisper.vocabulary(), &decoding.result(), duration);
    let tokens: Vec<u32> = found.into_iter().flat_map(|one| one.tokens).collect();
    let spoken = Spoken {
        tokens: &tokens,
        language,
        task: Task::Transcribe,
    };
    phases.time("times of the words", || {
        align(whisper, &audio, samples.len() / POSITION, &spoken)
    })?;
    Ok(())
}
