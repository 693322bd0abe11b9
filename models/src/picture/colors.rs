//! Which colors a picture has, by name.
//!
//! Its pixels are grouped by where they lie in Oklab, in which colors that look alike lie near
//! each other, and each group is named by its middle.
//!
//! Source of the space: Ottosson, "A perceptual color space for image processing", 2020.

use aimass_locale::Locale;

use super::{Filter, Pixels};

/// The longest side of the picture that is looked at: a color that matters is seen in a small one.
const SIDE: u32 = 64;
/// Groups that pixels are put into before those of one name are joined.
const GROUPS: usize = 8;
/// How often groups are found anew. They hardly move after that.
const ROUNDS: usize = 12;
/// The least share that is told.
const LEAST: f32 = 0.04;

/// A color that a person has a word for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "a color's name says all")]
pub enum ColorName {
    Black,
    Gray,
    White,
    Brown,
    Red,
    Orange,
    Yellow,
    Green,
    Cyan,
    Blue,
    Purple,
    Pink,
}

/// A color of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DominantColor {
    /// What it is called.
    pub name: ColorName,
    /// The mean of its pixels.
    pub rgb: [u8; 3],
    /// How much of the picture it covers, from 0 to 1.
    pub share: f32,
}

/// Lightness from 0 to 1, then towards red and away from green, towards yellow and away from blue.
type Oklab = [f32; 3];

impl ColorName {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Black,
        Self::Gray,
        Self::White,
        Self::Brown,
        Self::Red,
        Self::Orange,
        Self::Yellow,
        Self::Green,
        Self::Cyan,
        Self::Blue,
        Self::Purple,
        Self::Pink,
    ];

    /// Returns the name of a color.
    #[must_use]
    pub fn of(rgb: [u8; 3]) -> Self {
        let [lightness, red, yellow] = oklab(rgb);
        let chroma = red.hypot(yellow);
        let hue = yellow.atan2(red).to_degrees().rem_euclid(360.0);
        if lightness < 0.22 {
            return Self::Black;
        }
        // Shades of grey, of which dark ones look grey with more color in them.
        if chroma < 0.035 || (lightness < 0.35 && chroma < 0.045) {
            return match lightness {
                ..0.3 => Self::Black,
                0.9.. => Self::White,
                _ => Self::Gray,
            };
        }
        match hue {
            ..15.0 | 335.0.. if lightness > 0.6 => Self::Pink,
            15.0..40.0 if lightness > 0.75 => Self::Pink,
            ..36.0 | 350.0.. if chroma > 0.1 => Self::Red,
            ..105.0 if lightness < 0.62 || chroma < 0.08 => Self::Brown,
            ..78.0 => Self::Orange,
            ..115.0 => Self::Yellow,
            ..168.0 => Self::Green,
            ..220.0 => Self::Cyan,
            ..290.0 => Self::Blue,
            _ => Self::Purple,
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub fn word(self, locale: Locale) -> &'static str {
        match self {
            Self::Black => locale.choose("black", "黑色"),
            Self::Gray => locale.choose("gray", "灰色"),
            Self::White => locale.choose("white", "白色"),
            Self::Brown => locale.choose("brown", "棕色"),
            Self::Red => locale.choose("red", "红色"),
            Self::Orange => locale.choose("orange", "橙色"),
            Self::Yellow => locale.choose("yellow", "黄色"),
            Self::Green => locale.choose("green", "绿色"),
            Self::Cyan => locale.choose("cyan", "青色"),
            Self::Blue => locale.choose("blue", "蓝色"),
            Self::Purple => locale.choose("purple", "紫色"),
            Self::Pink => locale.choose("pink", "粉色"),
        }
    }
}

impl Pixels {
    /// Returns the colors of the picture that cover the most of it, each name once, the largest
    /// share first. The same picture has always the same ones.
    #[must_use]
    pub fn dominant_colors(&self, most: usize) -> Vec<DominantColor> {
        let longest = self.width().max(self.height());
        let side = |side: u32| (side * SIDE.min(longest) / longest).max(1);
        let small = self.resize(side(self.width()), side(self.height()), Filter::Area);
        let small = small.as_ref().unwrap_or(self);
        let (pixels, _) = small.rgb().as_chunks::<3>();
        let places: Vec<Oklab> = pixels.iter().map(|pixel| oklab(*pixel)).collect();
        let mut found: Vec<DominantColor> = Vec::new();
        for group in groups(&places) {
            let members = group.iter().map(|member| pixels[*member]);
            let color = mean(members, group.len(), pixels.len());
            match found.iter_mut().find(|known| known.name == color.name) {
                Some(known) => known.join(color),
                None => found.push(color),
            }
        }
        found.retain(|color| color.share >= LEAST);
        found.sort_by(|one, other| other.share.total_cmp(&one.share));
        found.truncate(most);
        found
    }
}

impl DominantColor {
    /// Takes another of the same name in. The larger one keeps its own color.
    fn join(&mut self, other: Self) {
        if other.share > self.share {
            self.rgb = other.rgb;
        }
        self.share += other.share;
    }
}

/// The color of a group of pixels.
fn mean(members: impl Iterator<Item = [u8; 3]>, count: usize, of: usize) -> DominantColor {
    let mut sums = [0_u64; 3];
    for member in members {
        for (sum, part) in sums.iter_mut().zip(member) {
            *sum += u64::from(part);
        }
    }
    let rgb = sums.map(|sum| (sum / count.max(1) as u64) as u8);
    DominantColor {
        name: ColorName::of(rgb),
        rgb,
        share: count as f32 / of.max(1) as f32,
    }
}

/// Groups of places that lie near each other, none of them empty: k-means from places that are far
/// from each other.
fn groups(places: &[Oklab]) -> Vec<Vec<usize>> {
    let mut middles: Vec<Oklab> = places.first().copied().into_iter().collect();
    while middles.len() < GROUPS {
        let farthest = places.iter().max_by(|one, other| {
            let distance = |place: &Oklab| nearest(&middles, *place).1;
            distance(one).total_cmp(&distance(other))
        });
        match farthest {
            Some(place) if nearest(&middles, *place).1 > 0.0 => middles.push(*place),
            _ => break,
        }
    }
    let mut groups = Vec::new();
    for _ in 0..ROUNDS {
        groups = vec![Vec::new(); middles.len()];
        for (index, place) in places.iter().enumerate() {
            groups[nearest(&middles, *place).0].push(index);
        }
        groups.retain(|group| !group.is_empty());
        middles = groups.iter().map(|group| middle(places, group)).collect();
    }
    groups
}

fn middle(places: &[Oklab], group: &[usize]) -> Oklab {
    let count = group.len().max(1) as f32;
    [0, 1, 2].map(|part| {
        group
            .iter()
            .map(|member| places[*member][part])
            .sum::<f32>()
            / count
    })
}

/// The nearest of some places, and the square of its distance.
fn nearest(middles: &[Oklab], place: Oklab) -> (usize, f32) {
    let squares = middles.iter().map(|middle| {
        let pairs = middle.iter().zip(place);
        pairs.map(|(one, other)| (one - other).powi(2)).sum::<f32>()
    });
    let nearest = squares
        .enumerate()
        .min_by(|one, other| one.1.total_cmp(&other.1));
    nearest.unwrap_or((0, f32::MAX))
}

/// From sRGB.
fn oklab(rgb: [u8; 3]) -> Oklab {
    let [red, green, blue] = rgb.map(|value| {
        let value = f32::from(value) / 255.0;
        match value {
            ..0.040_45 => value / 12.92,
            _ => ((value + 0.055) / 1.055).powf(2.4),
        }
    });
    let long = (0.412_221_46 * red + 0.536_332_55 * green + 0.051_445_995 * blue).cbrt();
    let medium = (0.211_903_5 * red + 0.680_699_5 * green + 0.107_396_96 * blue).cbrt();
    let short = (0.088_302_46 * red + 0.281_718_85 * green + 0.629_978_7 * blue).cbrt();
    [
        0.210_454_26 * long + 0.793_617_8 * medium - 0.004_072_047 * short,
        1.977_998_5 * long - 2.428_592_2 * medium + 0.450_593_7 * short,
        0.025_904_037 * long + 0.782_771_77 * medium - 0.808_675_77 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_have_the_names_that_people_give_them() {
        use ColorName::*;
        for (rgb, name) in [
            ([0, 0, 0], Black),
            ([25, 25, 30], Black),
            ([128, 128, 128], Gray),
            ([90, 92, 95], Gray),
            ([255, 255, 255], White),
            ([245, 243, 240], White),
            ([255, 0, 0], Red),
            ([150, 20, 20], Red),
            ([255, 140, 0], Orange),
            ([230, 110, 30], Orange),
            ([255, 230, 0], Yellow),
            ([240, 220, 80], Yellow),
            ([0, 128, 0], Green),
            ([60, 90, 40], Green),
            ([140, 220, 120], Green),
            ([0, 200, 200], Cyan),
            ([0, 0, 255], Blue),
            ([30, 60, 120], Blue),
            ([135, 190, 235], Blue),
            ([128, 0, 128], Purple),
            ([150, 90, 200], Purple),
            ([255, 150, 190], Pink),
            ([255, 192, 203], Pink),
            ([120, 70, 30], Brown),
            ([90, 60, 40], Brown),
            ([180, 140, 100], Brown),
        ] {
            assert_eq!(ColorName::of(rgb), name, "{rgb:?}: {:?}", oklab(rgb));
        }
        assert_eq!(Red.word(Locale::Chinese), "红色");
        assert_eq!(Gray.word(Locale::English), "gray");
    }

    #[test]
    fn shares_are_those_of_the_areas() {
        let rows = (0..100).flat_map(|row| match row {
            0..60 => [20, 60, 200].repeat(50),
            60..98 => [230, 40, 30].repeat(50),
            _ => [0, 200, 0].repeat(50),
        });
        let pixels = Pixels::new(50, 100, rows.collect()).unwrap();
        let colors = pixels.dominant_colors(5);
        let names: Vec<ColorName> = colors.iter().map(|color| color.name).collect();
        assert_eq!(names, [ColorName::Blue, ColorName::Red]);
        assert!((colors[0].share - 0.6).abs() < 0.03, "{colors:?}");
        assert_eq!(pixels.dominant_colors(1).len(), 1);
        let one = Pixels::filled(1, 3000, [250; 3])
            .unwrap()
            .dominant_colors(3);
        assert_eq!(
            (one.len(), one[0].name, one[0].share),
            (1, ColorName::White, 1.0)
        );
    }
}
