//! MTCNN: where faces are in a picture, and where their eyes, nose and mouth.
//!
//! Three networks, one after the other: the first looks at the picture in many sizes, the second
//! and the third look at what the one before found, with stricter thresholds.
//!
//! Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
//! Networks", 2016. The networks and each step between them are those of `facenet-pytorch` 2.6.0.

mod boxes;
mod detector;
mod networks;
mod pyramid;

pub use boxes::Face;
pub use detector::{FaceSearch, Mtcnn, MtcnnWeights};
