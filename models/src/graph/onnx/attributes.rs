//! Attributes of ONNX nodes.

use crate::onnx::messages::{Attribute, NamedTensor};

/// The attributes of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [Attribute]);

impl<'a> Attributes<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a Attribute> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn integer(self, name: &str, default: i64) -> i64 {
        self.get(name)
            .map_or(default, |attribute| attribute.integer)
    }

    pub(super) fn float(self, name: &str, default: f32) -> f32 {
        self.get(name).map_or(default, |attribute| attribute.float)
    }

    pub(super) fn integers(self, name: &str) -> Option<&'a [i64]> {
        self.get(name).map(|attribute| &*attribute.integers)
    }

    /// A word, which is empty if it is no text.
    pub(super) fn text(self, name: &str, default: &'a str) -> &'a str {
        self.get(name).map_or(default, |attribute| {
            str::from_utf8(&attribute.text).unwrap_or_default()
        })
    }

    pub(super) fn tensor(self, name: &str) -> Option<&'a NamedTensor> {
        self.get(name)?.tensor.as_ref()
    }
}
