//! What a file holds. Its first bytes say it, as they do to whoever reads it later; its name is asked only where they tell nothing, and which of two readings of a
//! text is meant.

use std::ffi::OsStr;
use std::path::Path;

/// How much of a file is looked at.
pub(crate) const SNIFFED_BYTES: u64 = 8192;

/// What a file can hold.
pub(super) const NAMES: [&str; 6] = ["audio", "image", "table", "text", "unknown", "video"];

/// What a file of that name and beginning holds: `audio`, `image`, `video`, `table`, `text` or `unknown`.
pub(super) fn of(path: &Path, start: &[u8]) -> &'static str {
    let extension = path.extension().map(OsStr::to_string_lossy);
    let extension = extension.unwrap_or_default().to_lowercase();
    let named = by_name(&extension);
    match by_content(start) {
        // Both kinds are in the same containers, and what is in them may stand at their end.
        Some("video") if named == Some("audio") => "audio",
        Some(media) => media,
        None if looks_like_text(start) && named == Some("table") => "table",
        None if looks_like_text(start) => "text",
        None => named.unwrap_or("unknown"),
    }
}

fn by_name(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "txt" | "md" | "markdown" | "rst" | "text" | "log" | "eml" | "html" | "htm" => "text",
        "wav" | "wave" | "aif" | "aiff" | "aifc" | "flac" | "mp3" | "ogg" | "oga" | "opus"
        | "spx" | "m4a" | "m4b" | "m4p" | "m4r" | "aac" | "adts" | "caf" | "amr" | "au" | "snd"
        | "w64" | "wma" | "mka" | "weba" | "ape" | "wv" => "audio",
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "tif" | "tiff" | "heic" | "avif" => {
            "image"
        }
        "mp4" | "mov" | "mkv" | "webm" | "avi" | "m4v" | "mpg" | "mpeg" | "wmv" | "flv" => "video",
        "csv" | "tsv" | "json" | "jsonl" | "ndjson" | "parquet" => "table",
        _ => return None,
    })
}

fn by_content(start: &[u8]) -> Option<&'static str> {
    let class = match content_type(start)? {
        "application/vnd.apache.parquet" => "table",
        kind => kind.split('/').next().unwrap_or_default(),
    };
    Some(match class {
        "application" => "unknown",
        class => class,
    })
}

/// The media type of what begins with these bytes, such as `image/png`; none where they do not say what it is, as those of a text. Of a container whose
/// contents may be sound or pictures, it says `video` unless sound is all that is seen.
pub fn content_type(start: &[u8]) -> Option<&'static str> {
    if let Some(sound) = audio_type(start) {
        return Some(sound);
    }
    Some(match start {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        // With a plus it is BigTIFF.
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => "image/tiff",
        _ if is_bmp(start) => "image/bmp",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'h', b'e', b'i' | b'v', ..] | [b'm', b'i', b'f', b'1', ..] => "image/heif",
            [b'a', b'v', b'i', b'f', ..] => "image/avif",
            _ => "video/mp4",
        },
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/webm",
        [b'O', b'g', b'g', b'S', ..] => "video/ogg",
        [0x30, 0x26, 0xb2, 0x75, ..] => "video/x-ms-asf",
        [b'F', b'L', b'V', 1, ..] => "video/x-flv",
        [0, 0, 1, 0xba, ..] => "video/mpeg",
        [b'P', b'A', b'R', b'1', ..] => "application/vnd.apache.parquet",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        _ => match riff_form(start)? {
            b"WEBP" => "image/webp",
            b"AVI " => "video/x-msvideo",
            _ => return None,
        },
    })
}

/// Two letters alone could begin a text: four reserved bytes and the length of a header follow.
fn is_bmp(start: &[u8]) -> bool {
    let header = start.get(14..18).and_then(|header| header.try_into().ok());
    let is_known =
        |header| [12, 16, 40, 52, 56, 64, 108, 124].contains(&u32::from_le_bytes(header));
    start.starts_with(b"BM") && start.get(6..10) == Some(&[0; 4]) && header.is_some_and(is_known)
}

/// What a RIFF file says that it is.
fn riff_form(start: &[u8]) -> Option<&[u8]> {
    match start.starts_with(b"RIFF") {
        true => start.get(8..12),
        false => None,
    }
}

/// The media type of a recording by its first bytes, such as `audio/wav`; none where they do not say that it is one.
pub fn audio_type(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..]
        | [b'R', b'F', b'6', b'4', _, _, _, _, form @ ..]
        | [b'B', b'W', b'6', b'4', _, _, _, _, form @ ..]
            if form.starts_with(b"WAVE") =>
        {
            "audio/wav"
        }
        [b'F', b'O', b'R', b'M', _, _, _, _, form @ ..]
            if form.starts_with(b"AIFF") || form.starts_with(b"AIFC") =>
        {
            "audio/aiff"
        }
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'O', b'g', b'g', b'S', ..] if !has(start, b"theora") && !has(start, b"fishead") => {
            "audio/ogg"
        }
        [b'I', b'D', b'3', ..] => "audio/mpeg",
        [b'c', b'a', b'f', b'f', ..] => "audio/x-caf",
        [b'#', b'!', b'A', b'M', b'R', ..] => "audio/amr",
        [b'.', b's', b'n', b'd', ..] => "audio/basic",
        [b'r', b'i', b'f', b'f', 0x2e, 0x91, 0xcf, 0x11, ..] => "audio/x-w64",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'M', b'4', b'A' | b'B' | b'P', ..] => "audio/mp4",
            _ if has(start, b"soun") && !has(start, b"vide") => "audio/mp4",
            _ => return None,
        },
        _ => return frames(start),
    })
}

/// The kind of a bare stream of frames: two of them, one behind the other, since samples and texts begin like one by chance.
fn frames(start: &[u8]) -> Option<&'static str> {
    let (length, kind) = frame(start)?;
    let next = start.get(length..)?;
    (next.is_empty() || frame(next).is_some_and(|(_, next)| next == kind)).then_some(kind)
}

/// The length of the frame of mp3 or AAC that bytes begin with.
fn frame(bytes: &[u8]) -> Option<(usize, &'static str)> {
    let [0xff, version, rates, third, fourth, fifth, ..] = *bytes else {
        return None;
    };
    // AAC has a layer that MPEG audio does not have.
    if version & 0xf6 == 0xf0 {
        let length =
            usize::from(third & 3) << 11 | usize::from(fourth) << 3 | usize::from(fifth >> 5);
        return (length > 7 && (rates >> 2) & 0xf < 13).then_some((length, "audio/aac"));
    }
    const OLD: [usize; 16] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
    ];
    const NEW: [usize; 16] = [
        0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0,
    ];
    const RATES: [usize; 4] = [44_100, 48_000, 32_000, 0];
    // The third layer only: the others are rare, and no decoder here has them.
    if version & 0xe6 != 0xe2 {
        return None;
    }
    let (kilobits, slots, slower) = match (version >> 3) & 3 {
        0 => (NEW, 72_000, 4),
        2 => (NEW, 72_000, 2),
        3 => (OLD, 144_000, 1),
        _ => return None,
    };
    let (kilobits, rate) = (
        kilobits[usize::from(rates >> 4)],
        RATES[usize::from((rates >> 2) & 3)],
    );
    if kilobits == 0 || rate == 0 {
        return None;
    }
    let padding = usize::from((rates >> 1) & 1);
    Some((slots * kilobits / (rate / slower) + padding, "audio/mpeg"))
}

fn has(start: &[u8], word: &[u8]) -> bool {
    start.windows(word.len()).any(|here| here == word)
}

/// Text is UTF-8 without NUL, apart from a character that the sample cuts in two.
fn looks_like_text(start: &[u8]) -> bool {
    let whole = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() + 4 > start.len(),
    };
    whole && !start.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_is_still_text() {
        let text = "é".repeat(5000);
        assert!(looks_like_text(&text.as_bytes()[..8191]));
        assert!(!looks_like_text(&[0xff, 0xfe, 0x41, 0x00]));
    }

    /// An mp3 frame of 128 kbit/s at 44,100 Hz.
    fn mp3() -> Vec<u8> {
        let mut frame = vec![0; 417];
        frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x64]);
        frame.repeat(3)
    }

    /// A frame of AAC of 32 bytes.
    fn aac() -> Vec<u8> {
        let mut frame = [0x21; 32];
        frame[..7].copy_from_slice(&[0xff, 0xf1, 0x50, 0x80, 0x04, 0x1f, 0xfc]);
        frame.repeat(3)
    }

    #[test]
    fn pictures_whose_signature_is_short_are_known_by_what_follows() {
        let bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0";
        assert_eq!(content_type(bmp), Some("image/bmp"));
        assert_eq!(content_type(&bmp[..16]), None);
        assert_eq!(
            content_type(b"BMW is a maker of cars, and of engines."),
            None
        );
        for big_tiff in [b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"] {
            assert_eq!(content_type(big_tiff), Some("image/tiff"));
        }
    }

    #[test]
    fn the_content_says_what_a_file_holds_whatever_its_name() {
        let mp3 = mp3();
        let aac = aac();
        let recordings: [(&[u8], &str); 15] = [
            (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
            (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
            (b"FORM\0\0\0\0AIFFCOMM", "audio/aiff"),
            (b"FORM\0\0\0\0AIFCFVER", "audio/aiff"),
            (b"fLaC\0\0\0\x22", "audio/flac"),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead", "audio/ogg"),
            (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
            (b"\0\0\0\x20ftypM4A \0", "audio/mp4"),
            (b"\0\0\0\x20ftypM4B \0", "audio/mp4"),
            (
                b"\0\0\0\x20ftypmp42\0\0\0\0moov....hdlr....soun",
                "audio/mp4",
            ),
            (b"caff\0\x01", "audio/x-caf"),
            (b"#!AMR\n", "audio/amr"),
            (b".snd\0\0\0\x18", "audio/basic"),
            (&mp3, "audio/mpeg"),
            (&aac, "audio/aac"),
        ];
        for (start, kind) in recordings {
            assert_eq!(audio_type(start), Some(kind), "{start:?}");
            for name in [
                "x", "x.wav", "x.WAVE", "x.AIF", "x.txt", "x.png", "x.mp4", "x.b.c", "x.",
            ] {
                assert_eq!(of(Path::new(name), start), "audio", "{name}: {kind}");
            }
        }
        let others: [(&[u8], &str); 10] = [
            (b"\x89PNG\r\n\x1a\n", "image"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image"),
            (b"RIFF\0\0\0\0AVI LIST", "video"),
            (b"\0\0\0\x20ftypisom....moov....vide....soun", "video"),
            (b"\0\0\0\x20ftypheic\0", "image"),
            (b"OggS\0\x02\0\0\0\0\x80theora", "video"),
            (b"\x1a\x45\xdf\xa3\x01\0", "video"),
            (b"PAR1\x15\x04", "table"),
            (b"Dear Sir, the parcel came late.", "text"),
        ];
        for (start, kind) in others {
            let content = content_type(start);
            let is_said = content.is_some_and(|said| said.starts_with(&format!("{kind}/")));
            assert!(is_said || matches!(kind, "text" | "table"), "{content:?}");
            for name in ["x", "x.txt", "x.jpg", "x.log"] {
                assert_eq!(of(Path::new(name), start), kind, "{name}: {start:?}");
            }
        }
    }

    #[test]
    fn the_name_says_what_the_content_does_not() {
        let nothing = [0_u8; 64];
        for (name, kind) in [
            ("x.wave", "audio"),
            ("x.AIFC", "audio"),
            ("x.m4b", "audio"),
            ("x.Mp4", "video"),
            ("x.tiff", "image"),
            ("x.md", "text"),
            ("x.parquet", "table"),
            ("x.bin", "unknown"),
            ("x", "unknown"),
        ] {
            assert_eq!(of(Path::new(name), &nothing), kind, "{name}");
        }
        assert_eq!(of(Path::new("x.csv"), b"a,b\n1,2\n"), "table");
        assert_eq!(of(Path::new("x.jsonl"), b"{}\n"), "table");
        assert_eq!(of(Path::new("x.mka"), b"\x1a\x45\xdf\xa3\x01\0"), "audio");
        // A text in Latin-1, whose reader says what is wrong.
        assert_eq!(of(Path::new("x.txt"), b"caf\xe9"), "text");
    }

    #[test]
    fn what_begins_like_a_frame_by_chance_is_none() {
        let utf16: Vec<u8> = "\u{feff}hello, world"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(audio_type(&utf16), None);
        let mut lone = mp3();
        lone[417] = 0;
        assert_eq!(audio_type(&lone), None);
        assert_eq!(audio_type(b"\xff\xfb\x90"), None);
        assert_eq!(audio_type(b""), None);
    }
}
