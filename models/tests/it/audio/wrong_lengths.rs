//! Lengths in the heads of files of every format that say what is not so: what is there is heard,
//! and nobody is told that something is missing.

use aimass_models::audio::{AudioFile, AudioLimits};

use super::bad_files::golden;
use super::{Wav, hear, listen, tone};

/// A wav file with a part of tags in front of its sound, and with each of its lengths at hand.
struct Tagged {
    riff: u32,
    list: u32,
    comment: u32,
    data: u32,
    behind: &'static [u8],
}

/// Half a second.
const SOUND: u32 = 16_000;
/// What is in front of the sound but for the first two words: the form, the description, and the
/// tags with a comment of 12 bytes.
const FRONT: u32 = 4 + 24 + 8 + 24;

impl Tagged {
    /// One that does not lie.
    fn honest() -> Self {
        Self {
            riff: FRONT + 8 + SOUND,
            list: 24,
            comment: 12,
            data: SOUND,
            behind: b"",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let plain = Wav::integers(16_000, 1, &tone(16_000, 1, 0.5)).bytes();
        let (front, sound) = plain.split_at(44);
        [
            b"RIFF",
            &self.riff.to_le_bytes()[..],
            &front[8..36],
            b"LIST",
            &self.list.to_le_bytes(),
            b"INFOICMT",
            &self.comment.to_le_bytes(),
            b"some data .\0",
            b"data",
            &self.data.to_le_bytes(),
            sound,
            self.behind,
        ]
        .concat()
    }
}

#[test]
fn a_wav_whose_lengths_lie_is_heard_as_far_as_it_goes_without_an_alarm() {
    let honest = Tagged::honest;
    let whole = honest().riff;
    let (expected, _) = hear(honest().bytes());
    assert_eq!(expected.len(), 8_000);
    for riff in [
        0,
        4,
        8,
        36,
        whole - 8,
        whole,
        whole + 8,
        0x7fff_f024,
        u32::MAX,
    ] {
        for data in [
            0,
            SOUND,
            SOUND + 2,
            0x7f00_0000,
            0x7fff_f000,
            0x7fff_ffff,
            u32::MAX - 36,
            u32::MAX,
        ] {
            if riff > whole && data == SOUND + 2 && riff < 0x7f00_0000 {
                // Both say that there should be more.
                continue;
            }
            let (heard, file) = hear(
                Tagged {
                    riff,
                    data,
                    ..honest()
                }
                .bytes(),
            );
            assert_eq!(heard, expected, "{riff:#x}, {data:#x}");
            assert!(!file.truncated(), "{riff:#x}, {data:#x}");
            assert_eq!(file.info().seconds, Some(0.5), "{riff:#x}, {data:#x}");
        }
    }
    for list in [0, 3, 4, 7, 23, 25, 100, 20_000, 0x7fff_ffff, u32::MAX] {
        let (heard, file) = hear(Tagged { list, ..honest() }.bytes());
        assert_eq!(heard, expected, "{list}");
        assert!(!file.truncated(), "{list}");
    }
    for comment in [0, 1, 11, 13, 20, 100, 0x7fff_ffff, u32::MAX] {
        let (heard, file) = hear(
            Tagged {
                comment,
                ..honest()
            }
            .bytes(),
        );
        assert_eq!(heard, expected, "{comment}");
        assert!(!file.truncated(), "{comment}");
    }
}

#[test]
fn what_stands_behind_the_sound_of_a_wav_is_none() {
    let behind = b"LIST\x04\0\0\0INFO";
    let (heard, _) = hear(
        Tagged {
            behind,
            ..Tagged::honest()
        }
        .bytes(),
    );
    assert_eq!(heard.len(), 8_000);
    let none = Wav::integers(16_000, 1, &[]).bytes();
    let (heard, file) = hear([&none[..], behind].concat());
    assert!(heard.is_empty() && !file.truncated());
}

/// Nobody wrote the end of it, and both lengths say so.
#[test]
fn a_wav_that_breaks_off_is_called_incomplete() {
    let mut cut = Tagged::honest().bytes();
    cut.truncate(cut.len() - 400);
    let (heard, file) = hear(cut);
    assert_eq!(heard.len(), 7_800);
    assert!(file.truncated());
}

#[test]
fn a_description_of_another_length_is_read_all_the_same() {
    let plain = Wav::integers(16_000, 1, &tone(16_000, 1, 0.1)).bytes();
    let (expected, _) = hear(plain.clone());
    for more in [2_u32, 4, 20] {
        let longer = [
            &plain[..16],
            &(16 + more).to_le_bytes(),
            &plain[20..36],
            &vec![0; more as usize],
            &plain[36..],
        ];
        assert_eq!(hear(longer.concat()).0, expected, "{more}");
    }
}

#[test]
fn a_part_of_odd_length_may_lack_the_byte_that_fills_it_up() {
    let plain = Wav::integers(16_000, 1, &tone(16_000, 1, 0.1)).bytes();
    let (expected, _) = hear(plain.clone());
    for filler in [&b""[..], b"\0"] {
        let odd = [&plain[..36], b"junk\x03\0\0\0abc", filler, &plain[36..]];
        assert_eq!(hear(odd.concat()).0, expected, "{filler:?}");
    }
}

#[test]
fn a_wav_of_64_bit_lengths_is_heard() {
    let plain = Wav::integers(16_000, 1, &tone(16_000, 1, 0.5)).bytes();
    let mut large = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    large.extend((plain.len() as u64 + 28).to_le_bytes());
    large.extend(16_000_u64.to_le_bytes());
    large.extend([0; 12]);
    large.extend(&plain[12..40]);
    large.extend(u32::MAX.to_le_bytes());
    large.extend(&plain[44..]);
    large.extend(b"LIST\x04\0\0\0INFO");
    let (heard, file) = hear(large);
    assert_eq!(heard, hear(plain).0);
    assert!(!file.truncated());
}

/// Overwrites bytes.
pub(super) fn put(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..at + with.len()].copy_from_slice(with);
}

/// Where a word begins.
pub(super) fn place(bytes: &[u8], word: &[u8]) -> usize {
    bytes
        .windows(word.len())
        .position(|here| here == word)
        .unwrap()
}

/// Hears the golden file whole and damaged: as long as the undamaged one to within `off` samples at
/// 16 kHz, and without an alarm.
#[track_caller]
pub(super) fn check(name: &str, damage: &str, off: usize, spoil: impl FnOnce(&mut Vec<u8>)) {
    let whole = golden(name);
    let expected = hear(whole.clone()).0.len();
    let mut spoilt = whole;
    spoil(&mut spoilt);
    let mut file = AudioFile::in_memory("test", spoilt, AudioLimits::default())
        .unwrap_or_else(|error| panic!("{name}, {damage}: {error}"));
    let heard = listen(&mut file).len();
    assert!(
        heard.abs_diff(expected) <= off,
        "{name}, {damage}: {heard} for {expected}"
    );
    assert!(!file.truncated(), "{name}, {damage}: a false alarm");
    if let Some(seconds) = file.info().seconds {
        assert!(seconds < 60.0, "{name}, {damage}: {seconds} s");
    }
}

#[test]
fn an_aiff_whose_lengths_lie_is_heard_as_far_as_it_goes() {
    let name = "s16_32k.aiff";
    let length = golden(name).len() as u32;
    for size in [0, 8, length - 16, length, 0x7f00_0000, u32::MAX] {
        check(name, &format!("a whole of {size}"), 0, |bytes| {
            put(bytes, 4, &size.to_be_bytes());
        });
    }
    for size in [0, 7, 8, length, 0x7f00_0000, u32::MAX] {
        check(name, &format!("sound of {size}"), 0, |bytes| {
            let at = place(bytes, b"SSND") + 4;
            put(bytes, at, &size.to_be_bytes());
        });
    }
    for frames in [0_u32, 1, u32::MAX] {
        check(name, &format!("{frames} frames"), 0, |bytes| {
            let at = place(bytes, b"COMM") + 10;
            put(bytes, at, &frames.to_be_bytes());
        });
    }
}

#[test]
fn an_aifc_is_heard_in_either_order_of_bytes_and_parts() {
    let samples = tone(16_000, 1, 0.5);
    let (expected, _) = hear(Wav::integers(16_000, 1, &samples).bytes());
    let rate = [0x40, 0x0c, 0xfa, 0, 0, 0, 0, 0, 0, 0];
    let little: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    let big: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_be_bytes())
        .collect();
    for (kind, data) in [(b"sowt", &little), (b"NONE", &big)] {
        let common = [
            b"COMM\0\0\0\x26\0\x01",
            &(samples.len() as u32).to_be_bytes()[..],
            &[0, 16],
            &rate,
            kind,
            b"\x0enot compressed\0",
        ]
        .concat();
        let sound = [
            b"SSND",
            &(8 + data.len() as u32).to_be_bytes()[..],
            &[0; 8],
            data,
        ]
        .concat();
        for parts in [[&common[..], &sound], [&sound, &common]] {
            let bytes = [b"FORM\0\0\0\0AIFC", &parts.concat()[..]].concat();
            let (heard, file) = hear(bytes);
            assert_eq!(heard, expected);
            assert!(!file.truncated());
        }
    }
}

/// What the tag says of delay and padding is lost with it, at most.
const TAG: usize = 1_152;

#[test]
fn an_mp3_whose_tag_lies_is_heard_as_far_as_it_goes() {
    for name in ["cbr_16k.mp3", "cbr_44k_stereo.mp3", "vbr_48k.mp3"] {
        for frames in [0_u32, 1, 3, 1 << 20, 1 << 31, u32::MAX] {
            check(name, &format!("{frames} frames"), TAG, |bytes| {
                let tag = [&b"Xing"[..], b"Info"].into_iter();
                let mut tag = tag.filter(|tag| bytes.windows(4).any(|here| here == *tag));
                let at = place(bytes, tag.next().unwrap()) + 8;
                put(bytes, at, &frames.to_be_bytes());
            });
        }
    }
}

/// The tag of Fraunhofer's encoder, in the place of the other.
#[test]
fn an_mp3_whose_other_tag_lies_is_heard_as_far_as_it_goes() {
    let name = "cbr_44k_stereo.mp3";
    let length = golden(name).len() as u32;
    for (said, frames) in [(length, 1 << 31), (0, u32::MAX), (length, 1)] {
        check(name, &format!("{frames} frames"), 2 * TAG, |bytes| {
            let frame = place(bytes, &[0xff, 0xfb]);
            let mut tag = [0; 300];
            put(&mut tag, 32, b"VBRI");
            put(&mut tag, 32 + 10, &said.to_be_bytes());
            put(&mut tag, 32 + 14, &frames.to_be_bytes());
            put(bytes, frame + 4, &tag);
        });
    }
}

#[test]
fn a_flac_whose_count_lies_is_heard_as_far_as_it_goes() {
    for name in ["s16_44k_stereo.flac", "s24_96k.flac"] {
        for count in [0_u64, 1, 10_000, 1 << 20, (1 << 36) - 1] {
            check(name, &format!("{count} samples"), 0, |bytes| {
                bytes[21] = bytes[21] & 0xf0 | (count >> 32) as u8;
                put(bytes, 22, &(count as u32).to_be_bytes());
            });
        }
    }
}

/// The checksum of an ogg page.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// Says of the page that begins at a position that so many samples end with it.
pub(super) fn count_at(bytes: &mut [u8], page: usize, count: u64, next: usize) {
    put(bytes, page + 6, &count.to_le_bytes());
    put(bytes, page + 22, &[0; 4]);
    let sum = checksum(&bytes[page..next]);
    put(bytes, page + 22, &sum.to_le_bytes());
}

#[test]
fn an_ogg_whose_counts_lie_is_heard_as_far_as_it_goes() {
    for name in [
        "vorbis_44k_stereo.ogg",
        "vorbis_16k.ogg",
        "opus_48k_stereo.opus",
        "opus_speech_48k.ogg",
    ] {
        let whole = golden(name);
        let mut pages: Vec<usize> = (0..whole.len() - 4)
            .filter(|at| whole[*at..].starts_with(b"OggS"))
            .collect();
        pages.push(whole.len());
        let last = pages.len() - 2;
        // A last packet, and what an encoder adds in front, are told from sound by the count alone.
        for count in [
            0,
            1,
            100,
            1 << 40,
            1 << 62,
            (1 << 62) + 1,
            i64::MAX as u64,
            i64::MIN as u64,
            -48_000_i64 as u64,
            -1_i64 as u64,
        ] {
            check(name, &format!("{count} samples in all"), 4_000, |bytes| {
                count_at(bytes, pages[last], count, pages[last + 1]);
            });
        }
    }
}

#[test]
fn an_m4a_whose_durations_lie_is_heard_as_far_as_it_goes() {
    for name in ["aac_44k_stereo.m4a", "alac_48k.m4a"] {
        for (part, behind) in [("mvhd", 20), ("tkhd", 24), ("mdhd", 20), ("elst", 12)] {
            let whole = golden(name);
            if !whole.windows(4).any(|here| here == part.as_bytes()) {
                continue;
            }
            for duration in [0, 1, 1 << 20, u32::MAX - 1, u32::MAX] {
                check(name, &format!("{part} {duration}"), 3_000, |bytes| {
                    let at = place(bytes, part.as_bytes()) + behind;
                    put(bytes, at, &duration.to_be_bytes());
                });
            }
        }
        for count in [1000_u32, 1 << 20] {
            check(name, &format!("{count} packets"), 3_000, |bytes| {
                let at = place(bytes, b"stts") + 12;
                put(bytes, at, &count.to_be_bytes());
            });
        }
        for ticks in [1_u32, 1 << 20] {
            check(name, &format!("packets of {ticks}"), 3_000, |bytes| {
                let at = place(bytes, b"stts") + 16;
                put(bytes, at, &ticks.to_be_bytes());
            });
        }
    }
}

#[test]
fn a_tag_that_claims_to_be_longer_than_the_file_does_not_hide_it() {
    let plain = golden("cbr_16k.mp3");
    let expected = hear(plain.clone()).0.len();
    let tagged = [
        &b"ID3\x04\0\0\x7f\x7f\x7f\x7f"[..],
        b"TIT2\0\0\0\x02\0\0\0a",
        &plain,
    ];
    let heard = hear(tagged.concat()).0.len();
    assert!(heard.abs_diff(expected) <= TAG, "{heard} for {expected}");
}
