//! The boxes that SSD measures from.
//!
//! Source: Liu et al., "SSD: Single Shot MultiBox Detector", 2016; the numbers are those of `ssd_mobilenet_v2_coco.config` of TensorFlow's object detection.

/// Cells along each side of the maps that boxes are read from.
const CELLS: [usize; 6] = [19, 10, 5, 3, 2, 1];
const LEAST_SCALE: f32 = 0.2;
const MOST_SCALE: f32 = 0.95;
/// Of the boxes of the finest map that are not the smallest.
const SMALLEST_SCALE: f32 = 0.1;
const ASPECTS: [f32; 5] = [1.0, 2.0, 0.5, 3.0, 0.3333];

/// A box by its middle and its sides, as shares of a picture's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Anchor {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// All of them, in the order of the network's outputs.
pub(super) fn anchors() -> Vec<Anchor> {
    let scale = |map: usize| match CELLS.len() - 1 {
        last if map > last => 1.0,
        last => LEAST_SCALE + (MOST_SCALE - LEAST_SCALE) * map as f32 / last as f32,
    };
    let mut anchors = Vec::new();
    for (map, cells) in CELLS.into_iter().enumerate() {
        let mut shapes: Vec<(f32, f32)> = match map {
            0 => vec![(SMALLEST_SCALE, 1.0), (scale(0), 2.0), (scale(0), 0.5)],
            map => ASPECTS.iter().map(|aspect| (scale(map), *aspect)).collect(),
        };
        if map > 0 {
            shapes.push(((scale(map) * scale(map + 1)).sqrt(), 1.0));
        }
        let middle = |cell: usize| (cell as f32 + 0.5) / cells as f32;
        for cell in 0..cells * cells {
            anchors.extend(shapes.iter().map(|(scale, aspect)| Anchor {
                x: middle(cell % cells),
                y: middle(cell / cells),
                width: scale * aspect.sqrt(),
                height: scale / aspect.sqrt(),
            }));
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_the_network_gives() {
        let anchors = anchors();
        assert_eq!(anchors.len(), 1917);
        let first = Anchor {
            x: 0.5 / 19.0,
            y: 0.5 / 19.0,
            width: 0.1,
            height: 0.1,
        };
        assert_eq!(anchors[0], first);
        // The last cell is the whole picture.
        assert_eq!((anchors[1916].x, anchors[1916].y), (0.5, 0.5));
    }
}
