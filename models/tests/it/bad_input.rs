//! Model files that are damaged or lie: each is refused in one line that says what to do, and
//! nothing is allocated on their word.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use aimass_models::{SentenceEncoderWeights, device};

const WEIGHTS: &str = "model.safetensors";

/// A sound checkpoint in a folder of its own, to be spoilt.
fn checkpoint() -> tempfile::TempDir {
    let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/bert/multilingual");
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "config.json",
        WEIGHTS,
        "tokenizer.json",
        "sentence_bert_config.json",
    ] {
        fs::copy(sound.join(name), folder.path().join(name)).unwrap();
    }
    load(folder.path()).unwrap();
    folder
}

fn load(folder: &Path) -> Result<(), String> {
    SentenceEncoderWeights::load(folder, &device::open("cpu").unwrap())
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The folder is refused in one line that names the file.
fn refused(folder: &Path, file: &str) -> String {
    let message = load(folder).unwrap_err();
    assert!(!message.contains('\n'), "{message}");
    assert!(message.contains(file), "{message}");
    message
}

fn spoil(folder: &Path, file: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(file);
    fs::write(&path, content).unwrap();
    path
}

/// Weights with this header and this many bytes behind it.
fn weights(header: &str, bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + bytes, 0);
    file
}

#[test]
fn weights_cut_off_anywhere_are_refused() {
    let folder = checkpoint();
    let whole = fs::read(folder.path().join(WEIGHTS)).unwrap();
    for length in (0..whole.len()).step_by(977).chain([whole.len() - 1]) {
        spoil(folder.path(), WEIGHTS, &whole[..length]);
        refused(folder.path(), WEIGHTS);
    }
}

#[test]
fn a_header_that_lies_is_refused_before_anything_is_allocated() {
    let folder = checkpoint();
    let mut huge = (1_u64 << 60).to_le_bytes().to_vec();
    huge.extend(b"{}");
    let embedding = "embeddings.word_embeddings.weight";
    let tensor = |shape: &str, offsets: &str| {
        format!(r#"{{"{embedding}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    for content in [
        huge,
        weights("no JSON", 8),
        weights(&tensor("[92, 32]", "[0, 1152921504606846976]"), 64),
        weights(&tensor("[4294967296, 4294967296, 64]", "[0, 16]"), 16),
        weights(&tensor("[2, 2]", "[16, 0]"), 16),
        weights(&tensor("[2, 2]", "[0, 16]"), 16),
        weights("{}", 0),
    ] {
        spoil(folder.path(), WEIGHTS, &content);
        refused(folder.path(), WEIGHTS);
    }
}

#[test]
fn ten_gigabytes_of_nothing_are_refused_without_being_read() {
    let folder = checkpoint();
    for name in [WEIGHTS, "tokenizer.json", "config.json"] {
        let folder = checkpoint();
        File::create(folder.path().join(name))
            .unwrap()
            .set_len(10 << 30)
            .unwrap();
        // Its first bytes say that the header has none.
        refused(folder.path(), name);
    }
    let mut file = File::create(folder.path().join(WEIGHTS)).unwrap();
    file.write_all(&(8_u64 << 30).to_le_bytes()).unwrap();
    file.set_len(10 << 30).unwrap();
    refused(folder.path(), WEIGHTS);
}

#[test]
fn what_is_no_file_or_not_there_is_refused() {
    for name in [WEIGHTS, "tokenizer.json", "config.json"] {
        let folder = checkpoint();
        fs::remove_file(folder.path().join(name)).unwrap();
        refused(folder.path(), name);
        fs::create_dir(folder.path().join(name)).unwrap();
        assert!(refused(folder.path(), name).contains("folder"));
    }
}

#[test]
fn another_kind_of_model_is_refused() {
    let folder = checkpoint();
    for (file, content) in [
        ("config.json", &b"{}"[..]),
        ("config.json", b"\xff\xfe"),
        ("config.json", b""),
        ("tokenizer.json", b"{\"model\": 1}"),
        ("tokenizer.json", b""),
    ] {
        let sound = fs::read(folder.path().join(file)).unwrap();
        let path = spoil(folder.path(), file, content);
        refused(folder.path(), file);
        fs::write(path, sound).unwrap();
    }
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    for (from, to) in [
        ("\"bert\"", "\"llama\""),
        ("\"vocab_size\": 92", "\"vocab_size\": 9200000000000"),
        ("\"hidden_size\": 32", "\"hidden_size\": 64"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 5"),
    ] {
        assert!(config.contains(from), "{from}");
        spoil(
            folder.path(),
            "config.json",
            config.replace(from, to).as_bytes(),
        );
        load(folder.path()).unwrap_err();
    }
}

/// A folder that a test starts itself again with, as another user.
const AS_NOBODY: &str = "AIMASS_TEST_UNREADABLE";

/// Root may read everything, so the file is looked at as a user who is not root. It does nothing
/// unless it was started so.
#[test]
fn as_nobody() {
    let Some(folder) = std::env::var_os(AS_NOBODY) else {
        return;
    };
    let message = refused(Path::new(&folder), WEIGHTS);
    assert!(
        message.contains("give this user permission to read it"),
        "{message}"
    );
    println!("refused as it should be");
}

#[test]
fn weights_without_permission_are_refused_with_what_to_do() {
    let folder = checkpoint();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(folder.path());
    let weights = folder.path().join(WEIGHTS);
    fs::set_permissions(&weights, fs::Permissions::from_mode(0o000)).unwrap();
    // The build's folder may be closed to others, so this program has to stand elsewhere.
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open(&program);
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = match id.stdout.as_slice() {
        b"0\n" => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
            command.arg("--").arg(&program);
            command
        }
        _ => Command::new(&program),
    };
    command.args(["--exact", "bad_input::as_nobody", "--nocapture"]);
    let output = command.env(AS_NOBODY, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("refused as it should be"), "{said}");
}
