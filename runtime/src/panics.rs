//! What a panic said.

use std::any::Any;

/// The message of a caught panic, cut to a bounded length.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing");
    text.chars().take(2000).collect()
}
