//! Each format and rate against what ffmpeg and sox hear in the same file. `goldens/audio/make.py`
//! makes the files.

use std::fs;

use aimass_models::audio::AudioFile;

use super::{Wav, goldens, hear, listen};

/// The file, its container, codec, rate, channels and nominal length in samples at 16 kHz.
const FILES: [(&str, &str, &str, u32, u32, usize); 26] = [
    ("u8_8k.wav", "wave", "pcm_u8", 8_000, 1, 960),
    ("s16_22k_stereo.wav", "wave", "pcm_s16le", 22_050, 2, 960),
    ("s16_16k.wav", "wave", "pcm_s16le", 16_000, 1, 960),
    ("s24_12k.wav", "wave", "pcm_s24le", 12_000, 1, 960),
    ("s32_8k.wav", "wave", "pcm_s32le", 8_000, 1, 960),
    ("f32_11k.wav", "wave", "pcm_f32le", 11_025, 1, 959),
    ("f64_8k.wav", "wave", "pcm_f64le", 8_000, 1, 960),
    ("alaw_8k.wav", "wave", "pcm_alaw", 8_000, 1, 960),
    ("mulaw_8k.wav", "wave", "pcm_mulaw", 8_000, 1, 960),
    ("adpcm_ms_22k.wav", "wave", "adpcm_ms", 22_050, 1, 1_477),
    (
        "adpcm_ima_22k.wav",
        "wave",
        "adpcm_ima_wav",
        22_050,
        1,
        1_481,
    ),
    ("s16_8k_six.wav", "wave", "pcm_s16le", 8_000, 6, 960),
    ("s16_32k.aiff", "aiff", "pcm_s16be", 32_000, 1, 960),
    ("s16_44k_stereo.flac", "flac", "flac", 44_100, 2, 960),
    ("s24_96k.flac", "flac", "flac", 96_000, 1, 960),
    ("flac_24k.ogg", "ogg", "flac", 24_000, 1, 960),
    ("alac_48k.m4a", "isomp4", "alac", 48_000, 1, 960),
    ("aac_44k_stereo.m4a", "isomp4", "aac", 44_100, 2, 3_200),
    ("cbr_44k_stereo.mp3", "mp3", "mp3", 44_100, 2, 3_200),
    ("vbr_48k.mp3", "mp3", "mp3", 48_000, 1, 3_200),
    ("cbr_16k.mp3", "mp3", "mp3", 16_000, 1, 3_200),
    // Without a tag that says what was added, all of it is heard, by ffmpeg as well.
    ("bare_24k.mp3", "mp3", "mp3", 24_000, 1, 4_224),
    ("vorbis_44k_stereo.ogg", "ogg", "vorbis", 44_100, 2, 3_200),
    ("vorbis_16k.ogg", "ogg", "vorbis", 16_000, 1, 3_200),
    ("opus_48k_stereo.opus", "ogg", "opus", 48_000, 2, 3_200),
    ("opus_speech_48k.ogg", "ogg", "opus", 48_000, 1, 3_200),
];

fn reference(name: &str) -> Vec<f32> {
    fs::read(goldens().join(format!("{name}.s16")))
        .unwrap()
        .chunks_exact(2)
        .map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0)
        .collect()
}

/// Correlation of two signals where one is moved by `lag` samples.
fn correlation(one: &[f32], other: &[f32], lag: isize) -> f64 {
    let pairs = (0..one.len() as isize).filter_map(|at| {
        let moved = usize::try_from(at + lag).ok()?;
        Some((f64::from(one[at as usize]), f64::from(*other.get(moved)?)))
    });
    let (mut both, mut left, mut right) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        both += a * b;
        left += a * a;
        right += b * b;
    }
    both / (left * right).sqrt()
}

#[test]
fn every_format_and_rate_sounds_as_in_ffmpeg_and_sox() {
    for (name, container, codec, rate, channels, length) in FILES {
        let mut file = AudioFile::open(&goldens().join(name)).unwrap();
        let info = file.info().clone();
        assert_eq!(
            (info.container, info.codec, info.sample_rate, info.channels),
            (container, codec, rate, channels),
            "{name}"
        );
        let heard = listen(&mut file);
        assert!(!file.truncated() && file.damaged() == 0, "{name}");
        assert!(
            heard.len().abs_diff(length) <= 1,
            "{name}: {} samples",
            heard.len()
        );
        if let Some(seconds) = info.seconds {
            let said = (seconds * 16_000.0).round() as usize;
            assert!(said.abs_diff(heard.len()) <= 1, "{name} said {said}");
        }
        let reference = reference(name);
        let agreement = correlation(&heard, &reference, 0);
        println!("{name}: {agreement:.6}");
        assert!(agreement >= 0.999, "{name}: {agreement}");
        for lag in (1..=8).flat_map(|lag| [lag, -lag]) {
            assert!(
                correlation(&heard, &reference, lag) < agreement,
                "{name} lags {lag}"
            );
        }
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, extension) in [
        ("s16_16k.wav", "mp3"),
        ("cbr_16k.mp3", "wav"),
        ("vorbis_16k.ogg", "flac"),
        ("s16_44k_stereo.flac", "m4a"),
        ("aac_44k_stereo.m4a", "txt"),
    ] {
        let renamed = folder.path().join("renamed").with_extension(extension);
        fs::copy(goldens().join(name), &renamed).unwrap();
        let expected = listen(&mut AudioFile::open(&goldens().join(name)).unwrap());
        assert_eq!(
            listen(&mut AudioFile::open(&renamed).unwrap()),
            expected,
            "{name}"
        );
    }
}

#[test]
fn tags_before_the_audio_are_passed_over() {
    // An ID3 tag with a picture that looks like the beginning of an mp3 frame.
    let mut tagged = b"ID3\x04\0\0\0\0\x08\0".to_vec();
    tagged.extend([0xff, 0xfb, 0x90, 0x64].repeat(256));
    let plain = fs::read(goldens().join("cbr_16k.mp3")).unwrap();
    tagged.extend(&plain);
    assert_eq!(hear(tagged).0, hear(plain).0);
}

#[test]
fn sixteen_kilohertz_passes_bit_by_bit() {
    let samples: Vec<i16> = (0..40_000)
        .map(|at| (at * 7_919 % 65_536 - 32_768) as i16)
        .collect();
    let (heard, _) = hear(Wav::integers(16_000, 1, &samples).bytes());
    let exact: Vec<f32> = samples
        .iter()
        .map(|&sample| f32::from(sample) / 32_768.0)
        .collect();
    assert_eq!(heard, exact);
    let floats: Vec<f32> = exact.iter().map(|sample| sample * 0.123_456).collect();
    assert_eq!(hear(Wav::floats(16_000, 1, &floats).bytes()).0, floats);
}

#[test]
fn channels_are_averaged() {
    let (heard, file) = hear(Wav::floats(16_000, 3, &[0.9, 0.3, -0.3, 0.0, 0.6, 0.0]).bytes());
    assert_eq!(file.info().channels, 3);
    for (heard, expected) in heard.iter().zip([0.3, 0.2]) {
        assert!((heard - expected).abs() < 1e-6, "{heard} for {expected}");
    }
}
