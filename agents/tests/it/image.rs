//! The image agent on a runtime, with the real weights.

use std::path::{Path, PathBuf};

use aimass_agents::image::{
    Classify, ClassifyInput, CompareFaces, CompareFacesInput, Describe, DescribeInput,
    DescribeLanguage, Detect, DetectInput, Embed, FaceDetail, Faces, FacesInput, ImageAgent,
    ImageInput, Read, Search, SearchInput,
};
use aimass_config::Config;
use aimass_conformance::Conformance;
use aimass_models::{Silent, Store};
use aimass_runtime::{Runtime, TaskError};
use serde_json::json;

use crate::cache;

/// The models that the agent works with by default, and the optional one.
const MODELS: [&str; 5] = [
    "ssd-mobilenet-v2",
    "efficientnet-lite0",
    "mtcnn",
    "pp-ocr-v4",
    "face-api",
];

/// The cache, with the models in it.
async fn store() -> Store {
    let store = cache::store();
    let pulling = store.clone();
    let pull = move || {
        for model in MODELS {
            pulling.pull(model, &mut Silent).unwrap();
        }
    };
    tokio::task::spawn_blocking(pull).await.unwrap();
    store
}

async fn start() -> Runtime {
    Runtime::builder(Config::default())
        .agent(ImageAgent::new(store().await, None))
        .start()
        .await
        .unwrap()
}

/// A photograph: an astronaut before a flag and a model of a space shuttle; 512 x 512.
fn astronaut() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/inbox/astronaut.jpg")
}

/// A rendered page; see `models/goldens/ocr/make.py`.
fn page(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/goldens/ocr");
    folder.join(name).with_extension("png")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_astronaut_is_found_sorted_and_described() {
    let runtime = start().await;
    let found = runtime
        .ask::<Detect>(DetectInput::path(astronaut()))
        .await
        .unwrap();
    assert_eq!((found.size.width, found.size.height), (512, 512));
    let person = &found.objects[0];
    assert_eq!(person.label, "person");
    let [left, top, right, bottom] = person.bounds;
    assert!(
        left < 100.0 && top < 60.0 && right > 340.0 && bottom > 450.0,
        "{person:?}"
    );
    let faces = runtime.ask::<Faces>(FacesInput::path(astronaut())).await;
    let faces = faces.unwrap().faces;
    assert_eq!(faces.len(), 1, "{faces:?}");
    let [left, top, right, bottom] = faces[0].bounds;
    for [x, y] in faces[0].landmarks {
        assert!((left..right).contains(&x) && (top..bottom).contains(&y));
    }
    let described = runtime
        .ask::<Describe>(DescribeInput::path(astronaut()))
        .await
        .unwrap();
    assert_eq!(described.incomplete, None);
    assert!(described.text.contains("person"), "{}", described.text);
    assert_eq!(described.layout.len(), described.objects.len());
    let chinese = DescribeInput {
        language: DescribeLanguage::Zh,
        ..DescribeInput::path(astronaut())
    };
    let chinese = runtime.ask::<Describe>(chinese).await.unwrap();
    assert!(chinese.text.contains('人'), "{}", chinese.text);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_asked_for_is_told() {
    let runtime = start().await;
    let asked = |json: serde_json::Value| {
        let mut input = json;
        input["path"] = json!(astronaut());
        runtime.ask_json(
            "image.detect",
            input,
            aimass_runtime::TaskOptions::default(),
        )
    };
    let dogs = asked(json!({ "labels": ["dog"] })).await.unwrap();
    assert_eq!(dogs["objects"], json!([]));
    let refused = asked(json!({ "labels": ["unicorn"] })).await.unwrap_err();
    assert!(refused.to_string().contains("`unicorn`"), "{refused}");
    let refused = asked(json!({ "threshold": 1.5 })).await.unwrap_err();
    assert!(refused.to_string().contains("got 1.5"), "{refused}");
    let top = ClassifyInput {
        path: astronaut(),
        top: Some(1000),
    };
    let classes = runtime.ask::<Classify>(top).await.unwrap().classes;
    assert_eq!(classes.len(), 1000);
    let sum: f32 = classes.iter().map(|class| class.score).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    assert!(classes.is_sorted_by(|one, other| one.score >= other.score));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_in_order_however_they_lie() {
    let runtime = start().await;
    for name in ["notice", "on_its_other_side"] {
        let read = runtime
            .ask::<Read>(ImageInput::path(page(name)))
            .await
            .unwrap();
        assert_eq!(
            read.text.replace(' ', ""),
            "温馨提示\n营业时间：早上九点至晚上八点\n电话010-65881234\n请勿在店内吸烟",
            "{name}"
        );
    }
    for name in ["letter", "on_its_side", "upside_down", "tilted"] {
        let read = runtime
            .ask::<Read>(ImageInput::path(page(name)))
            .await
            .unwrap();
        // Spaces are read where the gaps are wide, and a line may come in two pieces.
        let text: String = read.text.split_whitespace().collect();
        let places = ["DearSirorMadam,", "12March2024", "129.50euros", "Margarete"];
        let places = places.map(|part| text.find(part));
        assert!(places.iter().all(Option::is_some), "{name}: {text}");
        assert!(places.is_sorted() && places[0] == Some(0), "{name}: {text}");
    }
    let table = runtime
        .ask::<Read>(ImageInput::path(page("table")))
        .await
        .unwrap();
    let table: Vec<&str> = table.text.lines().collect();
    assert_eq!(table[..2], ["Item", "Price"]);
    let empty = runtime
        .ask::<Read>(ImageInput::path(page("empty")))
        .await
        .unwrap();
    assert_eq!((empty.text.as_str(), empty.lines.len()), ("", 0));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_found_in_a_folder_by_what_it_looks_like() {
    let runtime = start().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in [
        ("photo.jpg", astronaut()),
        ("letter.png", page("letter")),
        ("notice.png", page("notice")),
    ] {
        std::fs::copy(from, folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("note.txt"), "no picture").unwrap();
    let search = |path: PathBuf| SearchInput {
        over: Some(folder.path().to_owned()),
        ..SearchInput::like(path)
    };
    let found = runtime.ask::<Search>(search(astronaut())).await.unwrap();
    assert!(found.hits[0].source.ends_with("photo.jpg"), "{found:?}");
    assert!(found.hits[0].score > 0.999 && found.hits.len() == 3);
    let left_out = found.incomplete.unwrap();
    assert!(left_out.contains("note.txt"), "{left_out}");
    let found = runtime.ask::<Search>(search(page("table"))).await.unwrap();
    assert!(found.hits[2].source.ends_with("photo.jpg"), "{found:?}");
    let one = runtime
        .ask::<Embed>(ImageInput::path(astronaut()))
        .await
        .unwrap();
    let length: f32 = one.embedding.iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-4);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_in_one_line() {
    let runtime = start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    let whole = std::fs::read(astronaut()).unwrap();
    for content in [
        &b""[..],
        b"Dear Sir",
        &whole[..whole.len() / 2],
        &whole[..20],
    ] {
        std::fs::write(&path, content).unwrap();
        for skill in [
            "image.detect",
            "image.describe",
            "image.read",
            "image.faces",
        ] {
            let input = json!({ "path": path });
            let options = aimass_runtime::TaskOptions::default();
            let refused = runtime.ask_json(skill, input, options).await.unwrap_err();
            assert!(matches!(refused, TaskError::Rejected { .. }), "{refused:?}");
            let said = refused.to_string();
            assert!(said.contains("photo.jpg") && !said.contains('\n'), "{said}");
        }
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_optional_network_faces_have_no_expression_and_no_vector() {
    let store = store().await;
    // A cache of its own has what the default needs, and not the optional one.
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    let from = store.path("mtcnn").unwrap();
    std::os::unix::fs::symlink(&from, models.join("mtcnn")).unwrap();
    let bare = cache::store_in(folder.path());
    let runtime = Runtime::builder(Config::default())
        .agent(ImageAgent::new(bare, None))
        .start()
        .await
        .unwrap();
    let faces = runtime.ask::<Faces>(FacesInput::path(astronaut())).await;
    assert_eq!(faces.unwrap().faces[0].expression, None);
    let asked = FacesInput {
        detail: FaceDetail::Embeddings,
        ..FacesInput::path(astronaut())
    };
    let missing = runtime.ask::<Faces>(asked).await.unwrap_err();
    assert!(
        missing.to_string().contains("aimass models pull face-api"),
        "{missing}"
    );
    let both = CompareFacesInput {
        path: astronaut(),
        other: astronaut(),
    };
    let missing = runtime.ask::<CompareFaces>(both).await.unwrap_err();
    assert!(
        matches!(missing, TaskError::Unavailable { .. }),
        "{missing:?}"
    );
    runtime.shutdown().await;
}

/// The kernel's own suite: panics, hangs, cancellation, overload, a new version, a process that is
/// gone, on the real models.
#[tokio::test(flavor = "multi_thread")]
async fn the_image_agent_conforms() {
    let store = store().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(astronaut(), folder.path().join("photo.jpg")).unwrap();
    let picture = json!({ "path": astronaut() });
    let face = json!({
        "path": astronaut(),
        "faces": [{
            "box": [178.0, 72.0, 272.0, 200.0],
            "score": 0.99,
            "landmarks": [[204.0, 117.0], [246.0, 117.0], [224.0, 141.0], [207.0, 161.0], [243.0, 161.0]],
        }],
    });
    let mut outside = face.clone();
    outside["faces"][0]["box"] = json!([5000.0, 5000.0, 6000.0, 6000.0]);
    let report = Conformance::new(move || ImageAgent::new(store.clone(), None))
        .example("image.detect", picture.clone())
        .example("image.classify", picture.clone())
        .example("image.embed", picture.clone())
        .example("image.face_boxes", picture.clone())
        .example("image.faces", picture.clone())
        .example("image.face_features", face)
        .example(
            "image.compare_faces",
            json!({ "path": astronaut(), "other": astronaut() }),
        )
        .example("image.read", json!({ "path": page("notice") }))
        .example("image.describe", picture.clone())
        .example(
            "image.search",
            json!({ "path": astronaut(), "over": folder.path() }),
        )
        .example(
            "image.search_folder",
            json!({ "path": astronaut(), "over": folder.path() }),
        )
        .refuses("image.detect", json!({ "path": "no/such/picture.png" }))
        .refuses("image.classify", json!({ "path": astronaut(), "top": 0 }))
        .refuses("image.search", json!({}))
        .refuses("image.face_features", outside)
        .tolerance(1e-4)
        .run()
        .await;
    assert!(report.passed(), "{report}");
}
