//! PP-OCR: the lines of text in a picture, Chinese and English.
//!
//! Three networks, one after the other: the first says of each pixel how probably it belongs to a
//! line, the second whether a line stands on its head, the third which characters it has.
//!
//! Source: PaddlePaddle, PP-OCRv4 (mobile), as ONNX. The networks and each step between them are
//! those of `rapidocr_onnxruntime` 1.4.4; the order in which lines are read is ours, because a page
//! may lie on its side.

mod boxes;
mod crop;
mod hull;
mod order;
mod reader;
mod recognizer;

pub use hull::Corners;
pub use reader::{OcrWeights, Reading, TextReader};
pub use recognizer::ReadLine;
