//! Any bytes as a picture: decoded or refused, in bounded memory, upright and whole, and then shown to a network.

#![no_main]

use aimass_models::picture::{Filter, Fit, Picture, PictureLimits};
use libfuzzer_sys::fuzz_target;

const LIMITS: PictureLimits = PictureLimits {
    max_bytes: 1 << 20,
    max_pixels: 1 << 20,
};

fuzz_target!(
    init: {
        // Panics within decoders are contained and become errors. libFuzzer's own hook would end the process at each; one that leaves our
        // code still ends it.
        if std::env::var_os("FUZZ_SHOW_CONTAINED").is_none() {
            std::panic::set_hook(Box::new(|_| {}));
        }
    },
    |bytes: &[u8]| {
        let Ok(picture) = Picture::in_memory("fuzzed", bytes, LIMITS) else {
            return;
        };
        let pixels = picture.pixels;
        let count = u64::from(pixels.width()) * u64::from(pixels.height());
        assert!((1..=LIMITS.max_pixels).contains(&count), "{count} pixels");
        assert_eq!(pixels.rgb().len() as u64, count * 3, "bytes");
        assert!(picture.frames > 0, "no frames");
        let framed = pixels.fit(32, 32, Fit::Letterbox([0; 3]), Filter::Bilinear);
        assert_eq!(framed.expect("a frame").pixels.rgb().len(), 32 * 32 * 3);
    }
);
