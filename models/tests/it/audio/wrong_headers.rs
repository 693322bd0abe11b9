//! Heads of wav files that say what is not so. Nothing is allocated on their word.

use super::{Wav, hear, refusal, tone};

fn second() -> Wav {
    Wav::integers(16_000, 1, &tone(16_000, 1, 1.0))
}

/// By the largest lengths a writer says that it did not know; by others, that it did not come to
/// its end.
#[test]
fn a_head_that_claims_four_gigabytes_gives_what_is_there() {
    for (claimed, breaks_off) in [
        (u32::MAX - 1, false),
        (u32::MAX / 2, false),
        (u32::MAX / 4, true),
        (32_002, true),
    ] {
        let (heard, file) = hear(
            Wav {
                claimed: Some(claimed),
                ..second()
            }
            .bytes(),
        );
        assert_eq!(heard.len(), 16_000, "{claimed}");
        assert_eq!(file.truncated(), breaks_off, "{claimed}");
        assert_eq!(file.info().seconds, Some(1.0), "{claimed}");
    }
}

#[test]
fn a_head_that_claims_less_is_taken_at_its_word() {
    let (heard, file) = hear(
        Wav {
            claimed: Some(16_000),
            ..second()
        }
        .bytes(),
    );
    assert_eq!(heard.len(), 8_000);
    assert!(!file.truncated());
}

#[test]
fn impossible_channels_and_rates_are_refused() {
    for channels in [0, 65, 1_000, u16::MAX] {
        refusal(
            Wav {
                channels,
                ..second()
            }
            .bytes(),
        );
    }
    for rate in [0, 1, 999, 768_001, u32::MAX] {
        refusal(Wav { rate, ..second() }.bytes());
    }
    for bits in [0, 1, 7, 12, 64, u16::MAX] {
        refusal(Wav { bits, ..second() }.bytes());
    }
    for format in [0, 2, 17, 85, u16::MAX] {
        refusal(Wav { format, ..second() }.bytes());
    }
}

#[test]
fn a_wrong_block_align_changes_nothing() {
    let expected = hear(second().bytes()).0;
    for block_align in [0, 1, 3, 4, u16::MAX] {
        let (heard, _) = hear(
            Wav {
                block_align,
                ..second()
            }
            .bytes(),
        );
        assert_eq!(heard, expected, "{block_align}");
    }
}

#[test]
fn a_frame_that_is_not_complete_is_dropped() {
    let mut odd = Wav::integers(16_000, 2, &tone(16_000, 2, 0.1));
    odd.data.truncate(odd.data.len() - 3);
    assert_eq!(hear(odd.bytes()).0.len(), 1_599);
}

#[test]
fn no_samples_and_one_sample_are_recordings_too() {
    let (heard, file) = hear(Wav::integers(44_100, 1, &[]).bytes());
    assert!(heard.is_empty() && !file.truncated());
    assert_eq!(file.info().seconds, Some(0.0));
    assert_eq!(hear(Wav::integers(16_000, 1, &[16_384]).bytes()).0, [0.5]);
    assert_eq!(hear(Wav::integers(8_000, 1, &[16_384]).bytes()).0.len(), 2);
    assert_eq!(hear(Wav::integers(48_000, 1, &[16_384]).bytes()).0.len(), 0);
}

#[test]
fn what_is_no_number_is_silence_and_what_is_too_loud_is_clamped() {
    let samples = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.5, -3e38, 0.25];
    let (heard, _) = hear(Wav::floats(16_000, 1, &samples).bytes());
    assert_eq!(heard, [0.0, 0.0, 0.0, 1.0, -1.0, 0.25]);
    let (heard, _) = hear(Wav::floats(48_000, 1, &samples.repeat(1_000)).bytes());
    assert!(heard.iter().all(|sample| (-1.0..=1.0).contains(sample)));
}
