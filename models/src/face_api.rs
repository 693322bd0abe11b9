//! The networks of face-api that look at one face: a vector by which faces of one person lie near
//! each other, and the expression.
//!
//! Source: Vladimir Mandic and Vincent Mühler, `@vladmandic/face-api` 1.7.15; the vector's network
//! is that of dlib (King, "High Quality Face Recognition with Deep Metric Learning", 2017). Their
//! weights have no graph with them, so the networks are written down here.

mod embedding;
mod expression;
mod face;
mod manifest;

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};

pub use embedding::{EMBEDDING, same_person};
pub use expression::Expression;
pub use face::aligned;

use crate::ModelError;
use crate::picture::{Pixels, Region};
use embedding::EmbeddingNetwork;
use expression::ExpressionNetwork;
use face::{cut, tensor};
use manifest::ManifestFile;

/// Faces that go through a network at once.
const AT_ONCE: usize = 16;

/// The immutable part of both networks. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct FaceApiWeights {
    embedding: EmbeddingNetwork,
    expression: ExpressionNetwork,
    device: Device,
}

impl FaceApiWeights {
    /// Reads the networks from `face_recognition_model` and `face_expression_model` in `folder`:
    /// of each a `-weights_manifest.json` and a `.bin`.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Format`] if a file is missing, damaged, or of another
    /// network; [`ModelError::Compute`] if the device has no room.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let open = |name| ManifestFile::open(folder, name);
        let (embedding, expression) = (
            open("face_recognition_model")?,
            open("face_expression_model")?,
        );
        Ok(Self {
            embedding: EmbeddingNetwork::read(&embedding, device)?,
            expression: ExpressionNetwork::read(&expression, device)?,
            device: device.clone(),
        })
    }

    /// Returns the bytes of the weights in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (self.embedding.bytes() + self.expression.bytes()) as u64
    }
}

/// The networks in use by one worker.
#[derive(Debug, Clone)]
pub struct FaceApi {
    weights: Arc<FaceApiWeights>,
}

impl FaceApi {
    /// Creates networks on shared weights. Costs nothing: a worker that is rebuilt takes the same weights
    /// again.
    #[must_use]
    pub fn new(weights: Arc<FaceApiWeights>) -> Self {
        Self { weights }
    }

    /// Returns a vector of [`EMBEDDING`] numbers for each face of a picture. What is to be cut out
    /// is best [`aligned`].
    ///
    /// # Errors
    /// [`ModelError::Input`] if a region has no pixels of the picture; [`ModelError::Compute`] if
    /// the device fails.
    pub fn embed(&self, picture: &Pixels, faces: &[Region]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.run(picture, faces, EmbeddingNetwork::SIDE, |input| {
            self.weights.embedding.forward(input)
        })
    }

    /// Returns how probable each [`Expression`] is for each face of a picture, in the order of
    /// [`Expression::ALL`].
    ///
    /// # Errors
    /// [`ModelError::Input`] if a region has no pixels of the picture; [`ModelError::Compute`] if
    /// the device fails.
    pub fn expressions(
        &self,
        picture: &Pixels,
        faces: &[Region],
    ) -> Result<Vec<[f32; 7]>, ModelError> {
        let rows = self.run(picture, faces, ExpressionNetwork::SIDE, |input| {
            self.weights.expression.forward(input)
        })?;
        Ok(rows
            .into_iter()
            .map(|row| Expression::ALL.map(|kind| row[kind as usize]))
            .collect())
    }

    fn run(
        &self,
        picture: &Pixels,
        faces: &[Region],
        side: usize,
        network: impl Fn(&Tensor) -> CandleResult<Tensor>,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut found = Vec::with_capacity(faces.len());
        for some in faces.chunks(AT_ONCE) {
            let inputs = some
                .iter()
                .map(|face| tensor(&cut(picture, *face)?, side, &self.weights.device));
            let inputs: Vec<Tensor> = inputs.collect::<Result<_, _>>()?;
            let rows = Tensor::cat(&inputs, 0)
                .and_then(|input| network(&input)?.to_vec2())
                .map_err(ModelError::compute("look at a face"))?;
            found.extend(rows);
        }
        Ok(found)
    }
}
