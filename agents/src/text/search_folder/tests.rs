//! Searches over folders with a small real network, as one process after the other does them.

use std::fs;

use aimass_models::{SentenceEncoderWeights, device};

use super::*;

const CHECKPOINT: [&str; 4] = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "sentence_bert_config.json",
];

struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// A checkpoint of random weights, a folder with three letters, and a cache.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let sound =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/bert/multilingual");
        for folder in ["model", "letters"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        for name in CHECKPOINT {
            fs::copy(sound.join(name), root.path().join("model").join(name)).unwrap();
        }
        let place = Self { root };
        for (name, text) in [
            ("a", "ein Brief. "),
            ("b", "a letter. "),
            ("c", "une lettre. "),
        ] {
            place.write(name, &text.repeat(200));
        }
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.path().join("letters").join(name), text).unwrap();
    }

    /// What a process of its own finds, and how many texts it embeds for it.
    fn search(&self) -> (Vec<Hit>, u64) {
        let mut model = self.model();
        let search = self.search_with(&mut model);
        (best(search.hits, 1000), model.embedded())
    }

    fn model(&self) -> TextModel {
        let weights = SentenceEncoderWeights::load(
            &self.root.path().join("model"),
            &device::open("cpu").unwrap(),
        );
        let model = TextModel::new(Arc::new(weights.unwrap()));
        model.keeping(self.vectors())
    }

    fn search_with(&self, model: &mut TextModel) -> FolderSearch {
        let input = FolderSearchInput {
            query: "lettre".to_owned(),
            over: self.root.path().join("letters"),
            limit: 1000,
        };
        let (mut search, _) = FolderSearch::begin(model, &input).unwrap();
        while search.at < search.files.len() {
            search.step(model).unwrap();
        }
        search
    }

    fn vectors(&self) -> PathBuf {
        self.root.path().join("cache/vectors")
    }
}

#[test]
fn the_next_process_embeds_nothing_but_the_query() {
    let place = Place::new();
    let (found, cold) = place.search();
    assert_eq!(cold, 1 + found.len() as u64, "the query and each passage");
    let (again, warm) = place.search();
    assert_eq!((again, warm), (found, 1));
}

#[test]
fn what_changed_is_embedded_again_and_nothing_else() {
    let place = Place::new();
    place.search();
    place.write("b", "another letter");
    let (found, embedded) = place.search();
    assert_eq!(embedded, 1 + 1);
    let texts = found.iter().filter(|hit| hit.source.ends_with("/b"));
    assert_eq!(texts.count(), 1);
    // It says again what it said before: that is known still.
    place.write("b", &"a letter. ".repeat(200));
    assert_eq!(place.search().1, 1);
}

#[test]
fn another_model_embeds_everything_again() {
    let place = Place::new();
    let (_, cold) = place.search();
    let config = place.root.path().join("model/sentence_bert_config.json");
    let mut bytes = fs::read(&config).unwrap();
    bytes.push(b'\n');
    fs::write(&config, bytes).unwrap();
    assert_eq!(place.search().1, cold);
}

#[test]
fn damaged_vectors_are_computed_again() {
    let place = Place::new();
    let (found, cold) = place.search();
    for entry in fs::read_dir(place.vectors()).unwrap() {
        fs::write(entry.unwrap().path(), b"aimvec\x00\x01 and so on").unwrap();
    }
    assert_eq!(place.search(), (found, cold));
    assert_eq!(place.search().1, 1);
}

#[test]
fn what_is_left_out_is_said_and_does_not_count_as_known() {
    let place = Place::new();
    let letters = place.root.path().join("letters");
    let utf16 = "\u{feff}une lettre trouvée".encode_utf16();
    let utf16: Vec<u8> = utf16.flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("utf16", &utf16[..]),
        ("latin", b"une lettre perdu\xe9"),
        ("shift-jis", b"\x8e\xe8\x8e\x86"),
        ("gb18030", b"\xd0\xc5\xbc\xfe"),
    ] {
        fs::write(letters.join(name), bytes).unwrap();
    }
    let large = fs::File::create(letters.join("large")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    let deep = letters.join("d/".repeat(40));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("deep"), "une lettre au fond").unwrap();
    std::os::unix::fs::symlink("a", letters.join("link")).unwrap();
    std::os::unix::net::UnixListener::bind(letters.join("socket")).unwrap();
    let expected = "left out: 1 (a link): link; 1 (a device, a pipe or a socket): socket; 3 (no text in UTF-8 or UTF-16): \
                    gb18030, latin, shift-jis; 1 (larger than 64 MiB): large";

    let mut model = place.model();
    for _ in 0..2 {
        let search = place.search_with(&mut model);
        assert_eq!(search.skipped.in_words().as_deref(), Some(expected));
        let found = |name: &str| search.hits.iter().any(|hit| hit.source.ends_with(name));
        assert!(found("utf16") && found("deep"));
    }
}
