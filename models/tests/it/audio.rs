//! Audio files and live samples: against ffmpeg and sox, cut anywhere, damaged and lying.

mod accuracy;
mod bad_files;
mod live;
mod wrong_headers;
mod wrong_lengths;
mod wrong_tables;

use std::path::{Path, PathBuf};

use aimass_models::audio::{AudioFile, AudioLimits};

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/audio")
}

/// All samples of a file.
fn listen(file: &mut AudioFile) -> Vec<f32> {
    let mut heard = Vec::new();
    while let Some(block) = file.next_block().unwrap() {
        assert!((1..=16_000).contains(&block.len()), "{}", block.len());
        heard.extend(block);
    }
    assert!(file.next_block().unwrap().is_none());
    heard
}

fn hear(bytes: Vec<u8>) -> (Vec<f32>, AudioFile) {
    let mut file = AudioFile::in_memory("test", bytes, AudioLimits::default()).unwrap();
    (listen(&mut file), file)
}

/// The message with which a recording is refused, when it is opened or while it is read.
fn refusal(bytes: Vec<u8>) -> String {
    let message = match AudioFile::in_memory("test", bytes, AudioLimits::default()) {
        Err(error) => error.to_string(),
        Ok(mut file) => loop {
            match file.next_block() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("not refused"),
                Err(error) => break error.to_string(),
            }
        },
    };
    assert!(!message.contains('\n'), "{message}");
    message
}

/// The head of a wav file and its data.
struct Wav {
    /// 1 for integers, 3 for floats.
    format: u16,
    channels: u16,
    rate: u32,
    bits: u16,
    block_align: u16,
    /// The length that the head claims for the data, where it is not the real one.
    claimed: Option<u32>,
    data: Vec<u8>,
}

impl Wav {
    fn integers(rate: u32, channels: u16, samples: &[i16]) -> Self {
        Self {
            format: 1,
            channels,
            rate,
            bits: 16,
            block_align: 2 * channels,
            claimed: None,
            data: samples
                .iter()
                .flat_map(|sample| sample.to_le_bytes())
                .collect(),
        }
    }

    fn floats(rate: u32, channels: u16, samples: &[f32]) -> Self {
        Self {
            format: 3,
            bits: 32,
            block_align: 4 * channels,
            data: samples
                .iter()
                .flat_map(|sample| sample.to_le_bytes())
                .collect(),
            ..Self::integers(rate, channels, &[])
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let length = self.claimed.unwrap_or(self.data.len() as u32);
        let mut bytes = b"RIFF".to_vec();
        bytes.extend(length.saturating_add(36).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0");
        bytes.extend(self.format.to_le_bytes());
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.rate.to_le_bytes());
        bytes.extend(
            self.rate
                .wrapping_mul(u32::from(self.block_align))
                .to_le_bytes(),
        );
        bytes.extend(self.block_align.to_le_bytes());
        bytes.extend(self.bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.data);
        bytes
    }
}

/// Numbers without a pattern, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn sample(&mut self) -> f32 {
        self.roll(65_536) as f32 / 32_768.0 - 1.0
    }
}

/// A tone of 440 Hz as 16-bit samples, the same in each channel.
fn tone(rate: u32, channels: u16, seconds: f64) -> Vec<i16> {
    let frames = (f64::from(rate) * seconds) as usize;
    (0..frames)
        .flat_map(|at| {
            let turn = at as f64 / f64::from(rate) * 440.0 * std::f64::consts::TAU;
            std::iter::repeat_n((turn.sin() * 16_000.0) as i16, usize::from(channels))
        })
        .collect()
}
