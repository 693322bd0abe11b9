//! What is no audio file, and what is one but is damaged: refused in one line, or heard as far as
//! it goes.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use aimass_models::ModelError;
use aimass_models::audio::{AudioFile, AudioLimits};

use super::{Dice, Wav, goldens, hear, listen, refusal, tone};

pub(super) fn golden(name: &str) -> Vec<u8> {
    fs::read(goldens().join(name)).unwrap()
}

fn cannot_open(path: &Path) -> String {
    let message = AudioFile::open(path).err().unwrap().to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    message
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(cannot_open(folder.path()).contains("a folder"));
    assert!(cannot_open(&folder.path().join("absent.wav")).contains("check the name"));
    assert!(cannot_open(Path::new("/dev/zero")).contains("a device"));
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert!(cannot_open(&pipe).contains("a pipe"));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.wav");
    fs::copy(goldens().join("s16_16k.wav"), &secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    match AudioFile::open(&secret) {
        Err(ModelError::File { advice, .. }) => assert!(advice.contains("permission"), "{advice}"),
        Err(error) => panic!("{error}"),
        // The superuser reads what nobody may.
        Ok(_) => assert!(fs::read(&secret).is_ok()),
    }
}

#[test]
fn what_is_no_audio_is_refused() {
    assert!(refusal(Vec::new()).contains("an empty file"));
    let text = "This is a letter, and nobody can hear it.\n".repeat(5_000);
    assert!(refusal(text.into_bytes()).contains("wav, aiff, flac, mp3"));
    assert!(refusal(vec![0; 100_000]).contains("wav, aiff, flac, mp3"));
    let mut dice = Dice(1);
    let noise = (0..100_000).map(|_| dice.roll(256) as u8).collect();
    refusal(noise);
}

#[test]
fn a_header_that_breaks_off_is_refused() {
    for (name, lengths) in [
        ("s16_16k.wav", [1, 12, 43]),
        ("s16_32k.aiff", [1, 12, 50]),
        ("s16_44k_stereo.flac", [1, 4, 40]),
        ("cbr_44k_stereo.mp3", [1, 4, 100]),
        ("vorbis_16k.ogg", [1, 27, 1_000]),
        ("aac_44k_stereo.m4a", [1, 8, 40]),
    ] {
        let whole = golden(name);
        for length in lengths {
            refusal(whole[..length].to_vec());
        }
    }
}

#[test]
fn data_that_break_off_are_heard_as_far_as_they_go() {
    for name in [
        "s16_16k.wav",
        "s24_12k.wav",
        "s16_32k.aiff",
        "cbr_16k.mp3",
        "cbr_44k_stereo.mp3",
        "s16_44k_stereo.flac",
        "vorbis_44k_stereo.ogg",
        "opus_48k_stereo.opus",
        "aac_44k_stereo.m4a",
    ] {
        let bytes = golden(name);
        let (whole, file) = hear(bytes.clone());
        assert!(!file.truncated(), "{name}");
        let (part, file) = hear(bytes[..bytes.len() - 401].to_vec());
        assert!(file.truncated(), "{name} does not say that it broke off");
        assert!(
            part.len() < whole.len() || name.ends_with("mp3"),
            "{name}: {}",
            part.len()
        );
        // The filter hears the end coming.
        let sound = part.len().saturating_sub(1_600);
        assert_eq!(part[..sound], whole[..sound], "{name}");
    }
}

/// symphonia looks for what may follow the samples, and gives up where it does not find their end.
#[test]
fn an_mp4_file_without_the_index_at_its_end_is_refused() {
    let bytes = golden("alac_48k.m4a");
    for length in [bytes.len() - 1, bytes.len() - 401, 4_000] {
        let message = refusal(bytes[..length].to_vec());
        assert!(message.contains("incomplete"), "{message}");
    }
}

#[test]
fn what_ffmpeg_decodes_and_we_do_not_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let opus = folder.path().join("a talk.opus");
    fs::copy(goldens().join("opus_48k_six.opus"), &opus).unwrap();
    let message = cannot_open(&opus);
    assert!(message.contains("found Opus"), "{message}");
    assert!(
        message.contains("`ffmpeg -i \"a talk.opus\" out.flac`"),
        "{message}"
    );
    // The object type of an AAC file whose upper band is synthesized.
    let whole = golden("aac_44k_stereo.m4a");
    let plain = [0x12, 0x10, 0x56, 0xe5, 0];
    let at = whole.windows(5).position(|five| five == plain).unwrap();
    let mut high_efficiency = whole;
    high_efficiency[at..at + 5].copy_from_slice(&[0x2a, 0x12, 0x08, 0, 0]);
    let message = refusal(high_efficiency);
    assert!(
        message.contains("HE-AAC") && message.contains("ffmpeg"),
        "{message}"
    );
}

#[test]
fn damage_in_the_midst_of_an_mp3_leaves_the_rest_in_its_place() {
    let mut bytes = golden("cbr_44k_stereo.mp3");
    let (whole, _) = hear(bytes.clone());
    // The side information of two frames in the middle, so that neither can be decoded.
    let frames: Vec<usize> = (0..bytes.len() - 1)
        .filter(|&at| bytes[at] == 0xff && bytes[at + 1] & 0xfe == 0xfa)
        .collect();
    for &frame in &frames[3..5] {
        bytes[frame + 4..frame + 36].fill(0xff);
    }
    let (heard, file) = hear(bytes);
    assert!(file.damaged() > 0, "the damage went unnoticed");
    assert_eq!(heard.len(), whole.len());
    // Within what the resampling filter lets ring.
    let end = whole.len() - 400;
    let ends = heard[..320].iter().chain(&heard[end..]);
    for (ours, sound) in ends.zip(whole[..320].iter().chain(&whole[end..])) {
        assert!((ours - sound).abs() < 1e-3, "{ours} for {sound}");
    }
}

#[test]
fn an_mp3_of_damaged_packets_only_is_refused_soon() {
    let bytes = golden("cbr_44k_stereo.mp3");
    let frame = 417..417 + 418;
    let mut broken = bytes[frame].to_vec();
    broken[4..].fill(0xff);
    let message = refusal(broken.repeat(2_000));
    assert!(
        message.contains("undamaged") || message.contains("mp3"),
        "{message}"
    );
}

#[test]
fn a_recording_that_changes_its_rate_goes_on() {
    let joined = |names: [&str; 2]| {
        let [first, second] = names.map(golden);
        let apart = hear(first.clone()).0.len() + hear(second.clone()).0.len();
        let (heard, file) = hear([first, second].concat());
        assert!(!file.truncated(), "{names:?}");
        (heard.len(), apart)
    };
    let (together, apart) = joined(["vorbis_44k_stereo.ogg", "vorbis_16k.ogg"]);
    assert!(
        together.abs_diff(apart) <= 2,
        "{together} samples for {apart}"
    );
    // What lies between two mp3 files is a tag and a delay that no header mentions.
    let (together, apart) = joined(["cbr_44k_stereo.mp3", "cbr_16k.mp3"]);
    assert!(
        (apart..apart + 5_000).contains(&together),
        "{together} samples for {apart}"
    );
}

#[test]
fn a_flipped_byte_never_panics_and_never_runs_away() {
    let mut dice = Dice(3);
    for entry in fs::read_dir(goldens()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let others = ["py", "s16", "txt"];
        if path
            .extension()
            .is_some_and(|extension| others.iter().any(|other| extension == *other))
        {
            continue;
        }
        for _ in 0..60 {
            let mut spoilt = bytes.clone();
            for _ in 0..1 + dice.roll(4) {
                // Half of the damage goes into the head, where the lengths are.
                let reach = if dice.roll(2) == 0 {
                    spoilt.len().min(200)
                } else {
                    spoilt.len()
                };
                let at = dice.roll(reach);
                spoilt[at] = dice.roll(256) as u8;
            }
            let limits = AudioLimits { max_seconds: 10 };
            let Ok(mut file) = AudioFile::in_memory("spoilt", spoilt, limits) else {
                continue;
            };
            while let Ok(Some(block)) = file.next_block() {
                assert!(block.iter().all(|sample| (-1.0..=1.0).contains(sample)));
            }
        }
    }
}

#[test]
fn a_day_of_sparse_audio_is_read_block_by_block() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.wav");
    let head = Wav {
        claimed: Some(16_000 * 2 * 86_400),
        ..Wav::integers(16_000, 1, &tone(16_000, 1, 2.0))
    };
    let mut file = File::create(&path).unwrap();
    file.write_all(&head.bytes()).unwrap();
    file.seek(SeekFrom::Start(44 + 16_000 * 2 * 86_400 - 1))
        .unwrap();
    file.write_all(&[0]).unwrap();
    drop(file);
    let mut file = AudioFile::open(&path).unwrap();
    assert_eq!(file.info().seconds, Some(86_400.0));
    for second in 0..600 {
        let block = file.next_block().unwrap().unwrap();
        assert_eq!(block.len(), 16_000);
        assert_eq!(block.iter().any(|&sample| sample != 0.0), second < 2);
    }
    let limits = AudioLimits {
        max_seconds: 86_399,
    };
    let message = AudioFile::open_within(&path, limits)
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("at most 86399 seconds"), "{message}");
}

#[test]
fn a_recording_that_does_not_say_how_long_it_is_meets_the_limit_while_it_is_read() {
    // A tag that counts more frames than the file can hold says nothing.
    let mut tagged = golden("cbr_16k.mp3");
    let tag = tagged
        .windows(4)
        .position(|here| matches!(here, b"Xing" | b"Info"));
    tagged[tag.unwrap() + 8..][..4].copy_from_slice(&(1_u32 << 31).to_be_bytes());
    let bytes = tagged.repeat(20);
    let (heard, file) = hear(bytes.clone());
    assert!(heard.len() > 64_000, "{}", heard.len());
    assert_eq!((file.truncated(), file.info().seconds), (false, None));
    let limits = AudioLimits { max_seconds: 3 };
    let mut file = AudioFile::in_memory("live", bytes, limits).unwrap();
    for _ in 0..3 {
        assert_eq!(file.next_block().unwrap().unwrap().len(), 16_000);
    }
    let message = file.next_block().unwrap_err().to_string();
    assert!(message.contains("at most 3 seconds"), "{message}");
    assert!(listen(&mut file).is_empty());
}
