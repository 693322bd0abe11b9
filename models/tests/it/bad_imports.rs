//! Models of other programs that are damaged or lie: each is refused in one line that says what to
//! do, and nothing is allocated on their word.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use aimass_models::Importer;

use crate::import::{convert, ctranslate2, from_ctranslate2, from_gguf, gguf};

/// The import is refused in one line that names the file.
fn refused(importer: &Importer, folder: &Path, file: &str) -> String {
    let message = convert(importer, folder).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    assert!(message.contains(file), "{message}");
    message
}

/// Replaces the one place where `from` stands.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    assert_eq!(at.len(), 1, "{:?}", String::from_utf8_lossy(from));
    [&bytes[..at[0]], to, &bytes[at[0] + from.len()..]].concat()
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// Cuts the file everywhere, and turns bytes of it over: whatever comes of it is no panic.
fn spoil_at_random(importer: &Importer, folder: &Path, file: &str) {
    let path = folder.join(file);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(997).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..length]).unwrap();
        refused(importer, folder, file);
    }
    let mut dice = Dice(7);
    for round in 0..300 {
        let mut spoilt = whole.clone();
        // Half of the rounds spoil the beginning only, since most bytes are values.
        let end = if round % 2 == 0 { 400 } else { spoilt.len() };
        for _ in 0..=dice.below(4) {
            spoilt[dice.below(end)] ^= 1 << dice.below(8);
        }
        fs::write(&path, &spoilt).unwrap();
        let _ = convert(importer, folder);
    }
    fs::write(&path, whole).unwrap();
    convert(importer, folder).unwrap();
}

#[test]
fn ctranslate2_spoilt_at_random_never_panics() {
    for weights in ["float16", "int8"] {
        spoil_at_random(from_ctranslate2(), ctranslate2(weights).path(), "model.bin");
    }
}

#[test]
fn gguf_spoilt_at_random_never_panics() {
    spoil_at_random(from_gguf(), gguf().path(), "model.gguf");
}

fn text(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len() + 1).unwrap();
    [&length.to_le_bytes()[..], text, &[0]].concat()
}

fn variable(name: &[u8], shape: &[u32], kind: u8, size: u32) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.push(u8::try_from(shape.len()).unwrap());
    bytes.extend(shape.iter().flat_map(|side| side.to_le_bytes()));
    bytes.push(kind);
    bytes.extend(size.to_le_bytes());
    bytes
}

/// A `model.bin` with this many variables, as it says, and these bytes behind.
fn model(version: u32, specification: &[u8], count: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = version.to_le_bytes().to_vec();
    bytes.extend(text(specification));
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(rest);
    bytes
}

#[test]
fn ctranslate2_that_lies_is_refused_before_anything_is_allocated() {
    let folder = ctranslate2("float16");
    let whisper = |count, rest: &[u8]| model(6, b"WhisperSpec", count, rest);
    let name = b"decoder/embeddings/weight";
    let mut open_name = 5_u16.to_le_bytes().to_vec();
    open_name.extend(b"abcde");
    let one = [&variable(b"a", &[2], 0, 8)[..], &[0; 8]].concat();
    for (content, why) in [
        (Vec::new(), "0 bytes"),
        (model(5, b"WhisperSpec", 0, &[0; 4]), "version 5"),
        (model(6, b"TransformerSpec", 0, &[0; 4]), "TransformerSpec"),
        (whisper(u32::MAX, &[0; 400]), "4294967295 variables"),
        (whisper(9, &[0; 4]), "no text"),
        (
            whisper(1, &variable(name, &[1 << 30], 0, u32::MAX)),
            "in 4294967295 bytes",
        ),
        (
            whisper(1, &variable(name, &[u32::MAX; 8], 0, 16)),
            "in 16 bytes",
        ),
        (
            whisper(1, &variable(name, &[1 << 30], 1, 1 << 30)),
            "end too early",
        ),
        (
            whisper(1, &variable(name, &[0, u32::MAX, u32::MAX], 0, 0)),
            "in 0 bytes",
        ),
        (
            whisper(1, &variable(name, &[1; 200], 0, 4)),
            "200 dimensions",
        ),
        (whisper(1, &variable(name, &[1], 17, 4)), "type 17"),
        (whisper(1, &variable(b"\xff\xfe", &[1], 0, 4)), "no text"),
        (whisper(1, &open_name), "no text"),
        (whisper(2, &[&one[..], &one].concat()), "`a` twice"),
        (whisper(1, &one), "end too early"),
        (
            whisper(1, &[&one[..], &[0; 5]].concat()),
            "1 bytes too many",
        ),
        (
            whisper(1, &[&one[..], &[0xff; 4]].concat()),
            "end too early",
        ),
        (
            whisper(
                1,
                &[&one[..], &[1, 0, 0, 0], &text(b"b"), &text(b"c")].concat(),
            ),
            "the alias `b` of `c`",
        ),
        (
            whisper(1, &[&one[..], &[0; 4]].concat()),
            "encoder/conv1/weight",
        ),
    ] {
        fs::write(folder.path().join("model.bin"), &content).unwrap();
        let message = refused(from_ctranslate2(), folder.path(), "model.bin");
        assert!(message.contains(why), "{why}: {message}");
    }
}

#[test]
fn ctranslate2_of_another_network_is_refused() {
    let folder = ctranslate2("float16");
    let path = folder.path().join("model.bin");
    let sound = fs::read(&path).unwrap();
    let conv = |sides: [u32; 3]| variable(b"encoder/conv1/weight", &sides, 4, 7680);
    let swapped = |bytes: &[u8]| replace(bytes, &conv([16, 80, 3]), &conv([80, 16, 3]));
    let trait_of = |value| [&variable(b"decoder/activation", &[], 1, 1)[..], &[value]].concat();
    let heads = |count: u8| [&variable(b"decoder/num_heads", &[], 2, 2)[..], &[count, 0]].concat();
    for (content, why) in [
        (
            replace(&sound, b"encoder/conv2/bias", b"encoder/conv2/bios"),
            "no variable `encoder/conv2/bias`",
        ),
        (
            replace(
                &sound,
                b"decoder/alignment_heads",
                b"decoder/alignment_hands",
            ),
            "`decoder/alignment_hands`, which Whisper does not have",
        ),
        (swapped(&sound), "of the shape"),
        (
            replace(&sound, &trait_of(3), &trait_of(0)),
            "`decoder/activation` 0",
        ),
        (
            replace(&sound, &heads(4), &heads(3)),
            "impossible dimensions",
        ),
        (
            replace(&sound, &heads(4), &heads(0)),
            "impossible dimensions",
        ),
        (replace(&sound, &heads(4), &heads(2)), "for alignment"),
        (with_keys_bias(&sound), "a bias of the keys"),
    ] {
        fs::write(&path, &content).unwrap();
        let message = refused(from_ctranslate2(), folder.path(), "model.bin");
        assert!(message.contains(why), "{why}: {message}");
    }
}

/// The model with a keys' bias that is not zero in its last value.
fn with_keys_bias(sound: &[u8]) -> Vec<u8> {
    let head = variable(b"decoder/layer_1/attention/linear_1/bias", &[32], 4, 64);
    let at = (0..sound.len()).find(|&at| sound[at..].starts_with(&head));
    let last = at.unwrap() + head.len() + 30;
    assert_eq!(sound[last..last + 2], [0, 0]);
    let mut spoilt = sound.to_vec();
    spoilt[last + 1] = 0x3c;
    spoilt
}

#[test]
fn ctranslate2_with_scales_that_are_none_is_refused() {
    let folder = ctranslate2("int8");
    let path = folder.path().join("model.bin");
    let sound = fs::read(&path).unwrap();
    let head = variable(b"encoder/conv2/weight_scale", &[16], 0, 64);
    let at = (0..sound.len()).find(|&at| sound[at..].starts_with(&head));
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut spoilt = sound.clone();
        let first = at.unwrap() + head.len();
        spoilt[first..first + 4].copy_from_slice(&scale.to_le_bytes());
        fs::write(&path, &spoilt).unwrap();
        let message = refused(from_ctranslate2(), folder.path(), "model.bin");
        assert!(message.contains("positive"), "{message}");
    }
    let nameless = replace(
        &sound,
        b"encoder/conv2/weight_scale",
        b"encoder/conv2/weight_scala",
    );
    fs::write(&path, nameless).unwrap();
    let message = refused(from_ctranslate2(), folder.path(), "model.bin");
    assert!(message.contains("without scales"), "{message}");
}

#[test]
fn a_configuration_or_a_tokenizer_of_something_else_is_refused() {
    for (file, content) in [
        ("config.json", &b"[]"[..]),
        ("config.json", b"{\"alignment_heads\": [[1]]}"),
        ("config.json", b"\xff"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"{\"added_tokens\": []}"),
        (
            "tokenizer.json",
            b"{\"added_tokens\": [{\"id\": 4294967295, \"content\": \"<|startoftranscript|>\"}]}",
        ),
    ] {
        let folder = ctranslate2("float16");
        fs::write(folder.path().join(file), content).unwrap();
        refused(from_ctranslate2(), folder.path(), file);
        fs::remove_file(folder.path().join(file)).unwrap();
        refused(from_ctranslate2(), folder.path(), file);
    }
}

#[test]
fn ten_gigabytes_of_nothing_are_refused_without_being_read() {
    for (importer, folder, file, magic) in [
        (
            from_ctranslate2(),
            ctranslate2("float16"),
            "model.bin",
            &b""[..],
        ),
        (from_gguf(), gguf(), "model.gguf", b"GGUF\x03\0\0\0"),
    ] {
        let mut model = File::create(folder.path().join(file)).unwrap();
        model.write_all(magic).unwrap();
        model.set_len(10 << 30).unwrap();
        refused(importer, folder.path(), file);
    }
}

/// A GGUF header that says how many tensors and entries it has, and what follows.
fn header(tensors: u64, entries: u64, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes.extend(rest);
    bytes
}

fn entry(key: &[u8], kind: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = (key.len() as u64).to_le_bytes().to_vec();
    bytes.extend(key);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value);
    bytes
}

/// An array's kind and length.
fn array(kind: u32, length: u64) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &length.to_le_bytes()].concat()
}

#[test]
fn gguf_that_lies_is_refused_before_anything_is_allocated() {
    let folder = gguf();
    let tensor = |name: &[u8], sides: &[u64], offset: u64| {
        let mut bytes = entry(name, u32::try_from(sides.len()).unwrap(), &[]);
        bytes.extend(sides.iter().rev().flat_map(|side| side.to_le_bytes()));
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes
    };
    let name = b"model.encoder.conv1.weight";
    let mut endless = 1_u64.to_le_bytes().to_vec();
    endless.extend(b"k\x09\0\0\0");
    endless.extend(array(9, 1).repeat(20_000));
    for content in [
        Vec::new(),
        b"GGUF\x01\0\0\0".to_vec(),
        header(1 << 60, 0, &[0; 64]),
        header(0, 1 << 60, &[0; 64]),
        header(0, 1, &u64::MAX.to_le_bytes()),
        header(0, 1, &entry(b"k", 8, &(1_u64 << 60).to_le_bytes())),
        header(0, 1, &entry(b"k", 9, &array(0, 1 << 60))),
        header(0, 1, &entry(b"k", 99, &[0; 8])),
        header(0, 1, &endless),
        header(0, 1, &entry(b"general.alignment", 4, &[0; 4])),
        header(0, 1, &entry(b"general.alignment\0", 4, &[0; 4])),
        header(0, 1, &entry(b"general.alignment", 0, &[0])),
        header(1, 0, &tensor(name, &[1 << 40, 1 << 40, 3], 0)),
        header(1, 0, &tensor(name, &[64, 80, 3], 1 << 60)),
        header(1, 0, &tensor(name, &[1; 200], 0)),
        header(0, 0, &[]),
    ] {
        fs::write(folder.path().join("model.gguf"), &content).unwrap();
        refused(from_gguf(), folder.path(), "model.gguf");
    }
}

#[test]
fn gguf_with_another_configuration_is_refused() {
    for (from, to) in [
        ("\"d_model\": 64", "\"d_model\": 32"),
        ("\"d_model\": 64", "\"d_model\": 9200000000000000000"),
        (
            "\"encoder_layers\": 2",
            "\"encoder_layers\": 9200000000000000000",
        ),
        ("\"encoder_layers\": 2", "\"encoder_layers\": 1"),
        ("\"encoder_layers\": 2", "\"encoder_layers\": 3"),
        (
            "\"decoder_attention_heads\": 2",
            "\"decoder_attention_heads\": 0",
        ),
        ("\"vocab_size\": 1908", "\"vocab_size\": -1"),
    ] {
        let folder = gguf();
        let path = folder.path().join("config.json");
        let config = fs::read_to_string(&path).unwrap();
        assert!(config.contains(from), "{from}");
        fs::write(&path, config.replace(from, to)).unwrap();
        let message = convert(from_gguf(), folder.path()).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
    }
}
