//! Pictures in every format, beside what Pillow and OpenCV make of them.

mod bad_files;

use std::path::{Path, PathBuf};

use aimass_models::picture::{Filter, Orientation, Picture, PictureFormat, PictureLimits, Pixels};
use serde::Deserialize;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/picture")
}

/// What Pillow has of a file: width, height and pixels.
fn expected(name: &str) -> Pixels {
    let bytes = std::fs::read(goldens().join(format!("{name}.rgb"))).unwrap();
    let side = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    Pixels::new(side(0), side(4), bytes[8..].to_vec()).unwrap()
}

/// The greatest and the mean difference of two pictures of one size.
fn apart(one: &Pixels, other: &Pixels) -> (u8, f64) {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    let pairs = one.rgb().iter().zip(other.rgb());
    let differences: Vec<u8> = pairs.map(|(one, other)| one.abs_diff(*other)).collect();
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    let greatest = differences.iter().copied().max().unwrap_or(0);
    (greatest, sum / differences.len() as f64)
}

/// Every golden and its format.
fn names() -> Vec<(String, PictureFormat)> {
    let files = std::fs::read_dir(goldens()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let known = names.filter_map(|name| {
        let format = match name.rsplit_once('.')?.1 {
            "png" => PictureFormat::Png,
            "jpg" => PictureFormat::Jpeg,
            "webp" => PictureFormat::WebP,
            "gif" => PictureFormat::Gif,
            "bmp" => PictureFormat::Bmp,
            "tif" => PictureFormat::Tiff,
            _ => return None,
        };
        Some((name, format))
    });
    let mut known: Vec<_> = known.collect();
    known.sort_by(|one, other| one.0.cmp(&other.0));
    known
}

/// How far decoders may differ: those of JPEG and WebP may round, and smooth colours of half the
/// size, in their own ways; what is transparent may be rounded.
fn tolerance(name: &str) -> (u8, f64) {
    match name {
        "plain.jpg" | "progressive.jpg" => (60, 6.0),
        "lossy.webp" | "lossy_alpha.webp" => (40, 4.0),
        name if name.ends_with(".jpg") => (8, 1.0),
        _ => (1, 0.5),
    }
}

#[test]
fn every_format_has_the_pixels_that_pillow_has() {
    let names = names();
    assert!(names.len() > 50, "{}", names.len());
    let mut wrong = Vec::new();
    for (name, format) in names {
        let picture = match Picture::open(&goldens().join(&name)) {
            Ok(picture) => picture,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        assert_eq!(picture.format, format, "{name}");
        let (greatest, mean) = apart(&picture.pixels, &expected(&name));
        let most = tolerance(&name);
        if greatest > most.0 || mean > most.1 {
            wrong.push(format!("{name}: {greatest} apart, {mean:.2} in the mean"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_file_says_besides_is_told() {
    let open = |name: &str| Picture::open(&goldens().join(name)).unwrap();
    for (name, frames) in [
        ("animated.png", 3),
        ("animated.webp", 3),
        ("animated.gif", 3),
        ("pages.tif", 3),
        ("plain.gif", 1),
        ("plain.jpg", 1),
    ] {
        assert_eq!(open(name).frames, frames, "{name}");
    }
    for (name, orientation) in [
        ("orientation1.jpg", Orientation::Upright),
        ("orientation6.jpg", Orientation::Turned90),
        ("turned.png", Orientation::Turned90),
        ("turned.webp", Orientation::Turned270),
        ("turned.tif", Orientation::Turned90),
    ] {
        assert_eq!(open(name).orientation, orientation, "{name}");
    }
    let turned = open("turned.tif").pixels;
    assert_eq!((turned.width(), turned.height()), (16, 24));
}

#[test]
fn a_picture_in_memory_is_the_same_and_its_name_says_nothing() {
    let bytes = std::fs::read(goldens().join("rgb.png")).unwrap();
    let limits = PictureLimits::default();
    let one = Picture::in_memory("photo.jpg", &bytes, limits).unwrap();
    assert_eq!(one, Picture::open(&goldens().join("rgb.png")).unwrap());
}

#[derive(Deserialize)]
struct Resized {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    filter: String,
    width: u32,
    height: u32,
    rgb: String,
}

#[test]
fn resizing_agrees_with_pillow_and_opencv() {
    let golden = std::fs::read_to_string(goldens().join("resized.json")).unwrap();
    let golden: Resized = serde_json::from_str(&golden).unwrap();
    let picture = Picture::open(&goldens().join("rgb.png")).unwrap().pixels;
    for case in golden.cases {
        let filter = match &*case.filter {
            "nearest" => Filter::Nearest,
            "bilinear" => Filter::Bilinear,
            "four_nearest" => Filter::FourNearest,
            "area" => Filter::Area,
            "bicubic" => Filter::Bicubic,
            other => panic!("{other}"),
        };
        let digits = case.rgb.as_bytes().as_chunks::<2>().0.iter();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        let rgb = digits.map(|pair| byte(pair).unwrap()).collect();
        let expected = Pixels::new(case.width, case.height, rgb).unwrap();
        let got = picture.resize(case.width, case.height, filter).unwrap();
        let (greatest, mean) = apart(&got, &expected);
        let (name, width, height) = (&case.filter, case.width, case.height);
        // Which of two pixels is the nearer one, where both are, is a matter of rounding.
        let is_near = greatest <= 2 || (name == "nearest" && mean < 0.2);
        assert!(is_near, "{name} to {width} x {height}: {greatest}, {mean}");
    }
    assert!(picture.resize(0, 5, Filter::Area).is_err());
    assert!(picture.resize(1 << 16, 1 << 16, Filter::Area).is_err());
}
