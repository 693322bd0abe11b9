//! What the networks can name.

/// The 80 kinds of objects of COCO, in the order of its numbers.
///
/// Source: Lin et al., "Microsoft COCO: Common Objects in Context", 2014.
pub const COCO_LABELS: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// The numbers from 1 to 90 that COCO gave to no kind.
const GAPS: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The place in [`COCO_LABELS`] of one of COCO's own numbers, from 1 to 90.
pub(super) fn place(number: usize) -> Option<usize> {
    if GAPS.contains(&number) || !(1..=90).contains(&number) {
        return None;
    }
    let before = GAPS.iter().filter(|gap| **gap < number).count();
    Some(number - 1 - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_gaps_are_those_of_coco() {
        let named = |number: usize| place(number).map(|place| COCO_LABELS[place]);
        assert_eq!(named(1), Some("person"));
        assert_eq!(named(13), Some("stop sign"));
        assert_eq!(named(44), Some("bottle"));
        assert_eq!(named(67), Some("dining table"));
        assert_eq!(named(84), Some("book"));
        assert_eq!(named(90), Some("toothbrush"));
        assert_eq!([0, 12, 91].map(named), [None; 3]);
        assert_eq!(
            (1..=90).filter_map(place).collect::<Vec<_>>(),
            (0..80).collect::<Vec<_>>()
        );
    }
}
