//! The sentences of a description, made of what was found: nothing is said that is not in the fact, and what was found
//! with little confidence is left out.

use aimass_locale::{Text, harmless, text};

use super::nouns::counted;
use super::place::{Column, column};
use crate::image::colors::in_words;
use crate::image::{DetectedFace, DetectedObject, ImageDescription, NamedColor};
use crate::quotes::quoted_within;

// The following were chosen with the labelled pictures that are not held out (`agents/tests/data/pictures`).

/// The minimum probability of a class that a sentence names, where no object is.
const NAMED_CLASS: f32 = 0.7;
/// The minimum probability of an expression that a sentence names, and the minimum score and width in pixels of its face.
const NAMED_EXPRESSION: f32 = 0.95;
const PLAIN_FACE: f32 = 0.99;
const PLAIN_WIDTH: f32 = 40.0;
/// Kinds of things that a sentence names.
const MAX_KINDS: usize = 4;
/// From so many on, things are not counted to the last one: detectors miss some of a crowd.
const MANY: usize = 6;
/// Characters of the text in a picture that are quoted.
const MAX_QUOTE: usize = 160;
/// The minimum share of the picture of a color that is named, and of all that are named together.
const NAMED_COLOR: f32 = 0.25;
const MOST: f32 = 0.5;

/// Returns the sentences, the most important first; at least one.
pub(super) fn sentences(found: &ImageDescription) -> Vec<Text> {
    let mut sentences = Vec::new();
    sentences.extend(things(found));
    sentences.extend(expressions(&found.faces));
    sentences.extend(words(found));
    if sentences.is_empty() {
        sentences.push(match found.incomplete {
            None => text!("nothing in it was recognized", "未识别出其中的内容"),
            Some(_) => text!("not all of it could be analyzed", "未能完整分析"),
        });
    }
    sentences.extend(colors(found));
    sentences
}

/// Objects of one kind.
struct Kind<'a> {
    label: &'a str,
    objects: Vec<&'a DetectedObject>,
}

/// The objects that are named, by kind, the kind that takes most of the picture first.
fn kinds(objects: &[DetectedObject]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for object in objects.iter().filter(|object| object.sure) {
        match kinds.iter_mut().find(|kind| kind.label == object.label) {
            Some(kind) => kind.objects.push(object),
            None => kinds.push(Kind {
                label: &object.label,
                objects: vec![object],
            }),
        }
    }
    let area = |kind: &Kind<'_>| -> f32 {
        kind.objects
            .iter()
            .map(|object| object.bounding_box().area())
            .sum()
    };
    kinds.sort_by(|one, other| area(other).total_cmp(&area(one)));
    kinds
}

/// The objects; without any the faces; without those the class of the whole picture, unless that has words: to the network a sign looks like
/// the jacket of a book.
fn things(found: &ImageDescription) -> Option<Text> {
    let kinds = kinds(&found.objects);
    if kinds.is_empty() {
        return match found.faces.iter().filter(|face| face.is_sure()).count() {
            0 if quote(found).is_empty() => class(found),
            0 => None,
            1 => Some(text!("a face", "一张人脸")),
            count => Some(text!("{count} faces", "{count}张人脸")),
        };
    }
    let placed = placed(&kinds, found.size.width);
    let named: Vec<Text> = kinds
        .iter()
        .take(MAX_KINDS)
        .enumerate()
        .map(|(at, kind)| match &placed {
            Some(columns) => beside(counted(kind.label, 1), columns[at]),
            None => number_of(kind),
        })
        .collect();
    Some(enumerated(&named))
}

/// The columns of single things that stand beside each other; none where there are more of a kind, or
/// two of them in one column.
fn placed(kinds: &[Kind<'_>], width: u32) -> Option<Vec<Column>> {
    if !(2..=3).contains(&kinds.len()) || kinds.iter().any(|kind| kind.objects.len() > 1) {
        return None;
    }
    let objects = kinds.iter().filter_map(|kind| kind.objects.first());
    let columns: Vec<Column> = objects
        .map(|object| column(&object.bounds, width))
        .collect();
    let differ = |at: usize| !columns[..at].contains(&columns[at]);
    (0..columns.len()).all(differ).then_some(columns)
}

fn beside(thing: Text, column: Column) -> Text {
    let Text { english, chinese } = thing;
    match column {
        Column::Left => text!("{english} on the left", "左侧{chinese}"),
        Column::Middle => text!("{english} in the middle", "中间{chinese}"),
        Column::Right => text!("{english} on the right", "右侧{chinese}"),
    }
}

fn number_of(kind: &Kind<'_>) -> Text {
    let count = kind.objects.len();
    let Text { english, chinese } = counted(kind.label, count);
    match count >= MANY {
        true => text!("at least {english}", "至少{chinese}"),
        false => Text { english, chinese },
    }
}

/// `a, b and c`.
fn enumerated(parts: &[Text]) -> Text {
    let english: Vec<&str> = parts.iter().map(|part| part.english.as_str()).collect();
    let chinese: Vec<&str> = parts.iter().map(|part| part.chinese.as_str()).collect();
    let join = |parts: &[&str], comma: &str, and: &str| match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{}{and}{last}", first.join(comma)),
    };
    Text {
        english: join(&english, ", ", " and "),
        chinese: join(&chinese, "、", "和"),
    }
}

fn class(found: &ImageDescription) -> Option<Text> {
    let best = found.classes.first()?;
    if best.score < NAMED_CLASS {
        return None;
    }
    // Classes have several names, the usual one first.
    let name = best.label.split(',').next().unwrap_or(&best.label).trim();
    let name = harmless::brief(name, 60);
    Some(text!("most likely: {name}", "很可能是：{name}"))
}

/// How faces look, where that is plain.
fn expressions(faces: &[DetectedFace]) -> Option<Text> {
    let plain = faces.iter().filter_map(|face| {
        let expression = face.expression.as_ref()?;
        let [left, _, right, _] = face.bounds;
        let is_plain = face.score >= PLAIN_FACE && right - left >= PLAIN_WIDTH;
        let named = expression.score >= NAMED_EXPRESSION && expression.label != "neutral";
        (is_plain && named).then_some(expression.label.as_str())
    });
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for label in plain {
        match counts.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((label, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (label, count) = *counts.first()?;
    let chinese = match label {
        "happy" => "高兴",
        "sad" => "悲伤",
        "angry" => "生气",
        "fearful" => "害怕",
        "disgusted" => "厌恶",
        "surprised" => "惊讶",
        other => other,
    };
    Some(match count {
        1 => text!("one face looks {label}", "一张脸看上去{chinese}"),
        count => text!("{count} faces look {label}", "{count}张脸看上去{chinese}"),
    })
}

/// The text in the picture.
fn words(found: &ImageDescription) -> Option<Text> {
    let quote = quote(found);
    if quote.is_empty() {
        return None;
    }
    Some(text!("it reads “{quote}”", "上面写着：“{quote}”"))
}

/// What can be read without doubt.
fn quote(found: &ImageDescription) -> String {
    let lines = found.lines.iter().filter(|line| line.is_sure());
    let lines: Vec<&str> = lines.map(|line| line.text.trim()).collect();
    quoted_within(&lines.join(" "), MAX_QUOTE)
}

/// The colors that take most of the picture: one alone, or two of them together.
fn colors(found: &ImageDescription) -> Option<Text> {
    let large = |color: &&NamedColor| color.share >= NAMED_COLOR;
    let named: Vec<&NamedColor> = found.colors.iter().filter(large).take(2).collect();
    let share: f32 = named.iter().map(|color| color.share).sum();
    if share < MOST {
        return None;
    }
    let named: Vec<Text> = named.into_iter().map(in_words).collect();
    let Text { english, chinese } = enumerated(&named);
    Some(text!("mostly {english}", "主色为{chinese}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Expression, ImageClass, ImageSize, TextLine};

    const SURE: f32 = 0.6;

    fn object(label: &str, score: f32, left: f32, width: f32) -> DetectedObject {
        DetectedObject {
            label: label.to_owned(),
            score,
            sure: score >= SURE,
            bounds: [left, 0.0, left + width, 50.0],
        }
    }

    fn picture(objects: Vec<DetectedObject>) -> ImageDescription {
        ImageDescription {
            size: ImageSize {
                width: 300,
                height: 200,
                frames: None,
            },
            objects,
            ..ImageDescription::default()
        }
    }

    fn face(label: &str, score: f32) -> DetectedFace {
        DetectedFace {
            bounds: [0.0, 0.0, 60.0, 80.0],
            score: 0.99,
            landmarks: [[0.0; 2]; 5],
            expression: Some(Expression {
                label: label.to_owned(),
                score,
            }),
            embedding: None,
        }
    }

    fn seen(found: &ImageDescription) -> Vec<String> {
        let sentences = sentences(found).into_iter();
        let both = sentences.map(|Text { english, chinese }| format!("{english} / {chinese}"));
        both.collect()
    }

    #[test]
    fn things_are_counted_the_larger_first_and_unsure_ones_left_out() {
        let found = picture(vec![
            object("cup", 0.9, 0.0, 10.0),
            object("person", 0.9, 0.0, 100.0),
            object("person", 0.7, 100.0, 100.0),
            object("dog", SURE - 0.01, 0.0, 300.0),
        ]);
        assert_eq!(seen(&found), ["2 people and a cup / 2个人和一个杯子"]);
        let crowd = picture(vec![object("person", 0.8, 0.0, 10.0); 9]);
        assert_eq!(seen(&crowd), ["at least 9 people / 至少9个人"]);
    }

    #[test]
    fn single_things_beside_each_other_have_their_places() {
        let found = picture(vec![
            object("dog", 0.9, 0.0, 90.0),
            object("cup", 0.8, 250.0, 20.0),
        ]);
        let expected = "a dog on the left and a cup on the right / 左侧一只狗和右侧一个杯子";
        assert_eq!(seen(&found), [expected]);
        let stacked = picture(vec![
            object("dog", 0.9, 0.0, 90.0),
            object("cup", 0.8, 10.0, 20.0),
        ]);
        assert_eq!(seen(&stacked), ["a dog and a cup / 一只狗和一个杯子"]);
    }

    #[test]
    fn without_objects_faces_count_and_without_faces_a_sure_class() {
        let mut found = picture(Vec::new());
        assert_eq!(
            seen(&found),
            ["nothing in it was recognized / 未识别出其中的内容"]
        );
        found.incomplete = Some("text not looked for: its model is missing".to_owned());
        let expected = "not all of it could be analyzed / 未能完整分析";
        assert_eq!(seen(&found), [expected]);
        found.incomplete = None;
        found.classes = vec![ImageClass {
            label: "tabby, tabby cat".to_owned(),
            score: 0.9,
        }];
        assert_eq!(seen(&found), ["most likely: tabby / 很可能是：tabby"]);
        found.classes[0].score = 0.5;
        assert!(seen(&found)[0].starts_with("nothing"));
        found.faces = vec![face("happy", 0.98), face("neutral", 0.99)];
        assert_eq!(
            seen(&found),
            [
                "2 faces / 2张人脸",
                "one face looks happy / 一张脸看上去高兴"
            ]
        );
    }

    #[test]
    fn words_are_quoted_in_one_line_and_large_colors_named() {
        let mut found = picture(Vec::new());
        let line = |text: &str, score| TextLine {
            text: text.to_owned(),
            score,
            bounds: [0.0; 4],
            corners: [[0.0, 0.0], [90.0, 0.0], [90.0, 20.0], [0.0, 20.0]],
        };
        found.lines = vec![
            line("STOP", 0.95),
            line("h", 0.99),
            line("huh", 0.55),
            line("HERE", 0.94),
        ];
        let color = |name: &str, share| NamedColor {
            name: name.to_owned(),
            hex: "#000000".to_owned(),
            share,
        };
        found.colors = vec![color("red", 0.7), color("white", 0.2)];
        let words = "it reads “STOP HERE” / 上面写着：“STOP HERE”";
        assert_eq!(seen(&found), [words, "mostly red / 主色为红色"]);
        found.colors[0].share = 0.4;
        assert_eq!(seen(&found), [words], "less than half of it");
        found.colors[1].share = 0.3;
        let both = "mostly red and white / 主色为红色和白色";
        assert_eq!(seen(&found), [words, both]);
    }
}
