//! Text in rendered pages, beside what rapidocr_onnxruntime reads in them with the same networks. The goldens are made by `models/goldens/ocr/make.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aimass_models::ocr::{OcrWeights, ReadLine, TextReader};
use aimass_models::picture::Picture;
use aimass_models::{ModelError, Silent};
use serde::Deserialize;

use crate::cache;

#[derive(Deserialize)]
struct Goldens {
    pictures: BTreeMap<String, Vec<Line>>,
}

#[derive(Deserialize)]
struct Line {
    corners: [[f32; 2]; 4],
    text: String,
}

/// What `make.py` wrote into the pictures.
const WRITTEN: [(&str, &str); 8] = [
    ("letter", LETTER),
    ("tilted", LETTER),
    ("upside_down", LETTER),
    (
        "notice",
        "温馨提示 营业时间：早上九点至晚上八点 电话 010-6588 1234 请勿在店内吸烟",
    ),
    ("table", "Item Price Tea 3.20 EUR Bread 4.75 EUR"),
    ("white_on_black", "EXIT AUSGANG"),
    (
        "strip",
        "a long line without a pause, a long line without a pause, a long line without a pause, a long line without a pause,",
    ),
    ("empty", ""),
];
const LETTER: &str = "Dear Sir or Madam, the lamp of 12 March 2024 came with a crack. Please send me a new one, or 129.50 euros. Yours, Margarete Lindholm";

/// The reference sees a page that lies on its side as it lies, and reads little of it.
const LYING: [&str; 2] = ["on_its_side", "on_its_other_side"];
/// What the file in the package is called.
const RECOGNIZER: &str = "ch_PP-OCRv4_rec_infer.onnx";

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/ocr")
}

fn folder() -> PathBuf {
    cache::store().pull("pp-ocr-v4", &mut Silent).unwrap()
}

fn reader() -> TextReader {
    TextReader::new(Arc::new(OcrWeights::load(&folder()).unwrap()))
}

fn read(reader: &TextReader, name: &str) -> Vec<ReadLine> {
    let path = goldens().join(name).with_extension("png");
    reader.read(Picture::open(&path).unwrap().pixels).unwrap()
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// How many letters are to be put in, left out or changed.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = place + 1;
        for (column, wanted) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *wanted);
            before = row[column + 1];
            row[column + 1] = changed.min(before + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// The middle between the corners.
fn middle(corners: &[[f32; 2]; 4]) -> [f32; 2] {
    let mean = |axis: usize| corners.iter().map(|corner| corner[axis]).sum::<f32>() / 4.0;
    [mean(0), mean(1)]
}

fn distance(one: [f32; 2], other: [f32; 2]) -> f32 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}

#[test]
fn pages_are_read_no_worse_than_by_the_reference() {
    let text = fs::read_to_string(goldens().join("lines.json")).unwrap();
    let goldens: Goldens = serde_json::from_str(&text).unwrap();
    let reader = reader();
    for (name, written) in WRITTEN {
        let reference = &goldens.pictures[name];
        let found = read(&reader, name);
        // Spaces come and go with a pixel of the boxes, in theirs and in ours.
        let said = found.iter().map(|line| without_spaces(&line.text));
        let said: String = said.collect();
        let theirs = reference.iter().map(|line| without_spaces(&line.text));
        // It reads a page that stands on its head from its end.
        let theirs: Vec<String> = match name {
            "upside_down" => theirs.rev().collect(),
            _ => theirs.collect(),
        };
        let written = without_spaces(written);
        let (ours, theirs) = (edits(&said, &written), edits(&theirs.concat(), &written));
        assert!(ours <= theirs, "{name}: {ours} and {theirs} wrong: {said}");
        // Where the same letters are read, they are in the same place.
        for line in reference {
            let text = without_spaces(&line.text);
            let same = found
                .iter()
                .find(|found| without_spaces(&found.text) == text);
            let Some(same) = same else { continue };
            let apart = distance(middle(&same.corners), middle(&line.corners));
            assert!(apart < 6.0, "{name}: {text} is {apart} pixels away");
        }
    }
}

#[test]
fn a_page_that_lies_on_its_side_is_read_as_the_one_that_stands() {
    let reader = reader();
    let said = |name: &str| -> String {
        let lines = read(&reader, name);
        lines
            .iter()
            .map(|line| without_spaces(&line.text))
            .collect()
    };
    for (standing, lying) in [("letter", LYING[0]), ("notice", LYING[1])] {
        let (standing, lying) = (said(standing), said(lying));
        let wrong = edits(&standing, &lying);
        assert!(wrong * 50 <= standing.chars().count(), "{standing} {lying}");
    }
}

#[test]
fn a_file_of_another_network_is_refused() {
    let own = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        std::os::unix::fs::symlink(&path, own.path().join(path.file_name().unwrap())).unwrap();
    }
    let recognizer = own.path().join(RECOGNIZER);
    fs::remove_file(&recognizer).unwrap();
    fs::copy(own.path().join("ch_PP-OCRv4_det_infer.onnx"), &recognizer).unwrap();
    let error = OcrWeights::load(own.path()).unwrap_err();
    assert!(matches!(error, ModelError::Format { .. }), "{error}");
    let cut_off = fs::read(&recognizer).unwrap();
    fs::write(&recognizer, &cut_off[..cut_off.len() / 2]).unwrap();
    assert!(OcrWeights::load(own.path()).is_err());
}
