//! Sentences that a report puts together itself, in both languages: about all inputs, and about one where no view says what it is.

use aimass_locale::{Text, language_name, size, text};
use aimass_runtime::{FoundLanguage, Noun};

/// From this confidence on a language is named without doubt.
const SURE: f64 = 0.8;

/// The title of a report on that many inputs.
pub(super) fn title(inputs: u32) -> Text {
    let counted = counted(inputs, "input", "inputs");
    text!("Report on {counted}", "关于 {inputs} 份输入的报告")
}

/// The heading of the first section.
pub(super) fn overview() -> Text {
    text!("Overview", "概览")
}

/// What was given: so many of each kind, in the order of their first ones; and whatever is no file.
pub(super) fn inputs(kinds: &[(Noun, u32)], others: u32) -> Text {
    let other = Noun {
        one: text!("other input", "其他输入"),
        several: text!("other inputs", "份其他输入"),
    };
    let all: u32 = kinds.iter().map(|(_, count)| count).sum::<u32>() + others;
    let each = kinds.iter().cloned().chain([(other, others)]);
    let each = each.filter(|(_, count)| *count > 0);
    let (english, chinese): (Vec<_>, Vec<_>) = each
        .map(|(noun, count)| noun.counted(count))
        .map(|counted| (counted.english, counted.chinese))
        .unzip();
    let (english, chinese) = (
        listed(&english, ", ", " and "),
        listed(&chinese, "、", "和 "),
    );
    let verb = if all == 1 { "was" } else { "were" };
    text!("{english} {verb} given.", "共收到 {chinese}。")
}

/// In which languages how many inputs are, the most frequent one first.
pub(super) fn languages(counts: &[(String, u32)]) -> Text {
    let each = counts.iter().map(|(language, inputs)| {
        let Text { english, chinese } = language_name(language);
        (
            format!("{inputs} in {english}"),
            format!("{chinese} {inputs} 份"),
        )
    });
    let (english, chinese): (Vec<_>, Vec<_>) = each.unzip();
    // The verb goes with the first number.
    let one = counts.first().is_some_and(|(_, inputs)| *inputs == 1);
    let verb = if one { "is" } else { "are" };
    let english = listed(&english, ", ", " and ").replacen(" in ", &format!(" {verb} in "), 1);
    let chinese = chinese.join("，");
    text!(
        "Of those whose language is known, {english}.",
        "已识别语言的输入：{chinese}。"
    )
}

/// Which two inputs mean the most similar things.
pub(super) fn closest(one: &str, other: &str, similarity: f32) -> Text {
    text!(
        "The closest in meaning are {one} and {other} (similarity {similarity:.2}).",
        "含义最接近的是 {one} 和 {other}（相似度 {similarity:.2}）。"
    )
}

/// That only the first inputs were compared with each other.
pub(super) fn compared(inputs: usize) -> Text {
    text!(
        "Only the first {inputs} inputs were compared with each other.",
        "仅对前 {inputs} 份输入作了相互比较。"
    )
}

/// What a file is, where no view says it.
pub(super) fn identity(
    name: &str,
    noun: &Noun,
    bytes: u64,
    language: Option<&FoundLanguage>,
) -> Text {
    let size = size(bytes);
    let spoken = language.map(|found| {
        let Text { english, chinese } = language_name(&found.code);
        match found.confidence < SURE {
            true => text!(", probably in {english}", "，语言可能为{chinese}"),
            false => text!(", in {english}", "，语言为{chinese}"),
        }
    });
    let Text { english, chinese } = spoken.unwrap_or_default();
    let Noun { one, several } = noun;
    let article = article(&one.english);
    let (one, several) = (&one.english, &several.chinese);
    // Chinese counts a thing with the word that stands between number and noun: 一份文本.
    text!(
        "{name} is {article} {one} of {size}{english}.",
        "{name} 是一{several}，大小为 {size}{chinese}。"
    )
}

/// The indefinite article before a noun of English.
fn article(noun: &str) -> &'static str {
    match noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}

/// How a text begins.
pub(super) fn begins(quote: &str) -> Text {
    text!("It begins: “{quote}”", "开头写道：“{quote}”")
}

/// That nothing was found out about an input.
pub(super) fn unread(name: &str) -> Text {
    text!(
        "Nothing was found out about {name}.",
        "关于 {name}，没有任何发现。"
    )
}

/// Which other input means the most similar thing.
pub(super) fn nearest(other: &str, similarity: f32) -> Text {
    text!(
        "The closest to it in meaning is {other} (similarity {similarity:.2}).",
        "与它含义最接近的是 {other}（相似度 {similarity:.2}）。"
    )
}

/// That a model was asked about the first inputs only, and `left_out` more are left out from `first` on.
pub(super) fn asked(inputs: u32, left_out: usize, first: &str) -> Text {
    let verb = if left_out == 1 { "is" } else { "are" };
    text!(
        "A model was asked about the first {inputs} texts and recordings only; {left_out} more {verb} left out, from {first} on.",
        "仅就前 {inputs} 份文本和录音询问了模型；其余 {left_out} 份未询问，从 {first} 起。"
    )
}

/// That sentences of a model on so many inputs rest on the beginnings of these.
pub(super) fn beginnings(inputs: u32, bytes: usize) -> Text {
    let counted = counted(inputs, "input", "inputs");
    let their = if inputs == 1 { "its" } else { "their" };
    text!(
        "What the model says of {counted} rests on {their} first {bytes} bytes.",
        "模型对其中 {inputs} 份输入的描述仅依据其开头 {bytes} 字节。"
    )
}

fn counted(count: u32, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}

/// `a, b and c`
fn listed(all: &[String], between: &str, before_last: &str) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}{before_last}{last}", first.join(between)),
    }
}

#[cfg(test)]
mod tests {
    use aimass_runtime::{Evidence, FileKinds};

    use super::*;

    fn noun(kind: &str) -> Noun {
        let kind = format!("file.{kind}@1").parse().unwrap();
        FileKinds::default().noun(&kind).unwrap()
    }

    #[test]
    fn sentences_are_put_together_in_both_languages() {
        for (sentence, english, chinese) in [
            (
                inputs(&[(noun("audio"), 1), (noun("text"), 2)], 0),
                "1 recording and 2 texts were given.",
                "共收到 1 段录音和 2 份文本。",
            ),
            (
                inputs(&[(noun("image"), 1)], 0),
                "1 image was given.",
                "共收到 1 张图像。",
            ),
            (
                inputs(&[], 2),
                "2 other inputs were given.",
                "共收到 2 份其他输入。",
            ),
            (
                languages(&[("de".to_owned(), 2), ("xx".to_owned(), 1)]),
                "Of those whose language is known, 2 are in German and 1 in xx.",
                "已识别语言的输入：德语 2 份，xx 1 份。",
            ),
            (
                asked(64, 2, "b.txt"),
                "A model was asked about the first 64 texts and recordings only; 2 more are left out, from b.txt on.",
                "仅就前 64 份文本和录音询问了模型；其余 2 份未询问，从 b.txt 起。",
            ),
            (
                beginnings(1, 2000),
                "What the model says of 1 input rests on its first 2000 bytes.",
                "模型对其中 1 份输入的描述仅依据其开头 2000 字节。",
            ),
        ] {
            assert_eq!(
                sentence,
                Text {
                    english: english.to_owned(),
                    chinese: chinese.to_owned()
                }
            );
        }
    }

    #[test]
    fn an_unsure_language_is_named_with_doubt() {
        let said = |kind, confidence| {
            let language = FoundLanguage {
                code: "fr".to_owned(),
                confidence,
                evidence: Evidence::Writing,
            };
            identity("a", &noun(kind), 1234, Some(&language)).english
        };
        assert_eq!(
            said("text", 0.3),
            "a is a text of 1.2 kB, probably in French."
        );
        assert_eq!(said("text", 0.9), "a is a text of 1.2 kB, in French.");
        assert_eq!(said("image", 0.9), "a is an image of 1.2 kB, in French.");
    }
}
