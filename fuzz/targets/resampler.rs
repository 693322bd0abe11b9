//! Live samples at any rate, cut anywhere: as many come out as the recording is long, all audible, and the cuts change nothing.

#![no_main]

use aimass_models::audio::{Resampler, SAMPLE_RATE};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_first_chunk::<6>() else {
        return;
    };
    let [a, b, c, channels, cut, more] = *head;
    let rate = u32::from_le_bytes([a, b, c, 0]);
    let samples: Vec<f32> = rest
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    let (Ok(mut whole), Ok(mut pieces)) = (
        Resampler::new(rate, u32::from(channels)),
        Resampler::new(rate, u32::from(channels)),
    ) else {
        assert!(!(1_000..=768_000).contains(&rate) || !(1..=64).contains(&channels));
        return;
    };
    let mut once = whole.push(&samples);
    once.extend(whole.finish());
    let mut often = Vec::new();
    for piece in samples.chunks(1 + usize::from(cut) + usize::from(more) * 16) {
        often.extend(pieces.push(piece));
    }
    often.extend(pieces.finish());
    assert!(once.iter().all(|sample| (-1.0..=1.0).contains(sample)));
    assert!(once.iter().map(|sample| sample.to_bits()).eq(often.iter().map(|sample| sample.to_bits())));
    let frames = (samples.len() / usize::from(channels)) as f64;
    let length = frames * f64::from(SAMPLE_RATE) / f64::from(rate);
    assert!((once.len() as f64 - length).abs() <= 0.5, "{} for {length}", once.len());
});
