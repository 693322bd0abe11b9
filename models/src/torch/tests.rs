//! Small files made by hand: whole ones, and such that lie or ask for more than tensors.

use std::io::{Cursor, Write};

use super::*;

/// A pickle, put together instruction by instruction.
#[derive(Clone, Default)]
struct Pickle(Vec<u8>);

impl Pickle {
    fn new() -> Self {
        Self(vec![0x80, 2])
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        self.raw(b"X").raw(&length).raw(text.as_bytes())
    }

    /// A whole number of 64 bits.
    fn int(self, number: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&number.to_le_bytes())
    }

    fn ints(self, numbers: &[i64]) -> Self {
        let marked = self.raw(b"(");
        numbers
            .iter()
            .fold(marked, |pickle, number| pickle.int(*number))
            .raw(b"t")
    }

    fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A tensor of a storage of `elements`.
    fn tensor(
        self,
        key: &str,
        kind: &str,
        elements: i64,
        offset: i64,
        shape: &[i64],
        strides: &[i64],
    ) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", kind)
            .text(key)
            .text("cpu")
            .int(elements)
            .raw(b"tQ")
            .int(offset)
            .ints(shape)
            .ints(strides)
            .raw(&[0x89])
            .global("collections", "OrderedDict")
            .raw(b")RtR")
    }

    fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A dictionary with one tensor `w`.
fn one(elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    Pickle::new()
        .raw(b"}(")
        .text("w")
        .tensor("0", "FloatStorage", elements, offset, shape, strides)
        .raw(b"u")
        .end()
}

fn six() -> Vec<u8> {
    (1_u8..=6)
        .flat_map(|value| f32::from(value).to_le_bytes())
        .collect()
}

/// A file of the old form with one storage.
fn legacy(pickle: &[u8], elements: u64, storage: &[u8]) -> Vec<u8> {
    let mut file =
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    file.extend(
        Pickle::new()
            .raw(b"}")
            .text("little_endian")
            .raw(b"\x88s")
            .end(),
    );
    file.extend(pickle);
    file.extend(Pickle::new().raw(b"](").text("0").raw(b"e").end());
    file.extend(elements.to_le_bytes());
    file.extend(storage);
    file
}

/// A file of the form since 1.6 with one storage.
fn zipped(pickle: &[u8], storage: &[u8], method: zip::CompressionMethod) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(&mut bytes));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, content) in [
        ("data.pkl", pickle),
        ("byteorder", b"little"),
        ("data/0", storage),
    ] {
        zip.start_file(format!("archive/{name}"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

fn both(pickle: &[u8]) -> [Vec<u8>; 2] {
    let stored = zip::CompressionMethod::Stored;
    [legacy(pickle, 6, &six()), zipped(pickle, &six(), stored)]
}

fn open(bytes: &[u8]) -> Result<TorchFile, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    std::fs::write(&path, bytes).unwrap();
    TorchFile::open(&path)
}

#[track_caller]
fn assert_refused(bytes: &[u8], why: &str) {
    let error = open(bytes).unwrap_err();
    assert!(error.is_bad_content(), "{error}");
    assert!(error.to_string().contains(why), "{why}: {error}");
}

#[test]
fn tensors_are_read_in_both_forms_whatever_their_strides() {
    for (offset, shape, strides, expected) in [
        (
            0,
            &[2, 3][..],
            &[3, 1][..],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..],
        ),
        (0, &[3, 2], &[1, 3], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        (1, &[2, 2], &[3, 1], &[2.0, 3.0, 5.0, 6.0]),
        (5, &[], &[], &[6.0]),
        (0, &[0, 7], &[7, 1], &[]),
        (3, &[3, 1], &[1, 9], &[4.0, 5.0, 6.0]),
    ] {
        for bytes in both(&one(6, offset, shape, strides)) {
            let file = open(&bytes).unwrap();
            assert_eq!(file.names().collect::<Vec<_>>(), ["w"]);
            assert_eq!(file.values("w").unwrap(), expected, "{shape:?} {strides:?}");
            assert_eq!(file.info("w").unwrap().1, Kind::F32);
        }
    }
}

#[test]
fn dictionaries_in_dictionaries_have_both_names_and_the_rest_is_left() {
    let inner = Pickle::new()
        .raw(b"}(")
        .text("epoch")
        .int(7)
        .text("state")
        .raw(b"}")
        .text("w")
        .tensor("0", "FloatStorage", 6, 0, &[6], &[1])
        .raw(b"s")
        .raw(b"u");
    let attributes = inner.raw(b"}b").end();
    for bytes in both(&attributes) {
        assert_eq!(
            open(&bytes).unwrap().names().collect::<Vec<_>>(),
            ["state.w"]
        );
    }
}

#[test]
fn what_lies_about_sizes_is_refused_before_anything_is_allocated() {
    let most = i64::MAX;
    for (elements, offset, shape, strides) in [
        (6, 0, &[7][..], &[1][..]),
        (6, 1, &[6], &[1]),
        (6, most, &[6], &[1]),
        (6, 0, &[2, 3], &[4, 1]),
        (6, 0, &[2], &[most]),
        (6, 0, &[3, 3, most, most], &[most, most, most, most]),
        // Many times the same element.
        (6, 0, &[1 << 40], &[0]),
        (6, 0, &[most, most, most], &[0, 0, 0]),
        (6, 0, &[6], &[]),
        (6, 0, &[1; 9], &[1; 9]),
    ] {
        for bytes in both(&one(elements, offset, shape, strides)) {
            assert_refused(&bytes, "in the tensor `w`");
        }
    }
    for shape in [[-1], [i64::MIN]] {
        for bytes in both(&one(6, 0, &shape, &[1])) {
            assert_refused(&bytes, "the size -");
        }
    }
    for elements in [5, 7, most] {
        assert_refused(
            &both(&one(elements, 0, &[1], &[1]))[0],
            "elements instead of",
        );
        assert_refused(&both(&one(elements, 0, &[1], &[1]))[1], "24 bytes for");
    }
    let large = one(most, 0, &[1], &[1]);
    assert_refused(
        &legacy(&large, most as u64, &six()),
        "an end in the storage",
    );
    let packed = zipped(
        &one(6, 0, &[6], &[1]),
        &six(),
        zip::CompressionMethod::Deflated,
    );
    assert_refused(&packed, "which is packed");
}

#[test]
fn what_makes_more_than_tensors_is_refused_by_its_name() {
    let calls = |module, name| {
        Pickle::new()
            .global(module, name)
            .text("id")
            .raw(b"\x85R")
            .end()
    };
    for (pickle, why) in [
        (calls("os", "system"), "`os.system`"),
        (calls("builtins", "eval"), "`builtins.eval`"),
        (calls("torch", "load"), "`torch.load`"),
        (
            calls("collections", "OrderedDict"),
            "a dictionary of what is no list",
        ),
        (
            calls("torch", "FloatStorage"),
            "a call that makes no tensor",
        ),
        (
            Pickle::new().text("os").text("system").raw(b"\x93").end(),
            "`os.system`",
        ),
        (Pickle::new().raw(b"(ios\nsystem\n").end(), "0x69"),
        (Pickle::new().raw(b"\x82\x01").end(), "0x82"),
        (Pickle::new().raw(b"}}}b").end(), "no dictionary of tensors"),
        (
            Pickle::new().raw(b"K\x01}b").end(),
            "a state for what is no dictionary",
        ),
        (
            Pickle::new().raw(b"}(K\x01u").end(),
            "a key without a value",
        ),
        (
            Pickle::new().raw(b"h\x07").end(),
            "7, which was not memorised",
        ),
        (Pickle::new().raw(b"R").end(), "more than there is"),
        (Pickle::new().raw(b"u").end(), "more than there is"),
        (Pickle::new().raw(b"}").end(), "no dictionary of tensors"),
        (Pickle::new().raw(b"X\xff\xff\xff\xff").end(), "too long"),
        (
            Pickle::new().raw(b"\x8d\0\0\0\0\x01\0\0\0").end(),
            "too long",
        ),
    ] {
        for bytes in both(&pickle) {
            assert_refused(&bytes, why);
        }
    }
}

#[test]
fn a_pickle_that_refers_to_itself_or_grows_comes_to_an_end() {
    // A dictionary that is its own entry.
    let own = Pickle::new().raw(b"}q\0").text("a").raw(b"h\0s").end();
    for bytes in both(&own) {
        assert_refused(&bytes, "dictionaries in each other");
    }
    // Each level names the one below a hundred times.
    let mut pickle = Pickle::new().raw(b"}q\0");
    for level in 0..7_u8 {
        pickle = pickle.raw(b"}(");
        for entry in 0..100 {
            pickle = pickle.text(&entry.to_string()).raw(&[b'h', level]);
        }
        pickle = pickle.raw(&[b'u', b'q', level + 1]);
    }
    for bytes in both(&pickle.end()) {
        assert_refused(&bytes, "more entries than there can be");
    }
    let endless = Pickle::new().raw(&vec![b'N'; 3 << 20]).end();
    for bytes in both(&endless) {
        assert_refused(&bytes, "values");
    }
}

#[test]
fn files_that_are_cut_off_or_turned_over_never_panic() {
    for whole in both(&one(6, 1, &[2, 2], &[3, 1])) {
        for length in 0..whole.len() {
            assert!(open(&whole[..length]).is_err(), "{length} bytes");
        }
        for at in 0..whole.len() {
            for turned in [1, 0x80, 0xff] {
                let mut spoilt = whole.clone();
                spoilt[at] ^= turned;
                if let Ok(file) = open(&spoilt) {
                    let names: Vec<String> = file.names().map(str::to_owned).collect();
                    for name in names {
                        let _ = file.values(&name);
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_of_every_kind_are_read_and_others_refused() {
    let of = |kind: &str, elements: i64, storage: &[u8]| {
        let pickle = Pickle::new()
            .raw(b"}(")
            .text("w")
            .tensor("0", kind, elements, 0, &[elements], &[1])
            .raw(b"u")
            .end();
        open(&legacy(&pickle, elements as u64, storage)).unwrap()
    };
    let one = 1.5_f64.to_le_bytes();
    assert_eq!(of("DoubleStorage", 1, &one).values("w").unwrap(), [1.5]);
    let half = f16::from_f32(-2.5).to_le_bytes();
    assert_eq!(of("HalfStorage", 1, &half).values("w").unwrap(), [-2.5]);
    let brain = bf16::from_f32(3.0).to_le_bytes();
    assert_eq!(of("BFloat16Storage", 1, &brain).values("w").unwrap(), [3.0]);
    let error = of("LongStorage", 1, &one)
        .values("w")
        .unwrap_err()
        .to_string();
    assert!(error.contains("I64"), "{error}");
    let error = of("FloatStorage", 1, &f32::NAN.to_le_bytes())
        .values("w")
        .unwrap_err();
    assert!(error.to_string().contains("not a number"), "{error}");
    assert!(
        of("ByteStorage", 3, b"abc")
            .read("w", &[4], &Device::Cpu)
            .is_err()
    );
}
