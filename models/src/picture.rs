//! Pictures as the image models see them: upright, 8-bit RGB, in bounded memory.
//!
//! [`Picture`] decodes PNG, JPEG, WebP, GIF, BMP and TIFF with the crates of each format.
//! [`Pixels`] is resized, cut out, fitted into a frame and made a tensor as the reference
//! implementations of the networks do it.

mod colors;
mod decode;
mod format;
mod frame;
mod limits;
mod orientation;
mod pixels;
mod resize;
mod tensor;

pub use colors::{ColorName, DominantColor};
pub use decode::Picture;
pub use format::PictureFormat;
pub use frame::{Fit, Framed};
pub use limits::PictureLimits;
pub use orientation::Orientation;
pub use pixels::{Pixels, Region};
pub use resize::Filter;
pub use tensor::{Layout, Scaling};
