//! The networks that read.

use std::path::Path;
use std::sync::Arc;

use aimass_models::ModelError;
use aimass_models::device::Device;
use aimass_models::ocr::{OcrWeights, TextReader};

use crate::stored::{Stored, StoredWeights};

/// The model source of networks that read words in pictures.
pub type ReaderSource = Stored<OcrWeights>;

impl StoredWeights for OcrWeights {
    type Options = ();
    type Model = TextReader;

    const FILE: &'static str = "rec_infer.onnx";

    fn load(folder: &Path, _: &Device, (): &()) -> Result<Self, ModelError> {
        Self::load(folder)
    }

    fn build(weights: &Arc<Self>, _: &ReaderSource) -> TextReader {
        TextReader::new(weights.clone())
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes()
    }
}
