//! Live samples: any rate, any number of channels, cut anywhere.

use std::f64::consts::TAU;

use aimass_models::audio::Resampler;

use super::Dice;

/// Rates that are common, that share little with 16,000, and that are the ends of what is taken.
const RATES: [u32; 18] = [
    1_000, 7_999, 8_000, 11_025, 16_000, 16_001, 22_050, 24_000, 32_000, 37_003, 44_100, 44_101,
    48_000, 48_001, 96_000, 192_000, 767_999, 768_000,
];

fn all_at_once(rate: u32, channels: u32, samples: &[f32]) -> Vec<f32> {
    let mut resampler = Resampler::new(rate, channels).unwrap();
    let mut heard = resampler.push(samples);
    heard.extend(resampler.finish());
    heard
}

#[test]
fn cuts_change_nothing() {
    let mut dice = Dice(7);
    for (rate, channels) in [
        (16_000, 1),
        (44_100, 2),
        (48_000, 1),
        (8_000, 3),
        (44_101, 2),
        (96_000, 6),
    ] {
        let samples: Vec<f32> = (0..20_000).map(|_| dice.sample()).collect();
        let whole = all_at_once(rate, channels, &samples);
        for longest in [1, 7, 160, 4_096, 20_000] {
            let mut resampler = Resampler::new(rate, channels).unwrap();
            let (mut heard, mut rest) = (Vec::new(), samples.as_slice());
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at((1 + dice.roll(longest)).min(rest.len()));
                heard.extend(resampler.push(piece));
                heard.extend(resampler.push(&[]));
                rest = tail;
            }
            heard.extend(resampler.finish());
            let same = heard
                .iter()
                .map(|sample| sample.to_bits())
                .eq(whole.iter().map(|sample| sample.to_bits()));
            assert!(same, "{channels} channels at {rate} Hz, cut at {longest}");
        }
    }
}

#[test]
fn the_length_is_exact_at_every_rate() {
    for rate in RATES {
        for frames in [0, 1, 2, 3, 1_000, 4_321] {
            let heard = all_at_once(rate, 1, &vec![0.25; frames]).len() as f64;
            let length = frames as f64 * 16_000.0 / f64::from(rate);
            assert!(
                (heard - length).abs() <= 0.5,
                "{heard} for {length} at {rate} Hz"
            );
        }
    }
}

/// A tone keeps its pitch, strength and place in time, within a thousandth of full scale.
#[test]
fn a_tone_is_neither_moved_nor_changed() {
    for rate in RATES {
        let pitch = f64::from(rate.min(16_000)) * 0.3;
        let frames = (f64::from(rate) * 0.4) as usize;
        let samples: Vec<f32> = (0..frames)
            .map(|at| (at as f64 / f64::from(rate) * pitch * TAU).sin() as f32 * 0.5)
            .collect();
        let heard = all_at_once(rate, 1, &samples);
        // The ends are left out: a tone that begins at once holds all pitches.
        let margin = heard.len() / 3;
        for (at, &sample) in heard
            .iter()
            .enumerate()
            .take(heard.len() - margin)
            .skip(margin)
        {
            let ideal = (at as f64 / 16_000.0 * pitch * TAU).sin() * 0.5;
            let error = (f64::from(sample) - ideal).abs();
            assert!(error < 1e-3, "{error} at {at} from {rate} Hz");
        }
    }
}

#[test]
fn pitches_that_16_khz_cannot_hold_are_silent() {
    for rate in RATES.into_iter().filter(|&rate| rate > 22_000) {
        let samples: Vec<f32> = (0..rate / 2)
            .map(|at| (f64::from(at) / f64::from(rate) * 9_500.0 * TAU).sin() as f32)
            .collect();
        let heard = all_at_once(rate, 1, &samples);
        let middle = &heard[heard.len() / 3..heard.len() * 2 / 3];
        let loudest = middle
            .iter()
            .fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!(loudest < 1e-3, "{loudest} at {rate} Hz");
    }
}

#[test]
fn the_lag_is_short_at_usual_rates() {
    for rate in [
        8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
    ] {
        let mut resampler = Resampler::new(rate, 1).unwrap();
        let heard = resampler.push(&vec![0.1; rate as usize]).len();
        assert!(
            heard >= 16_000 - 3_200,
            "{heard} after a second at {rate} Hz"
        );
    }
}

#[test]
fn what_is_no_number_is_silence_and_what_is_too_loud_is_clamped() {
    let heard = all_at_once(
        16_000,
        1,
        &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 7.0, -1e30, 0.5],
    );
    assert_eq!(heard, [0.0, 0.0, 0.0, 1.0, -1.0, 0.5]);
    for rate in RATES {
        let samples: Vec<f32> = [f32::NAN, f32::MAX, f32::MIN, f32::INFINITY].repeat(2_000);
        let heard = all_at_once(rate, 2, &samples);
        assert!(
            heard.iter().all(|sample| (-1.0..=1.0).contains(sample)),
            "{rate} Hz"
        );
    }
}

#[test]
fn rates_and_channels_out_of_bounds_are_refused() {
    for (rate, channels) in [
        (0, 1),
        (999, 1),
        (768_001, 1),
        (u32::MAX, 1),
        (16_000, 0),
        (16_000, 65),
    ] {
        let message = Resampler::new(rate, channels).err().unwrap().to_string();
        assert!(message.contains("expected"), "{message}");
    }
}

#[test]
fn an_unfinished_frame_is_dropped() {
    assert_eq!(all_at_once(16_000, 2, &[0.5, 0.5, 0.25]), [0.5]);
}
