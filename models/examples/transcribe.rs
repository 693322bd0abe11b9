//! Transcribes windows of audio without an agent: `transcribe FOLDER exact|q8_0 SECONDS BEAM FILE...`, the files 16 kHz mono as raw f32.
//! Prints the text of each and how long it took; for profiles and for comparing with other programs.

#![expect(clippy::print_stdout, reason = "it is what the example does")]

use std::error::Error;
use std::path::Path;
use std::time::SystemTime;

use aimass_models::Precision;
use aimass_models::whisper::WhisperWeights;
use aimass_models::whisper::recognition::{Recognition, RecognitionOptions, Silence};
use candle_core::Device;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, precision, silence, beam, files @ ..] = &arguments[..] else {
        return Err("usage: transcribe FOLDER exact|q8_0 SECONDS BEAM FILE...".into());
    };
    let precision = match precision.as_str() {
        "q8_0" => Precision::Q8_0,
        _ => Precision::Exact,
    };
    let silence: f32 = silence.parse()?;
    let options = RecognitionOptions {
        beam_size: beam.parse()?,
        silence: match silence < 0.0 {
            true => Silence::Full,
            false => Silence::Seconds(silence),
        },
        ..RecognitionOptions::default()
    };
    let began = SystemTime::now();
    let weights = WhisperWeights::load(Path::new(folder), &Device::Cpu, precision)?;
    println!("loaded in {:.2} s", began.elapsed()?.as_secs_f32());
    let mut heard = 0.0;
    let began = SystemTime::now();
    for file in files {
        let bytes = std::fs::read(file)?;
        let samples: Vec<f32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|quad| f32::from_le_bytes(*quad))
            .collect();
        heard += samples.len() as f32 / 16_000.0;
        let mut recognition = Recognition::default();
        for window in samples.chunks(30 * 16_000) {
            recognition.push(&weights, window, &options);
        }
        loop {
            let progress = recognition.advance(&weights)?;
            for (number, found) in progress.done {
                for segment in found?.segments {
                    println!(
                        "{file} {number} {:?} [{:.2} {:.2}] {:.2} {:.1}:{}",
                        segment.no_speech,
                        segment.start,
                        segment.end,
                        segment.mean_log_probability,
                        segment.temperature,
                        segment.text
                    );
                    for word in segment.words {
                        print!(
                            "{:.2}-{:.2}({:.2}){} ",
                            word.start, word.end, word.probability, word.text
                        );
                    }
                    println!();
                }
            }
            if progress.finished {
                break;
            }
        }
    }
    let took = began.elapsed()?.as_secs_f32();
    println!(
        "{heard:.1} s of audio in {took:.2} s: {:.1} times as fast",
        heard / took
    );
    Ok(())
}
