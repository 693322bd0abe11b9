//! The network that hears speech, of random weights, as an ONNX file: a graph in protocol buffers.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::random::Random;

/// Appends a field of a length and that many bytes.
fn field(bytes: &mut Vec<u8>, number: u64, value: &[u8]) {
    integer(bytes, number << 3 | 2);
    integer(bytes, value.len() as u64);
    bytes.extend(value);
}

fn integer(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A named tensor of 32-bit floats.
fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for side in shape {
        integer(&mut bytes, 1 << 3);
        integer(&mut bytes, *side as u64);
    }
    integer(&mut bytes, 2 << 3);
    integer(&mut bytes, 1);
    field(&mut bytes, 8, name.as_bytes());
    let raw: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    field(&mut bytes, 9, &raw);
    bytes
}

/// Writes the network; it has one shape only.
pub(crate) fn write(seed: u64, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut random = Random::new(seed);
    let mut graph = Vec::new();
    let mut node = Vec::new();
    for input in ["steps", "lstm.input", "lstm.recurrent", "lstm.bias"] {
        field(&mut node, 1, input.as_bytes());
    }
    field(&mut node, 4, b"LSTM");
    field(&mut graph, 1, &node);
    let tensors: [(&str, &[usize], f32); 14] = [
        ("stft.forward_basis_buffer", &[258, 1, 256], 0.7),
        ("encoder.0.weight", &[128, 129, 3], 0.05),
        ("encoder.0.bias", &[128], 0.1),
        ("encoder.1.weight", &[64, 128, 3], 0.05),
        ("encoder.1.bias", &[64], 0.1),
        ("encoder.2.weight", &[64, 64, 3], 0.07),
        ("encoder.2.bias", &[64], 0.1),
        ("encoder.3.weight", &[128, 64, 3], 0.07),
        ("encoder.3.bias", &[128], 0.1),
        ("lstm.input", &[1, 512, 128], 0.1),
        ("lstm.recurrent", &[1, 512, 128], 0.1),
        ("lstm.bias", &[1, 1024], 0.1),
        ("output.weight", &[1, 128, 1], 0.3),
        ("output.bias", &[1], 0.1),
    ];
    for (name, shape, spread) in tensors {
        let values = random.numbers(shape.iter().product(), spread);
        field(&mut graph, 5, &tensor(name, shape, &values));
    }
    let mut file = Vec::new();
    field(&mut file, 7, &graph);
    Ok(fs::write(path, file)?)
}
