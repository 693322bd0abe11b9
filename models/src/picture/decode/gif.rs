//! GIF, by the crate `gif`.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::{Decoded, Encoded, faults, samples};
use crate::ModelError;
use crate::picture::{Orientation, Pixels};

/// Puts the first frame onto the canvas, which is white where the frame does not reach.
pub(super) fn decode(encoded: &Encoded) -> Result<Decoded, ModelError> {
    let refused = |error| refused(encoded, &error);
    let mut decoder = options(encoded).read_info(encoded.bytes).map_err(refused)?;
    let (width, height) = (decoder.width(), decoder.height());
    encoded.check(width, height)?;
    let frame = decoder.next_frame_info().map_err(refused)?;
    let frame = frame.ok_or_else(|| encoded.damaged("no frames"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    encoded.check(frame.width, frame.height)?;
    let mut read = vec![0; decoder.buffer_size()];
    let row = decoder.line_length();
    decoder.read_into_buffer(&mut read).map_err(refused)?;
    let canvas_row = usize::from(width) * 3;
    let mut canvas = vec![255; canvas_row * usize::from(height)];
    let rows = canvas.chunks_exact_mut(canvas_row).skip(top);
    for (onto, from) in rows.zip(read.chunks_exact(row)) {
        let (onto, _) = onto[left * 3..].as_chunks_mut::<3>();
        let (from, _) = from.as_chunks::<4>();
        for (onto, from) in onto.iter_mut().zip(from) {
            *onto = samples::over_white(*from);
        }
    }
    Ok(Decoded {
        pixels: Pixels::new(u32::from(width), u32::from(height), canvas)?,
        orientation: Orientation::Upright,
        frames: count_frames(encoded).max(1),
    })
}

fn options(encoded: &Encoded) -> DecodeOptions {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // A frame beyond its canvas is refused: its size would be a second one to believe.
    options.check_frame_consistency(true);
    let bytes = NonZeroU64::new(encoded.limits.decoded_bytes() as u64);
    options.set_memory_limit(bytes.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    options
}

/// Counts the frames without unpacking them.
fn count_frames(encoded: &Encoded) -> u32 {
    let mut options = options(encoded);
    options.skip_frame_decoding(true);
    let Ok(mut decoder) = options.read_info(encoded.bytes) else {
        return 0;
    };
    let mut frames = 0;
    while let Ok(Some(_)) = decoder.next_frame_info() {
        frames += 1;
    }
    frames
}

fn refused(encoded: &Encoded, error: &DecodingError) -> ModelError {
    match error {
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            faults::broken_off(encoded.path)
        }
        DecodingError::UnexpectedEof => faults::broken_off(encoded.path),
        error => encoded.damaged(error),
    }
}
