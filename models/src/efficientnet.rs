//! EfficientNet-Lite0: which of ImageNet's thousand classes a picture shows, and a feature vector.
//!
//! Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
//! 2019; the lite form: Google, `tensorflow/tpu/models/official/efficientnet/lite`. The network is
//! that of `efficientnet-lite-pytorch` 0.1.0; what is done to a picture before is TensorFlow's,
//! with which the weights were trained (that package's own page shows the numbers of another
//! network; the classes come out less sure with them).

mod classes;
mod network;

pub use classes::{CLASSES, class_name, class_names};
pub use network::{EfficientNet, EfficientNetWeights, Impression};

/// Numbers of the feature vector.
pub const FEATURES: usize = 1280;
/// The side of the square that the network sees.
pub const SIDE: u32 = 224;
