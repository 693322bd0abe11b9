//! Sentences that a report puts together itself, in both languages: about all inputs, and about one where no view says what it is.

use aimass_locale::{Text, language_name, size, text};
use aimass_runtime::{FoundLanguage, Noun};

use super::mentions::Kind;

/// From this confidence on a language is named without doubt.
const SURE: f64 = 0.8;

/// The title of a report on that many inputs.
pub(super) fn title(inputs: u32) -> Text {
    let counted = counted(inputs, "input", "inputs");
    text!("Report on {counted}", "关于 {inputs} 份输入的报告")
}

/// The headings of the digest.
pub(super) fn came() -> Text {
    text!("What came", "收到的内容")
}

pub(super) fn about() -> Text {
    text!("What it is about", "主要内容")
}

pub(super) fn asked() -> Text {
    text!("What is asked or complained of", "请求与投诉")
}

pub(super) fn found() -> Text {
    text!("What was found", "发现")
}

pub(super) fn ties() -> Text {
    text!("What hangs together", "相互关联")
}

pub(super) fn failed() -> Text {
    text!("What came to nothing", "没有结果的内容")
}

pub(super) fn of_model() -> Text {
    text!("In the words of the language model", "语言模型的概括")
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

/// The names of inputs, and how many more there are: `a.txt, b.txt and 4 more`.
pub(super) fn named(names: &[String], more: usize) -> Text {
    let mut english = names.to_vec();
    let mut chinese = listed(names, "、", " 和 ");
    if more > 0 {
        english.push(format!("{more} more"));
        chinese = format!("{} 等 {} 份输入", names.join("、"), names.len() + more);
    }
    Text {
        english: listed(&english, ", ", " and "),
        chinese,
    }
}

/// A sentence of an input, word for word.
pub(super) fn says(name: &str, quote: &str) -> Text {
    text!("{name}: “{quote}”", "{name}：“{quote}”")
}

/// What an agent states of an input.
pub(super) fn of(name: &str, statement: &Text) -> Text {
    let Text { english, chinese } = statement;
    text!("{name}: {english}", "{name}：{chinese}")
}

/// That inputs are close in meaning, and a sentence of one of them.
pub(super) fn group(inputs: usize, first: &str, quote: &str) -> Text {
    text!(
        "{inputs} inputs are close in meaning, among them {first}: “{quote}”",
        "{inputs} 份输入含义相近，其中 {first}：“{quote}”"
    )
}

/// The dates, amounts or names that inputs speak of.
pub(super) fn things(kind: Kind, shown: &[&str], more: usize) -> Text {
    let Text { english, chinese } = match kind {
        Kind::Date => text!("Dates", "日期"),
        Kind::Amount => text!("Amounts", "金额"),
        Kind::Name => text!("Names", "姓名与名称"),
        Kind::Number => text!("Numbers", "编号"),
    };
    let all = shown.join("; ");
    let in_chinese = shown.join("；");
    match more {
        0 => text!("{english}: {all}.", "{chinese}：{in_chinese}。"),
        _ => text!(
            "{english}: {all}; and {more} more.",
            "{chinese}：{in_chinese}；另有 {more} 项。"
        ),
    }
}

/// That so many more inputs ask or complain of something.
pub(super) fn more_ask(inputs: u32) -> Text {
    let (counted, verb) = match inputs {
        1 => ("1 more input".to_owned(), "asks or complains"),
        _ => (format!("{inputs} more inputs"), "ask or complain"),
    };
    text!(
        "{counted} {verb} in such words.",
        "另有 {inputs} 份输入含有这类措辞。"
    )
}

/// That so much more was found.
pub(super) fn more_found(facts: u32) -> Text {
    let verb = if facts == 1 { "is" } else { "are" };
    let counted = counted(facts, "more finding", "more findings");
    text!(
        "{counted} {verb} among the details.",
        "其余 {facts} 项发现见详细内容。"
    )
}

/// That inputs speak of the same thing.
pub(super) fn share(named: &Text, inputs: usize, thing: &str) -> Text {
    let Text { english, chinese } = named;
    let both = if inputs == 2 { " both" } else { " all" };
    text!(
        "{english}{both} speak of {thing}.",
        "{chinese} 都提到 {thing}。"
    )
}

/// That nothing was found out about inputs.
pub(super) fn unread(named: &Text) -> Text {
    let Text { english, chinese } = named;
    text!(
        "Nothing was found out about {english}.",
        "关于 {chinese}，没有任何发现。"
    )
}

/// Which other input means the most similar thing.
pub(super) fn nearest(other: &str, similarity: f32) -> Text {
    text!(
        "The closest to it in meaning is {other} (similarity {similarity:.2}).",
        "与它含义最接近的是 {other}（相似度 {similarity:.2}）。"
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
                unread(&named(&["a.bin".to_owned(), "b.bin".to_owned()], 4)),
                "Nothing was found out about a.bin, b.bin and 4 more.",
                "关于 a.bin、b.bin 等 6 份输入，没有任何发现。",
            ),
            (
                share(
                    &named(&["a.txt".to_owned(), "b.txt".to_owned()], 0),
                    2,
                    "48213",
                ),
                "a.txt and b.txt both speak of 48213.",
                "a.txt 和 b.txt 都提到 48213。",
            ),
            (
                things(Kind::Amount, &["129 euros", "$5"], 2),
                "Amounts: 129 euros; $5; and 2 more.",
                "金额：129 euros；$5；另有 2 项。",
            ),
            (
                more_ask(1),
                "1 more input asks or complains in such words.",
                "另有 1 份输入含有这类措辞。",
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
