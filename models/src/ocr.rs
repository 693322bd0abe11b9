//! PP-OCR: the lines of text in a picture, Chinese and English.
//!
//! Three networks, one after the other: the first predicts for each pixel the probability that it
//! belongs to a line, the second whether a line is upside down, the third its characters.
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
