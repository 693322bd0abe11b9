//! Pictures as skills take them.

use std::path::PathBuf;

use aimass_models::picture::Picture;
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::string_or::StringOr;

/// The path of a picture. In JSON also a string, which is the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StringOr<Fields>")]
pub struct ImageInput {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    pub path: PathBuf,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// A picture: png, jpeg, webp, gif, bmp or tiff. Of an animation the first frame counts.
    #[schemars(extend("format" = "path"))]
    path: PathBuf,
}

impl From<StringOr<Fields>> for ImageInput {
    fn from(input: StringOr<Fields>) -> Self {
        match input {
            StringOr::String(path) => Self::path(path),
            StringOr::Value(Fields { path }) => Self::path(path),
        }
    }
}

impl ImageInput {
    /// Returns the input for the picture in this file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The bytes of the agent's capacity that it takes: a picture is decoded when its turn comes.
    pub(super) fn bytes(&self) -> u64 {
        self.path.as_os_str().len() as u64 + 16
    }
}

/// Decodes the picture in a file. It blocks.
///
/// # Errors
/// A fault that says what is wrong with the file: whatever it is, it came with the input.
pub(super) fn decoded(path: &std::path::Path) -> Result<Picture, Fault> {
    Picture::open(path).map_err(|error| Fault::rejected(error.to_string()))
}

/// What is known of a picture before anything is looked for in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSize {
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Frames of the animation, or pages of the file, of which the first was looked at; absent if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
}

impl ImageSize {
    /// That of a picture.
    pub(super) fn of(picture: &Picture) -> Self {
        Self {
            width: picture.pixels.width(),
            height: picture.pixels.height(),
            frames: Some(picture.frames).filter(|frames| *frames > 1),
        }
    }
}

/// Left, top, right and bottom of something, in pixels of the upright picture.
pub type Bounds = [f32; 4];
