//! Sound that comes byte by byte: samples of 16 bits, little-endian, the channels side by side, behind a wav header or without one.

use std::io::{self, Chain, Cursor, Read};

use aimass_locale::text;
use aimass_runtime::content_type;

use crate::failure::Failure;

/// Bytes of a piece, at most: a second of two channels at 16 kHz. What is there is taken at once, however little it is.
const PIECE: usize = 64_000;
/// Where a program that writes to a pipe says how long its sound will be, it says nothing, or as much as fits. This is less than any of them says.
const ENDLESS: u32 = 0x7fff_0000;
/// The longest description of samples in a header.
const MOST_FORMAT: u32 = 1024;
/// Samples as whole numbers, in the words of a wav header.
const WHOLE_NUMBERS: u16 = 1;
/// A longer description, which says further behind what the samples are.
const EXTENSIBLE: u16 = 0xfffe;

/// Sound that comes from `R`.
///
/// The header is read here, since symphonia and hound take a stream's made-up length at its word: they end too soon, or refuse it.
pub(super) struct Sound<R> {
    source: Chain<Cursor<Vec<u8>>, R>,
    /// What the header says.
    shape: Option<Shape>,
    /// Bytes that are still to come at most.
    left: u64,
    /// The first half of a sample whose second half has not come.
    half: Option<u8>,
}

/// What sound is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) sample_rate: u32,
    pub(super) channels: u32,
}

impl<R: Read> Sound<R> {
    /// Reads the header, if there is one. It blocks.
    pub(super) fn open(mut source: R) -> Result<Self, Failure> {
        let mut first = Vec::new();
        let begun = source.by_ref().take(12).read_to_end(&mut first);
        begun.map_err(|error| cannot_read(&error))?;
        // A bare stream of mp3 is not told from samples by so little: it begins as loud ones do.
        let (shape, left) = match content_type(&first) {
            Some("audio/wav") if first.starts_with(b"RIFF") => {
                first.clear();
                let (shape, length) = header(&mut source)?;
                let is_endless = length == 0 || length >= ENDLESS;
                (
                    Some(shape),
                    if is_endless {
                        u64::MAX
                    } else {
                        u64::from(length)
                    },
                )
            }
            Some("audio/wav") => return Err(unusable("wav of 64-bit lengths (RF64)")),
            // Taken for samples, it would be heard as noise.
            Some(other) => return Err(unusable(other)),
            None => (None, u64::MAX),
        };
        Ok(Self {
            source: Cursor::new(first).chain(source),
            shape,
            left,
            half: None,
        })
    }

    /// What the header says; nothing where there is none.
    pub(super) fn shape(&self) -> Option<Shape> {
        self.shape
    }

    /// The next samples, from -1 to 1; none at the end. It blocks.
    pub(super) fn next(&mut self) -> Result<Option<Vec<f32>>, Failure> {
        let mut bytes = vec![0; PIECE];
        let mut filled = 0;
        if let Some(half) = self.half.take() {
            bytes[0] = half;
            filled = 1;
        }
        while filled < 2 {
            let room = (PIECE - filled).min(usize::try_from(self.left).unwrap_or(PIECE));
            match self.source.read(&mut bytes[filled..filled + room]) {
                // Half a sample at the end is none.
                Ok(0) => return Ok(None),
                Ok(read) => {
                    filled += read;
                    self.left = self.left.saturating_sub(read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cannot_read(&error)),
            }
        }
        let (samples, rest) = bytes[..filled].as_chunks::<2>();
        self.half = rest.first().copied();
        let sample = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
        Ok(Some(samples.iter().map(sample).collect()))
    }
}

/// Reads a wav header up to its samples: what they are like, and how many bytes they take.
fn header(source: &mut impl Read) -> Result<(Shape, u32), Failure> {
    let mut shape = None;
    loop {
        let [a, b, c, d, length @ ..] = exactly::<8>(source)?;
        let length = u32::from_le_bytes(length);
        match (&[a, b, c, d], shape) {
            (b"fmt ", _) if length <= MOST_FORMAT => shape = Some(format(source, length)?),
            (b"data", Some(shape)) => return Ok((shape, length)),
            (b"data", None) => return Err(unusable("no description of its samples")),
            // A part of odd length is followed by a byte that fills it up.
            _ => skip(source, u64::from(length) + u64::from(length % 2))?,
        }
    }
}

/// Reads the description of samples.
fn format(source: &mut impl Read, length: u32) -> Result<Shape, Failure> {
    let [k, l, m, n, rate @ .., _, _, _, _, _, _, o, p] = exactly::<16>(source)?;
    let (kind, channels) = (u16::from_le_bytes([k, l]), u16::from_le_bytes([m, n]));
    let (bits, rest) = (u16::from_le_bytes([o, p]), length.saturating_sub(16));
    let kind = match (kind, rest) {
        (EXTENSIBLE, 10..) => {
            let [_, _, _, _, _, _, _, _, q, r] = exactly::<10>(source)?;
            skip(source, u64::from(rest - 10 + rest % 2))?;
            u16::from_le_bytes([q, r])
        }
        _ => {
            skip(source, u64::from(rest + rest % 2))?;
            kind
        }
    };
    if (kind, bits) != (WHOLE_NUMBERS, 16) {
        return Err(unusable(&format!("{bits} bits of kind {kind}")));
    }
    Ok(Shape {
        sample_rate: u32::from_le_bytes(rate),
        channels: u32::from(channels),
    })
}

fn exactly<const N: usize>(source: &mut impl Read) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    match source.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(unusable("its end within the header"))
        }
        Err(error) => Err(cannot_read(&error)),
    }
}

fn skip(source: &mut impl Read, bytes: u64) -> Result<(), Failure> {
    let skipped = io::copy(&mut source.take(bytes), &mut io::sink());
    skipped.map(drop).map_err(|error| cannot_read(&error))
}

fn unusable(found: &str) -> Failure {
    Failure::bad_input(text!(
        "expected wav of 16-bit whole numbers on standard input, got {found}; convert it, as `ffmpeg -i - -f wav -` does",
        "标准输入应为 16 位整数的 wav，得到 {found}；请先转换，例如 `ffmpeg -i - -f wav -`"
    ))
}

fn cannot_read(error: &io::Error) -> Failure {
    Failure::bad_input(text!(
        "cannot read standard input: {error}",
        "无法读取标准输入：{error}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives so many bytes at once.
    struct Dribbling<'a>(&'a [u8], usize);

    impl Read for Dribbling<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len()).min(self.0.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn samples(bytes: &[u8], at_once: usize) -> (Option<Shape>, Vec<f32>) {
        let mut sound = Sound::open(Dribbling(bytes, at_once)).unwrap();
        let mut all = Vec::new();
        while let Some(piece) = sound.next().unwrap() {
            assert!(!piece.is_empty());
            all.extend(piece);
        }
        (sound.shape(), all)
    }

    fn refusal(bytes: &[u8]) -> String {
        let failure = Sound::open(bytes).err().unwrap();
        failure.line().english
    }

    fn part(name: &[u8], length: u32, content: &[u8]) -> Vec<u8> {
        [name, &length.to_le_bytes(), content].concat()
    }

    fn format(kind: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let frame = channels * bits / 8;
        let mut format = [kind, channels].map(u16::to_le_bytes).concat();
        format.extend(
            [rate, rate * u32::from(frame)]
                .map(u32::to_le_bytes)
                .concat(),
        );
        format.extend([frame, bits].map(u16::to_le_bytes).concat());
        format
    }

    fn wav(parts: &[Vec<u8>]) -> Vec<u8> {
        [&b"RIFF\xff\xff\xff\xffWAVE"[..], &parts.concat()].concat()
    }

    #[test]
    fn samples_without_a_header_come_however_the_bytes_do() {
        let numbers: Vec<i16> = (0..40_000).map(|at| at as i16).collect();
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        let mut bytes: Vec<u8> = bytes.collect();
        let expected: Vec<f32> = numbers.iter().map(|at| f32::from(*at) / 32_768.0).collect();
        for at_once in [1, 2, 3, 4095, usize::MAX] {
            assert_eq!(samples(&bytes, at_once), (None, expected.clone()));
        }
        bytes.push(7);
        assert_eq!(
            samples(&bytes, 5),
            (None, expected),
            "half a sample is none"
        );
        assert_eq!(samples(b"", 1), (None, vec![]));
        assert_eq!(samples(b"RIFF", 1).1.len(), 2);
    }

    #[test]
    fn a_wav_header_says_what_comes_and_how_much_of_it_is_sound() {
        let sound = [0, 64, 0, 192];
        let expected = vec![0.5, -0.5];
        let shape = |sample_rate, channels| {
            Some(Shape {
                sample_rate,
                channels,
            })
        };
        let plain = part(b"fmt ", 16, &format(1, 1, 8000, 16));
        let more = part(b"LIST", 3, b"abc\0");
        for length in [4, 0, u32::MAX, 0x7fff_ffff] {
            let bytes = wav(&[plain.clone(), more.clone(), part(b"data", length, &sound)]);
            for at_once in [1, usize::MAX] {
                assert_eq!(samples(&bytes, at_once), (shape(8000, 1), expected.clone()));
            }
        }
        // What stands behind the sound is none.
        let bytes = wav(&[plain, part(b"data", 4, &sound), more]);
        assert_eq!(samples(&bytes, 3).1, expected);
        let mut long = format(0xfffe, 2, 44_100, 16);
        long.extend(22_u16.to_le_bytes());
        long.extend([16, 0, 3, 0, 0, 0, 1, 0]);
        long.extend([0; 14]);
        let bytes = wav(&[part(b"fmt ", 40, &long), part(b"data", 4, &sound)]);
        assert_eq!(samples(&bytes, 7), (shape(44_100, 2), expected));
    }

    #[test]
    fn what_is_no_usable_wav_is_refused_with_what_to_do() {
        let data = part(b"data", 4, &[0; 4]);
        let described = |format: &[u8]| wav(&[part(b"fmt ", 16, format), data.clone()]);
        assert!(refusal(&described(&format(3, 1, 8000, 32))).contains("32 bits of kind 3"));
        assert!(refusal(&described(&format(1, 1, 8000, 8))).contains("8 bits of kind 1"));
        assert!(refusal(&wav(&[data])).contains("no description"));
        assert!(refusal(&wav(&[])).contains("end within the header"));
        assert!(refusal(&wav(&[part(b"fmt ", 16, &[1, 0])])).contains("end within"));
        for (begin, kind) in [
            (&b"fLaC\0\0\0\x22"[..], "flac"),
            (b"OggS\0\x02", "ogg"),
            (b"ID3\x04\0", "audio/mpeg"),
            (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
            (b"\0\0\0\x20ftypisom", "video/mp4"),
            (b"#!AMR\n", "audio/amr"),
            (b"caff\0\x01", "audio/x-caf"),
            (b".snd\0\0\0\x18", "audio/basic"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"FORM\0\0\0\x20AIFF", "aiff"),
            (b"RF64\xff\xff\xff\xffWAVE", "RF64"),
            (b"\x1a\x45\xdf\xa3", "webm"),
        ] {
            assert!(refusal(begin).contains(kind), "{kind}");
        }
        let endless = wav(&[part(b"junk", u32::MAX, &[0; 100])]);
        assert!(refusal(&endless).contains("ffmpeg"), "it ends too soon");
    }
}
