//! Looks for speech in what standard input names, and says how long that took: the side of ours in `benches/peers/silero.py`.
//!
//! Each line is `{"path": "audio.f32", "frames": 625}`: raw 32-bit floats of 16 kHz, little-endian, and how many frames of 512 samples are heard at once.
//! Each answer is `{"seconds": 0.1, "probabilities": [0.02, …]}`. The model is the folder that the first argument names: `aimass models path silero-vad`
//! prints it.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::silero::FRAME;
use aimass_models::{Silero, SileroState, SileroWeights, device};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Round {
    path: PathBuf,
    frames: usize,
}

#[derive(Serialize)]
struct Heard {
    seconds: f64,
    probabilities: Vec<f32>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of wall time, outside any runtime"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("usage: activity_rate FOLDER")?;
    let weights = SileroWeights::load(Path::new(&folder), &device::open("cpu")?)?;
    let silero = Silero::new(Arc::new(weights));
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let round: Round = serde_json::from_str(&line?)?;
        let bytes = std::fs::read(&round.path)?;
        let (samples, _) = bytes.as_chunks::<4>();
        let mut samples: Vec<f32> = samples.iter().copied().map(f32::from_le_bytes).collect();
        samples.resize(samples.len().next_multiple_of(FRAME), 0.0);
        let began = std::time::Instant::now();
        let mut state = SileroState::default();
        let mut probabilities = Vec::new();
        for piece in samples.chunks(round.frames.max(1) * FRAME) {
            probabilities.extend(silero.probabilities(&mut state, piece)?);
        }
        let heard = Heard {
            seconds: began.elapsed().as_secs_f64(),
            probabilities,
        };
        serde_json::to_writer(&mut output, &heard)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
