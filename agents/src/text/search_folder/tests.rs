//! Searches over folders with a small real network, as one process after the other does them.

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
        let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/multilingual");
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
        let weights = SentenceEncoderWeights::load(
            &self.root.path().join("model"),
            &device::open("cpu").unwrap(),
        );
        let model = TextModel::new(Arc::new(weights.unwrap()));
        let mut model = model.keeping(self.vectors());
        let input = FolderSearchInput {
            query: "lettre".to_owned(),
            over: self.root.path().join("letters"),
            limit: 1000,
        };
        let (mut search, _) = FolderSearch::begin(&mut model, &input).unwrap();
        while search.at < search.files.len() {
            search.step(&mut model).unwrap();
        }
        (best(search.hits, 1000), model.embedded())
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
