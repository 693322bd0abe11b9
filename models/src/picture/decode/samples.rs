//! From what decoders give to 8-bit RGB. What is transparent lies on white.

/// Grey values as three equal ones.
pub(super) fn grey(samples: &[u8]) -> Vec<u8> {
    samples.iter().flat_map(|grey| [*grey; 3]).collect()
}

/// Grey values with an opacity behind each.
pub(super) fn grey_alpha(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<2>();
    let on_white = pixels.iter().map(|[grey, alpha]| on_white(*grey, *alpha));
    on_white.flat_map(|grey| [grey; 3]).collect()
}

/// RGB with an opacity behind each pixel.
pub(super) fn rgba(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<4>();
    pixels.iter().flat_map(|pixel| over_white(*pixel)).collect()
}

/// Ink from 0 (none) to 255, without a color profile.
pub(super) fn cmyk(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|[inks @ .., black]| {
            inks.map(|ink| scaled(255 - u16::from(ink), 255 - u16::from(*black)))
        })
        .collect()
}

/// The higher 8 of 16 bits.
pub(super) fn higher(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|sample| (sample >> 8) as u8).collect()
}

/// One pixel on white.
pub(super) fn over_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    [red, green, blue].map(|value| on_white(value, alpha))
}

fn on_white(value: u8, alpha: u8) -> u8 {
    match alpha {
        255 => value,
        alpha => 255 - scaled(255 - u16::from(value), u16::from(alpha)),
    }
}

/// The product of two shares of 255, rounded.
fn scaled(value: u16, share: u16) -> u8 {
    ((value * share + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transparent_lies_on_white() {
        assert_eq!(rgba(&[10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(rgba(&[10, 20, 30, 0]), [255; 3]);
        assert_eq!(rgba(&[0, 255, 100, 128]), [127, 255, 177]);
        assert_eq!(
            grey_alpha(&[0, 255, 0, 0, 0, 51]),
            [0, 0, 0, 255, 255, 255, 204, 204, 204]
        );
    }

    #[test]
    fn grey_ink_and_16_bits_become_rgb() {
        assert_eq!(grey(&[0, 7]), [0, 0, 0, 7, 7, 7]);
        assert_eq!(
            cmyk(&[0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255]),
            [255, 255, 255, 0, 255, 255, 0, 0, 0]
        );
        assert_eq!(higher(&[0, 255, 256, 65_535]), [0, 0, 1, 255]);
    }
}
