//! How fast recordings are read, and in how much memory: `cargo run --release -p aimass-models --example audio_rate FILE...`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement stands outside the runtime"
)]

use std::path::Path;
use std::time::Instant;

use aimass_models::audio::{AudioFile, SAMPLE_RATE};

fn main() {
    for path in std::env::args().skip(1) {
        let began = Instant::now();
        let mut file = AudioFile::open(Path::new(&path)).unwrap();
        let mut samples = 0;
        while let Some(block) = file.next_block().unwrap() {
            samples += block.len();
        }
        let took = began.elapsed().as_secs_f64();
        let hours = samples as f64 / f64::from(SAMPLE_RATE) / 3_600.0;
        println!(
            "{path}: {hours:.3} h in {took:.2} s, {:.1} h per minute; {} packets damaged, truncated: {}; peak memory so far {}",
            hours / took * 60.0,
            file.damaged(),
            file.truncated(),
            peak_memory().unwrap_or_else(|| "unknown".to_owned())
        );
    }
}

/// The most memory that this process ever held. Only Linux says so.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
