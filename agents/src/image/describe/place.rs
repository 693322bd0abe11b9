//! Where in a picture something is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::Bounds;

/// A third of the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// The left third.
    Left,
    /// The middle third.
    Middle,
    /// The right third.
    Right,
}

/// A third of the height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Row {
    /// The upper third.
    Top,
    /// The middle third.
    Middle,
    /// The lower third.
    Bottom,
}

/// Returns the third of the width in which the middle of something is.
pub(super) fn column([left, _, right, _]: &Bounds, width: u32) -> Column {
    match third((left + right) / 2.0, width) {
        0 => Column::Left,
        1 => Column::Middle,
        _ => Column::Right,
    }
}

/// Returns the third of the height in which the middle of something is.
pub(super) fn row([_, top, _, bottom]: &Bounds, height: u32) -> Row {
    match third((top + bottom) / 2.0, height) {
        0 => Row::Top,
        1 => Row::Middle,
        _ => Row::Bottom,
    }
}

fn third(middle: f32, of: u32) -> u32 {
    // A float becomes an integer within its bounds.
    (3.0 * middle / of.max(1) as f32) as u32
}
