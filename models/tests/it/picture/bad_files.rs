//! Files that are no pictures, lie, break off or would not end: each is refused in one line.

use std::io::Write;

use aimass_models::ModelError;
use aimass_models::picture::{Picture, PictureLimits};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{goldens, names};

fn decode(bytes: &[u8]) -> Result<Picture, ModelError> {
    Picture::in_memory("given", bytes, PictureLimits::default())
}

fn refused(bytes: &[u8], expected: &str) {
    let error = decode(bytes).map(drop).unwrap_err();
    assert!(matches!(error, ModelError::Format { .. }), "{error:?}");
    let message = error.to_string();
    let is_one_line = !message.contains('\n') && message.contains("given");
    assert!(is_one_line && message.contains(expected), "{message}");
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(goldens().join(name)).unwrap()
}

/// A chunk of a PNG file. Its sum is right.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length, &kind[..], content, &sum.sum().to_be_bytes()].concat()
}

/// A PNG file of these sides, in grey of 8 bits, whose pixels are `zeros` packed zeros.
fn png(width: u32, height: u32, zeros: usize) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    let zero = [0; 1 << 16];
    for _ in 0..zeros / zero.len() {
        packer.write_all(&zero).unwrap();
    }
    let packed = packer.finish().unwrap();
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [&sides[..], &[8, 0, 0, 0, 0]].concat();
    let parts = [
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &packed),
        chunk(b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

#[test]
fn each_file_that_breaks_off_is_refused_or_lacks_nothing_of_its_first_picture() {
    for (name, _) in names() {
        let whole = golden(&name);
        let picture = decode(&whole).unwrap();
        for length in 0..whole.len() {
            match decode(&whole[..length]) {
                Err(error) => assert!(matches!(error, ModelError::Format { .. }), "{error:?}"),
                // What is missing lies behind the picture, or is another frame.
                Ok(cut) => assert_eq!(cut.pixels, picture.pixels, "{name} of {length} bytes"),
            }
        }
        let half = decode(&whole[..whole.len() / 2]).map(drop);
        let can_be_whole =
            ["animated.png", "animated.gif"].contains(&&*name) || name.ends_with(".tif");
        assert!(half.is_err() || can_be_whole, "{name}");
    }
}

#[test]
fn each_byte_that_lies_is_refused_or_gives_a_picture_within_bounds() {
    for (name, _) in names() {
        let whole = golden(&name);
        for at in 0..whole.len().min(700) {
            for value in [0, 0xff, whole[at] ^ 0x80] {
                let mut lying = whole.clone();
                lying[at] = value;
                match decode(&lying) {
                    Ok(picture) => {
                        let pixels = picture.pixels;
                        let bytes = pixels.width() as usize * pixels.height() as usize * 3;
                        assert_eq!(pixels.rgb().len(), bytes, "{name}");
                    }
                    Err(error) => assert!(matches!(error, ModelError::Format { .. }), "{error:?}"),
                }
            }
        }
    }
}

#[test]
fn pictures_of_100_000_by_100_000_pixels_are_refused_before_memory_is_taken() {
    let much = 100_000_u32;
    let found = "100000 x 100000 pixels";
    refused(&png(much, much, 1 << 16), found);
    let mut bmp = golden("rgb.bmp");
    bmp[18..22].copy_from_slice(&much.to_le_bytes());
    bmp[22..26].copy_from_slice(&much.to_le_bytes());
    refused(&bmp, found);
    refused(&tiff(much, much), found);
    // The other formats cannot say as much: the most that they can.
    let mut gif = golden("plain.gif");
    gif[6..10].fill(0xff);
    refused(&gif, "65535 x 65535 pixels");
    let mut jpeg = golden("plain.jpg");
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    refused(&jpeg, "65535 x 65535 pixels");
    refused(&webp(16_384, 16_384), "16384 x 16384 pixels");
}

/// A TIFF file with a directory of grey pixels and no strips worth the name.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let tags: [(u16, u16, u32); 8] = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (278, 4, height),
        (279, 4, 8),
    ];
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

/// A WebP file with a canvas of these sides and no picture.
fn webp(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let canvas = [vec![0; 4], side(width), side(height)].concat();
    let chunk = [b"VP8X", &10_u32.to_le_bytes()[..], &canvas].concat();
    let body = [b"WEBP", &chunk[..], b"VP8L\0\0\0\0"].concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

#[test]
fn bombs_are_refused_by_the_size_that_they_claim() {
    // 900 million zeros in less than a megabyte.
    let bomb = png(30_000, 30_000, 900_030_000);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    refused(&bomb, "at most 100000000 pixels");
    // One that claims little and holds much: what is more is not unpacked.
    refused(&png(8, 8, 300 << 20), "");
    // One that claims much and holds little.
    refused(&png(10_000, 10_000, 1 << 16), "");
    // Texts and profiles are packed as well.
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b'a'; 64 << 20]).unwrap();
    let packed = packer.finish().unwrap();
    let plain = golden("rgb.png");
    for (kind, head) in [
        (b"zTXt", &b"k\0\0"[..]),
        (b"iCCP", b"k\0\0"),
        (b"iTXt", b"k\0\x01\0\0\0"),
    ] {
        let more = chunk(kind, &[head, &packed].concat());
        let with = [&plain[..33], &more, &plain[33..]].concat();
        assert_eq!(
            decode(&with).unwrap().pixels,
            decode(&plain).unwrap().pixels
        );
    }
}

#[test]
fn no_pixels_and_no_frames_are_refused() {
    refused(&png(0, 5, 0), "");
    let mut gif = golden("plain.gif");
    let colors = 2 << (gif[10] & 7);
    gif.truncate(13 + colors * 3);
    gif.push(b';');
    refused(&gif, "");
    let mut canvas = golden("plain.gif");
    canvas[6..10].fill(0);
    refused(&canvas, "0 x 0 pixels");
    let mut bmp = golden("rgb.bmp");
    bmp[18..22].fill(0);
    refused(&bmp, "0 x 16 pixels");
    refused(&tiff(0, 5), "");
    refused(&webp(5, 5), "");
}

#[test]
fn what_is_no_picture_is_named() {
    refused(b"", "an empty file");
    refused(
        b"BM is how a text may begin, and it is no picture",
        "none of them by its content",
    );
    refused(b"%PDF-1.7 and so on", "make a picture of each page");
    refused(b"PK\x03\x04 and so on", "a zip archive");
    refused(b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture");
    refused(b"\0\0\0\x18ftypheic\0\0\0\0", "convert it to PNG or JPEG");
    refused(b"\0\0\0\x18ftypisom\0\0\0\0", "a video");
    refused(
        &golden("../audio/s16_16k.wav"),
        "none of them by its content",
    );
    let error = Picture::open(&goldens()).unwrap_err().to_string();
    assert!(error.contains("a regular file"), "{error}");
    let error = Picture::open(&goldens().join("nowhere.png")).unwrap_err();
    assert!(
        matches!(error, ModelError::File { .. }) && error.to_string().contains("check the name")
    );
}

#[test]
fn limits_of_ones_own_hold() {
    let bytes = golden("rgb.png");
    let few = PictureLimits {
        max_pixels: 24 * 16 - 1,
        ..PictureLimits::default()
    };
    let error = Picture::in_memory("given", &bytes, few).unwrap_err();
    assert!(error.to_string().contains("at most 383 pixels"), "{error}");
    let short = PictureLimits {
        max_bytes: bytes.len() as u64 - 1,
        ..few
    };
    for refused in [
        Picture::in_memory("given", &bytes, short),
        Picture::open_within(&goldens().join("rgb.png"), short),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains(&format!("at most {} bytes", bytes.len() - 1)),
            "{error}"
        );
    }
}
