//! Embeds what comes on standard input, and says how long that took: the side of ours in `benches/peers/minilm.py`.
//!
//! Each line is `{"batch": 8, "texts": ["…"]}`; each answer is `{"seconds": 0.1, "first": [0.02, …]}`. The model is the folder that the
//! first argument names: `aimass models path minilm` prints it.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use aimass_models::{SentenceEncoder, SentenceEncoderWeights, device};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Round {
    batch: usize,
    texts: Vec<String>,
}

#[derive(Serialize)]
struct Rate {
    seconds: f64,
    first: Vec<f32>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of wall time, outside any runtime"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: embed_rate FOLDER")?;
    let weights = SentenceEncoderWeights::load(Path::new(&folder), &device::open("cpu")?)?;
    let encoder = SentenceEncoder::new(Arc::new(weights));
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let round: Round = serde_json::from_str(&line?)?;
        let began = std::time::Instant::now();
        let mut first = None;
        for texts in round.texts.chunks(round.batch.max(1)) {
            let tokens = texts.iter().map(|text| encoder.tokenize(text));
            let vectors = encoder.encode(&tokens.collect::<Result<Vec<_>, _>>()?)?;
            first = first.or_else(|| vectors.into_iter().next());
        }
        let rate = Rate {
            seconds: began.elapsed().as_secs_f64(),
            first: first.unwrap_or_default(),
        };
        serde_json::to_writer(&mut output, &rate)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
