//! Named tensors of random values in 16 bits, as a safetensors file.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::{Map, json};

use crate::random::{Random, half};

/// Tensors that are being made.
pub(crate) struct Tensors {
    random: Random,
    header: Map<String, serde_json::Value>,
    data: Vec<u8>,
}

impl Tensors {
    /// None yet; their values are those of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            header: Map::new(),
            data: Vec::new(),
        }
    }

    /// Adds a tensor of values around `mean`.
    pub(crate) fn add(&mut self, name: &str, shape: &[usize], mean: f32, deviation: f32) {
        let begin = self.data.len();
        for _ in 0..shape.iter().product() {
            let value = half(self.random.number(mean, deviation));
            self.data.extend_from_slice(&value.to_le_bytes());
        }
        let offsets = [begin, self.data.len()];
        let entry = json!({"dtype": "F16", "shape": shape, "data_offsets": offsets});
        self.header.insert(name.to_owned(), entry);
    }

    /// Adds `name.weight` `[outputs, inputs]` and `name.bias`, such that what comes out is as large as what goes in.
    pub(crate) fn linear(&mut self, name: &str, inputs: usize, outputs: usize) {
        self.unbiased(name, inputs, outputs);
        self.add(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
    }

    /// Adds `name.weight` `[outputs, inputs]`.
    pub(crate) fn unbiased(&mut self, name: &str, inputs: usize, outputs: usize) {
        let deviation = 1.0 / (inputs as f32).sqrt();
        self.add(
            &format!("{name}.weight"),
            &[outputs, inputs],
            0.0,
            deviation,
        );
    }

    /// Adds `name.weight` `[outputs, inputs, 3]` and `name.bias`.
    pub(crate) fn convolution(&mut self, name: &str, inputs: usize, outputs: usize) {
        let deviation = 1.0 / (3.0 * inputs as f32).sqrt();
        self.add(
            &format!("{name}.weight"),
            &[outputs, inputs, 3],
            0.0,
            deviation,
        );
        self.add(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
    }

    /// Adds `name.weight` around 1 and `name.bias` around 0.
    pub(crate) fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width], 1.0, 0.1);
        self.add(&format!("{name}.bias"), &[width], 0.0, 0.1);
    }

    /// Writes the file.
    pub(crate) fn write(self, path: &Path) -> Result<(), Box<dyn Error>> {
        let header = serde_json::to_vec(&self.header)?;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend(self.data);
        Ok(fs::write(path, file)?)
    }
}
