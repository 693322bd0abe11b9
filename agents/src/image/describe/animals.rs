//! A check of detected animals: ImageNet has four hundred classes of them, COCO ten.

use aimass_models::efficientnet::{CLASSES, class_names};

use crate::image::{DetectedObject, ImageClass};

/// The classes of ImageNet that are animals: they come first.
const ANIMALS: usize = 398;
/// The detection score from which an animal is not questioned. It and [`AGAINST`] were chosen with the labelled pictures that are not held out.
const CERTAIN: f32 = 0.97;
/// The sum of probabilities of other animals from which a detection is questioned.
const AGAINST: f32 = 0.3;

/// Whether the classes of the whole picture contradict a detected animal.
pub(super) fn is_doubted(object: &DetectedObject, classes: &[ImageClass]) -> bool {
    let is_judged = (0..ANIMALS).any(|class| coco_label(class) == Some(object.label.as_str()));
    if !is_judged || object.score >= CERTAIN {
        return false;
    }
    let (mut with, mut against) = (0.0, 0.0);
    for class in classes {
        match number(&class.label).filter(|number| *number < ANIMALS) {
            Some(number) if coco_label(number) == Some(object.label.as_str()) => {
                with += class.score;
            }
            Some(_) => against += class.score,
            None => {}
        }
    }
    against > with && against >= AGAINST
}

/// The number of the class with those names.
fn number(names: &str) -> Option<usize> {
    (0..CLASSES).find(|class| class_names(*class) == Some(names))
}

/// The COCO label of an animal class of ImageNet; none where COCO has none.
fn coco_label(class: usize) -> Option<&'static str> {
    Some(match class {
        7..=24 | 80..=100 | 127..=146 => "bird",
        101 | 385 | 386 => "elephant",
        151..=268 => "dog",
        281..=285 => "cat",
        294..=297 => "bear",
        339 => "horse",
        340 => "zebra",
        345..=347 => "cow",
        348 | 349 => "sheep",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(label: &str, score: f32) -> DetectedObject {
        DetectedObject {
            label: label.to_owned(),
            score,
            sure: true,
            bounds: [0.0; 4],
        }
    }

    fn class(number: usize, score: f32) -> ImageClass {
        ImageClass {
            label: class_names(number).unwrap().to_owned(),
            score,
        }
    }

    #[test]
    fn classes_have_the_numbers_of_their_animals() {
        let named = |number, part| class_names(number).unwrap().contains(part);
        for (first, last, words) in [
            (7, 24, ["cock", "owl"]),
            (80, 100, ["black grouse", "swan"]),
            (127, 146, ["stork", "albatross"]),
            (151, 268, ["Chihuahua", "hairless"]),
            (281, 285, ["tabby", "Egyptian cat"]),
            (294, 297, ["brown bear", "sloth bear"]),
            (345, 347, ["ox", "bison"]),
            (348, 349, ["ram", "bighorn"]),
        ] {
            assert!(named(first, words[0]) && named(last, words[1]), "{words:?}");
        }
        assert!(named(101, "tusker") && named(339, "sorrel") && named(340, "zebra"));
        assert!(named(ANIMALS - 1, "puffer") && named(ANIMALS, "abacus"));
    }

    #[test]
    fn an_animal_is_doubted_where_the_picture_looks_like_others() {
        let dogs = [class(227, 0.3), class(208, 0.2)];
        assert!(is_doubted(&found("sheep", 0.8), &dogs));
        assert!(!is_doubted(&found("dog", 0.8), &dogs));
        assert!(!is_doubted(&found("sheep", 0.99), &dogs), "certain");
        assert!(!is_doubted(&found("sheep", 0.8), &dogs[1..]), "too little");
        assert!(!is_doubted(&found("chair", 0.8), &dogs));
        // ImageNet has no giraffe.
        assert!(!is_doubted(&found("giraffe", 0.8), &dogs));
        assert!(is_doubted(&found("cow", 0.9), &[class(297, 0.4)]));
    }
}
