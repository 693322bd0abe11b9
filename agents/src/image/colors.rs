//! The colors of a picture, as its description has them.

use aimass_locale::{Locale, Text};
use aimass_models::picture::{ColorName, DominantColor, Pixels};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Colors that are told.
const MOST: usize = 5;

/// A color of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedColor {
    /// Its name, such as `blue`.
    pub name: String,
    /// The mean of the pixels of that name: `#rrggbb`.
    pub hex: String,
    /// Their share of the picture, 0 to 1.
    pub share: f32,
}

/// Returns the colors of a picture, that of the largest share first.
pub(super) fn colors(picture: &Pixels) -> Vec<NamedColor> {
    let colors = picture.dominant_colors(MOST);
    colors.iter().map(named).collect()
}

fn named(color: &DominantColor) -> NamedColor {
    let [red, green, blue] = color.rgb;
    NamedColor {
        name: color.name.word(Locale::English).to_owned(),
        hex: format!("#{red:02x}{green:02x}{blue:02x}"),
        share: color.share,
    }
}

/// Returns what a color is called.
pub(super) fn in_words(color: &NamedColor) -> Text {
    let known = ColorName::ALL.iter();
    let mut known = known.filter(|name| name.word(Locale::English) == color.name);
    match known.next() {
        Some(name) => Text {
            english: color.name.clone(),
            chinese: name.word(Locale::Chinese).to_owned(),
        },
        None => color.name.as_str().into(),
    }
}
