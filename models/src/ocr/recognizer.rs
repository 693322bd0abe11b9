//! The second and the third network: whether a line stands on its head, and what it says.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::hull::Corners;
use crate::ModelError;
use crate::graph::Graph;
use crate::picture::{Filter, Layout, Pixels, Scaling};

/// Rows of a line as both networks see it.
const HEIGHT: u32 = 48;
/// Columns of a line as the second network sees it.
const JUDGED: u32 = 192;
/// Columns of a line as the third network sees it, at least and at most: shorter ones are padded.
const SHORTEST: u32 = 320;
const LONGEST: u32 = 4800;
/// From this probability on a line is turned by a half.
const ON_ITS_HEAD: f32 = 0.9;
/// What bytes become: -1 to 1.
const SCALING: Scaling = Scaling::even(127.5, 127.5);

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadLine {
    /// What it says.
    pub text: String,
    /// The mean probability of its characters, 0 to 1.
    pub score: f32,
    /// Where it is, in pixels of the picture: the corner before its first character, above it, then
    /// clockwise as it is read.
    pub corners: Corners,
}

/// Returns whether a line, laid flat, stands on its head.
///
/// # Errors
/// [`ModelError::Compute`] if the network fails.
pub(super) fn is_on_its_head(network: &Graph, line: &Pixels) -> Result<bool, ModelError> {
    let probabilities = run(network, line, JUDGED)?;
    let numbers = probabilities.flatten_all().and_then(|all| all.to_vec1());
    let numbers: Vec<f32> = numbers.map_err(ModelError::compute("judge a line"))?;
    Ok(numbers.get(1).is_some_and(|turned| *turned > ON_ITS_HEAD))
}

/// Returns what a line says, laid flat, and how sure that is. `characters` are those of the
/// network's classes; class 0 stands between characters.
///
/// # Errors
/// [`ModelError::Compute`] if the network fails.
pub(super) fn recognize(
    network: &Graph,
    characters: &[String],
    line: &Pixels,
) -> Result<(String, f32), ModelError> {
    let columns = scaled_width(line).clamp(SHORTEST, LONGEST);
    let probabilities = run(network, line, columns)?;
    decoded(&probabilities, characters).map_err(ModelError::compute("read a line"))
}

/// The columns that a line has at the height that the networks see.
fn scaled_width(line: &Pixels) -> u32 {
    let scaled = (u64::from(line.width()) * u64::from(HEIGHT)).div_ceil(u64::from(line.height()));
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// Runs a network on a line, padded with zeros to so many columns.
fn run(network: &Graph, line: &Pixels, columns: u32) -> Result<Tensor, ModelError> {
    let width = scaled_width(line).clamp(1, columns);
    let line = line.resize(width, HEIGHT, Filter::FourNearest)?;
    let tensor = backwards(&line)?.to_tensor(Layout::Nchw, SCALING, &Device::Cpu)?;
    let padded = tensor.pad_with_zeros(3, 0, (columns - width) as usize);
    let padded = padded.map_err(ModelError::compute("lay out a line"))?;
    super::reader::only_output(network, padded)
}

/// The networks were trained on pictures whose blue comes first.
pub(super) fn backwards(picture: &Pixels) -> Result<Pixels, ModelError> {
    let (pixels, _) = picture.rgb().as_chunks::<3>();
    let bytes = pixels
        .iter()
        .flat_map(|[red, green, blue]| [*blue, *green, *red]);
    Pixels::new(picture.width(), picture.height(), bytes.collect())
}

/// The characters of the likeliest classes, of which each counts once where it follows itself, and
/// the mean of their probabilities. `probabilities` is `[1, places, classes]`.
fn decoded(probabilities: &Tensor, characters: &[String]) -> CandleResult<(String, f32)> {
    let places: Vec<Vec<f32>> = probabilities.squeeze(0)?.to_vec2()?;
    let (mut text, mut sum, mut count) = (String::new(), 0.0, 0u32);
    let mut before = 0;
    for place in places {
        let mut best = (0, f32::NEG_INFINITY);
        for (class, probability) in place.into_iter().enumerate() {
            if probability > best.1 {
                best = (class, probability);
            }
        }
        let (class, probability) = best;
        if class != 0 && class != before {
            text.push_str(characters.get(class).map_or("", String::as_str));
            sum += probability;
            count += 1;
        }
        before = class;
    }
    Ok((text, sum / count.max(1) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_follows_itself_counts_once_unless_something_stands_between() {
        let characters: Vec<String> = ["", "a", "b", " "].map(str::to_owned).to_vec();
        let classes = [0usize, 1, 1, 0, 1, 2, 2, 3, 0];
        let rows = classes.map(|class| {
            let mut row = [0.05f32; 4];
            row[class] = 0.85;
            row
        });
        let tensor = Tensor::new(&[rows], &Device::Cpu).unwrap();
        let (text, score) = decoded(&tensor, &characters).unwrap();
        assert_eq!(text, "aab ");
        assert!((score - 0.85).abs() < 1e-6);
        let nothing = Tensor::new(&[[[0.9f32, 0.1]]], &Device::Cpu).unwrap();
        assert_eq!(
            decoded(&nothing, &characters).unwrap(),
            (String::new(), 0.0)
        );
    }
}
