//! The candle networks of AI Mass, their importers, and the catalogue that fetches their weights.
//!
//! # Threads
//! Set `RAYON_NUM_THREADS=1` and `CANDLE_NUM_THREADS=1` before the first candle call of the
//! process: parallelism comes from workers and batches, and candle's pools, which are global, make
//! several models in one process wait for each other. [`threads::check`] says whether that was
//! done.

pub mod audio;
pub mod bert;
pub mod catalogue;
pub mod detection;
pub mod device;
pub mod efficientnet;
mod error;
pub mod face_api;
mod fetch;
mod files;
mod gguf;
pub mod graph;
pub mod import;
mod kernels;
mod layers;
pub mod llama;
pub mod mtcnn;
pub mod ocr;
mod onnx;
pub mod picture;
mod precision;
pub mod sentence;
pub mod silero;
pub mod store;
pub mod threads;
mod tokenizer_file;
pub mod torch;
pub mod weights;
pub mod whisper;

pub use catalogue::{Artefact, Catalogue, Index, Origin, Package, Source};
pub use efficientnet::{EfficientNet, EfficientNetWeights};
pub use error::{ModelError, Refusal};
pub use face_api::{FaceApi, FaceApiWeights};
pub use fetch::{Address, FetchLimits, GivenAddress, PackageIndexes, PackageWay, Variable};
pub use import::{IMPORTERS, Importer};
pub use mtcnn::{Face, FaceSearch, Mtcnn, MtcnnWeights};
pub use picture::{Picture, PictureLimits, Pixels};
pub use precision::Precision;
pub use sentence::{SentenceEncoder, SentenceEncoderWeights, Tokens};
pub use silero::{Silero, SileroState, SileroWeights};
pub use store::{Manifest, Presence, Progress, Silent, Stage, Store, StoreOptions};
