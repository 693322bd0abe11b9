//! Files that are cut off, spoilt or lie: refused, whatever is wrong with them, and never a panic.

use aimass_models::ModelError;

use super::{load, tiny_file};

fn load_bytes(bytes: &[u8]) -> Result<(), ModelError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.gguf"), bytes).unwrap();
    load(folder.path()).map(drop)
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let bytes = std::fs::read(tiny_file("llama")).unwrap();
    assert!(load_bytes(&bytes).is_ok());
    for length in (0..bytes.len() - 64).step_by(397) {
        let error = load_bytes(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, ModelError::Format { .. }),
            "{length}: {error}"
        );
    }
}

/// Some of them are still sound, others not; none may end the process.
#[test]
fn a_spoilt_header_never_panics() {
    let bytes = std::fs::read(tiny_file("qwen2")).unwrap();
    let mut refused = 0;
    for place in (4..12_000).step_by(41) {
        for value in [0, 0x7f, 0xff] {
            let mut spoilt = bytes.clone();
            spoilt[place] = value;
            refused += usize::from(load_bytes(&spoilt).is_err());
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn sizes_that_lie_are_refused_before_memory_is_taken() {
    let bytes = std::fs::read(tiny_file("llama")).unwrap();
    let key = b"llama.block_count";
    let place = bytes
        .windows(key.len())
        .position(|window| window == key)
        .unwrap();
    // Behind the key its type, then its value.
    let value = place + key.len() + 4;
    for (count, found) in [(0_u32, "block_count"), (513, "block_count"), (3, "blk.2")] {
        let mut lying = bytes.clone();
        lying[value..value + 4].copy_from_slice(&count.to_le_bytes());
        let error = load_bytes(&lying).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn a_folder_holds_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let none = load(folder.path()).unwrap_err().to_string();
    assert!(none.contains("one GGUF file"), "{none}");
    for name in ["a.gguf", "b.gguf"] {
        std::fs::copy(tiny_file("llama"), folder.path().join(name)).unwrap();
    }
    let two = load(folder.path()).unwrap_err().to_string();
    assert!(two.contains("2 of them"), "{two}");
}
