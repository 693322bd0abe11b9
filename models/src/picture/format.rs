//! Which format a picture has: its first bytes say it, not its name.

use std::fmt;

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// Portable Network Graphics, animated ones too.
    Png,
    /// JPEG, baseline and progressive.
    Jpeg,
    /// WebP, lossy and lossless.
    WebP,
    /// Graphics Interchange Format.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format.
    Tiff,
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        })
    }
}

impl PictureFormat {
    /// Returns the format of a file that begins with these bytes; `None` if it is none of ours.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        if starts(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if starts(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        if starts(b"GIF87a") || starts(b"GIF89a") {
            return Some(Self::Gif);
        }
        if is_tiff(bytes) {
            return Some(Self::Tiff);
        }
        is_bmp(bytes).then_some(Self::Bmp)
    }
}

/// The classic form and the one with 64-bit offsets, in either byte order.
fn is_tiff(bytes: &[u8]) -> bool {
    [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
        .iter()
        .any(|magic| bytes.starts_with(*magic))
}

/// `BM` alone begins many a text: the sizes of the headers that there are must follow.
fn is_bmp(bytes: &[u8]) -> bool {
    const HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    let size = bytes.get(14..18).and_then(|size| size.try_into().ok());
    bytes.starts_with(b"BM") && size.is_some_and(|size| HEADERS.contains(&u32::from_le_bytes(size)))
}

/// Says what a file is that is none of ours, as far as its first bytes tell, and what to do.
pub(super) fn other(bytes: &[u8]) -> (&'static str, &'static str) {
    const CONVERT: &str = "convert it to PNG or JPEG";
    const NAME: &str = "name a picture";
    let brand = bytes
        .get(4..8)
        .filter(|kind| *kind == b"ftyp")
        .and_then(|_| bytes.get(8..12));
    match brand {
        Some(b"avif" | b"avis") => {
            return ("an AVIF picture, which is not decoded here", CONVERT);
        }
        Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
            return ("a HEIF picture, which is not decoded here", CONVERT);
        }
        Some(_) => return ("a video or another mp4 file", NAME),
        None => {}
    }
    let known: [(&[u8], &str, &str); 9] = [
        (
            b"\xff\x0a",
            "a JPEG XL picture, which is not decoded here",
            CONVERT,
        ),
        (
            b"\0\0\0\x0cJXL ",
            "a JPEG XL picture, which is not decoded here",
            CONVERT,
        ),
        (
            b"\0\0\0\x0cjP  ",
            "a JPEG 2000 picture, which is not decoded here",
            CONVERT,
        ),
        (b"\0\0\x01\0", "an icon, which is not decoded here", CONVERT),
        (
            b"8BPS",
            "a Photoshop file, which is not decoded here",
            CONVERT,
        ),
        (b"%PDF", "a PDF file", "make a picture of each page"),
        (b"PK\x03\x04", "a zip archive", "unpack it"),
        (
            b"<svg",
            "an SVG drawing, which is not decoded here",
            CONVERT,
        ),
        (b"<?xml", "an XML file", NAME),
    ];
    let found = known.iter().find(|(magic, ..)| bytes.starts_with(magic));
    found.map_or(
        ("none of them by its content", NAME),
        |(_, found, advice)| (found, advice),
    )
}
