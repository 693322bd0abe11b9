//! Attributes of TensorFlow's nodes.

use super::messages::{Attribute, NodeDef};

impl NodeDef {
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    pub(super) fn truth(&self, name: &str) -> bool {
        self.attribute(name)
            .is_some_and(|attribute| attribute.truth)
    }

    pub(super) fn integer(&self, name: &str) -> i64 {
        self.attribute(name)
            .map_or(0, |attribute| attribute.integer)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name)
            .map_or(default, |attribute| attribute.float)
    }

    pub(super) fn data_type(&self, name: &str) -> i32 {
        self.attribute(name)
            .map_or(0, |attribute| attribute.data_type)
    }

    /// A word, which is empty if it is no text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.attribute(name).map_or("", |attribute| {
            str::from_utf8(&attribute.text).unwrap_or_default()
        })
    }

    pub(super) fn integers(&self, name: &str) -> &[i64] {
        let list = self
            .attribute(name)
            .and_then(|attribute| attribute.list.as_ref());
        list.map_or(&[], |list| &list.integers)
    }

    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        let list = self
            .attribute(name)
            .and_then(|attribute| attribute.list.as_ref());
        let texts = list.into_iter().flat_map(|list| &list.texts);
        texts
            .map(|text| str::from_utf8(text).unwrap_or_default())
            .collect()
    }
}
